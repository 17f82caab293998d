# SPDX-License-Identifier: MIT
"""A journal in a file against kill -9, full disks, other processes and changed bytes."""

import errno
import os
import resource
import signal
import subprocess
import sys
from pathlib import Path
from time import monotonic, sleep

import numpy as np
import pytest

from flyball.core.errors import RunError
from flyball.core.journal import MemoryJournal
from flyball.core.journal_file import FileJournal

WRITER = """
import sys
from pathlib import Path
from flyball.core.journal_file import FileJournal

journal = FileJournal(Path(sys.argv[1]), durability=sys.argv[2])
number = journal.head[0]
print(number, flush=True)
while True:
    journal.append({"number": number, "filling": "x" * (number * 7919 % 400_000)})
    number += 1
    print(number, flush=True)
"""


def in_file(path):
    """Return what a journal's file holds, by numbers."""
    with FileJournal(path, durability="process") as journal:
        return [record["number"] for record in journal.records()]


def written(path, n):
    """Write n records and return what the file holds."""
    with FileJournal(path) as journal:
        for number in range(n):
            journal.append({"number": number, "umlaut": "ü"})
    return path.read_bytes()


def write_and_kill(path, durability, wait_s):
    """Let a process write until it is killed; return how many records it said were kept."""
    with subprocess.Popen(  # noqa: S603 - this interpreter
        [sys.executable, "-c", WRITER, str(path), durability],
        stdout=subprocess.PIPE, text=True, cwd=Path(__file__).parents[2],
    ) as process:  # fmt: skip
        assert process.stdout is not None
        first = process.stdout.readline()
        sleep(wait_s)
        process.send_signal(signal.SIGKILL)
        # A last line may be cut off like everything else.
        whole = [line for line in (first + process.stdout.read()).splitlines(True) if "\n" in line]
    return int(whole[-1])


@pytest.mark.parametrize("durability", ["power", "process"])
def test_whatever_was_acknowledged_survives_kill_9_at_any_time(tmp_path, durability):
    path, draw, kills, acknowledged = tmp_path / "log.jsonl", np.random.default_rng(1), 0, 0
    began = monotonic()
    while monotonic() - began < 3.0:
        acknowledged = write_and_kill(path, durability, draw.uniform(0.0, 0.03))
        kills += 1

        kept = in_file(path)

        # At most the one that was being written is kept without having been acknowledged.
        assert kept == list(range(len(kept)))
        assert acknowledged <= len(kept) <= acknowledged + 1
    assert kills > 5
    assert acknowledged > kills


def test_a_file_cut_off_anywhere_keeps_every_record_whose_bytes_are_all_there(tmp_path):
    path = tmp_path / "log.jsonl"
    content = written(path, 3)
    ends = [i + 1 for i, byte in enumerate(content) if byte == ord("\n")]
    for cut in range(len(content) + 1):
        path.write_bytes(content[:cut])

        with FileJournal(path, durability="process") as journal:
            kept, note = journal.head[0], journal.note
            journal.append({"number": kept})

        assert kept == sum(cut >= end - 1 for end in ends)
        whole = cut in (0, *ends, *(end - 1 for end in ends))
        assert bool(note) != whole
        assert in_file(path) == list(range(kept + 1))
    assert "line 3: dropped 40 bytes of a record" in cut_note(path, content[: ends[1] + 40])


def cut_note(path, content):
    path.write_bytes(content)
    with FileJournal(path) as journal:
        return journal.note


def test_every_changed_byte_is_found_on_opening(tmp_path):
    path, draw = tmp_path / "log.jsonl", np.random.default_rng(2)
    content = written(path, 3)
    for place in range(len(content)):
        broken = bytearray(content)
        broken[place] ^= 1 << int(draw.integers(8))
        path.write_bytes(broken)

        with pytest.raises(RunError, match=r"log\.jsonl line \d: .*; allowed: .*; fix: keep"):
            FileJournal(path, durability="process")

        assert path.read_bytes() == broken  # nothing is mended silently


def test_a_change_behind_the_back_of_an_open_journal_is_found(tmp_path):
    path = tmp_path / "log.jsonl"
    for harm in (lambda: path.write_bytes(b""), path.unlink):
        with FileJournal(path) as journal:
            journal.append({"number": 0})
            harm()

            for _ in range(2):
                with pytest.raises(RunError, match="changed or deleted by someone else"):
                    journal.append({"number": 1})

    written(path, 2)
    with FileJournal(path) as journal:
        path.write_bytes(path.read_bytes().replace(b'"number":0', b'"number":7'))
        with pytest.raises(RunError, match="line 1: what is written does not fit its hash"):
            list(journal.records())


