# SPDX-License-Identifier: MIT
"""What is known of each guarded plant beforehand, and what gives it.

The board is solved by backward induction, once among all moves and once among those that can lead
to no forbidden cell, slip as they may. The others have a bound that nobody who keeps the limits
can pass.
"""

from collections.abc import Callable

import numpy as np

from flyball.core.batch import Bools, Doubles, Longs
from flyball.worlds.classics.guarded.board import FORBIDDEN, GOAL, STAY
from flyball.worlds.classics.guarded.catalogue import scenario
from flyball.worlds.classics.guarded.scenario import Scenario
from flyball.worlds.classics.optimum import Known


def known(name: str, **settings: object) -> tuple[Known, ...]:
    """Return what is known of a plant (see `catalogue.scenario`)."""
    problem = scenario(name, **settings)
    return ANSWERS[problem.name](problem)


def safe_moves(problem: Scenario) -> Bools:
    """Return which moves (S, 5) of a board can be made for ever without a forbidden cell.

    The largest set of cells from which some move stays within the set, whatever the outcome.
    """
    following = problem.plant.following
    safe = problem.plant.mark != FORBIDDEN
    while True:
        moves: Bools = safe[following].all(2) & safe[:, None]
        smaller = moves.any(1)
        if np.array_equal(smaller, safe):
            return moves
        safe = smaller


def board_values(problem: Scenario, *, kept: bool) -> tuple[Doubles, Longs]:
    """Return the value (S,) of each cell of a board at the start and its best first move (S,).

    Parameters
    ----------
    problem
        Of a board.
    kept
        Whether only moves count that can lead to no forbidden cell. Where there is none, one
        stays, and the value is -inf.
    """
    plant, slip = problem.plant, problem.plant.slip
    chance = np.array([1.0 - slip, 0.5 * slip, 0.5 * slip])
    allowed = safe_moves(problem) if kept else np.ones((len(plant.mark), 5), np.bool_)
    none = ~allowed.any(1)
    value, best = np.zeros(len(plant.mark)), np.zeros(len(plant.mark), np.int64)
    for _ in range(problem.time_limit):
        ahead = value[plant.following]
        gains = np.where(allowed, -1.0 + (np.where(chance > 0.0, ahead, 0.0) @ chance), -np.inf)
        gains[none, STAY] = -np.inf
        before, value, best = value, gains.max(1), gains.argmax(1)
        value[plant.mark == GOAL] = 0.0
        if np.array_equal(before, value):
            break
    return value, best


def board_choices(problem: Scenario, *, kept: bool) -> Longs:
    """Return the best move (S,) of each cell of a board (see `board_values`)."""
    return board_values(problem, kept=kept)[1]


def _bound(value: float, words: str) -> tuple[Known, ...]:
    return (Known(kpi="return", value=float(value), exact=False, words=words),)


def _rail(problem: Scenario) -> tuple[Known, ...]:
    time_s = problem.time_limit * problem.step_s
    words = "top speed for all the time; for whoever keeps the speed limit"
    return _bound(problem.plant.speed * time_s, words)


def _tracking(problem: Scenario) -> tuple[Known, ...]:
    return _bound(problem.time_limit * problem.step_s, "at the aim for all the time")


def _board(problem: Scenario) -> tuple[Known, ...]:
    start = problem.task.start
    kept, free = (float(board_values(problem, kept=kept)[0][start]) for kept in (True, False))
    words = "backward induction among moves that can lead to no forbidden cell"
    best = Known(kpi="return", value=kept, exact=True, words=words)
    words = "backward induction among all moves, through forbidden cells too"
    return (best, Known(kpi="return", value=free, exact=False, words=words))


def _swarm(problem: Scenario) -> tuple[Known, ...]:
    task = problem.task
    if task.layout == 0:
        return _bound(2.0 * task.size, "the way across the circle")
    return _bound(task.size * 2.0**0.5, "the diagonal of the square")


ANSWERS: dict[str, Callable[[Scenario], tuple[Known, ...]]] = {
    "double-integrator": _rail,
    "two-tanks": _tracking,
    "inverted-pendulum": _tracking,
    "forbidden-grid": _board,
    "crossing-robots": _swarm,
}
"""What is known, by problem."""
