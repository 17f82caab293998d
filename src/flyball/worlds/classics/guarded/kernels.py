# SPDX-License-Identifier: MIT
"""The batch loop: one compiled call moves every row, whatever the plant.

A plant offers three functions of one row, and gets its own compiled copy of the same loop::

    reset_row(problem, row, state)        first state of an episode
    step_row(problem, row, state, out)    dynamics; writes reward, cost, terminated and its sums
    observe_row(problem, row, state, seen)

`out.value` and `out.choice` hold legal actions only, `out.wind` the disturbance of each piece of
the step. During `step_row`, `state.t` is the number of steps taken before this one; during
`observe_row` the number taken so far. `observe_row` writes every column that is ever not zero, and
is a function of the state alone, errors of measurement included.
"""

from collections.abc import Callable
from types import FunctionType
from typing import Any, NamedTuple

from flyball.worlds.classics.compiling import inlined
from flyball.worlds.classics.guarded import board, rail, rod, swarm, tanks
from flyball.worlds.classics.guarded.chance import blow
from flyball.worlds.classics.guarded.compiling import compiled
from flyball.worlds.classics.guarded.rail import observe_row, reset_row, step_row
from flyball.worlds.classics.guarded.scenario import Rules, Scenario
from flyball.worlds.classics.guarded.state import (
    BREACH_S,
    COMMON,
    DEEPEST,
    OWN_SUMS,
    TRAVEL,
    Memory,
    Out,
    Seen,
    State,
)
from flyball.worlds.classics.kernels import OBSERVE, START, STEP, account, make_legal

legalise: Any = make_legal
reckon: Any = account
"""Shared with the other families, whose rules, state and results have more and fewer arrays."""


class Problem(NamedTuple):
    """What kernels read of a Scenario."""

    plant: Any
    task: Any
    rules: Rules


def problem_of(scenario: Scenario) -> Problem:
    """Return what kernels read."""
    return Problem(scenario.plant, scenario.task, scenario.rules)


@inlined
def clear(seen: Seen, row: int) -> None:
    """Set a row to zeros."""
    seen.obs[row] = 0.0
    seen.state[row] = 0.0
    seen.mask[row] = False
    seen.signals[row] = 0.0


@inlined
def keep_account(rules: Rules, row: int, state: State, out: Out) -> None:
    """Add up what every plant counts: time in breach, and how far the values were moved."""
    broken = False
    for c in range(out.cost.shape[1]):
        broken = broken or out.cost[row, c] > 0.0
    if broken:
        state.sums[row, BREACH_S] += rules.step_s
    for agent in range(out.value.shape[1]):
        for d in range(out.value.shape[2]):
            moved = abs(out.value[row, agent, d] - state.last[row, agent, d])
            state.sums[row, TRAVEL] += moved / (rules.high[agent, d] - rules.low[agent, d])
            state.last[row, agent, d] = out.value[row, agent, d]


@inlined
def conclude(row: int, ended: bool, state: State, out: Out) -> None:  # noqa: FBT001
    """Write the KPIs behind return and length of a row that ended, else zeros."""
    sums = state.sums[row]
    out.outcome[row, 2] = sums[BREACH_S] if ended else 0.0
    out.outcome[row, 3] = sums[DEEPEST] if ended else 0.0
    out.outcome[row, 4] = sums[TRAVEL] if ended else 0.0
    for k in range(OWN_SUMS, len(sums)):
        out.outcome[row, COMMON + k - OWN_SUMS] = sums[k] if ended else 0.0


def _loop(problem: Problem, memory: Memory, which: int, task: int) -> None:
    """Start, observe or move every row of a plant.

    Parameters
    ----------
    problem
        Of the scenario.
    memory
        Of the Env.
    which
        Set of observation arrays to write, 0 or 1; the masks of the other one say what is legal.
    task
        START: every row begins its episode anew. OBSERVE: write what the rows see. STEP: move by
        one step; a row that ends is seen in the final set and begins its next episode.
    """
    rules, state, out, final = problem.rules, memory.state, memory.out, memory.final
    after = memory.even if which == 0 else memory.odd
    before = memory.odd if which == 0 else memory.even
    for row in range(len(state.t)):
        begins = task == START
        if task == STEP:
            if out.terminated[row] or out.truncated[row]:
                clear(final, row)
            legalise(rules, row, before.mask, out)
            if not out.set_wind[row]:
                blow(rules, row, state, out)
            out.set_wind[row] = False
            out.terminated[row] = False
            out.cost[row] = 0.0
            step_row(problem, row, state, out)
            keep_account(rules, row, state, out)
            begins = reckon(rules, row, state, out)
            conclude(row, begins, state, out)
            if begins:
                observe_row(problem, row, state, final)
                state.episode[row] += 1
        if begins:
            state.t[row] = 0
            state.total[row] = 0.0
            state.sums[row] = 0.0
            for agent in range(state.last.shape[1]):
                for d in range(state.last.shape[2]):
                    middle = 0.5 * (rules.low[agent, d] + rules.high[agent, d])
                    state.last[row, agent, d] = middle
            reset_row(problem, row, state)
        observe_row(problem, row, state, after)
        if task != OBSERVE:
            after.start[row] = begins


def _of_plant(name: str, rows: Any) -> Callable[..., None]:
    """Return the loop compiled for a plant: a copy with the rows of its own among its globals.

    Numba keeps no compiled code on disk for functions that get others as arguments.
    """
    template: Any = _loop
    own = {key: getattr(rows, key) for key in ("reset_row", "step_row", "observe_row")}
    copy = FunctionType(template.__code__, {**template.__globals__, **own}, f"loop_{name}")
    copy.__qualname__ = copy.__name__
    copy.__module__ = __name__
    return compiled(copy)


LOOPS: dict[str, Callable[..., None]] = {
    "double-integrator": _of_plant("rail", rail),
    "inverted-pendulum": _of_plant("rod", rod),
    "two-tanks": _of_plant("tanks", tanks),
    "forbidden-grid": _of_plant("board", board),
    "crossing-robots": _of_plant("swarm", swarm),
}
"""The batch loop of each plant, compiled when first called."""
