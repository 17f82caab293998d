# SPDX-License-Identifier: MIT
"""The batch loop: one compiled call moves every row, whatever the family.

A family offers three functions of one row, and gets its own compiled copy of the same loop::

    reset_row(params, row, seed, episode, state)           first state of an episode
    step_row(params, row, choice, value, state, out)       dynamics; writes reward and terminated
    observe_row(params, row, state, seen)                  writes obs, state and mask of the row

`choice` and `value` are whole arrays and hold legal actions only. During `step_row`, `state.t` is
the number of steps taken before this one; during `observe_row` the number taken so far.
`observe_row` writes every column that is ever not zero, and is a function of the state alone.
`params[0]` is the number of the problem in its family. A family's file also offers `PROBLEMS`, or
another file does for it: how its scenarios come from their settings (see `catalogue`).
"""

from collections.abc import Callable
from types import FunctionType
from typing import Any

from flyball.core.batch import Doubles
from flyball.worlds.classics import control, foraging, games, grids, particles
from flyball.worlds.classics.compiling import compiled, inlined
from flyball.worlds.classics.control import observe_row, reset_row, step_row
from flyball.worlds.classics.scenario import Family
from flyball.worlds.classics.state import (
    FINAL,
    Memory,
    Out,
    Rules,
    Seen,
    Sizes,
    State,
    out_of,
    rules_of,
    seen_of,
    state_of,
)

_state, _seen, _out, _rules = (
    inlined(state_of),
    inlined(seen_of),
    inlined(out_of),
    inlined(rules_of),
)


@inlined
def make_legal(rules: Rules, row: int, mask: Any, out: Out) -> None:
    """Replace what the row's agents must not do, and count it.

    A choice out of range or masked becomes the first legal one, 0 where an agent has none there. A
    value out of range becomes the nearest bound, NaN the middle of the range.
    """
    for agent in range(out.illegal.shape[1]):
        count = 0
        for h in range(out.choice.shape[2]):
            first, width = rules.head[h], rules.head[h + 1] - rules.head[h]
            wish = out.choice[row, agent, h]
            if 0 <= wish < width and mask[row, agent, first + wish]:
                continue
            legal = 0
            while legal < width and not mask[row, agent, first + legal]:
                legal += 1
            if legal < width:
                count += 1
            out.choice[row, agent, h] = legal if legal < width else 0
        for d in range(out.value.shape[2]):
            low, high, real = rules.low[agent, d], rules.high[agent, d], out.value[row, agent, d]
            if not low <= real <= high:
                # A range of length 0 pads the heads of an agent that has fewer.
                count += low < high
                nearest = low if real < low else high
                out.value[row, agent, d] = nearest if real == real else 0.5 * (low + high)  # noqa: PLR0124
        out.illegal[row, agent] = count


@inlined
def clear(seen: Seen, row: int) -> None:
    """Set a row to zeros."""
    seen.obs[row] = 0.0
    seen.state[row] = 0.0
    seen.mask[row] = False


@inlined
def account(rules: Rules, row: int, state: State, out: Out) -> bool:
    """Count the step just taken, and return whether the episode ended.

    An episode that terminates in its last allowed step was not cut short: it is not truncated.
    """
    state.t[row] += 1
    for agent in range(out.reward.shape[1]):
        state.total[row] += rules.share * out.reward[row, agent, 0]
    out.truncated[row] = state.t[row] >= rules.time_limit and not out.terminated[row]
    ended = bool(out.terminated[row] or out.truncated[row])
    out.outcome[row, 0] = state.total[row] if ended else 0.0
    out.outcome[row, 1] = state.t[row] if ended else 0.0
    return ended


START, OBSERVE, STEP = range(3)
"""What a batch loop is told to do with every row."""


def _loop(params: Doubles, memory: Memory, sizes: Sizes, which: int, task: int) -> None:
    """Start, observe or move every row of a family's problem.

    Parameters
    ----------
    params
        Of the problem.
    memory, sizes
        Of the Env.
    which
        Set of observation arrays to write, 0 or 1; the masks of the other one say what is legal.
    task
        START: every row begins its episode anew. OBSERVE: write what the rows see. STEP: move by
        one step; a row that ends is seen in the final set and begins its next episode.

    Notes
    -----
    One function for three tasks, so that each row function is compiled once or twice a family and
    not five times.
    """
    state, out, rules = _state(memory, sizes), _out(memory, sizes), _rules(memory, sizes)
    before, after = _seen(memory, sizes, 1 - which), _seen(memory, sizes, which)
    final = _seen(memory, sizes, FINAL)
    for row in range(sizes.envs):
        begins = task == START
        if task == STEP:
            if out.terminated[row] or out.truncated[row]:
                clear(final, row)
            make_legal(rules, row, before.mask, out)
            out.terminated[row] = False
            step_row(params, row, out.choice, out.value, state, out)
            begins = account(rules, row, state, out)
            if begins:
                observe_row(params, row, state, final)
                state.episode[row] += 1
        if begins:
            state.t[row] = 0
            state.total[row] = 0.0
            reset_row(params, row, state.seed[row], state.episode[row], state)
        observe_row(params, row, state, after)
        if task != OBSERVE:
            after.start[row] = begins


def _of_family(family: Family, rows: Any) -> Callable[..., None]:
    """Return the loop compiled for a family.

    The loop above names the rows of one family; a copy has those of its own among its globals,
    because numba keeps no compiled code on disk for functions that get others as arguments or
    through closures. The copy has a name of its own too: the file on disk is called after it.
    """
    template: Any = _loop
    own = {name: getattr(rows, name) for name in ("reset_row", "step_row", "observe_row")}
    copy = FunctionType(template.__code__, {**template.__globals__, **own}, f"loop_{family}")
    copy.__qualname__ = copy.__name__
    copy.__module__ = __name__
    return compiled(copy)


LOOPS: dict[Family, Callable[..., None]] = {
    "control": _of_family("control", control),
    "grids": _of_family("grids", grids),
    "games": _of_family("games", games),
    "particles": _of_family("particles", particles),
    "foraging": _of_family("foraging", foraging),
}
"""The batch loop of each family, compiled when first called."""
