# SPDX-License-Identifier: MIT
"""The normal mixture: how far a sum may have strayed, at any time and all times together.

For a sum S with variance process V such that exp(k S - k² V / 2) is a supermartingale for k >= 0,
its mean over a half-normal k with variance 1 / rho is one too (Robbins 1970; Howard et al.,
arXiv:1810.08240, one-sided normal mixture)::

    M = 2 sqrt(rho / (V + rho)) exp(S² / (2 (V + rho))) Phi(S / sqrt(V + rho))

Two ways to V are offered. `lot_variance` is exact with no more assumed than in `betting`: of
S = sum (u - shift (A - 1/2)) (A - p) only the lot A is random, whose sub-Gaussian factor is known
(Kearns and Saul 1998), so nothing is estimated and few blocks do no harm. The price is power at
small shares. With the estimated variance of normal blocks the rule is that of the published
simulations; it holds for many blocks only, and `judge` does not use it.
"""

import math
from typing import NamedTuple

import numpy as np

from flyball.core.batch import Doubles
from flyball.releases.verdicts.forecasting import Centred


class Sums(NamedTuple):
    """S and V of every shift at once, (..., T) each: S - shift S1, V - 2 shift V1 + shift² V2."""

    s0: Doubles
    s1: Doubles
    v0: Doubles
    v1: Doubles
    v2: Doubles


def log_mixture(total: Doubles, variance: Doubles, rho: float) -> Doubles:
    """Return log M; where the sum is far below nought, something at least as great, still below 0.

    Parameters
    ----------
    total, variance
        S and V of one shape, V >= 0.
    rho
        In units of V; about the V at which the bound should be tightest, over 5 to 10.
    """
    z = np.maximum(total / np.sqrt(variance + rho), -5.0)
    return 0.5 * np.log(rho / (variance + rho)) + 0.5 * z * z + np.log(_erfc(-z / math.sqrt(2.0)))


def reach(variance: Doubles, rho: float, alpha: float) -> Doubles:
    """Return the sum that exceeds `log_mixture` = log(1 / alpha), by halving."""
    unit = np.sqrt(variance + rho)
    low, high = (
        np.zeros_like(variance),
        2.0 * unit * np.sqrt(math.log(1.0 / alpha) + 0.5 * np.log((variance + rho) / rho)),
    )
    for _ in range(50):
        middle = 0.5 * (low + high)
        over = log_mixture(middle, variance, rho) >= -math.log(alpha)
        low, high = np.where(over, low, middle), np.where(over, middle, high)
    return high


def lot_variance(share: Doubles) -> Doubles:
    """Return the sub-Gaussian variance factor of A - p: at least p (1 - p), at most 1/4."""
    p = np.clip(np.minimum(share, 1.0 - share), 0.0, 0.5)
    with np.errstate(divide="ignore", invalid="ignore"):
        factor = (1.0 - 2.0 * p) / (2.0 * np.log((1.0 - p) / p))
    factor = np.where(p > 0.4999, 0.25, factor)
    return np.where(p > 0.0, factor, 0.0)


def sums(blocks: Centred) -> Sums:
    """Return the sums of blocks whose only chance is the lot; blocks that only teach are left out.

    Surprises are taken in units of the spread that earlier blocks had, which keeps S / S1 in the
    outcome's unit and a noisy span of the plant from drowning a quiet one.
    """
    counts = ~np.isnan(blocks.spread) & (blocks.spread > 0.0)
    weight = np.where(counts, 1.0 / np.where(counts, blocks.spread, 1.0) ** 2, 0.0)
    drawn, middle = blocks.arm - blocks.share, blocks.arm - 0.5
    root = np.sqrt(weight)
    u, a, k = root * blocks.surprise, root * middle, lot_variance(blocks.share)
    parts = (u * drawn, a * drawn, k * u * u, k * u * a, k * a * a)
    return Sums(*(np.cumsum(part, axis=-1) for part in parts))


def log_evidence(of: Sums, shift: float, side: int, rho: float) -> Doubles:
    """Return log M that challenger minus champion is more (+1) or less (-1) than `shift`."""
    variance = of.v0 - 2.0 * shift * of.v1 + shift * shift * of.v2
    return log_mixture(side * (of.s0 - shift * of.s1), np.maximum(variance, 0.0), rho)


_erfc_each = np.frompyfunc(math.erfc, 1, 1)


def _erfc(x: Doubles) -> Doubles:
    return np.asarray(_erfc_each(x), dtype=np.float64)
