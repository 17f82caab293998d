# SPDX-License-Identifier: MIT
"""The steps of a dual active set, on a program that `projection` has scaled.

minimise ½ |v - p|² + Σ_r price_r · slack_r  subject to  normal · v <= limit + slack, normals of
length 1. Goldfarb & Idnani, *Mathematical Programming* 27, 1983: it starts at p, takes in the most
violated row and lets go of rows whose multiplier falls to zero, so that every step raises the dual
and the number of steps is finite. A soft row differs only in that its multiplier is bounded by its
price (the penalty is exact): one that reaches it stays violated, and its slack is what is left.

The normals of tight rows are kept as Q R, each made orthogonal twice (Daniel et al., *Mathematics
of Computation* 30, 1976): rows that are nearly parallel, as those of neighbours in a line are, lose
no digits to squaring, and a step costs as many multiplications as Q has numbers.

D dims · R rows · M = R + 2 D rows with those of the box behind them.
"""

from typing import NamedTuple

import numpy as np

from flyball.core.batch import Doubles, Ints
from flyball.safety.kernels import kernel

SOLVED, EMPTY, ENDLESS = range(3)
"""How `descend` ends: at the optimum; nothing keeps all hard rows; more steps than allowed."""

OFF, TIGHT, PAID = 0, 1, 2
"""A row without multiplier, one that is tight, a soft one whose slack is paid for."""

NEAR = 1e-12
"""A row that is broken by less, in scaled units, is kept."""

TINY = 1e-10
"""Length of what is left of a unit normal that depends on the tight ones."""


class Work(NamedTuple):
    """Memory of one problem in scaled units from the box's lower end; normals have length 1."""

    normal: Doubles  # (M, D) those of the box never change
    limit: Doubles  # (M,)
    price: Doubles  # (M,) largest multiplier; inf for hard rows
    multiplier: Doubles  # (M,)
    state: Ints  # (M,) OFF, TIGHT or PAID
    tight: Ints  # (D + 1,) the rows that are tight, in the order in which they became so
    basis: Doubles  # (D, D) orthonormal rows that span the tight normals
    upper: Doubles  # (D, D) column k: the k-th tight normal in that basis
    part: Doubles  # (D,) the one that comes in, in that basis
    share: Doubles  # (D,) how each tight row answers to it
    ahead: Doubles  # (D,) what of it is free of them
    v: Doubles  # (D,) scaled action


@kernel
def allocate(n_rows: int, n_dims: int) -> Work:
    """Return the memory for problems of R rows and D dims."""
    m = n_rows + 2 * n_dims
    work = Work(
        np.zeros((m, n_dims)),
        np.zeros(m),
        np.full(m, np.inf),
        np.zeros(m),
        np.zeros(m, np.int32),
        np.zeros(n_dims + 1, np.int32),
        np.zeros((n_dims, n_dims)),
        np.zeros((n_dims, n_dims)),
        np.zeros(n_dims),
        np.zeros(n_dims),
        np.zeros(n_dims),
        np.zeros(n_dims),
    )
    for d in range(n_dims):
        work.normal[n_rows + 2 * d, d], work.normal[n_rows + 2 * d + 1, d] = 1.0, -1.0
    return work


@kernel
def _excess(work: Work, r: int) -> float:
    """Return by how much row r is broken, in scaled units."""
    total = -work.limit[r]
    for d in range(len(work.v)):
        total += work.normal[r, d] * work.v[d]
    return float(total)


@kernel
def _worst(work: Work) -> int:
    """Return the row that is furthest from where its multiplier says it is; -1 if none is."""
    found, most = -1, NEAR
    n_dims = len(work.v)
    n_rows = len(work.limit) - 2 * n_dims
    for r in range(n_rows):
        if work.state[r] == TIGHT or work.limit[r] == np.inf:
            continue
        off = _excess(work, r) if work.state[r] == OFF else -_excess(work, r)
        if off > most:
            found, most = r, off
    for d in range(n_dims):
        for k in range(2):
            r = n_rows + 2 * d + k
            off = (work.v[d] if k == 0 else -work.v[d]) - work.limit[r]
            if off > most and work.state[r] == OFF:
                found, most = r, off
    return found


