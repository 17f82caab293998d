# SPDX-License-Identifier: MIT
"""The log as a whole: a journal that safety can use, and what it says to its users."""

import pytest

from flyball.core.errors import InvariantError, RunError
from flyball.core.journal import START, MemoryJournal
from flyball.safety.audit import latest
from flyball.safety.latch import Mode, replayed
from flyball.serving.log import LogConflictError, LogSettings, open_log
from tests.serving.log.samples import BEGAN_S, decision, stop

SETTINGS = LogSettings(durability="process")


@pytest.fixture
def log(tmp_path):
    with open_log(tmp_path / "log.db", SETTINGS) as log:
        yield log


def test_it_is_the_journal_that_a_journal_in_memory_is(log):
    memory = MemoryJournal()
    for record in (stop(0), decision(0), {"anything": ["1", 2.5e-7, None, True]}):
        assert log.append(record) == memory.append(record)

    assert list(log.records()) == list(memory.records())
    assert log.head == memory.head
    assert replayed(log.records()).mode == Mode.TRIPPED
    assert log.fault == ""


def test_a_new_log_is_empty(log):
    assert log.head == (0, START)
    assert list(log.records()) == []
    assert latest(log.records()) is None
    assert log.verify() == (0, START)
    assert log.to_parquet(log.path.with_name("log.parquet")) == 0


def test_a_repeated_id_is_answered_as_before_and_another_request_is_refused(log):
    first = log.keep(decision(0))

    again = log.keep(decision(0, applied=[0.0]))

    assert (again.record, again.hash, again.fresh) == (first.record, first.hash, False)
    assert log.append(decision(0)) == first.hash
    with pytest.raises(LogConflictError, match="give every request an id of its own"):
        log.append(decision(0, request="other"))
    assert log.head[0] == 1


def test_an_outcome_needs_a_decision_and_says_one_thing(log):
    log.append(decision(0))
    with pytest.raises(RunError, match="outcome 'o': no decision 'decision-1'; allowed: the id"):
        log.outcome("decision-1", "o", "cost", 1.0, BEGAN_S)

    first = log.outcome("decision-0", "o", "cost", 1.0, BEGAN_S)
    again = log.outcome("decision-0", "o", "cost", 1.0, BEGAN_S + 5.0)

    assert (first.fresh, again.fresh) == (True, False)
    assert again.hash == first.hash
    for said in (("decision-0", "o", "yield", 1.0), ("decision-0", "o", "cost", 2.0)):
        with pytest.raises(LogConflictError, match="outcome 'o' again, with another request"):
            log.outcome(*said, BEGAN_S)


def test_what_json_cannot_hold_is_a_fault_of_ours_and_is_not_kept(log):
    for keep in (log.append, log.submit):
        with pytest.raises(InvariantError):
            keep({"x": {1, 2}})

    assert log.head[0] == 0


def test_it_survives_being_closed_and_opened(tmp_path):
    with open_log(tmp_path / "log.db", SETTINGS) as log:
        for number in range(20):
            log.append(decision(number))
        head = log.head
    with pytest.raises(RunError, match="it is closed"):
        log.append(decision(20))

    with open_log(tmp_path / "log.db", SETTINGS) as log:
        assert log.verify() == head
        assert log.latest("unit-1") == decision(19)
    assert sorted(each.name for each in tmp_path.iterdir()) == ["log.db", "log.db.lock"]


def test_a_second_log_on_the_file_is_refused_and_leaves_the_first_alone(log):
    with pytest.raises(RunError, match="in use by another process, or by another log in this one"):
        open_log(log.path, SETTINGS)

    assert log.append(decision(0))