def test_a_file_belongs_to_one_process_and_to_one_journal_in_it(tmp_path):
    path = tmp_path / "log.jsonl"
    with FileJournal(path) as journal:
        journal.append({"number": 0})

        with pytest.raises(RunError, match="in use by another process") as refused:
            FileJournal(path)
        other = subprocess.run(  # noqa: S603 - this interpreter
            [sys.executable, "-c", WRITER, str(path), "power"],
            capture_output=True, text=True, check=False, cwd=Path(__file__).parents[2],
        )  # fmt: skip

        assert "in use by another process" in other.stderr
        assert other.stdout == ""
        assert refused.value.problems[0].fix.startswith("stop the other process")
        journal.append({"number": 1})
    assert in_file(path) == [0, 1]


def test_a_forked_process_cannot_write_into_its_parents_journal(tmp_path, monkeypatch):
    with FileJournal(tmp_path / "log.jsonl") as journal:
        monkeypatch.setattr(os, "getpid", lambda: -1)

        with pytest.raises(RunError, match="forked from"):
            journal.append({"number": 0})

    assert in_file(tmp_path / "log.jsonl") == []


def test_a_full_disk_keeps_nothing_of_a_record_and_everything_before_it(tmp_path):
    path = tmp_path / "log.jsonl"
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    with FileJournal(path) as journal:
        journal.append({"number": 0})
        size = path.stat().st_size
        resource.setrlimit(resource.RLIMIT_FSIZE, (size + 100, hard))
        try:
            with pytest.raises(RunError, match="record 1 was not kept: File too large; allowed"):
                journal.append({"number": 1, "filling": "x" * 1000})
        finally:
            resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))

        assert path.stat().st_size == size
        journal.append({"number": 1})  # there is room again
    assert in_file(path) == [0, 1]


def test_after_a_failed_flush_nothing_more_is_promised(tmp_path, monkeypatch):
    path = tmp_path / "log.jsonl"
    with FileJournal(path) as journal:
        journal.append({"number": 0})
        with monkeypatch.context() as broken:
            broken.setattr(os, "fsync", failing(errno.EIO))
            with pytest.raises(RunError, match="record 1 was not kept: Input/output error"):
                journal.append({"number": 1})

        with pytest.raises(RunError, match="record 1 was not kept: the disk failed"):
            journal.append({"number": 1})

    assert in_file(path) == [0]


def test_what_cannot_be_taken_back_closes_the_journal_to_more(tmp_path, monkeypatch):
    path = tmp_path / "log.jsonl"
    with FileJournal(path) as journal:
        journal.append({"number": 0})
        with monkeypatch.context() as broken:
            write = os.write
            broken.setattr(os, "write", lambda handle, line: write(handle, line[:30]))
            broken.setattr(os, "fsync", failing(errno.ENOSPC))
            broken.setattr(os, "ftruncate", failing(errno.EROFS))
            with pytest.raises(RunError, match="No space left on device"):
                journal.append({"number": 1})

        with pytest.raises(RunError, match="could not be taken back"):
            journal.append({"number": 1})

    # It may be there all the same: it was written, only nobody was told so.
    assert in_file(path) == [0, 1]


def test_an_interrupted_append_leaves_no_trace(tmp_path, monkeypatch):
    path = tmp_path / "log.jsonl"
    with FileJournal(path) as journal:
        with monkeypatch.context() as interrupted:
            interrupted.setattr(os, "fsync", failing(None))
            with pytest.raises(KeyboardInterrupt):
                journal.append({"number": 9})

        journal.append({"number": 0})
    assert in_file(path) == [0]


def failing(code):
    """Return a call of the system that fails, or is interrupted."""

    def fail(*_):
        if code is None:
            raise KeyboardInterrupt
        raise OSError(code, os.strerror(code))

    return fail


def test_what_cannot_be_opened_says_what_to_do(tmp_path, monkeypatch):
    for path in (tmp_path, tmp_path / "none" / "log.jsonl", Path("/dev/full")):
        with pytest.raises(RunError) as refused:
            FileJournal(path)
        assert refused.value.problems[0].where == str(path)
    monkeypatch.setattr(os, "open", failing(errno.EROFS))

    with pytest.raises(RunError, match=r"cannot be opened: Read-only file system; .*; fix: make"):
        FileJournal(tmp_path / "log.jsonl")


def test_a_closed_journal_keeps_and_tells_nothing(tmp_path):
    journal = FileJournal(tmp_path / "log.jsonl")
    journal.close()
    journal.close()

    with pytest.raises(RunError, match="it is closed"):
        journal.append({"number": 0})
    with pytest.raises(RunError, match="it is closed"):
        list(journal.records())


def test_a_file_and_the_memory_give_the_same_hashes(tmp_path, monkeypatch):
    memory = MemoryJournal()
    monkeypatch.setattr("flyball.core.journal_file.CHUNK", 97)  # lines across many reads
    with FileJournal(tmp_path / "log.jsonl") as journal:
        for number in range(5):
            record = {"number": number, "x": -0.0, "words": "ü" * 60}
            assert journal.append(record) == memory.append(record)

        assert list(journal.records()) == list(memory.records())
        assert journal.head == memory.head
