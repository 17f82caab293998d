# SPDX-License-Identifier: MIT
"""The emergency stop against a tiny model: every short story, long random ones, and kill -9."""

import copy
import os
import signal
import subprocess
import sys
from pathlib import Path
from time import sleep

import numpy as np
import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule

from flyball.core.errors import RunError
from flyball.core.journal_file import FileJournal
from flyball.safety.stop import EmergencyStop, StopConfig
from tests.safety.standstill import Crash, Store, opened, writes_policy


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
