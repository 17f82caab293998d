# SPDX-License-Identifier: MIT
"""The connection that writes against repeated ids and changed files, one at a time."""

import os
import threading
from contextlib import closing

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from flyball.core.errors import RunError
from flyball.core.journal import START, MemoryJournal, verified
from flyball.serving.log import (
    LogConflictError,
    LogLateError,
    LogSettings,
)
from flyball.serving.log import writer as writer_module
from flyball.serving.log.chain import draft
from flyball.serving.log.writer import Writer
from tests.serving.log.samples import decision, keep, lines, meddle, stop

# On later versions of Python forking is warned of where a test runner has threads.
pytestmark = pytest.mark.filterwarnings("ignore:.*fork.*:DeprecationWarning")

SETTINGS = LogSettings(durability="process")


@pytest.fixture
def path(tmp_path):
    return tmp_path / "log.db"


@pytest.fixture(autouse=True)
def always_look(monkeypatch):
    monkeypatch.setattr(writer_module, "LOOK_S", 0.0)


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
