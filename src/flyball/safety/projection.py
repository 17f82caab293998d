# SPDX-License-Identifier: MIT
"""The nearest action that keeps every limit: a small quadratic program, solved exactly.

minimise ½ Σ_d ((u_d - p_d) / scale_d)² + Σ_r price_r · slack_r  subject to  low <= u <= high and
rows · u <= bound + slack, with slack_r >= 0 for soft rows and 0 for hard ones (price inf).

B actions · D dims · R rows · M = R + 2 D rows with those of the box behind them.

The program is scaled, so that a change of one dim weighs as much as one of another, moved to the
lower end of the box, so that a large offset costs no digits, and solved by the dual active set of
`activeset`. With one violated row and a free box its first step is the closed form of a projection
onto a half-space.

Textbook solvers stop at a tolerance (OSQP leaves rows broken by 2e-3) and hand NaN through; here an
action that keeps every limit comes back bit for bit, one that was bent keeps them in floating
point, and whatever is not finite, empty or unfinished gives a code and the refuge.
"""

from typing import NamedTuple

import numpy as np

from flyball.core.batch import Doubles, Ints
from flyball.safety.activeset import (
    EMPTY,
    NEAR,
    OFF,
    SOLVED,
    Work,
    allocate,
    descend,
)
from flyball.safety.kernels import kernel

__all__ = [
    "BENT",
    "INFEASIBLE",
    "INVALID",
    "SAME",
    "UNFINISHED",
    "Limits",
    "Work",
    "admissible",
    "allocate",
    "project",
    "project_all",
]

SAME, BENT, INVALID, INFEASIBLE, UNFINISHED = 0, 1, 2, 3, 4
"""Codes: admissible as proposed; projected; not finite; empty set; more steps than allowed."""

MARGIN = 1e-11
"""How far inside its rows a bent action lands, in scaled units, so that rounding breaks none."""

ROUNDING = 1e-15
"""Share of the numbers in a sum by which rounding can be off."""

FAR = 1000.0
"""A proposal further from the box than this, in scaled units, counts as that far."""


class Limits(NamedTuple):
    """What an action must keep, native units; a batch has one more axis in front of most."""

    low: Doubles  # (D,)
    high: Doubles  # (D,)
    scale: Doubles  # (D,) above 0: the change of a dim that weighs as much as one of another
    rows: Doubles  # (R, D)
    bound: Doubles  # (R,) rows · u <= bound; +inf is no limit
    price: Doubles  # (R,) of one unit of slack of a soft row, at least 0; inf: hard


@kernel
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


@kernel
def fits(work: Work, limits: Limits, n_dims: int) -> bool:
    """Return whether memory and limits are for so many dims, and for equally many rows."""
    n_rows, width = limits.rows.shape
    dims = width == n_dims and len(limits.scale) == n_dims and len(work.v) == n_dims
    box = len(limits.low) == n_dims and len(limits.high) == n_dims
    rows = len(limits.bound) == n_rows and len(limits.price) == n_rows
    return dims and box and rows and len(work.limit) == n_rows + 2 * n_dims


@kernel
def sound(limits: Limits, proposed: Doubles) -> int:
    """Return SAME if a problem has numbers to work with, else INVALID or INFEASIBLE."""
    for d in range(len(proposed)):
        low, high = limits.low[d], limits.high[d]
        if not (np.isfinite(proposed[d]) and np.isfinite(low) and np.isfinite(high)):
            return INVALID
    for r in range(len(limits.bound)):
        if not (limits.bound[r] > -np.inf and limits.price[r] >= 0.0):
            return INVALID
        for d in range(len(proposed)):
            if not np.isfinite(limits.rows[r, d]):
                return INVALID
    for d in range(len(proposed)):
        if limits.low[d] > limits.high[d]:
            return INFEASIBLE
    return SAME


