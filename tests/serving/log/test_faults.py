# SPDX-License-Identifier: MIT
"""The connection that writes against disks that fail and whoever meddles with its file."""

import resource
import sqlite3
import subprocess
from contextlib import closing, suppress
from time import monotonic

import pytest

from flyball.core.errors import RunError
from flyball.core.journal import verified
from flyball.serving.log import (
    LogSettings,
    open_log,
    retention,
    schema,
    tracing,
)
from flyball.serving.log import writer as writer_module
from flyball.serving.log.writer import Writer
from tests.serving.log.samples import decision, keep, lines, meddle
from tests.serving.log.test_refusals import raised

SETTINGS = LogSettings(durability="process")


@pytest.fixture
def path(tmp_path):
    return tmp_path / "log.db"


@pytest.fixture(autouse=True)
def always_look(monkeypatch):
    monkeypatch.setattr(writer_module, "LOOK_S", 0.0)


def test_a_full_file_refuses_at_once_and_goes_on_when_there_is_room(path):
    small = LogSettings(durability="process", max_bytes=1 << 20)
    with closing(Writer(path, small)) as writer:
        refused = until_refused(writer)
        full, _ = writer.head
        assert 300 < full < 1000
        assert f"record {full} was not kept: the disk is full, or the file has the" in refused

        assert retention.drop(writer, 0, 100, 0.0) == 100
        keep(writer, decision(full))

        assert writer.head[0] == full + 2  # retention has a record of its own
        behind = tracing.anchor(writer.connection)
    assert len(list(verified(lines(path), "log", behind))) == full - 98


def until_refused(writer, first=0):
    """Write until it is refused, and return why."""
    for number in range(first, first + 2000):
        try:
            keep(writer, decision(number))
        except RunError as error:
            return str(error)
    return "never"


def test_a_disk_without_room_keeps_nothing_of_a_record_and_everything_before_it(path):
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    with closing(Writer(path, SETTINGS)) as writer:
        keep(writer, decision(0))
        resource.setrlimit(resource.RLIMIT_FSIZE, (writer.beside_bytes + 5000, hard))
        try:
            with pytest.raises(RunError, match="record 1 was not kept: the disk failed"):
                keep(writer, decision(1), decision(2))
        finally:
            resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))

        (own,) = keep(writer, decision(3))  # there is room again

        assert own.sequence == 1
    assert [own.record for own in verified(lines(path), "log")] == [decision(0), decision(3)]


@pytest.fixture
def small_disk(tmp_path):
    """Return a folder on a disk of three megabytes, where the system lets one be mounted."""
    folder = tmp_path / "disk"
    folder.mkdir()
    mount = ["mount", "-t", "tmpfs", "-o", "size=3m", "tmpfs", str(folder)]
    made = subprocess.run(mount, capture_output=True, check=False)  # noqa: S603
    if made.returncode:
        pytest.skip("no right to mount a disk")
    yield folder
    subprocess.run(["umount", "-l", str(folder)], check=True)  # noqa: S603, S607


@pytest.mark.slow
@pytest.mark.parametrize("durability", ["process", "power"])
def test_a_disk_that_is_really_full_refuses_at_once_and_goes_on_when_there_is_room(
    small_disk, durability
):
    with open_log(small_disk / "log.db", LogSettings(durability=durability)) as log:
        for number in range(100):
            log.append(decision(number))
        with (small_disk / "filling").open("wb", buffering=0) as file, suppress(OSError):
            while True:
                file.write(bytes(4096))
        refused = until_refused(log._writer, 100)
        kept = log.head[0]
        assert "the disk is full" in refused

        began = monotonic()
        for number in range(50):
            with pytest.raises(RunError, match="the disk is full"):
                log.append(decision(1000 + number))
        took_s = monotonic() - began
        assert log.verify()[0] == kept
        (small_disk / "filling").unlink()
        log.append(decision(2000))

        assert log.verify()[0] == kept + 1
        assert took_s < 50 * LogSettings().wait_s / 2


def test_a_file_that_another_process_locks_refuses_at_once_and_then_goes_on(path):
    with closing(Writer(path, SETTINGS)) as writer:
        with closing(sqlite3.connect(path, isolation_level=None)) as other:
            other.execute("BEGIN IMMEDIATE")
            for _ in range(2):
                with pytest.raises(RunError, match="record 0 was not kept: locked by another proc"):
                    keep(writer, decision(0))

        (own,) = keep(writer, decision(0))

        assert (own.sequence, own.fresh) == (0, True)


def test_a_disk_on_which_not_even_a_connection_can_be_made_holds_nobody_up(path, monkeypatch):
    def full(*_):
        raise raised(sqlite3.SQLITE_FULL)

    with closing(Writer(path, SETTINGS)) as writer:
        keep(writer, decision(0))
        real = writer.connection
        writer.connection = Broken()
        with monkeypatch.context() as broken:
            broken.setattr(schema, "writing", full)
            for _ in range(3):
                with pytest.raises(RunError, match="nothing was changed: the disk is full"):
                    writer.change(lambda _: None, "nothing was changed")
                with pytest.raises(RunError, match="record 1 was not kept: the disk is full"):
                    keep(writer, decision(1))
        real.close()

        assert keep(writer, decision(1))[0].sequence == 1


