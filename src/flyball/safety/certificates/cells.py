# SPDX-License-Identifier: MIT
"""Proof that a plant can be kept within a union of boxes; checked by one pass over the boxes.

A grid of small cells is laid over the states. A block is a cube of cells with a value. With every
block, widened on each side by twice the error of measurement, the model says: while its value is
held for `hold_s` every hard limit is kept at all times, and afterwards the plant lies in the union
of all blocks. So a plant in the union stays there for ever: what is measured within the error is a
box that touches a block in which the plant is, or one that lies less than twice the error beside
it, and any block that the box touches will do.

Blocks are closed; where two meet, both proofs hold. Edges of cells are numbers that are computed in
one place, and every comparison is with them, so that nothing falls between.

C cells in all · X states · K blocks · D values · n boxes.
"""

from typing import NamedTuple

import numpy as np

from flyball.core.batch import Bools, Doubles, Ints, Longs
from flyball.core.envelope import Inner, StepModel
from flyball.safety.kernels import kernel

NONE = -1
"""Value of a cell that is not kept."""


class Cells(NamedTuple):
    """Blocks of a grid that a plant can be kept in."""

    low: Doubles  # (X,) of the grid, native units
    high: Doubles  # (X,)
    n_cells: Longs  # (X,) along each state
    block: Longs  # (K, X) the lowest cell of each block
    size: Longs  # (K,) cells along its sides
    choice: Longs  # (K,) which of the values is held there
    values: Doubles  # (D-rows, D) the values that are used


class Grid(NamedTuple):
    """The edges of cells, and what each cell holds."""

    edge: Doubles  # edges of all states, one state after the other
    first: Longs  # (X + 1,) where each state's edges begin
    stride: Longs  # (X,) of a cell's number
    held: Longs  # (C,) index of the value, NONE where not kept
    beside: Longs  # (C,) the same, with the nearest kept cell's where none is
    total: Longs  # sums of kept cells below each corner of the grid, one more along each state
    leap: Longs  # (X,) stride of a corner's number


def edges_of(low: Doubles, high: Doubles, count: Longs) -> tuple[Doubles, Longs]:
    """Return all edges and where those of each state begin."""
    parts = [
        own + (top - own) * (np.arange(n + 1) / n)
        for own, top, n in zip(low, high, count, strict=True)
    ]
    return np.concatenate(parts), np.cumsum([0, *(len(part) for part in parts)])


def painted(cells: Cells) -> Longs | None:
    """Return what each cell of a grid (count) holds; None where blocks overlap or leave it."""
    held = np.full(cells.n_cells, NONE, np.int64)
    sound = ((cells.block >= 0) & (cells.block + cells.size[:, None] <= cells.n_cells)).all()
    if not (sound and (cells.size > 0).all()):
        return None
    for first, size, choice in zip(cells.block, cells.size, cells.choice, strict=True):
        held[tuple(slice(k, k + size) for k in first)] = choice
    within = int((cells.size ** len(cells.n_cells)).sum())
    return held if int((held != NONE).sum()) == within else None


def sums_of(kept: Longs) -> Longs:
    """Return how many kept cells lie below each corner of a grid, so that a box is a few terms."""
    total = np.zeros([n + 1 for n in kept.shape], np.int64)
    total[(slice(1, None),) * kept.ndim] = kept
    for axis in range(kept.ndim):
        total = total.cumsum(axis)
    return total


def grid_of(low: Doubles, high: Doubles, held: Longs, beside: Longs) -> Grid:
    """Return a grid ready for the kernels from what its cells hold."""
    edge, first = edges_of(low, high, np.array(held.shape))
    total = sums_of((held != NONE).astype(np.int64))
    stride, leap = (
        np.array([int(np.prod(shape[k + 1 :])) for k in range(len(shape))], np.int64)
        for shape in (held.shape, total.shape)
    )
    return Grid(edge, first, stride, held.ravel(), beside.ravel(), total.ravel(), leap)


@kernel
def below(edge: Doubles, first: int, last: int, x: float) -> int:
    """Return the number of edges in [first, last) that lie below x."""
    low, high = first, last
    while low < high:
        middle = (low + high) // 2
        if edge[middle] < x:
            low = middle + 1
        else:
            high = middle
    return low - first


@kernel
def upto(edge: Doubles, first: int, last: int, x: float) -> int:
    """Return the number of edges in [first, last) that lie below x or at it."""
    low, high = first, last
    while low < high:
        middle = (low + high) // 2
        if edge[middle] <= x:
            low = middle + 1
        else:
            high = middle
    return low - first


