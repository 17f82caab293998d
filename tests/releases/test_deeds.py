# SPDX-License-Identifier: MIT
"""Whatever is done: one target is in control, going back works, control takes two people."""

from dataclasses import replace

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from flyball.releases.deeds import DEEDS, apply
from flyball.releases.refusals import RefusedError
from flyball.releases.roles import Person, Role
from flyball.releases.seats import Seats
from flyball.releases.staging import OPEN, Command, Stage, Staging, StagingConfig
from tests.releases.made import ANN, BOB, EVE, OLE, Said

A, B, C = "a" * 64, "b" * 64, "c" * 64
NEW = Staging(plant="mill", seats=Seats(champion="rule:fifo", baseline="rule:fifo"))
DAY_S = 86_400.0
YES, NO, BAD = Said("promote", "better"), Said("hold"), Said("roll back", "worse", advance=False)
ROBOT = Person("controller", Role.OPERATOR)


def done(state, *steps):
    """Return the state after commands: (deed, by, now_s, settings)."""
    for deed, by, now_s, more in steps:
        state = apply(state, Command(deed=deed, **more), by, now_s)
    return state


def canary(step=0, **more):
    state = done(NEW, ("begin", ANN, 0.0, {"challenger": A, **more}), ("advance", ANN, 1.0, {}))
    for _ in range(step):
        state = done(state, ("advance", ANN, 2.0, {"verdict": NO}))
    return state


FULL = done(canary(2), ("promote", BOB, 3.0, {"verdict": YES}))


def test_a_challenger_gets_larger_shares_until_it_is_in_control():
    shares = [canary(k).shares[A] for k in range(3)]

    assert shares == [0.10, 0.25, 0.50]
    assert (FULL.stage, FULL.control, FULL.shares) == (Stage.FULL, A, {A: 1.0})
    assert FULL.seats.previous == "rule:fifo"
    assert (FULL.proposer, FULL.approver, FULL.reason) == ("Ann", "Bob", "better")


@pytest.mark.parametrize(
    ("by", "verdict", "words"),
    [
        (ANN, YES, "Ann, engineer; allowed: approver"),
        (Person("ann ", Role.ADMIN), YES, "ann , who began it; allowed: a second person"),
        (BOB, None, "no verdict: no data holds"),
        (BOB, NO, "not proven yet; allowed: a verdict that says promote"),
        (BOB, BAD, "worse; allowed: a verdict that says promote"),
    ],
)
def test_control_takes_a_verdict_an_approver_and_a_second_person(by, verdict, words):
    with pytest.raises(RefusedError, match=words):
        apply(canary(2), Command(deed="promote", verdict=verdict), by, 9.0)


def test_what_was_never_in_control_of_a_block_is_not_promoted():
    shadow = done(NEW, ("begin", ANN, 0.0, {"challenger": A}))

    with pytest.raises(RefusedError, match="stage shadow; allowed: canary"):
        apply(shadow, Command(deed="promote", verdict=YES), BOB, 9.0)


@pytest.mark.parametrize("verdict", [None, Said(advance=False), BAD])
def test_no_data_and_bad_news_never_advance(verdict):
    with pytest.raises(RefusedError):
        apply(canary(), Command(deed="advance", verdict=verdict), ANN, 9.0)


def test_there_is_no_share_behind_the_last():
    with pytest.raises(RefusedError, match="the last share"):
        apply(canary(2), Command(deed="advance", verdict=NO), ANN, 9.0)


@pytest.mark.parametrize("by", [OLE, ANN, BOB])
@pytest.mark.parametrize(
    "state", [NEW, canary(), canary(2), replace(canary(), paused=True), FULL], ids=str
)
def test_rolling_back_is_allowed_to_every_operator_from_everywhere(state, by):
    back = apply(state, Command(deed="roll_back", why="smoke"), by, 9.0)

    assert back.stage is Stage.ROLLED_BACK
    assert back.shares == {"rule:fifo": 1.0}
    assert back.reason == "smoke"
    with pytest.raises(RefusedError, match="viewer; allowed: operator"):
        apply(state, Command(deed="roll_back"), EVE, 9.0)


def test_control_goes_back_to_previous_and_then_to_the_baseline():
    seats = Seats(champion=A, previous=B, baseline="rule:fifo")
    state = replace(FULL, seats=seats)

    controls = []
    for _ in range(4):
        state = apply(state, Command(deed="roll_back"), OLE, 9.0)
        controls.append(state.control)

    assert controls == [B, "rule:fifo", "rule:fifo", "rule:fifo"]


def test_after_a_roll_back_nothing_goes_ahead_until_it_has_cooled_down():
    back = apply(canary(), Command(deed="roll_back"), OLE, 9.0)
    begin = Command(deed="begin", challenger=B)

    with pytest.raises(RefusedError, match=r"24\.0 h of cool-down left"):
        apply(back, begin, ANN, 10.0)

    assert apply(back, begin, ANN, 9.0 + DAY_S).stage is Stage.SHADOW


def test_control_is_changed_automatically_once_a_window():
    robot = Command(deed="roll_back", automatic=True)
    seats = Seats(champion=A, previous=B, baseline="rule:fifo")
    first = apply(replace(FULL, seats=seats), robot, ROBOT, 10 * DAY_S)
    assert first.control == B

    with pytest.raises(RefusedError, match=r"fix: a person decides: .* it is the plant"):
        apply(first, robot, ROBOT, 10 * DAY_S + 60.0)
    with pytest.raises(RefusedError, match="one automatic change"):
        apply(first, robot, ROBOT, 16 * DAY_S)

    assert apply(first, Command(deed="roll_back"), OLE, 10 * DAY_S + 60.0).control == "rule:fifo"
    assert apply(first, robot, ROBOT, 17 * DAY_S).control == "rule:fifo"