class Broken:
    """A connection on a disk that is full, which was closed by whoever gave it up."""

    def execute(self, *_):
        raise raised(sqlite3.SQLITE_FULL)

    def rollback(self):
        msg = "Cannot operate on a closed database."
        raise sqlite3.ProgrammingError(msg)

    def close(self):
        pass


def test_a_commit_that_was_not_acknowledged_is_taken_over_and_given_back(path, monkeypatch):
    def interrupt(*_):
        raise KeyboardInterrupt

    with closing(Writer(path, SETTINGS)) as writer:
        keep(writer, decision(0))
        real = writer.connection
        monkeypatch.setattr(writer, "connection", Interrupted(real))
        with pytest.raises(KeyboardInterrupt):
            keep(writer, decision(1))
        monkeypatch.setattr(writer, "connection", real)
        assert writer.head[0] == 1

        again, after = keep(writer, decision(1), decision(2))

        assert (again.sequence, again.fresh) == (1, False)
        assert (after.sequence, after.fresh) == (2, True)
    assert len(list(verified(lines(path), "log"))) == 3


class Interrupted:
    """A connection behind which somebody presses Ctrl-C after a commit."""

    def __init__(self, connection):
        self.connection = connection

    def execute(self, statement, values=()):
        self.connection.execute(statement, values)
        raise KeyboardInterrupt


@pytest.mark.parametrize("beside", ["", "-wal"])
def test_a_file_that_was_deleted_refuses_and_one_that_is_put_back_goes_on(path, beside):
    with closing(Writer(path, SETTINGS)) as writer:
        keep(writer, decision(0))
        moved = path.with_name(path.name + beside)
        moved.rename(path.with_name("away"))

        for _ in range(2):
            with pytest.raises(RunError, match=r"was deleted or replaced; allowed: .*; fix: put"):
                keep(writer, decision(1))
        path.with_name("away").rename(moved)

        (own,) = keep(writer, decision(1))
        assert own.sequence == 1
    assert len(list(verified(lines(path), "log"))) == 2


def test_a_file_that_was_replaced_is_never_written(path):
    with closing(Writer(path, SETTINGS)) as writer:
        keep(writer, decision(0))
        copy = path.read_bytes()
        path.unlink()
        path.write_bytes(copy)

        with pytest.raises(RunError, match="deleted or replaced"):
            keep(writer, decision(1))

        assert path.read_bytes() == copy


def test_whatever_was_lost_of_the_file_beside_the_main_one_is_there_after_closing(path):
    with closing(Writer(path, SETTINGS)) as writer:
        keep(writer, decision(0))
        path.with_name(path.name + "-wal").unlink()
        with pytest.raises(RunError, match="deleted or replaced"):
            keep(writer, decision(1))

    assert len(list(verified(lines(path), "log"))) == 1


def test_what_something_else_wrote_into_it_is_found(path):
    with closing(Writer(path, SETTINGS)) as writer:
        keep(writer, decision(0))
        meddle(path, "INSERT INTO record (sequence, kind, request, line) VALUES (1, '', '', x'00')")

        with pytest.raises(RunError, match="record 1 was not kept: something else wrote into it"):
            keep(writer, decision(1))
        with pytest.raises(RunError, match="line 2: what is written does not fit its hash"):
            keep(writer, decision(1))


@pytest.mark.parametrize("statement", ["DELETE FROM record", "DELETE FROM record WHERE sequence=1"])
def test_records_that_went_missing_while_it_was_open_are_noticed_after_a_failure(path, statement):
    with closing(Writer(path, SETTINGS)) as writer:
        keep(writer, decision(0), decision(1))
        with closing(sqlite3.connect(path, isolation_level=None)) as other:
            other.execute("BEGIN IMMEDIATE")
            with pytest.raises(RunError, match="locked"):
                keep(writer, decision(2))
            other.execute(statement)
            other.execute("COMMIT")

        for _ in range(2):
            with pytest.raises(RunError, match="records that were kept are missing"):
                keep(writer, decision(2))


def test_a_damaged_page_and_a_file_that_is_none_are_named(path, tmp_path):
    with closing(Writer(path, SETTINGS)) as writer:
        keep(writer, *(decision(number) for number in range(200)))
    content = bytearray(path.read_bytes())
    content[8192:-4096] = bytes(len(content) - 12288)
    path.write_bytes(content)
    (tmp_path / "text").write_text("no database " * 100)

    with pytest.raises(RunError, match="it cannot be opened: its pages were damaged"):
        Writer(path, SETTINGS)
    with pytest.raises(RunError, match="it cannot be opened: no decision log"):
        Writer(tmp_path / "text", SETTINGS)


def test_what_can_only_be_read_is_refused(path):
    with closing(Writer(path, SETTINGS)) as writer:
        keep(writer, decision(0))
        # The rights of a file do not bind who runs as root, so SQLite is told.
        writer.connection.execute("PRAGMA query_only = ON")

        with pytest.raises(RunError, match="record 1 was not kept: it can only be read"):
            keep(writer, decision(1))

        assert keep(writer, decision(1))[0].sequence == 1  # connected anew
