# SPDX-License-Identifier: MIT
"""The rules of a staged comparison, as a state machine without clock, store or network.

::

    NONE ──begin──▶ SHADOW ──advance──▶ CANARY (10 %, 25 %, 50 %) ──promote──▶ FULL
                       │                   │                                     │
                       └──── roll_back ────┴──────────── roll_back ──────────────┘──▶ ROLLED_BACK
                       └────── retire ─────┘──▶ RETIRED

What holds in every state: exactly one target is in control of the plant. Rolling back is allowed to
every operator, from every state, at once. Nothing comes to be in control without a verdict that
says promote, an approver, and another person who began the comparison. No data holds.
"""

from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import NamedTuple

from flyball.releases.refusals import RefusedError, problem
from flyball.releases.roles import Person, Role, require
from flyball.releases.seats import require_target
from flyball.releases.staging import OPEN, Command, Deed, Stage, Staging, StagingConfig


class _Asked(NamedTuple):
    state: Staging
    command: Command
    by: Person
    now_s: float


def apply(state: Staging, command: Command, by: Person, now_s: float) -> Staging:
    """Return the state after a command. Pure: no clock, no store, no network.

    Parameters
    ----------
    state
        Where the comparison stands.
    command
        What is wanted.
    by
        Who wants it; the controller has a name and a role too.
    now_s
        Seconds since 1970, UTC.

    Raises
    ------
    RefusedError
        When role, state, verdict, second person or cool-down do not allow it.
    """
    return DEEDS[command.deed](_Asked(state, command, by, now_s))


def _refused(asked: _Asked, found: str, allowed: str, fix: str) -> RefusedError:
    return RefusedError(problem(_place(asked), found, allowed, fix))


def _place(asked: _Asked) -> str:
    return f"{asked.state.plant} {asked.command.deed.replace('_', ' ')}"


def _in(asked: _Asked, stages: frozenset[Stage], fix: str) -> None:
    """Refuse outside of some stages."""
    if asked.state.stage not in stages:
        allowed = ", ".join(sorted(stages))
        raise _refused(asked, f"stage {asked.state.stage}", allowed, fix)


def _going(asked: _Asked, role: Role) -> None:
    """Refuse whoever may not go ahead, and everybody while it is paused or cools down."""
    require(asked.by, role, _place(asked))
    state = asked.state
    if state.paused:
        raise _refused(asked, "paused", "a comparison that goes on", "resume it first")
    if not asked.now_s >= state.cool_until_s:
        left_h = (state.cool_until_s - asked.now_s) / 3600.0
        fix = "find out meanwhile why it was rolled back"
        raise _refused(asked, f"{left_h:.1f} h of cool-down left", "none", fix)


def _begin(asked: _Asked) -> Staging:
    _going(asked, Role.ENGINEER)
    state, command = asked.state, asked.command
    _in(asked, frozenset(Stage) - OPEN, "roll back or retire the comparison that is open")
    wanted = [command.challenger, *([command.challenger_b] if command.challenger_b else [])]
    for target, name in zip(wanted, ("challenger", "challenger_b"), strict=False):
        require_target(target, name)
    if len({state.control, *wanted}) <= len(wanted):
        fix = "name a release that is not in control, and two different ones of two"
        raise _refused(asked, "a release compared with itself", "different releases", fix)
    seats = replace(state.seats, challenger=command.challenger, challenger_b=command.challenger_b)
    return replace(
        state,
        seats=seats,
        number=state.number + 1,
        stage=Stage.SHADOW,
        step=-1,
        config=command.config or StagingConfig(),
        proposer=asked.by.name,
        approver="",
        reason=command.why,
    )