@kernel
def span(grid: Grid, low: Doubles, high: Doubles, out: Longs) -> bool:
    """Write the fewest cells (X, 2), first and beyond the last, that hold a box (X,).

    Returns
    -------
    bool
        False for a box that is not within the grid, or that has numbers missing.
    """
    for k in range(len(low)):
        first, last = grid.first[k], grid.first[k + 1]
        inside = grid.edge[first] <= low[k] and low[k] <= high[k] and high[k] <= grid.edge[last - 1]
        if not inside:
            return False
        start = min(upto(grid.edge, first, last, low[k]) - 1, last - first - 2)
        out[k, 0] = start
        out[k, 1] = max(below(grid.edge, first, last, high[k]), start + 1)
    return True


@kernel
def full(total: Longs, leap: Longs, cells: Longs) -> bool:
    """Return whether all cells within (X, 2) are kept."""
    n_states = len(leap)
    count, volume = 0, 1
    for corner in range(1 << n_states):
        at, sign = 0, 1
        for k in range(n_states):
            upper = (corner >> k) & 1
            at += cells[k, upper] * leap[k]
            sign = sign if upper else -sign
        count += sign * total[at]
    for k in range(n_states):
        volume *= cells[k, 1] - cells[k, 0]
    return bool(count == volume)


@kernel
def covered(grid: Grid, low: Doubles, high: Doubles) -> Ints:
    """Return (n,) 1 where boxes (n, X) lie in the union of kept cells, else 0."""
    out = np.zeros(len(low), np.int32)
    cells = np.empty((low.shape[1], 2), np.int64)
    for row in range(len(low)):
        if span(grid, low[row], high[row], cells) and full(grid.total, grid.leap, cells):
            out[row] = 1
    return out


@kernel
def touched(grid: Grid, low: Doubles, high: Doubles, out: Longs) -> bool:
    """Write the cells (X, 2), first and beyond the last, that a box touches; False for none."""
    for k in range(len(low)):
        first, last = grid.first[k], grid.first[k + 1]
        out[k, 0] = max(below(grid.edge, first, last, low[k]) - 1, 0)
        out[k, 1] = min(upto(grid.edge, first, last, high[k]), last - first - 1)
        if not (low[k] <= high[k] and out[k, 0] < out[k, 1]):
            return False
    return True


@kernel
def nearest(grid: Grid, low: Doubles, high: Doubles, cells: Longs) -> int:
    """Return what the kept cell holds that a box touches nearest to its middle; NONE for none.

    Parameters
    ----------
    grid
        The cells.
    low, high
        (X,) the box.
    cells
        (X, 2) as `touched` writes them.
    """
    n_states = len(low)
    number = 1
    for k in range(n_states):
        number *= cells[k, 1] - cells[k, 0]
    found, least = NONE, np.inf
    for turn in range(number):
        at, rest, way = 0, turn, 0.0
        for k in range(n_states - 1, -1, -1):
            width = cells[k, 1] - cells[k, 0]
            own = cells[k, 0] + rest % width
            rest //= width
            at += own * grid.stride[k]
            x = low[k] + (high[k] - low[k]) / 2.0
            left, right = grid.edge[grid.first[k] + own], grid.edge[grid.first[k] + own + 1]
            way += (max(left - x, x - right, 0.0) / (right - left)) ** 2
        if grid.held[at] != NONE and way < least:
            found, least = grid.held[at], way
    return found


@kernel
def choices(grid: Grid, low: Doubles, high: Doubles) -> Longs:
    """Return (n,) the index of the value for boxes (n, X); NONE where there is no idea."""
    n_states = low.shape[1]
    out = np.full(len(low), NONE, np.int64)
    cells, middle = np.empty((n_states, 2), np.int64), np.empty(n_states)
    for row in range(len(low)):
        finite = True
        for k in range(n_states):
            middle[k] = low[row, k] + (high[row, k] - low[row, k]) / 2.0
            finite = finite and np.isfinite(middle[k]) and low[row, k] <= high[row, k]
        if not finite:
            continue
        at = 0
        for k in range(n_states):
            first, last = grid.first[k], grid.first[k + 1]
            own = upto(grid.edge, first, last, middle[k]) - 1
            at += min(max(own, 0), last - first - 2) * grid.stride[k]
        out[row] = grid.held[at]
        if out[row] == NONE and touched(grid, low[row], high[row], cells):
            out[row] = nearest(grid, low[row], high[row], cells)
        if out[row] == NONE:
            out[row] = grid.beside[at]
    return out


def spread_out(held: Longs) -> Longs:
    """Return the same cells, each that is not kept with what the nearest kept one holds."""
    beside = held.copy()
    while (beside == NONE).any() and (beside != NONE).any():
        before = beside.copy()
        for axis in range(held.ndim):
            for here, there in ((slice(1, None), slice(-1)), (slice(-1), slice(1, None))):
                own = tuple(here if k == axis else slice(None) for k in range(held.ndim))
                other = tuple(there if k == axis else slice(None) for k in range(held.ndim))
                empty = beside[own] == NONE
                beside[own] = np.where(empty, before[other], beside[own])
    return beside