@kernel
def _load(work: Work, limits: Limits, proposed: Doubles, margin: float) -> int:
    """Write a problem in scaled units; BENT if it can be solved, else INVALID or INFEASIBLE."""
    low, high, scale, rows, bound, price = limits
    n_rows, n_dims = rows.shape
    work.multiplier[:] = 0.0
    work.state[:] = OFF
    for d in range(n_dims):
        if not 0.0 < scale[d] < np.inf:
            return INVALID
    for r in range(n_rows):
        length, start, size = 0.0, 0.0, 0.0
        for d in range(n_dims):
            work.normal[r, d] = rows[r, d] * scale[d]
            length += work.normal[r, d] ** 2
            start += rows[r, d] * low[d]
            size += abs(rows[r, d] * low[d])
        length = np.sqrt(length)
        if length == 0.0:
            if bound[r] < start and price[r] == np.inf:
                return INFEASIBLE
            work.limit[r], work.price[r] = np.inf, 0.0
            continue
        hard = price[r] == np.inf
        for d in range(n_dims):
            work.normal[r, d] /= length
        inside = margin + ROUNDING * size / length if hard and margin > 0.0 else 0.0
        work.limit[r] = (bound[r] - start) / length - inside
        work.price[r] = price[r] * length
    for d in range(n_dims):
        width = (high[d] - low[d]) / scale[d]
        work.limit[n_rows + 2 * d], work.limit[n_rows + 2 * d + 1] = width, 0.0
        work.v[d] = min(max((proposed[d] - low[d]) / scale[d], -FAR), width + FAR)
    return BENT


@kernel
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
        (D,) what is written where there is no answer; of another length: NaN is.
    out
        (D,) changed.

    Returns
    -------
    int
        SAME, BENT, INVALID, INFEASIBLE or UNFINISHED.
    """
    n_dims = len(out)
    if len(proposed) == n_dims == len(refuge) and fits(work, limits, n_dims):
        return _answer(work, limits, proposed, refuge, out)
    work.multiplier[:] = 0.0
    out[:] = np.nan
    if len(refuge) == n_dims:
        out[:] = refuge
    return INVALID


@kernel
def _answer(work: Work, limits: Limits, proposed: Doubles, refuge: Doubles, out: Doubles) -> int:
    """Do what `project` says, where all shapes fit."""
    code = sound(limits, proposed)
    if code == SAME:
        if admissible(limits, proposed):
            work.multiplier[:] = 0.0
            out[:] = proposed
            return SAME
        # A set without inside has no room for the margin; what it holds is kept to rounding.
        for margin in (MARGIN, 0.0):
            code = _load(work, limits, proposed, margin)
            if code == BENT:
                ended = descend(work)
                code = BENT if ended == SOLVED else INFEASIBLE if ended == EMPTY else UNFINISHED
            if code != INFEASIBLE:
                break
    if code == BENT:
        for d in range(len(out)):
            wanted = limits.low[d] + work.v[d] * limits.scale[d]
            out[d] = min(max(wanted, limits.low[d]), limits.high[d])
        if not _keeps_hard(limits, out, 10.0 * ROUNDING if margin > 0.0 else NEAR):
            code = UNFINISHED
    if code != BENT:
        work.multiplier[:] = 0.0
        out[:] = refuge
    return code


@kernel
def _keeps_hard(limits: Limits, u: Doubles, share: float) -> bool:
    """Return whether the box is kept, and hard rows up to a share of their size; NaN keeps none."""
    for d in range(len(u)):
        if not (limits.low[d] <= u[d] <= limits.high[d]):
            return False
    for r in range(len(limits.bound)):
        if limits.price[r] < np.inf:
            continue
        total, size = 0.0, 0.0
        for d in range(len(u)):
            total += limits.rows[r, d] * u[d]
            size += abs(limits.rows[r, d]) * max(abs(limits.low[d]), abs(limits.high[d]))
        if not (total <= limits.bound[r] + share * size):
            return False
    return True


@kernel
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
        INVALID everywhere where shapes differ.
    slack : (B, R)
        By how much each row is broken by what is applied, native units, at least 0.
    """
    low, high, scale, rows, bound, price = limits
    n, n_dims = refuge.shape
    n_rows = bound.shape[1]
    applied, code = refuge.copy(), np.full(n, INVALID, np.int32)
    slack = np.zeros((n, n_rows))
    # Compiled code would read beyond an array that is too short.
    same = proposed.shape == low.shape == high.shape == refuge.shape
    one = len(scale) == n_dims and len(price) == n_rows
    if not (same and one and bound.shape[0] == n and rows.shape == (n, n_rows, n_dims)):
        return applied, code, slack
    work = allocate(n_rows, n_dims)
    for b in range(n):
        own = Limits(low[b], high[b], scale, rows[b], bound[b], price)
        code[b] = _answer(work, own, proposed[b], refuge[b], applied[b])
        for r in range(n_rows):
            total = -bound[b, r]
            for d in range(n_dims):
                total += rows[b, r, d] * applied[b, d]
            slack[b, r] = total if total > 0.0 else 0.0
    return applied, code, slack
