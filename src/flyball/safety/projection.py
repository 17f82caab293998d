# SPDX-License-Identifier: MIT
"""The nearest action that keeps every limit: a small quadratic program, solved exactly.

minimise ½ Σ_d ((u_d - p_d) / scale_d)² + Σ_r price_r · slack_r  subject to  low <= u <= high and
rows · u <= bound + slack, with slack_r >= 0 for soft rows and 0 for hard ones (price inf).

B actions · D dims · R rows · M = R + 2 D rows with those of the box behind them.

A dual active set (Goldfarb & Idnani, *Mathematical Programming* 27, 1983): it starts at the
proposed action, takes in the most violated row and lets go of rows whose multiplier falls to zero,
so that every step raises the dual and the number of steps is finite. A soft row differs only in
that its multiplier is bounded by its price (the penalty is exact): one that reaches it stays
violated, and its slack is what is left. With one violated row and a free box the first step is the
closed form of a projection onto a half-space.

Textbook solvers stop at a tolerance (OSQP leaves rows broken by 2e-3) and hand NaN through; here an
action that keeps every limit comes back bit for bit, one that was bent keeps them in floating
point, and whatever is not finite, empty or unfinished gives a code and the refuge.
"""

from typing import NamedTuple

import numpy as np
from numba import njit

from flyball.core.batch import Doubles, Ints

SAME, BENT, INVALID, INFEASIBLE, UNFINISHED = 0, 1, 2, 3, 4
"""Codes: admissible as proposed; projected; not finite; empty set; more steps than allowed."""

OFF, TIGHT, PAID = 0, 1, 2
"""A row without multiplier, one that is tight, a soft one whose slack is paid for."""

MARGIN = 1e-11
"""How far inside its rows a bent action lands, in scaled units, so that rounding breaks none."""

TINY = 1e-13
"""What is left of a unit normal that depends on the tight ones."""


class Limits(NamedTuple):
    """What an action must keep, native units; a batch has one more axis in front of most."""

    low: Doubles  # (D,)
    high: Doubles  # (D,)
    scale: Doubles  # (D,) above 0: the change of a dim that weighs as much as one of another
    rows: Doubles  # (R, D)
    bound: Doubles  # (R,) rows · u <= bound; +inf is no limit
    price: Doubles  # (R,) of one unit of slack of a soft row, at least 0; inf: hard


@njit(cache=True, nogil=True)
def admissible(limits: Limits, u: Doubles) -> bool:
    """Return whether u (D,) keeps box and rows, soft ones too; NaN keeps none."""
    for d in range(len(u)):
        if not (limits.low[d] <= u[d] <= limits.high[d]):
            return False
    for r in range(len(limits.bound)):
        total = 0.0
        for d in range(len(u)):
            total += limits.rows[r, d] * u[d]
        if not (total <= limits.bound[r]):
            return False
    return True


@njit(cache=True, nogil=True)
def sound(limits: Limits, proposed: Doubles) -> int:
    """Return SAME if a problem has numbers to work with, else INVALID or INFEASIBLE."""
    for d in range(len(proposed)):
        low, high = limits.low[d], limits.high[d]
        if not (np.isfinite(proposed[d]) and np.isfinite(low) and np.isfinite(high)):
            return INVALID
    for r in range(len(limits.bound)):
        if not (limits.bound[r] > -np.inf):
            return INVALID
        for d in range(len(proposed)):
            if not np.isfinite(limits.rows[r, d]):
                return INVALID
    for d in range(len(proposed)):
        if limits.low[d] > limits.high[d]:
            return INFEASIBLE
    return SAME


@njit(cache=True, nogil=True)
def solved(gram: Doubles, right: Doubles, n: int) -> bool:
    """Solve gram x = right in place, both (n, n) and (n,), by Cholesky; False if singular."""
    for i in range(n):
        for j in range(i + 1):
            total = gram[i, j]
            for k in range(j):
                total -= gram[i, k] * gram[j, k]
            if i == j:
                if not (total > TINY):
                    return False
                gram[i, i] = np.sqrt(total)
            else:
                gram[i, j] = total / gram[j, j]
    for i in range(n):
        for k in range(i):
            right[i] -= gram[i, k] * right[k]
        right[i] /= gram[i, i]
    for i in range(n - 1, -1, -1):
        for k in range(i + 1, n):
            right[i] -= gram[k, i] * right[k]
        right[i] /= gram[i, i]
    return True


