# SPDX-License-Identifier: MIT
"""What trips, what takes it back, and what a journal that fails does to it."""

import threading

import numpy as np
import pytest

from flyball.core.errors import ConfigError, Problem, RunError
from flyball.core.journal import MemoryJournal
from flyball.core.journal_file import FileJournal
from flyball.safety.actuators import Hold
from flyball.safety.stop import EmergencyStop, Mode, StopConfig
from tests.safety.standstill import (
    CONFIG,
    SAFE,
    SIGNALS,
    VALUES,
    WANTED,
    Store,
    opened,
    running,
    situation,
    writes_policy,
)


def problem_of(call, *arguments):
    """Return the words of a refusal, whose five parts are all there."""
    with pytest.raises(RunError) as refused:
        call(*arguments)
    for problem in refused.value.problems:
        assert isinstance(problem, Problem)
        assert problem.where.startswith("emergency stop ")
        assert problem.found
        assert problem.allowed
        assert problem.fix
    return str(refused.value)


def test_a_new_journal_starts_tripped_and_runs_only_after_two_steps():
    store = Store()
    stop = opened(store)
    assert (stop.mode, stop.reasons) == (
        Mode.TRIPPED,
        ("it was never released: its journal is new",),
    )
    assert not writes_policy(stop)

    stop.clear(" Ann ", "r1", 2.0)
    assert not writes_policy(stop)
    stop.release("Bob", "r2", 3.0)

    assert writes_policy(stop)
    assert stop.reasons == ()
    assert [record["event"] for record in store.kept] == ["start", "clear", "release"]
    assert store.kept[1] == {
        "kind": "stop", "event": "clear", "now_s": 2.0, "person": "Ann", "request": "r1",
    }  # fmt: skip


def test_a_cause_trips_in_the_same_decision_and_is_written_down_once():
    store = Store()
    stop = running(store)
    n = len(store.kept)

    for _ in range(3):
        assert not writes_policy(stop, "broken (hot)", "lost")

    assert store.kept[n:] == (
        {"kind": "stop", "event": "trip", "now_s": 1.0, "reasons": ["broken (hot)", "lost"]},
    )
    assert stop.reasons == ("broken (hot)", "lost")


@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf])
def test_an_action_that_is_no_number_trips(value):
    stop = running(Store())

    found = stop.decide(np.array([value, 1.0]), situation())

    assert found.tolist() == SAFE
    assert stop.reasons == ("what should be applied is no number",)


def tagged(**settings):
    return running(Store(), StopConfig(actions=CONFIG.actions, tag="button", **settings))


@pytest.mark.parametrize(
    ("tag", "trusted", "reason"),
    [
        (0.0, True, "button is 0, not 1"),
        (0.5, True, "button is 0.5, not 1"),
        (np.nan, True, "button is nan, not 1"),
        (1.0, False, "button is stale or cannot be trusted"),
        (np.inf, False, "button is stale or cannot be trusted"),
    ],
)
def test_a_tag_that_is_not_healthy_for_sure_trips(tag, trusted, reason):
    stop = tagged()
    assert writes_policy(stop)

    assert not writes_policy(stop, tag=tag, trusted=trusted)

    assert stop.reasons == (reason,)
    assert reason in problem_of(stop.clear, "Ann", "r3", 2.0)
    assert not writes_policy(stop)  # it is healthy again, but the latch holds
    stop.clear("Ann", "r3", 2.0)
    assert not writes_policy(stop, tag=tag, trusted=trusted)
    assert stop.mode == Mode.TRIPPED


def test_a_tag_can_be_healthy_at_0():
    stop = running(Store(), CONFIG)
    assert writes_policy(stop, tag=0.0)  # no tag is watched

    store = Store()
    stop = opened(store, StopConfig(actions=CONFIG.actions, tag="button", healthy=False))
    stop.decide(WANTED, situation(tag=0.0))
    stop.clear("Ann", "r1", 1.0)
    stop.release("Ann", "r2", 1.0)

    assert writes_policy(stop, tag=0.0)
    assert not writes_policy(stop, tag=1.0)


def test_steps_back_that_may_not_be_taken_say_why_and_what_to_do():
    stop = opened(Store())
    assert "no decision was made since; allowed: no cause" in problem_of(stop.clear, "A", "r", 1.0)
    stop.decide(WANTED, situation())
    found = problem_of(stop.release, "Ann", "r", 1.0)
    assert (
        "emergency stop release: it is tripped; allowed: while it is cleared; fix: clear" in found
    )
    assert "person '', request 'r'" in problem_of(stop.clear, "  ", "r", 1.0)
    assert "person 'Ann', request ''" in problem_of(stop.clear, "Ann", "", 1.0)
    stop.clear("Ann", "r", 1.0)
    assert "request 'r' again" in problem_of(stop.release, "Ann", "r", 1.0)
    assert "it is cleared; allowed: while it is tripped" in problem_of(stop.clear, "Ann", "s", 1.0)
    stop.decide(WANTED, situation("hot"))
    assert "hot; allowed: no cause in the last decision" in problem_of(stop.clear, "Ann", "s", 1.0)


