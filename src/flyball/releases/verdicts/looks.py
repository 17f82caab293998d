# SPDX-License-Identifier: MIT
"""Bounds for a comparison that is looked at a few times only, with its largest size known.

Then they need fewer blocks than bounds for any time. The error that may have been spent after a
share t of all evidence is that of Lan and DeMets (1983) in the manner of O'Brien and Fleming: next
to nothing early. Probabilities of passing a bound are integrated numerically from look to look
(Armitage, McPherson and Rowe 1969). They are those of normal sums: for blocks of other laws they
hold the better the more blocks there are, so a first look before about 30 is not advised.
"""

import math
from collections.abc import Sequence
from statistics import NormalDist

import numpy as np

from flyball.core.batch import Bools, Doubles
from flyball.core.errors import InvariantError
from flyball.releases.verdicts.forecasting import Centred

NORMAL = NormalDist()
STEP = 0.02
"""Grid of the integration, in standard deviations of the sum at the last look."""

FAR = 9.0


def spent(share: float, alpha: float) -> float:
    """Return the one-sided error that may be spent at a share of the evidence in (0, 1]."""
    return 2.0 - 2.0 * NORMAL.cdf(NORMAL.inv_cdf(1.0 - 0.5 * alpha) / math.sqrt(share))


def passing(bounds: Sequence[float], shares: Sequence[float], *, both: bool) -> list[float]:
    """Return the probability of first passing each bound when there is no difference.

    Parameters
    ----------
    bounds
        Standardised sums, one a look.
    shares
        Share of all evidence at each look, rising to at most 1.
    both
        Whether passing minus the bound counts too.
    """
    walk = _Walk(both=both)
    return [walk.past(bound, share) for bound, share in zip(bounds, shares, strict=True)]


def bounds(shares: Sequence[float], alpha: float, *, both: bool = False) -> list[float]:
    """Return the standardised sum at each look that spends the error by its plan.

    Parameters
    ----------
    shares
        See `passing`.
    alpha
        Error of all looks together, in (0, 1); of both sides together where `both` is set.
    both
        Two bounds, as far above as below.
    """
    if not all(
        0.0 < one < other <= 1.0 for one, other in zip([1e-9, *shares], shares, strict=False)
    ):
        msg = f"shares of the evidence must rise within (0, 1]: {list(shares)}"
        raise InvariantError(msg)
    walk, found, before = _Walk(both=both), [], 0.0
    for share in shares:
        total = 2.0 * spent(share, 0.5 * alpha) if both else spent(share, alpha)
        found.append(walk.bound(total - before, share))
        walk.past(found[-1], share)
        before = total
    return found


def standardised(blocks: Centred, shift: float, side: int) -> Doubles:
    """Return the sum for `shift` over its estimated standard deviation, (..., T); 0 at first."""
    counts = ~np.isnan(blocks.spread)
    away = np.where(counts, side * (blocks.surprise - shift * (blocks.arm - 0.5)), 0.0)
    total = np.cumsum(away * (blocks.arm - blocks.share), axis=-1)
    variance = np.cumsum(away * away * blocks.share * (1.0 - blocks.share), axis=-1)
    return np.divide(total, np.sqrt(variance), out=np.zeros_like(total), where=variance > 0.0)


def passed(z: Doubles, looks: Sequence[int], alpha: float) -> Bools:
    """Return at which blocks (..., T) a look passes its bound; `looks` count blocks, rising."""
    found = np.zeros(z.shape, dtype=np.bool_)
    reached = [look for look in looks if look <= z.shape[-1]]
    for look, bound in zip(reached, bounds([n / looks[-1] for n in looks], alpha), strict=False):
        found[..., look - 1] = z[..., look - 1] >= bound
    return found


class _Walk:
    """The density of a sum that has passed no bound yet; variance 1 at share 1."""

    def __init__(self, *, both: bool) -> None:
        self._both = both
        self._at: Doubles = np.zeros(1)
        self._mass: Doubles = np.ones(1)
        self._share = 0.0

    def beyond(self, bound: float, share: float) -> float:
        """Return the probability of passing a standardised bound at the next look."""
        root = math.sqrt(share - self._share)
        limit = bound * math.sqrt(share)
        ends = (limit - self._at, limit + self._at) if self._both else (limit - self._at,)
        return float(sum((self._mass * _above(end / root)).sum() for end in ends))

    def bound(self, probability: float, share: float) -> float:
        """Return the bound that is passed with a probability, by halving."""
        low, high = 0.0, FAR
        for _ in range(60):
            middle = 0.5 * (low + high)
            if self.beyond(middle, share) > probability:
                low = middle
            else:
                high = middle
        return high

    def past(self, bound: float, share: float) -> float:
        """Move on to the next look; return the probability of passing its bound."""
        probability = self.beyond(bound, share)
        root, limit = math.sqrt(share - self._share), bound * math.sqrt(share)
        low = -limit if self._both else -FAR * math.sqrt(share)
        n = max(3, 2 * math.ceil((limit - low) / (2.0 * STEP)) + 1)
        at = np.linspace(low, limit, n)
        # Simpson's rule, 1 4 2 4 ... 2 4 1 over 3.
        rule = np.where(np.arange(n) % 2 == 1, 4.0, 2.0)
        rule[[0, -1]] = 1.0
        step = (at[1] - at[0]) / 3.0
        gap = (at[:, None] - self._at) / root
        density = np.exp(-0.5 * gap * gap) / (root * math.sqrt(2.0 * math.pi))
        self._mass = rule * step * (density @ self._mass)
        self._at, self._share = at, share
        return probability


_above_each = np.frompyfunc(lambda z: 0.5 * math.erfc(z / math.sqrt(2.0)), 1, 1)


def _above(z: Doubles) -> Doubles:
    """Return the normal probability above z."""
    return np.asarray(_above_each(z), dtype=np.float64)