def test_a_canary_is_ended_automatically_whenever_it_must_and_only_it():
    robot = Command(deed="roll_back", automatic=True)
    state = replace(canary(), switched_s=0.0)

    back = apply(state, robot, ROBOT, 60.0)

    assert (back.stage, back.control) == (Stage.ROLLED_BACK, "rule:fifo")
    # The same verdict, acted on twice, does not put the champion out of control.
    champion = replace(back, seats=Seats(champion=A, previous=B, baseline="rule:fifo"))
    with pytest.raises(RefusedError):
        apply(champion, robot, ROBOT, 61.0)


def test_a_paused_comparison_gives_nothing_away_and_goes_on_where_it_was():
    paused = apply(canary(1), Command(deed="pause"), OLE, 9.0)

    assert paused.shares == {"rule:fifo": 1.0, A: 0.0}
    for deed, by in (("advance", ANN), ("promote", BOB)):
        with pytest.raises(RefusedError, match="paused"):
            apply(paused, Command(deed=deed, verdict=YES), by, 9.0)
    with pytest.raises(RefusedError, match="operator; allowed: engineer"):
        apply(paused, Command(deed="resume"), OLE, 9.0)
    assert apply(paused, Command(deed="resume"), ANN, 9.0).shares[A] == 0.25


def test_of_two_challengers_the_named_one_is_promoted():
    state = canary(2, challenger_b=B)
    assert state.shares == {"rule:fifo": 0.5, A: 0.25, B: 0.25}

    with pytest.raises(RefusedError, match="name the one to promote"):
        apply(state, Command(deed="promote", verdict=YES), BOB, 9.0)

    full = apply(state, Command(deed="promote", verdict=YES, challenger=B), BOB, 9.0)
    assert full.shares == {B: 1.0}


@pytest.mark.parametrize(
    "wanted", [{"challenger": "rule:fifo"}, {"challenger": A, "challenger_b": A}, {}]
)
def test_nobody_is_compared_with_itself_or_with_nothing(wanted):
    with pytest.raises(RefusedError):
        apply(NEW, Command(deed="begin", **wanted), ANN, 0.0)
    with pytest.raises(RefusedError, match="a release compared with itself"):
        apply(FULL, Command(deed="begin", challenger=A), ANN, 9.0)


def test_one_comparison_at_a_time():
    with pytest.raises(RefusedError, match="stage canary"):
        apply(canary(), Command(deed="begin", challenger=B), ANN, 9.0)


targets = st.sampled_from([A, B, C, "rule:fifo", "", "latest"])
people = st.builds(Person, st.sampled_from(["Ann", "Bob", "Ole"]), st.sampled_from(Role))
verdicts = st.sampled_from([None, YES, NO, BAD, Said(advance=False)])
commands = st.builds(
    Command,
    deed=st.sampled_from(sorted(DEEDS)),
    challenger=targets,
    challenger_b=st.just("") | targets,
    config=st.sampled_from(
        [None, StagingConfig(cool_down_s=0.0), StagingConfig(shares=(0.3, 1.0), switchback=True)]
    ),
    verdict=verdicts,
    automatic=st.booleans(),
)


class Comparisons(RuleBasedStateMachine):
    """Anybody asks for anything at any time."""

    def __init__(self):
        super().__init__()
        self.state, self.now_s = NEW, 0.0

    @rule(by_s=st.sampled_from([0.0, 60.0, DAY_S, 8 * DAY_S]))
    def wait(self, by_s):
        self.now_s += by_s

    @rule(command=commands, by=people)
    def ask(self, command, by):
        before = self.state
        try:
            after = apply(before, command, by, self.now_s)
        except RefusedError:
            going_back = command.deed == "roll_back" and not command.automatic
            assert by.role < Role.OPERATOR or not going_back
            return
        if after.control != before.control:
            self.came_to_be_in_control(before, after, command, by)
        self.state = after

    def came_to_be_in_control(self, before, after, command, by):
        if command.deed == "roll_back":
            assert after.control in (before.seats.previous, before.seats.baseline)
            return
        assert command.deed == "promote"
        assert by.role >= Role.APPROVER
        assert before.proposer != by.name == after.approver
        assert command.verdict.decision == "promote"
        assert before.shares[after.control] > 0.0
        assert self.now_s >= before.cool_until_s

    @precondition(lambda self: self.state.stage in OPEN)
    @rule(verdict=st.sampled_from([YES, NO]))
    def go_on(self, verdict):
        """Do what brings a comparison on, so that every state is reached."""
        for deed, by in (("resume", ANN), ("advance", ANN), ("promote", Person("Cy", Role.ADMIN))):
            self.ask(Command(deed=deed, verdict=verdict), by)

    @invariant()
    def one_target_is_in_control(self):
        state = self.state
        assert state.control
        assert sum(state.shares.values()) == pytest.approx(1.0)
        assert (state.stage in OPEN) == bool(state.challengers)
        assert state.control not in state.challengers

    @invariant()
    def an_operator_can_go_back_now(self):
        back = apply(self.state, Command(deed="roll_back"), OLE, self.now_s)
        assert back.control
        assert not back.challengers
        assert set(back.shares.values()) == {1.0}


Comparisons.TestCase.settings = settings(max_examples=40, stateful_step_count=30, deadline=None)
TestComparisons = Comparisons.TestCase