class Work(NamedTuple):
    """Memory of one problem in scaled units, where normals have length 1."""

    normal: Doubles  # (M, D)
    limit: Doubles  # (M,)
    price: Doubles  # (M,) largest multiplier; inf for hard rows
    multiplier: Doubles  # (M,)
    state: Ints  # (M,) OFF, TIGHT or PAID
    tight: Ints  # (D + 1,) the rows that are tight, in the order in which they became so
    gram: Doubles  # (D, D)
    share: Doubles  # (D,) how each tight row answers to the one that comes in
    ahead: Doubles  # (D,) what of that row's normal is free of them
    v: Doubles  # (D,) scaled action


@njit(cache=True, nogil=True)
def allocate(n_rows: int, n_dims: int) -> Work:
    """Return the memory for problems of R rows and D dims."""
    m = n_rows + 2 * n_dims
    return Work(
        np.zeros((m, n_dims)),
        np.zeros(m),
        np.zeros(m),
        np.zeros(m),
        np.zeros(m, np.int32),
        np.zeros(n_dims + 1, np.int32),
        np.zeros((n_dims, n_dims)),
        np.zeros(n_dims),
        np.zeros(n_dims),
        np.zeros(n_dims),
    )


@njit(cache=True, nogil=True)
def _load(work: Work, limits: Limits, proposed: Doubles, margin: float) -> bool:
    """Write a problem in scaled units; False where a row without normal cannot be kept."""
    low, high, scale, rows, bound, price = limits
    n_rows, n_dims = rows.shape
    work.multiplier[:] = 0.0
    work.state[:] = OFF
    for d in range(n_dims):
        work.v[d] = proposed[d] / scale[d]
    for r in range(n_rows):
        length = 0.0
        for d in range(n_dims):
            work.normal[r, d] = rows[r, d] * scale[d]
            length += work.normal[r, d] ** 2
        length = np.sqrt(length)
        if length == 0.0:
            if bound[r] < 0.0 and price[r] == np.inf:
                return False
            work.limit[r], work.price[r] = np.inf, 0.0
            continue
        hard = price[r] == np.inf
        work.normal[r] /= length
        work.limit[r] = bound[r] / length - (margin if hard else 0.0)
        work.price[r] = price[r] * length
    for d in range(n_dims):
        upper, lower = n_rows + 2 * d, n_rows + 2 * d + 1
        work.normal[upper] = 0.0
        work.normal[lower] = 0.0
        work.normal[upper, d], work.normal[lower, d] = 1.0, -1.0
        work.limit[upper], work.limit[lower] = high[d] / scale[d], -low[d] / scale[d]
        work.price[upper] = work.price[lower] = np.inf
    return True


@njit(cache=True, nogil=True)
def _excess(work: Work, r: int) -> float:
    """Return by how much row r is broken, in scaled units."""
    total = -work.limit[r]
    for d in range(len(work.v)):
        total += work.normal[r, d] * work.v[d]
    return float(total)


@njit(cache=True, nogil=True)
def _worst(work: Work) -> int:
    """Return the row that is furthest from where its multiplier says it is; -1 if none is."""
    found, most = -1, 1e-12
    for r in range(len(work.limit)):
        if work.state[r] == TIGHT or work.limit[r] == np.inf:
            continue
        off = _excess(work, r) if work.state[r] == OFF else -_excess(work, r)
        if off > most:
            found, most = r, off
    return found


@njit(cache=True, nogil=True)
def _face(work: Work, n_tight: int, row: int) -> bool:
    """Write `share` and `ahead` of a row that comes in; False if the tight rows are dependent."""
    n_dims = len(work.v)
    for i in range(n_tight):
        for j in range(i + 1):
            total = 0.0
            for d in range(n_dims):
                total += work.normal[work.tight[i], d] * work.normal[work.tight[j], d]
            work.gram[i, j] = total
        total = 0.0
        for d in range(n_dims):
            total += work.normal[work.tight[i], d] * work.normal[row, d]
        work.share[i] = total
    if not solved(work.gram, work.share, n_tight):
        return False
    for d in range(n_dims):
        work.ahead[d] = work.normal[row, d]
        for i in range(n_tight):
            work.ahead[d] -= work.share[i] * work.normal[work.tight[i], d]
    return True


@njit(cache=True, nogil=True)
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


@njit(cache=True, nogil=True)
def _settle(work: Work, row: int, change: float) -> None:
    """Leave a row's multiplier at the end of its range that a change led to."""
    work.state[row] = PAID if change > 0.0 else OFF
    work.multiplier[row] = work.price[row] if change > 0.0 else 0.0


