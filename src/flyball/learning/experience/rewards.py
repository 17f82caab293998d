# SPDX-License-Identifier: MIT
"""Rewards of a replay in a unit that networks learn well, by their running moments.

Rewards are never clipped. Dividing by a positive number changes no optimum. Taking the mean off,
as EPyMARL does, pays for every step by itself: where episodes end by themselves that changes what
is best, so it has to be asked for.
"""

from typing import Literal

import numpy as np

from flyball.core.batch import Floats

RewardUnit = Literal["native", "scaled", "standardised"]
UNITS = ("native", "scaled", "standardised")
"""As they are; divided by their running deviation; less their running mean before that."""


class RewardMoments:
    """Running mean and deviation of sampled rewards, merged as in Chan et al. (1979)."""

    def __init__(self, unit: RewardUnit) -> None:
        self.unit = unit
        self.moments = np.zeros(3)  # count, mean, sum of squared distances

    def learn(self, reward: Floats) -> None:
        """Merge rewards of any shape, native units."""
        if self.unit == "native" or not reward.size:
            return
        x = reward.astype(np.float64)
        count, mean, m2 = self.moments
        own = x.mean()
        total, delta = count + x.size, own - mean
        m2 += ((x - own) ** 2).sum() + delta**2 * count * x.size / total
        self.moments[:] = total, mean + delta * x.size / total, m2

    @property
    def shift(self) -> float:
        """What is taken off a reward."""
        return float(self.moments[1]) if self.unit == "standardised" else 0.0

    @property
    def scale(self) -> float:
        """What a reward is then divided by; 1 until rewards vary, NaN once one was."""
        count, _, m2 = self.moments.tolist()
        alike = count <= 1 or m2 / count <= 1e-12
        return 1.0 if alike else float((m2 / count) ** 0.5)
