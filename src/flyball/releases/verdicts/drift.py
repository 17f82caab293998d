# SPDX-License-Identifier: MIT
"""Whether a plant is still what it was: an e-detector on what block means have beyond the usual.

Every block a new bettor begins with 1 to bet that the mean has moved; the detector is the sum of
all their wealths (Shiryaev-Roberts)::

    D_t = (D_(t-1) + 1) (1 + h_t)      h_t cut to +-STAKE, its mean at most 0 while nothing changed

Before a change the mean of D_t is at most t, so the first time it reaches `blocks_between_alarms`
comes on average no sooner than after so many blocks. That is non-asymptotic and asks for no law; it
does ask that residuals, cut at a few spreads, have means within the tolerance given the blocks
before: take block means, less what the twin or the last blocks tell. Raw plant signals do not.

References
----------
.. [1] Shin, Ramdas, Rinaldo, *E-detectors*, arXiv:2203.03532.
"""

import math
from dataclasses import dataclass

import numpy as np

from flyball.core.batch import Doubles
from flyball.core.errors import ConfigError, Problem

STAKE = 0.9
STAKES = (0.3, 0.6)
"""Bets on shifts of unknown size, per spread."""


@dataclass(frozen=True, kw_only=True)
class Usual:
    """What residuals were like while the plant was as it should be."""

    level: float
    """Their mean, in the outcome's unit."""

    spread: float
    """Standard deviation of block means, in the same unit; above 0."""

    tolerance: float
    """By how much the mean may wander without being a change; 0 or more."""

    blocks_between_alarms: float
    """On average at least so many blocks without a change before a false alarm."""

    def __post_init__(self) -> None:
        numbers = (self.level, self.spread, self.tolerance, self.blocks_between_alarms)
        sound = all(math.isfinite(number) for number in numbers) and self.spread > 0.0
        if not sound or self.tolerance < 0.0 or self.blocks_between_alarms < 1.0:
            raise ConfigError(
                Problem(
                    where="what is usual",
                    found=", ".join(f"{number:g}" for number in numbers),
                    allowed="finite numbers, spread above 0, tolerance from 0, alarms from 1 block",
                    fix="measure level and spread of block means while the plant ran well",
                )
            )


def log_detector(residual: Doubles, usual: Usual) -> Doubles:
    """Return the log of the detector of more and of less, (2, ..., T).

    Their mean is a detector too: the plant has changed where `changed` says so.

    Parameters
    ----------
    residual
        (..., T) block means less what was expected; a block that is no number tells nothing.
    usual
        What they were like.
    """
    away = residual - usual.level
    sides = np.stack([away - usual.tolerance, -away - usual.tolerance]) / usual.spread
    bets = np.multiply.outer(np.array(STAKES), np.where(np.isfinite(sides), sides, 0.0))
    growth = np.log1p(np.clip(bets, -STAKE, STAKE))
    found = np.full(growth.shape, -np.inf)
    before = np.full(growth.shape[:-1], -np.inf)
    for t in range(growth.shape[-1]):
        before = np.logaddexp(before, 0.0) + growth[..., t]
        found[..., t] = before
    return np.asarray(np.logaddexp.reduce(found, axis=0) - math.log(len(STAKES)))


def changed(residual: Doubles, usual: Usual) -> Doubles:
    """Return, after every block, whether an alarm is due: +1 more, -1 less than usual, 0 none."""
    both = log_detector(residual, usual)
    alarm = np.logaddexp(*both) - math.log(2.0) >= math.log(usual.blocks_between_alarms)
    return np.where(alarm, np.where(both[0] >= both[1], 1.0, -1.0), 0.0)
