# SPDX-License-Identifier: MIT
"""A board with forbidden cells on which moves slip: one row's dynamics.

A move goes where it was meant to, or with the chance `slip` to its left or its right, each as
likely; off the board one stays. Everything that can follow is known, so that safety on a board is
a matter of counting. Forbidden cells can be walked through: they cost.

`state.whole` is (cell), counted along the rows. The disturbance says which way a move goes: as a
share r of its range from the lowest, straight below 1 - slip, left below 1 - slip / 2, else right.
"""

from typing import Any, NamedTuple

import numpy as np

from flyball.core.batch import Longs
from flyball.worlds.classics.compiling import inlined
from flyball.worlds.classics.guarded.state import DEEPEST, Out, Seen, State

FREE, FORBIDDEN, GOAL = range(3)
"""What a cell is."""

STAY, NORTH, EAST, SOUTH, WEST = range(5)

WAYS = ((0, 0), (-1, 0), (0, 1), (1, 0), (0, -1))
"""Rows and columns that each move means."""

STRAIGHT, LEFT, RIGHT = range(3)
"""Outcomes of a move."""


class Board(NamedTuple):
    """The board."""

    mark: Longs  # (S,) FREE, FORBIDDEN or GOAL
    following: Longs  # (S, 5, 3) cells that a move can lead to, by outcome
    slip: float  # chance, 0 to 1
    n_columns: int


class Walk(NamedTuple):
    """What there is to earn."""

    start: int  # cell


def table(mark: Longs, n_columns: int, slip: float) -> Longs:
    """Return the cells (S, 5, 3) that follow each cell and move; a goal is never left.

    An outcome that has no chance is another one that has.
    """
    n_rows = len(mark) // n_columns
    turns = (0 if slip < 1.0 else -1, -1 if slip > 0.0 else 0, 1 if slip > 0.0 else 0)
    following = np.empty((len(mark), 5, 3), np.int64)
    following[...] = np.arange(len(mark))[:, None, None]
    for cell in np.flatnonzero(mark != GOAL):
        row, column = divmod(int(cell), n_columns)
        for move in (NORTH, EAST, SOUTH, WEST):
            for outcome, turn in enumerate(turns):
                down, across = WAYS[1 + (move - 1 + turn) % 4]
                if 0 <= row + down < n_rows and 0 <= column + across < n_columns:
                    following[cell, move, outcome] = cell + down * n_columns + across
    return following


@inlined
def reset_row(problem: Any, row: int, state: State) -> None:
    """Begin at the start."""
    state.whole[row, 0] = problem.task.start


@inlined
def step_row(problem: Any, row: int, state: State, out: Out) -> None:
    """Move, slip, pay 1, and see whether the cell is forbidden or the goal."""
    plant, cell = problem.plant, state.whole[row, 0]
    share = 0.5 * (1.0 + out.wind[row, 0, 0])
    outcome = STRAIGHT
    if share >= 1.0 - plant.slip and plant.slip > 0.0:
        outcome = LEFT if share < 1.0 - 0.5 * plant.slip else RIGHT
    cell = plant.following[cell, out.choice[row, 0, 0], outcome]
    state.whole[row, 0] = cell
    broken = plant.mark[cell] == FORBIDDEN
    out.cost[row, 0] = problem.rules.step_s if broken else 0.0
    if broken:
        state.sums[row, DEEPEST] = 1.0
    out.reward[row, 0, 0] = -1.0
    out.terminated[row] = plant.mark[cell] == GOAL


@inlined
def observe_row(_: Any, row: int, state: State, seen: Seen) -> None:
    """Write the cell, as one hot column and as a number."""
    cell = state.whole[row, 0]
    seen.mask[row] = True
    seen.obs[row] = 0.0
    seen.obs[row, 0, cell] = 1.0
    seen.signals[row, 0] = cell
