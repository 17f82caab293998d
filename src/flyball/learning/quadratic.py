# SPDX-License-Identifier: MIT
"""The step of a trust region under cost limits, solved exactly in the span of a few directions.

Maximise g.x subject to c_k + b_k.x <= 0 for each of C costs and x.Hx <= 2 delta (Achiam et al.,
*Constrained policy optimization*, arXiv:1705.10528, equation 11), with u = H^-1 g and
w_k = H^-1 b_k. Only numbers are needed: q = g.u, r_k = g.w_k, s_kl = b_k.w_l. For every set of
costs that may be at their limit the best point of that plane within the region is written down; the
one that breaks no limit and whose multipliers are not negative is the optimum, because the problem
is convex. With one cost this is the paper's closed form, its projections of the multiplier
included; with several it is exact too, where popular code knows one cost only.
"""

from collections.abc import Iterator
from enum import IntEnum
from itertools import combinations
from typing import NamedTuple

import numpy as np

from flyball.core.batch import Bools, Doubles, Longs

LARGEST_NUMBER_OF_COSTS = 8
"""Every subset of the costs is tried, 256 of eight."""

EXACT = 1e-9
"""Rounding that a limit or a multiplier may be off, relative to its terms."""

RELIEF = 0.05
"""Share of the region by which each broken limit is approached where it is out of reach."""

ALIKE = 1e8
"""Costs whose gradients are so nearly parallel (condition number) are at their limits together."""


class Case(IntEnum):
    """How the limits lie to the trust region; the numbers are those of popular code."""

    STILL = -1
    """Something is not finite, or a broken limit cannot be mended: do not move."""

    RETREAT = 0
    """A limit is broken and no step of this size mends it: only lower the cost."""

    REPAIR = 1
    """A limit is broken, and part of the region mends it."""

    BORDER = 2
    """All limits hold, and one cuts the region."""

    INSIDE = 3
    """All limits hold in the whole region."""

    FREE = 4
    """All limits hold, and no cost changes at all: a plain trust region."""


class Quadratic(NamedTuple):
    """A trust region and the limits that lie in it or about it."""

    q: float  # g.u
    r: Doubles  # (C,) g.w_k
    s: Doubles  # (C, C) b_k.w_l, symmetric
    c: Doubles  # (C,) cost less its limit, above 0 where it is broken
    delta: float  # size, x.Hx / 2 at most; above 0


class Move(NamedTuple):
    """The step x = reward u + sum of cost_k w_k, and what the limits are worth."""

    case: Case
    reward: float
    cost: Doubles  # (C,)
    multiplier: Doubles  # (C,) reward per cost at the optimum; 0 where there is no optimum


def best_move(region: Quadratic) -> Move:
    """Return the best step; where broken limits are out of reach, the one that lowers them all."""
    c = region.c
    size = np.sqrt(np.maximum(np.diag(region.s), 0.0))
    moves, broken = size > 0.0, c > 0.0
    nothing = np.zeros_like(c)
    if not _sound(region) or (broken & ~moves).any():
        return Move(Case.STILL, 0.0, nothing, nothing)
    unit = np.where(moves, size, 1.0)  # limits as distances in the region, whatever their units
    r, s = region.r / unit, region.s / np.outer(unit, unit)
    scaled = Quadratic(region.q, r, s, c / unit, region.delta)
    found = _best(scaled, moves)
    if found is not None:
        reward, cost, multiplier = found
        return Move(_case(scaled, moves), reward, cost / unit, multiplier / unit)
    if not broken.any():
        return Move(Case.STILL, 0.0, nothing, nothing)
    return Move(Case.RETREAT, 0.0, _retreat(scaled, moves) / unit, nothing)


def _best(region: Quadratic, moves: Bools) -> tuple[float, Doubles, Doubles] | None:
    """Return the optimum in coefficients with its multipliers; None where nothing keeps all."""
    for chosen in _subsets(np.flatnonzero(moves)):
        found = _best_on(chosen, region)
        if found is not None:
            return found
    return None


def _retreat(region: Quadratic, moves: Bools) -> Doubles:
    """Return coefficients (C,) of the step that lowers all broken costs most, as distances.

    No broken one may rise, and none that is kept may break; if it can be had, each broken one falls
    by `RELIEF`, because steps bend.
    """
    _, _, s, c, delta = region
    down = -(c > 0.0).astype(np.float64)
    lower = Quadratic(float(down @ s @ down), s @ down, s, c, delta)
    for relief in (RELIEF * np.sqrt(2.0 * delta), 0.0):
        found = _best(lower._replace(c=np.where(c > 0.0, relief, c)), moves)
        if found is not None:
            reward, cost, _ = found
            return reward * down + cost
    return np.zeros_like(c)


def _sound(region: Quadratic) -> bool:
    """Return whether the numbers are those of a region."""
    q, r, s, c, delta = region
    finite = np.isfinite(np.concatenate(([q, delta], r, s.ravel(), c))).all()
    return bool(finite and delta > 0.0 and q >= 0.0 and (np.diag(s) >= 0.0).all())


def _case(region: Quadratic, moves: Bools) -> Case:
    """Return how the limits lie, given that some point of the region keeps all of them."""
    if (region.c > 0.0).any():
        return Case.REPAIR
    if not moves.any():
        return Case.FREE
    cuts = moves & (region.c >= -np.sqrt(2.0 * region.delta))
    return Case.BORDER if cuts.any() else Case.INSIDE


def _subsets(which: Longs) -> Iterator[Longs]:
    for n in range(len(which) + 1):
        for chosen in combinations(which.tolist(), n):
            yield np.array(chosen, np.int64)


def _best_on(chosen: Longs, region: Quadratic) -> tuple[float, Doubles, Doubles] | None:
    """Return the best point with the chosen costs at their limit, if it is the optimum of all."""
    q, r, s, c, delta = region
    own = s[np.ix_(chosen, chosen)]
    if len(chosen) and not np.linalg.cond(own) < ALIKE:
        return None
    to_limit, to_reward = np.linalg.solve(own, np.column_stack((c[chosen], r[chosen]))).T
    room = 2.0 * delta - c[chosen] @ to_limit
    slope = q - r[chosen] @ to_reward  # square of the reward's slope along the planes
    if not room > 0.0:
        return None
    reward = float(np.sqrt(room / slope)) if slope > EXACT * q else 0.0
    cost, multiplier = np.zeros_like(c), np.zeros_like(c)
    cost[chosen] = -reward * to_reward - to_limit
    multiplier[chosen] = to_reward + (to_limit / reward if reward > 0.0 else 0.0)
    terms = np.abs(c) + np.abs(reward * r) + np.abs(s) @ np.abs(cost)
    kept = c + reward * r + s @ cost <= EXACT * terms
    paid = multiplier >= -EXACT * np.abs(multiplier).max(initial=0.0)
    return (reward, cost, multiplier) if kept.all() and paid.all() else None