@kernel
def _face(work: Work, n_tight: int, row: int) -> float:
    """Write `part`, `share` and `ahead` of a row that comes in; return the length of `ahead`."""
    n_dims = len(work.v)
    work.ahead[:] = work.normal[row]
    work.part[:n_tight] = 0.0
    for _ in range(2):
        for i in range(n_tight):
            along = 0.0
            for d in range(n_dims):
                along += work.basis[i, d] * work.ahead[d]
            work.part[i] += along
            for d in range(n_dims):
                work.ahead[d] -= along * work.basis[i, d]
    for i in range(n_tight - 1, -1, -1):
        total = work.part[i]
        for k in range(i + 1, n_tight):
            total -= work.upper[i, k] * work.share[k]
        work.share[i] = total / work.upper[i, i]
    length = 0.0
    for d in range(n_dims):
        length += work.ahead[d] ** 2
    return float(np.sqrt(length))


@kernel
def _join(work: Work, n_tight: int, row: int, length: float) -> None:
    """Put the row that `_face` looked at behind the tight ones."""
    work.state[row] = TIGHT
    work.tight[n_tight] = row
    for i in range(n_tight):
        work.upper[i, n_tight] = work.part[i]
    work.upper[n_tight, n_tight] = length
    for d in range(len(work.v)):
        work.basis[n_tight, d] = work.ahead[d] / length


@kernel
def _leave(work: Work, n_tight: int, i: int) -> None:
    """Take the i-th tight row out; rotations make what is left of `upper` triangular again."""
    for k in range(i, n_tight - 1):
        work.tight[k] = work.tight[k + 1]
        for j in range(k + 2):
            work.upper[j, k] = work.upper[j, k + 1]
    for k in range(i, n_tight - 1):
        length = np.hypot(work.upper[k, k], work.upper[k + 1, k])
        cos, sin = work.upper[k, k] / length, work.upper[k + 1, k] / length
        for j in range(k, n_tight - 1):
            one, two = work.upper[k, j], work.upper[k + 1, j]
            work.upper[k, j], work.upper[k + 1, j] = cos * one + sin * two, cos * two - sin * one
        for d in range(len(work.v)):
            one, two = work.basis[k, d], work.basis[k + 1, d]
            work.basis[k, d], work.basis[k + 1, d] = cos * one + sin * two, cos * two - sin * one


@kernel
def _reach(work: Work, n_tight: int, sign: float, step: float) -> tuple[float, int]:
    """Return how far of a step the tight rows' multipliers allow, and which ends it (-1: none)."""
    leaver = -1
    for i in range(n_tight):
        change, own = -sign * work.share[i], work.tight[i]
        if change == 0.0:
            continue
        end = work.price[own] if change > 0.0 else 0.0
        left = (end - work.multiplier[own]) / change
        if left < step:
            step, leaver = left, i
    return step, leaver


@kernel
def _settle(work: Work, row: int, change: float) -> None:
    """Leave a row's multiplier at the end of its range that a change led to."""
    work.state[row] = PAID if change > 0.0 else OFF
    work.multiplier[row] = work.price[row] if change > 0.0 else 0.0


@kernel
def _take_in(work: Work, n_tight: int, row: int) -> int:
    """Move until `row` is tight, or its multiplier at an end of its range.

    Returns
    -------
    int
        How many rows are tight afterwards; -1 where no action keeps all hard rows.
    """
    sign = 1.0 if work.state[row] == OFF else -1.0
    while True:
        length = _face(work, n_tight, row)
        full = sign * _excess(work, row) / length**2 if length > TINY else np.inf
        room = work.price[row] - work.multiplier[row] if sign > 0 else work.multiplier[row]
        step, leaver = _reach(work, n_tight, sign, min(full, room))
        if step == np.inf:
            return -1
        for d in range(len(work.v)):
            work.v[d] -= sign * step * work.ahead[d] if length > TINY else 0.0
        for i in range(n_tight):
            work.multiplier[work.tight[i]] -= sign * step * work.share[i]
        work.multiplier[row] += sign * step
        if leaver < 0:
            if step == full:
                _join(work, n_tight, row, length)
                return n_tight + 1
            _settle(work, row, sign)
            return n_tight
        _settle(work, work.tight[leaver], -sign * work.share[leaver])
        _leave(work, n_tight, leaver)
        n_tight -= 1


@kernel
def descend(work: Work) -> int:
    """Move from p, which `v` holds, to the optimum; return SOLVED, EMPTY or ENDLESS."""
    n_tight = 0
    for _ in range(10 * len(work.limit) + 10):
        row = _worst(work)
        if row < 0:
            return SOLVED
        n_tight = _take_in(work, n_tight, row)
        if n_tight < 0:
            return EMPTY
    return ENDLESS
