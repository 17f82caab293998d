# SPDX-License-Identifier: MIT
"""The emergency stop against a tiny model: every short story, long random ones, and kill -9."""

import copy
import os
import signal
import subprocess
import sys
import threading
from pathlib import Path
from time import sleep

import numpy as np
import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule

from flyball.core.errors import ConfigError, Problem, RunError
from flyball.core.journal import MemoryJournal
from flyball.core.journal_file import FileJournal
from flyball.core.spec import Signal, TanhGaussian
from flyball.safety.actuators import GoTo, Hold
from flyball.safety.stop import EmergencyStop, Mode, Situation, StopConfig

VALUES = [TanhGaussian("valve", "%", 0.0, 100.0), TanhGaussian("fuel", "%", 0.0, 100.0)]
SIGNALS = [Signal("level", "m", 0.0, 10.0), Signal("button", "-", 0.0, 1.0)]
CONFIG = StopConfig(actions={"valve": Hold(), "fuel": GoTo(0.0)})
LAST, WANTED = np.array([40.0, 30.0]), np.array([41.0, 31.0])
SAFE = [40.0, 0.0]
FREE = np.full(2, np.inf)


class Crash(BaseException):
    """The process is killed."""


class Store:
    """A journal whose content is one immutable tuple, and whose process can be killed in it."""

    def __init__(self):
        self.kept, self.crash, self.error = (), "", None

    def append(self, record):
        if self.error is not None:
            raise self.error
        if self.crash in ("", "after"):
            self.kept += (record,)
        if self.crash:
            # Who is dead writes no more.
            self.crash = "dead"
            raise Crash
        return ""

    def records(self):
        return iter(self.kept)


def situation(*causes, now_s=1.0, tag=1.0, trusted=True):
    signal_now, sound = np.array([5.0, tag]), np.array([True, trusted])
    return Situation(now_s, causes, signal_now, sound, LAST, now_s - 1.0, -FREE, FREE)


def opened(journal, config=CONFIG):
    return EmergencyStop(lambda: journal, config, VALUES, SIGNALS, now_s=0.0)


def running(journal, config=CONFIG):
    """Return a stop that was released."""
    stop = opened(journal, config)
    stop.decide(WANTED, situation())
    stop.clear("Ann", "r1", 1.0)
    stop.release("Bob", "r2", 1.0)
    return stop


def writes_policy(stop, *causes, **parts):
    """Return whether the policy's action comes out; what else comes out is safe."""
    found = stop.decide(WANTED, situation(*causes, **parts))
    assert found is WANTED or found.tolist() == SAFE
    return found is WANTED


class Model:
    """What the emergency stop is, in a few lines."""

    def __init__(self):
        self.mode, self.clean, self.used, self.fresh = "tripped", False, frozenset(), 0

    def step(self, needed, then, request):
        """Return whether a step back is taken."""
        taken = self.mode == needed and self.clean and request not in self.used
        if taken:
            self.mode = then
            self.used |= {request}
        return taken


def act(stop, store, model, event):
    """Do one thing to the stop and to the model, and compare; return the stop that lives on."""
    if event in ("clean", "cause"):
        if event == "cause":
            model.mode = "tripped"
        model.clean = event == "clean"
        assert writes_policy(stop, *(["hot"] if event == "cause" else [])) == (
            model.mode == "running"
        )
    elif event == "button":
        model.mode, model.clean = "tripped", False
        stop.trip("button", 1.0)
    elif event in ("clear", "release", "again"):
        model.fresh += event != "again"
        request = str(model.fresh)
        step, needed, then = (
            ("clear", "tripped", "cleared")
            if event == "clear"
            else ("release", "cleared", "running")
        )
        taken = model.step(needed, then, request)
        try:
            getattr(stop, step)("Ann", request, 1.0)
            assert taken
        except RunError:
            assert not taken
    elif event == "restart":
        stop, model.clean = opened(store), False
    else:
        stop = crashed(stop, store, model, event)
    assert stop.mode == model.mode
    return stop


def crashed(stop, store, model, event):
    """Kill the process while it writes down a trip, or a release, and start it again."""
    store.crash, what = event.split()
    try:
        if what == "trip":
            stop.trip("button", 1.0)
        else:
            model.fresh += 1
            stop.release("Ann", str(model.fresh), 1.0)
    except (Crash, RunError):
        pass
    kept, store.crash = event.startswith("after"), ""
    # A crash cannot make it run, unless the release was kept and only nobody heard of it.
    if what == "trip" and kept:
        model.mode = "tripped"
    elif what == "release" and kept:
        model.step("cleared", "running", str(model.fresh))
    model.clean = False
    return opened(store)


STORY = ("clean", "cause", "button", "clear", "release", "again", "restart", "after release")