def _advance(asked: _Asked) -> Staging:
    _going(asked, Role.ENGINEER)
    state, verdict = asked.state, asked.command.verdict
    _in(asked, OPEN, "begin a comparison first")
    if verdict is not None and verdict.decision == "roll back":
        raise _refused(asked, verdict.reason, "nothing that speaks against it", "roll back")
    if state.stage is Stage.CANARY:
        if verdict is None or not verdict.advance:
            found = verdict.reason if verdict else "no verdict: no data holds"
            raise _refused(asked, found, "a stage with all its blocks", "wait for more blocks")
        if state.step + 1 >= len(state.config.shares):
            fix = "promote it, or wait for a verdict"
            raise _refused(asked, "the last share", "a larger share to go to", fix)
    return replace(state, stage=Stage.CANARY, step=state.step + 1, reason=asked.command.why)


def _promote(asked: _Asked) -> Staging:
    _going(asked, Role.APPROVER)
    state, command = asked.state, asked.command
    _in(asked, frozenset({Stage.CANARY}), "let it control blocks first")
    target = command.challenger or (state.challengers[0] if len(state.challengers) == 1 else "")
    if target not in state.challengers:
        fix = "name the one to promote"
        raise _refused(asked, f"'{target[:12]}'", "one of those that are compared", fix)
    if command.verdict is None or command.verdict.decision != "promote":
        found = command.verdict.reason if command.verdict else "no verdict: no data holds"
        raise _refused(asked, found, "a verdict that says promote", "wait for more blocks")
    if _same(asked.by.name, state.proposer):
        fix = "ask another approver"
        raise _refused(asked, f"{asked.by.name}, who began it", "a second person", fix)
    return replace(
        state,
        seats=state.seats.promoted(target),
        stage=Stage.FULL,
        step=-1,
        approver=asked.by.name,
        reason=command.why or command.verdict.reason,
    )


def _same(one: str, other: str) -> bool:
    return one.strip().casefold() == other.strip().casefold()


def _roll_back(asked: _Asked) -> Staging:
    """Take the challengers off the field, or the champion out of control; see `Seats.back`."""
    require(asked.by, Role.OPERATOR, _place(asked))
    state, now_s = asked.state, asked.now_s
    cooled = replace(
        state,
        stage=Stage.ROLLED_BACK,
        step=-1,
        paused=False,
        reason=asked.command.why,
        cool_until_s=max(state.cool_until_s, now_s + state.config.cool_down_s),
    )
    if state.stage in OPEN:
        return replace(cooled, seats=state.seats.without_challengers())
    if asked.command.automatic:
        if not now_s >= max(state.switched_s + state.config.window_s, state.cool_until_s):
            found = "something was rolled back a short while ago"
            fix = "a person decides: if what came before is bad too, it is the plant"
            raise _refused(asked, found, "one automatic change of control a window", fix)
        cooled = replace(cooled, switched_s=now_s)
    return replace(cooled, seats=state.seats.back())


def _pause(asked: _Asked) -> Staging:
    require(asked.by, Role.OPERATOR, _place(asked))
    _in(asked, OPEN, "nothing is compared")
    return replace(asked.state, paused=True, reason=asked.command.why)


def _resume(asked: _Asked) -> Staging:
    require(asked.by, Role.ENGINEER, _place(asked))
    _in(asked, OPEN, "nothing is compared")
    return replace(asked.state, paused=False, reason=asked.command.why)


def _retire(asked: _Asked) -> Staging:
    """End a comparison without a judgement."""
    require(asked.by, Role.ENGINEER, _place(asked))
    _in(asked, OPEN, "roll back, or begin another comparison")
    return replace(
        asked.state,
        seats=asked.state.seats.without_challengers(),
        stage=Stage.RETIRED,
        step=-1,
        paused=False,
        reason=asked.command.why,
    )


DEEDS: Mapping[Deed, Callable[[_Asked], Staging]] = {
    "begin": _begin,
    "advance": _advance,
    "promote": _promote,
    "roll_back": _roll_back,
    "pause": _pause,
    "resume": _resume,
    "retire": _retire,
}
