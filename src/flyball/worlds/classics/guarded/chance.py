# SPDX-License-Identifier: MIT
"""What is drawn in the guarded plants: disturbances, errors of measurement, tasks.

Every draw has the name (seed, episode, entity, event, stream), so that paired policies meet the
same gusts and the same targets.
"""

from typing import Any

from flyball.worlds.classics.compiling import inlined
from flyball.worlds.classics.draws import uniform
from flyball.worlds.classics.guarded.compiling import called
from flyball.worlds.classics.guarded.state import Out, State

WIND, NOISE, START, SIDE, PLACE = range(5)
"""Streams: disturbances, errors of measurement, first states, and two for what a task needs."""

GUST_S = 1.0
"""Time for which a drawn disturbance lasts."""


@called
def drawn(seed: int, episode: int, entity: int, event: int, stream: int) -> float:
    """Return the draw in (0, 1) of that name; called, for it would be inlined some thirty times."""
    return uniform(seed, episode, entity, event, stream)


@inlined
def blow(rules: Any, row: int, state: State, out: Out) -> None:
    """Draw the disturbance of a step, gust by gust; the same at any length of the step."""
    seed, episode, n = state.seed[row], state.episode[row], out.wind.shape[1]
    last = -1
    for piece in range(n):
        gust = int((state.t[row] + (piece + 0.5) / n) * rules.step_s / GUST_S)
        for w in range(out.wind.shape[2]):
            if gust == last:
                out.wind[row, piece, w] = out.wind[row, piece - 1, w]
            else:
                out.wind[row, piece, w] = -1.0 + 2.0 * drawn(seed, episode, w, gust, WIND)
        last = gust


@inlined
def measured(rules: Any, row: int, signal: int, truth: float, state: State) -> float:
    """Return a signal with an error that is drawn anew in each step, and never larger than said."""
    draw = drawn(state.seed[row], state.episode[row], signal, state.t[row], NOISE)
    size: float = rules.error[signal] * (1.0 - 1e-9)
    return truth + size * (2.0 * draw - 1.0)


@inlined
def between(row: int, event: int, stream: int, low: float, high: float, state: State) -> float:
    """Return a draw in [low, high] for the task of this episode."""
    return low + (high - low) * drawn(state.seed[row], state.episode[row], 0, event, stream)