def widened(cells: Cells, error: Doubles) -> tuple[Doubles, Doubles]:
    """Return the boxes (K, X) of the blocks, on each side wider by twice the error."""
    edge, first = edges_of(cells.low, cells.high, cells.n_cells)
    # A measured box is rounded too, by a share of its numbers.
    wide = 2.0 * error * (1.0 + 1e-9) + 1e-15 * np.maximum(np.abs(cells.low), np.abs(cells.high))
    low = edge[first[:-1] + cells.block] - wide
    high = edge[first[:-1] + cells.block + cells.size[:, None]] + wide
    return np.nextafter(low, -np.inf), np.nextafter(high, np.inf)


def refuted(cells: Cells, model: StepModel, error: Doubles, hold_s: float) -> str:
    """Return why cells are not proved safe; nothing where they are."""
    if not len(cells.size):
        return "no cell is kept"
    held = painted(cells)
    if held is None or not ((cells.choice >= 0) & (cells.choice < len(cells.values))).all():
        return "cells overlap, lie outside of the grid or name no value"
    grid = grid_of(cells.low, cells.high, held, held)
    low, high = widened(cells, error)
    reach = model.reach(low, high, cells.values[cells.choice], hold_s)
    broken = ~(reach.margin >= 0.0)
    if broken.any():
        return f"from {_place(cells, broken)} a hard limit can break within the hold"
    leaving = covered(grid, reach.low, reach.high) == 0
    if leaving.any():
        return f"from {_place(cells, leaving)} the plant can leave the kept cells"
    return ""


def _place(cells: Cells, wrong: Bools) -> str:
    """Return where the first wrong block lies, and how many more there are."""
    first = int(np.flatnonzero(wrong)[0])
    low, high = widened(cells, np.zeros(len(cells.low)))
    sides = ", ".join(f"{a:.4g} to {b:.4g}" for a, b in zip(low[first], high[first], strict=True))
    return f"({sides}) and {int(wrong.sum()) - 1} more cells"


class Blocks(NamedTuple):
    """Kept cells and what is held there, as compiled code takes them."""

    edge: Doubles  # these as in `Grid`
    first: Longs
    stride: Longs
    held: Longs
    beside: Longs
    total: Longs
    leap: Longs
    values: Doubles  # (K, D)


@kernel
def margin_of(blocks: Blocks, low: Doubles, high: Doubles) -> Doubles:
    """Return (n,) 0 where boxes (n, X) lie in the kept cells, else -1."""
    edge, first, stride, held, beside, total, leap, _ = blocks
    kept = covered(Grid(edge, first, stride, held, beside, total, leap), low, high)
    out = np.empty(len(low))
    for row in range(len(low)):
        out[row] = kept[row] - 1.0
    return out


@kernel
def value_of(blocks: Blocks, low: Doubles, high: Doubles) -> Doubles:
    """Return (n, D) what is held from boxes (n, X), NaN where there is no idea."""
    edge, first, stride, held, beside, total, leap, values = blocks
    choice = choices(Grid(edge, first, stride, held, beside, total, leap), low, high)
    out = np.full((len(low), values.shape[1]), np.nan)
    for row in range(len(low)):
        if choice[row] != NONE:
            out[row] = values[choice[row]]
    return out


class CellsBackup:
    """Safe set and backup of proved cells: a `SafeSet` and a `Backup`."""

    def __init__(self, cells: Cells) -> None:
        """Paint the grid."""
        held = painted(cells)
        if held is None:
            msg = "cells that overlap were never proved"
            raise ValueError(msg)
        self.values = np.ascontiguousarray(cells.values, np.float64)
        self.grid = grid_of(cells.low, cells.high, held, spread_out(held))
        self.blocks = Blocks(*self.grid, self.values)
        self.inner_margin = Inner(margin_of, self.blocks)
        self.inner_value = Inner(value_of, self.blocks)

    def margin(self, low: Doubles, high: Doubles) -> Doubles:
        """Return (n,) 0 where boxes (n, X) lie in the kept cells, else -1."""
        own = np.ascontiguousarray(low, np.float64), np.ascontiguousarray(high, np.float64)
        return margin_of(self.blocks, *own)

    def value(self, low: Doubles, high: Doubles) -> Doubles:
        """Return (n, D) what to hold from boxes (n, X); NaN for one that is not finite.

        Proved for boxes that touch a kept cell and are no wider than twice the error; for others it
        is the value at or nearest to their middle, and the model has to be asked.
        """
        own = np.ascontiguousarray(low, np.float64), np.ascontiguousarray(high, np.float64)
        return value_of(self.blocks, *own)
