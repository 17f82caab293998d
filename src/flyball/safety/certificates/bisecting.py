# SPDX-License-Identifier: MIT
"""Finding the cells within which a plant can be kept: interval branch and bound to a fixed point.

All cells of a coarse grid are kept at first. One from which no value of a finite set leads back
into what is kept is cut into halves along every state, or dropped when it is as small as allowed.
What is left when nothing changes any more is the largest set of cells that the grid can tell: what
is kept only shrinks, so whatever failed once would fail again. Where a value leads is asked of the
model once for each cell and value.

X states · K blocks · V values to choose from · D dims of each.
"""

from collections.abc import Callable
from itertools import product
from typing import NamedTuple, Self

import numpy as np

from flyball.core.batch import Bools, Doubles, Longs
from flyball.core.envelope import StepModel
from flyball.core.errors import Problem, SolverError
from flyball.safety.certificates.cells import (
    Cells,
    Grid,
    full,
    grid_of,
    span,
    sums_of,
    widened,
)
from flyball.safety.kernels import kernel

Watch = Callable[[str, float, dict[str, float]], None]
"""Told how far it is: stage, share, figures."""

MOST_BLOCKS = 400_000


class Raster(NamedTuple):
    """What is looked for, and how finely."""

    low: Doubles  # (X,) of the states that are looked at
    high: Doubles  # (X,)
    coarse: Longs  # (X,) cells along each state to begin with
    halvings: int  # how often a cell may be cut into halves
    values: Doubles  # (V, D) to choose from
    error: Doubles  # (X,) of measurement
    hold_s: float


class Blocks(NamedTuple):
    """Cells that are still kept, and where each value leads from them."""

    first: Longs  # (K, X) lowest cell of the finest grid
    size: Longs  # (K,)
    ahead: Longs  # (K, V, X, 2) cells that the plant can be in after the hold
    margin: Doubles  # (K, V) to the limits within it; NaN where it leads out of the grid

    def only(self, rows: Bools | Longs) -> Self:
        """Return some blocks."""
        return self._replace(**{name: part[rows] for name, part in self._asdict().items()})


class Question(NamedTuple):
    """Everything that is needed to ask where values lead."""

    raster: Raster
    model: StepModel
    grid: Grid  # the finest


def bisected(raster: Raster, model: StepModel, watch: Watch) -> Cells:
    """Return the cells in which a plant can be kept, each with the value that keeps most distance.

    Raises
    ------
    SolverError
        Where none is left, or there are too many.
    """
    count, side = raster.coarse << raster.halvings, 1 << raster.halvings
    none = np.full(count, -1, np.int64)
    question = Question(raster, model, grid_of(raster.low, raster.high, none, none))
    first = np.array(list(product(*(range(n) for n in raster.coarse))), np.int64) * side
    blocks = asked(question, first, np.full(len(first), side, np.int64))
    works = working(blocks, count)
    while not works.any(1).all():
        fails = np.logical_not(works.any(axis=1))
        watch("proving", float(1.0 - fails.mean()), {"cells": float(len(fails))})
        new = asked(question, *halved(blocks.only(fails & (blocks.size > 1))))
        left = blocks.only(~fails)
        blocks = Blocks(*(np.concatenate(pair) for pair in zip(left, new, strict=True)))
        if not 0 < len(blocks.size) <= MOST_BLOCKS:
            raise _none(len(blocks.size))
        works = working(blocks, count)
    blocks = blocks.only(np.lexsort(blocks.first.T[::-1]))
    best = np.where(working(blocks, count), blocks.margin, -np.inf).argmax(1)
    used, choice = np.unique(best, return_inverse=True)
    values = raster.values[used]
    return Cells(raster.low, raster.high, count, blocks.first, blocks.size, choice, values)


def halved(blocks: Blocks) -> tuple[Longs, Longs]:
    """Return first cells and sizes of what blocks are cut into."""
    n_states = blocks.first.shape[1]
    corner = np.array(list(product((0, 1), repeat=n_states)), np.int64)
    half = blocks.size // 2
    first = blocks.first[:, None] + corner[None] * half[:, None, None]
    return first.reshape(-1, n_states), half.repeat(len(corner))


def asked(question: Question, first: Longs, size: Longs) -> Blocks:
    """Return blocks with what the model says about every value."""
    raster, model, grid = question
    n, n_values, n_states = len(first), len(raster.values), len(raster.low)
    zero = np.zeros(n, np.int64)
    count = raster.coarse << raster.halvings
    boxes = widened(
        Cells(raster.low, raster.high, count, first, size, zero, raster.values), raster.error
    )
    ahead, margin = np.zeros((n, n_values, n_states, 2), np.int64), np.full((n, n_values), np.nan)
    for v, value in enumerate(raster.values):
        reach = model.reach(*boxes, np.tile(value, (n, 1)), raster.hold_s)
        margin[:, v] = reach.margin
        spans(grid, reach.low, reach.high, ahead[:, v], margin[:, v])
    return Blocks(first, size, ahead, margin)


@kernel
def spans(grid: Grid, low: Doubles, high: Doubles, ahead: Longs, margin: Doubles) -> None:
    """Write the cells (n, X, 2) that hold boxes (n, X); margin (n,) is NaN outside of the grid."""
    for row in range(len(low)):
        if not span(grid, low[row], high[row], ahead[row]):
            margin[row] = np.nan


def working(blocks: Blocks, count: Longs) -> Bools:
    """Return (K, V) which values lead from which blocks back into what is kept."""
    n_states = len(count)
    kept = np.zeros(count, np.int64)
    for side in np.unique(blocks.size):
        own = blocks.first[blocks.size == side] // side
        # Blocks of one size are the cells of a coarser grid, since halving keeps them in place.
        coarse = np.zeros(count // side, np.int64)
        coarse[tuple(own.T)] = 1
        for axis in range(n_states):
            coarse = coarse.repeat(side, axis=axis)
        kept += coarse
    total = sums_of(kept)
    leap = np.array([int(np.prod(total.shape[k + 1 :])) for k in range(n_states)], np.int64)
    return returns(total.ravel(), leap, blocks.ahead, blocks.margin)


@kernel
def returns(total: Longs, leap: Longs, ahead: Longs, margin: Doubles) -> Bools:
    """Return (K, V) where limits are kept and all cells ahead are kept ones."""
    out = np.zeros(margin.shape, np.bool_)
    for k in range(margin.shape[0]):
        for v in range(margin.shape[1]):
            out[k, v] = margin[k, v] >= 0.0 and full(total, leap, ahead[k, v])
    return out


def _none(n_blocks: int) -> SolverError:
    found = f"{n_blocks} cells" if n_blocks else "no cell from where a value leads back"
    return SolverError(
        Problem(
            where="invariant cells",
            found=found,
            allowed=f"1 to {MOST_BLOCKS} cells that some value keeps the plant in",
            fix="cut cells once more or look at a smaller range; else allow less disturbance or "
            "error, another hold, more values or wider limits",
        )
    )
