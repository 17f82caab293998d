# SPDX-License-Identifier: MIT
"""The connection that writes against repeated ids, failing disks, and whoever meddles with it."""

import os
import resource
import sqlite3
import threading
from contextlib import closing

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from flyball.core.errors import RunError
from flyball.core.journal import START, MemoryJournal, verified
from flyball.serving.log import LogConflictError, LogLateError, LogSettings, retention, tracing
from flyball.serving.log import writer as writer_module
from flyball.serving.log.chain import draft
from flyball.serving.log.writer import Writer
from tests.serving.log.decisions import decision, stop

SETTINGS = LogSettings(durability="process")


@pytest.fixture
def path(tmp_path):
    return tmp_path / "log.db"


@pytest.fixture(autouse=True)
def always_look(monkeypatch):
    monkeypatch.setattr(writer_module, "LOOK_S", 0.0)


def keep(writer, *records):
    return writer.keep([draft(record) for record in records])


def lines(path):
    with closing(sqlite3.connect(path)) as connection:
        return [line for (line,) in connection.execute("SELECT line FROM record ORDER BY sequence")]


def meddle(path, *statements):
    with closing(sqlite3.connect(path, isolation_level=None)) as connection:
        for statement in statements:
            connection.execute(statement)


def test_records_are_chained_as_a_journal_in_memory_chains_them(path):
    memory = MemoryJournal()
    with closing(Writer(path, SETTINGS)) as writer:
        records = [stop(0), decision(0), decision(1), {"anything": 1}]
        hashes = [memory.append(record) for record in records]

        answers = [*keep(writer, records[0]), *keep(writer, *records[1:])]

        assert [own.hash for own in answers] == hashes
        assert [own.sequence for own in answers] == [0, 1, 2, 3]
        assert writer.head == memory.head
        assert all(own.fresh for own in answers)
    assert [own.record for own in verified(lines(path), "log")] == records


def test_a_log_goes_on_where_it_ended(path):
    with closing(Writer(path, SETTINGS)) as writer:
        assert writer.head == (0, START)
        keep(writer, decision(0))
        head = writer.head

    with closing(Writer(path, SETTINGS)) as writer:
        assert writer.head == head
        keep(writer, decision(1))

    assert len(list(verified(lines(path), "log"))) == 2


def test_a_repeated_id_gives_back_what_was_kept_and_writes_nothing(path):
    with closing(Writer(path, SETTINGS)) as writer:
        (first,) = keep(writer, decision(0))
        head = writer.head

        (again,) = keep(writer, decision(0, applied=[9.0], reason="another try"))

        assert again == first._replace(fresh=False)
        assert again.record == decision(0)
        assert writer.head == head


def test_a_repeated_id_in_one_commit_is_one_record_and_others_are_kept(path):
    with closing(Writer(path, SETTINGS)) as writer:
        keep(writer, decision(0))

        answers = keep(
            writer, decision(1), decision(0), decision(1), decision(2), decision(2, request="x")
        )

        assert [own.sequence for own in answers[:4]] == [1, 0, 1, 2]
        assert [own.fresh for own in answers[:4]] == [True, False, False, True]
        assert isinstance(answers[4], LogConflictError)
    assert len(list(verified(lines(path), "log"))) == 3


def test_the_same_id_for_another_request_is_refused(path):
    with closing(Writer(path, SETTINGS)) as writer:
        keep(writer, decision(0))

        (refused,) = keep(writer, decision(0, request="something else"))

        assert isinstance(refused, LogConflictError)
        assert "decision 'decision-0' again, with another request than that of record 0" in str(
            refused
        )
        assert writer.head[0] == 1


@settings(max_examples=30)
@given(st.lists(st.lists(st.integers(0, 5), max_size=5), max_size=5))
def test_however_ids_repeat_each_is_kept_once_in_the_order_in_which_it_first_came(
    tmp_path_factory, commits
):
    path = tmp_path_factory.mktemp("log") / "log.db"
    first: list[int] = []
    with closing(Writer(path, SETTINGS)) as writer:
        for numbers in commits:
            answers = keep(writer, *({"kind": "decision", "decision_id": str(n)} for n in numbers))
            first += [n for k, n in enumerate(numbers) if n not in first + numbers[:k]]

            assert [own.sequence for own in answers] == [first.index(n) for n in numbers]

    kept = [int(own.record["decision_id"]) for own in verified(lines(path), "log")]
    assert kept == first


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


def until_refused(writer):
    """Write until it is refused, and return why."""
    for number in range(2000):
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


def test_a_file_that_another_process_locks_refuses_at_once_and_then_goes_on(path):
    with closing(Writer(path, SETTINGS)) as writer:
        with closing(sqlite3.connect(path, isolation_level=None)) as other:
            other.execute("BEGIN IMMEDIATE")
            for _ in range(2):
                with pytest.raises(RunError, match="record 0 was not kept: locked by another proc"):
                    keep(writer, decision(0))

        (own,) = keep(writer, decision(0))

        assert (own.sequence, own.fresh) == (0, True)


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


@pytest.mark.parametrize(
    ("statement", "says"),
    [("UPDATE record SET line = CAST(replace(CAST(line AS TEXT), 'anna', 'otto') AS BLOB)",
      "line 5: what is written does not fit its hash"),
     ("DELETE FROM record WHERE sequence = 6", "line 7: record 7, which follows"),
     ("UPDATE anchor SET sequence = 12", "12 records")],
)  # fmt: skip
def test_a_change_among_the_last_records_is_found_on_opening(path, statement, says):
    with closing(Writer(path, SETTINGS)) as writer:
        keep(writer, *(decision(number) for number in range(10)))
    meddle(path, statement)

    with pytest.raises(RunError, match=says):
        Writer(path, LogSettings(durability="process", checked=6))

    meddle(path, "UPDATE anchor SET sequence = 0")
    Writer(path, LogSettings(durability="process", checked=0)).close()  # nothing stays locked


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


def test_a_second_log_on_the_file_and_a_forked_one_are_refused(path):
    with closing(Writer(path, SETTINGS)) as writer:
        with pytest.raises(RunError, match="in use by another process, or by another log"):
            Writer(path, SETTINGS)
        child = os.fork()
        if child == 0:
            try:
                keep(writer, decision(0))
            except RunError as error:
                os._exit(7 if "forked" in str(error) else 8)
            os._exit(9)

        _, status = os.waitpid(child, 0)

        assert os.waitstatus_to_exitcode(status) == 7
        assert keep(writer, decision(0))[0].sequence == 0


def test_nobody_waits_longer_for_his_turn_than_he_says(path):
    with closing(Writer(path, SETTINGS)) as writer:
        inside, leave = threading.Event(), threading.Event()

        def hold():
            with writer.turn("nothing"):
                inside.set()
                leave.wait(10.0)

        holder = threading.Thread(target=hold)
        holder.start()
        inside.wait(10.0)
        with pytest.raises(LogLateError, match=r"not kept within 0\.05 s; it will not be kept"):
            writer.keep([draft(decision(0))], wait_s=0.05)
        leave.set()
        holder.join()

        assert writer.head[0] == 0


def test_a_closed_log_keeps_nothing(path):
    writer = Writer(path, SETTINGS)
    writer.close()
    writer.close()

    with pytest.raises(RunError, match="record 0 was not kept: it is closed"):
        keep(writer, decision(0))