def test_where_two_people_are_asked_for_one_cannot_take_both_steps():
    stop = opened(Store(), StopConfig(actions=CONFIG.actions, two_people=True))
    stop.decide(WANTED, situation())
    stop.clear("Ann", "r1", 1.0)

    assert "Ann again; allowed: another person" in problem_of(stop.release, "Ann", "r2", 1.0)
    stop.release("Bob", "r2", 1.0)

    assert stop.mode == Mode.RUNNING


def test_a_damaged_journal_means_tripped_and_nothing_resets_it(tmp_path):
    path = tmp_path / "stop.jsonl"
    with FileJournal(path) as journal:
        running(journal)
    path.write_bytes(path.read_bytes().replace(b"Bob", b"Rob"))

    stop = EmergencyStop(lambda: FileJournal(path), CONFIG, VALUES, SIGNALS, now_s=0.0)

    assert stop.mode == Mode.TRIPPED
    assert "line 3: what is written does not fit its hash" in stop.reasons[0]
    assert not writes_policy(stop)
    stop.trip("button", 1.0)
    assert not writes_policy(stop)
    assert "its journal fails: " in problem_of(stop.clear, "Ann", "r3", 1.0)


@pytest.mark.parametrize("error", [OSError(5, "I/O"), ValueError("?"), RuntimeError("database")])
def test_whatever_a_journal_raises_the_plant_stands_still(error):
    def fail():
        raise error

    stop = EmergencyStop(fail, CONFIG, VALUES, SIGNALS, now_s=0.0)
    assert not writes_policy(stop)
    assert str(error) in stop.reasons[0]

    full = Store()
    running(full)
    full.error = error
    assert opened(full).mode == Mode.TRIPPED  # it could not write that it started

    store = Store()
    stop = running(store)
    store.error = error
    assert writes_policy(stop)  # running needs no journal
    assert not writes_policy(stop, "hot")
    assert "its journal fails" in problem_of(stop.clear, "Ann", "r3", 1.0)
    store.error = None
    assert not writes_policy(stop)
    assert opened(store).mode == Mode.TRIPPED


def test_a_release_that_could_not_be_written_down_leaves_it_tripped():
    store = Store()
    stop = opened(store)
    stop.decide(WANTED, situation())
    stop.clear("Ann", "r1", 1.0)
    store.error = OSError(28, "No space left on device")

    with pytest.raises(OSError, match="No space"):
        stop.release("Ann", "r2", 1.0)

    assert stop.mode == Mode.TRIPPED
    assert not writes_policy(stop)


def test_a_trip_from_another_thread_is_never_lost():
    store = Store()
    stop = running(store)
    threads = [threading.Thread(target=stop.trip, args=(f"button {k}", 1.0)) for k in range(20)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert not writes_policy(stop)
    assert sum(record["event"] == "trip" for record in store.kept) == 20
    assert opened(store).mode == Mode.TRIPPED


def test_settings_that_cannot_be_are_refused():
    with pytest.raises(ConfigError, match=r"emergency stop tag: 'buton'; .*did you mean 'button'"):
        opened(Store(), StopConfig(actions=CONFIG.actions, tag="buton"))
    with pytest.raises(ConfigError, match=r"safe action of fuel: nothing"):
        opened(Store(), StopConfig(actions={"valve": Hold()}))


def test_a_journal_may_hold_records_of_others_too():
    journal = MemoryJournal()
    journal.append({"kind": "decision", "event": "trip"})
    stop = running(journal)
    journal.append({"kind": "decision"})

    assert writes_policy(stop)
    assert opened(journal).mode == Mode.RUNNING


def test_a_step_back_counts_once_it_is_written_down_and_a_trip_at_once():
    class Watching(Store):
        def append(self, record):
            modes.append((record["event"], str(stop.mode) if stop else ""))
            return super().append(record)

    modes, stop = [], None
    store = Watching()
    stop = opened(store)
    stop.decide(WANTED, situation())
    stop.clear("Ann", "r1", 1.0)
    stop.release("Ann", "r2", 1.0)
    stop.trip("button", 1.0)

    assert modes == [
        ("start", ""),
        ("clear", "tripped"),
        ("release", "cleared"),
        ("trip", "tripped"),
    ]