@pytest.mark.parametrize("first", [(), ("clean", "clear", "release")])
def test_every_story_of_five_events_goes_as_the_model_says(first):
    store, model, told, depth = Store(), Model(), 0, 5
    stop = opened(store)
    for event in first:
        stop = act(stop, store, model, event)

    def tell(stop, model, depth):
        nonlocal told
        for event in STORY if depth else ():
            kept, own, branch = store.kept, copy.copy(stop), copy.copy(model)
            tell(act(own, store, branch, event), branch, depth - 1)
            store.kept = kept
            told += 1

    tell(stop, model, depth)

    assert told == sum(len(STORY) ** n for n in range(1, depth + 1))


class Stories(RuleBasedStateMachine):
    """Long random stories, with journals that fail now and then."""

    def __init__(self):
        super().__init__()
        self.store, self.model = Store(), Model()
        self.stop = opened(self.store)

    @rule(event=st.sampled_from((*STORY, "before trip", "after trip", "before release")))
    def tell(self, event):
        self.stop = act(self.stop, self.store, self.model, event)

    @rule(event=st.sampled_from(["cause", "button", "clear", "release"]))
    def tell_while_the_disk_is_full(self, event):
        self.store.error = OSError(28, "No space left on device")
        before = self.model.mode
        if event == "cause":
            assert not writes_policy(self.stop, "hot")
            self.model.clean = False
        elif event == "button":
            self.stop.trip("button", 1.0)
            self.model.clean = False
        else:
            with pytest.raises((RunError, OSError)):
                getattr(self.stop, event)("Ann", "while the disk is full", 1.0)
        tried = event in ("cause", "button") or self.stop.mode != before
        self.model.mode = "tripped" if tried else before
        self.store.error = None
        # The next decision writes down what is owed.
        self.model.clean = True
        assert writes_policy(self.stop) == (self.model.mode == "running")

    @rule(requests=st.sampled_from([("a", "a"), ("b", "c"), (" ", "d"), ("e", "")]))
    def go_back_in_two_steps(self, requests):
        self.stop = act(self.stop, self.store, self.model, "clean")
        for (step, needed, then), request in zip(
            (("clear", "tripped", "cleared"), ("release", "cleared", "running")),
            requests,
            strict=True,
        ):
            taken = request.strip() and self.model.step(needed, then, request)
            try:
                getattr(self.stop, step)("Ann", request, 1.0)
                assert taken
            except RunError:
                assert not taken

    @invariant()
    def the_latch_stands_where_the_model_does_and_so_would_a_new_process(self):
        assert self.stop.mode == self.model.mode
        again = Store()
        again.kept = self.store.kept
        assert opened(again).mode == self.model.mode


TestStories = Stories.TestCase
TestStories.settings = settings(max_examples=60, stateful_step_count=40)


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


OPERATOR = """
import os, sys
from pathlib import Path
import numpy as np
from flyball.core.journal_file import FileJournal
from flyball.safety.stop import EmergencyStop, Situation, StopConfig

def go_round(path, n):
    stop = EmergencyStop(lambda: FileJournal(path), StopConfig(actions={}), [], now_s=0.0)
    none = np.zeros(0)
    now = Situation(0.0, (), none, none.astype(bool), none, 0.0, none, none)
    print(stop.mode, flush=True)
    while True:
        stop.trip("button", 0.0)
        print(stop.mode, flush=True)
        stop.decide(none, now)
        for step in (stop.clear, stop.release):
            n += 1
            step("Ann", str(n), 0.0)
            print(stop.mode, flush=True)

# Every line asks for one more process that goes round until it is killed.
for life, line in enumerate(sys.stdin):
    child = os.fork()
    if child == 0:
        go_round(Path(sys.argv[1]), life * 1_000_000)
    print(child, flush=True)
    os.waitpid(child, 0)
    print("killed", flush=True)
"""
AFTER = {"tripped": "cleared", "cleared": "running", "running": "tripped"}


def lived(process, wait_s):
    """Let one more process go round, kill it, and return what it said."""
    process.stdin.write("one more\n")
    process.stdin.flush()
    said = [process.stdout.readline().strip() for _ in range(2)]
    sleep(wait_s)
    (child,) = [int(line) for line in said if line.isdigit()]
    os.kill(child, signal.SIGKILL)
    while said[-1] != "killed":
        said.append(process.stdout.readline().strip())
    return [line for line in said if line in AFTER]


def test_what_was_killed_while_tripped_is_tripped(tmp_path):
    path, draw, seen = tmp_path / "stop.jsonl", np.random.default_rng(3), set()
    with subprocess.Popen(  # noqa: S603 - this interpreter
        [sys.executable, "-c", OPERATOR, str(path)],
        stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, cwd=Path(__file__).parents[2],
    ) as process:  # fmt: skip
        for _ in range(40):
            *before, last = lived(process, draw.uniform(0.0, 0.02))

            with FileJournal(path, durability="process") as journal:
                stop = EmergencyStop(lambda own=journal: own, StopConfig(actions={}), [], now_s=0.0)

            # What it said last stands; at most the next step was kept and nobody was told.
            assert stop.mode in (last, AFTER[last] if before else "tripped")
            seen.add(last)
        process.stdin.close()
    assert len(seen) > 1