@njit(cache=True, nogil=True)
def _take_in(work: Work, n_tight: int, row: int) -> int:
    """Move until `row` is tight, or its multiplier at an end of its range.

    Returns
    -------
    int
        How many rows are tight afterwards; -1 where no action keeps all hard rows, -2 where the
        tight rows have become dependent by rounding.
    """
    sign = 1.0 if work.state[row] == OFF else -1.0
    while True:
        if not _face(work, n_tight, row):
            return -2
        curve = 0.0
        for d in range(len(work.v)):
            curve += work.ahead[d] ** 2
        full = sign * _excess(work, row) / curve if curve > TINY else np.inf
        room = work.price[row] - work.multiplier[row] if sign > 0 else work.multiplier[row]
        step, leaver = _reach(work, n_tight, sign, min(full, room))
        if step == np.inf:
            return -1
        for d in range(len(work.v)):
            work.v[d] -= sign * step * work.ahead[d] if curve > TINY else 0.0
        for i in range(n_tight):
            work.multiplier[work.tight[i]] -= sign * step * work.share[i]
        work.multiplier[row] += sign * step
        if leaver < 0:
            if step == full:
                work.state[row] = TIGHT
                work.tight[n_tight] = row
                return n_tight + 1
            _settle(work, row, sign)
            return n_tight
        _settle(work, work.tight[leaver], -sign * work.share[leaver])
        for i in range(leaver, n_tight - 1):
            work.tight[i] = work.tight[i + 1]
        n_tight -= 1


@njit(cache=True, nogil=True)
def _descend(work: Work) -> int:
    """Solve what `_load` wrote; return BENT, INFEASIBLE or UNFINISHED."""
    n_tight = 0
    for _ in range(10 * len(work.limit) + 10):
        row = _worst(work)
        if row < 0:
            return BENT
        n_tight = _take_in(work, n_tight, row)
        if n_tight < 0:
            return INFEASIBLE if n_tight == -1 else UNFINISHED
    return UNFINISHED


@njit(cache=True, nogil=True)
def project(work: Work, limits: Limits, proposed: Doubles, refuge: Doubles, out: Doubles) -> int:
    """Write the nearest action (D,) that keeps every limit, and return a code.

    Parameters
    ----------
    work
        Memory for R rows and D dims. Afterwards `multiplier` holds what each row costs.
    limits
        Of one row of the batch.
    proposed
        (D,) native units.
    refuge
        (D,) what is written where there is no answer.
    out
        (D,) changed.

    Returns
    -------
    int
        SAME, BENT, INVALID, INFEASIBLE or UNFINISHED.
    """
    code = sound(limits, proposed)
    if code == SAME:
        if admissible(limits, proposed):
            work.multiplier[:] = 0.0
            out[:] = proposed
            return SAME
        # A set without inside has no room for the margin; what it holds is kept to rounding.
        for margin in (MARGIN, 0.0):
            loaded = _load(work, limits, proposed, margin)
            code = _descend(work) if loaded else INFEASIBLE
            if code != INFEASIBLE:
                break
    if code == BENT:
        for d in range(len(out)):
            out[d] = min(max(work.v[d] * limits.scale[d], limits.low[d]), limits.high[d])
        if not _keeps_hard(limits, out):
            code = UNFINISHED
    if code != BENT:
        work.multiplier[:] = 0.0
        out[:] = refuge
    return code


@njit(cache=True, nogil=True)
def _keeps_hard(limits: Limits, u: Doubles) -> bool:
    """Return whether no hard row is broken by more than rounding."""
    for r in range(len(limits.bound)):
        if limits.price[r] < np.inf:
            continue
        total, size = 0.0, 1.0
        for d in range(len(u)):
            total += limits.rows[r, d] * u[d]
            size += abs(limits.rows[r, d] * u[d])
        if not (total <= limits.bound[r] + 1e-14 * size):
            return False
    return True


@njit(cache=True, nogil=True)
def project_all(
    limits: Limits, proposed: Doubles, refuge: Doubles
) -> tuple[Doubles, Ints, Doubles]:
    """Project B actions (B, D).

    Parameters
    ----------
    limits
        Boxes (B, D), rows (B, R, D) and bounds (B, R); scale (D,) and price (R,) are shared.
    proposed, refuge
        (B, D).

    Returns
    -------
    applied : (B, D)
    code : (B,)
    slack : (B, R)
        By how much each row is broken by what is applied, native units, at least 0.
    """
    low, high, scale, rows, bound, price = limits
    n, n_rows = bound.shape
    applied, code = np.empty_like(proposed), np.empty(n, np.int32)
    slack = np.zeros((n, n_rows))
    work = allocate(n_rows, proposed.shape[1])
    for b in range(n):
        own = Limits(low[b], high[b], scale, rows[b], bound[b], price)
        code[b] = project(work, own, proposed[b], refuge[b], applied[b])
        for r in range(n_rows):
            total = -bound[b, r]
            for d in range(proposed.shape[1]):
                total += rows[b, r, d] * applied[b, d]
            slack[b, r] = total if total > 0.0 else 0.0
    return applied, code, slack
