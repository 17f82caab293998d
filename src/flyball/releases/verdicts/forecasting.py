# SPDX-License-Identifier: MIT
"""What a block is expected to bring, from earlier blocks and the twin; what is left is judged.

T blocks in the order in which they ended; any axes may stand before. Whatever is expected of block
t is a function of blocks before t and of the twin's prediction for t, never of the arm of t: so a
bad forecast costs blocks, never validity.
"""

from typing import NamedTuple

import numpy as np

from flyball.core.batch import Bools, Doubles

MEMORY = 0.85
"""Weight that a short memory keeps from block to block; it follows a plant that drifts."""

WARM_UP = 5
"""First blocks, which only teach the forecast."""

FAR = 5.0
"""Spreads beyond which a block teaches no more than one so far off: one wild measurement shall
neither move what is expected nor hide what comes after."""

SLOPE_BLOCKS = 3.0
"""How many blocks the assumption weighs that the twin is right (slope 1)."""

SHRINK = 2.0
"""How much evidence, in sums of p(1 - p), the assumption weighs that the arms do not differ."""

TIE = 1e-9
"""Share by which a less plain forecast must be better; rounding then decides nothing."""

SPREAD_OF_MEAN, SPREAD_OF_MEDIAN = 1.2533141373155001, 1.4826022185056018
"""Standard deviation of normal noise over the mean and over the median of its absolute values."""


class Centred(NamedTuple):
    """Blocks as the tests want them; (..., T) each."""

    surprise: Doubles
    """Outcome minus what was expected half way between the arms, in the outcome's unit."""

    spread: Doubles
    """Size of earlier surprises as a standard deviation; NaN where the block only teaches."""

    arm: Doubles
    """1 the challenger, 0 the champion."""

    share: Doubles
    """Probability that the challenger was drawn; 0 and 1 tell nothing and count for nothing."""

    difference: Doubles
    """Estimate of challenger minus champion after the block, 0 before there is any."""

    twin_used: Bools
    """Whether the twin's prediction was taken into account, because it had helped before."""

    def first(self, n: int) -> "Centred":
        """Return the first n blocks."""
        return Centred(
            self.surprise[..., :n],
            self.spread[..., :n],
            self.arm[..., :n],
            self.share[..., :n],
            self.difference[..., :n],
            self.twin_used[..., :n],
        )


class _Level:
    """One way to expect the next block: a level, with the twin's slope beside it."""

    def __init__(self, rows: tuple[int, ...], memory: float | None) -> None:
        self._memory = memory
        self._n = 0
        self._outcome, self._twin = np.zeros(rows), np.zeros(rows)
        self._xy, self._xx = np.zeros(rows), np.zeros(rows)
        self.error = np.zeros((2, *rows))
        self.expected = np.zeros((2, *rows))

    def expect(self, twin: Doubles) -> None:
        """Set what is expected without the twin and with it, (2, ...)."""
        prior = SLOPE_BLOCKS / max(self._n, 1) * self._xx
        slope = np.divide(
            self._xy + prior, self._xx + prior, out=np.zeros_like(self._xx), where=self._xx > 0
        )
        self.expected[0] = self._outcome
        self.expected[1] = self._outcome + slope * (twin - self._twin)

    def learn(self, outcome: Doubles, twin: Doubles) -> None:
        """Take in a block, outcome freed of what its arm is thought to have added."""
        gap, twin_gap = outcome - self._outcome, twin - self._twin
        if self._n:
            keep = 1.0 if self._memory is None else 0.98
            self._xy = keep * self._xy + gap * twin_gap
            self._xx = keep * self._xx + twin_gap * twin_gap
            self.error = 0.98 * self.error + (outcome - self.expected) ** 2
        self._n += 1
        gain = 1.0 / self._n
        if self._memory is not None:
            gain = max(gain, 1.0 - self._memory)
        self._outcome = self._outcome + gain * gap
        self._twin = self._twin + gain * twin_gap


def centred(outcome: Doubles, arm: Doubles, share: Doubles, twin: Doubles) -> Centred:
    """Return blocks freed of what could be expected of them.

    Four forecasts are made of each block: the mean of all earlier blocks and one of short memory,
    each with and without the twin; that with the smallest squared error so far is taken. The
    difference of the arms, half of which is added to either, is the inverse-propensity estimate
    from all stages, drawn towards none.

    Parameters
    ----------
    outcome
        (..., T) finite.
    arm
        (..., T) 1 where the challenger decided, else 0.
    share
        (..., T) the challenger's probability, in [0, 1].
    twin
        (..., T) what the twin said of the block, whichever arm came; zeros: no twin.
    """
    rows, n_blocks = outcome.shape[:-1], outcome.shape[-1]
    found = Centred(
        surprise=np.zeros_like(outcome),
        spread=np.full_like(outcome, np.nan),
        arm=np.broadcast_to(arm, outcome.shape),
        share=np.broadcast_to(share, outcome.shape),
        difference=np.zeros_like(outcome),
        twin_used=np.zeros(outcome.shape, dtype=np.bool_),
    )
    levels = (_Level(rows, None), _Level(rows, MEMORY))
    first = _tamed(outcome[..., :WARM_UP])
    weight, weighted, told, size, apart = (np.zeros(rows) for _ in range(5))
    for t in range(n_blocks):
        y, x, drawn, p = outcome[..., t], twin[..., t], found.arm[..., t], found.share[..., t]
        for level in levels:
            level.expect(x)
        expected, twin_used = _best(levels)
        surprise = y - expected
        found.surprise[..., t] = surprise
        found.twin_used[..., t] = twin_used
        if t >= WARM_UP:
            spread = found.spread[..., t] = SPREAD_OF_MEAN * size / (t - 1)
            far = np.where(spread > 0.0, FAR * spread, np.inf)
            taught = expected + np.clip(surprise, -far, far)
        else:
            taught = first[..., t]
        for level in levels:
            level.learn(taught - apart * (drawn - 0.5), x)
        if t:
            size = size + np.abs(taught - expected)
            weight = weight + p * (1.0 - p)
            weighted = weighted + (drawn - p) * surprise
            told = told + (drawn - p) * (taught - expected)
            apart = told / (weight + SHRINK)
        found.difference[..., t] = np.divide(
            weighted, weight, out=np.zeros_like(weighted), where=weight > 0
        )
    return found


def _tamed(outcome: Doubles) -> Doubles:
    """Return the first blocks, none further from their median than `FAR` spreads."""
    if not outcome.shape[-1]:
        return outcome
    middle = np.median(outcome, axis=-1, keepdims=True)
    spread = SPREAD_OF_MEDIAN * np.median(np.abs(outcome - middle), axis=-1, keepdims=True)
    far = np.where(spread > 0.0, FAR * spread, np.inf)
    return np.clip(outcome, middle - far, middle + far)


def _best(levels: tuple[_Level, ...]) -> tuple[Doubles, Bools]:
    """Return what the way with the smallest error so far expects, and whether it uses the twin."""
    errors = np.concatenate([level.error for level in levels])
    ways = np.concatenate([level.expected for level in levels])
    handicap = 1.0 + TIE * np.arange(len(errors)).reshape(-1, *(1,) * (errors.ndim - 1))
    best = np.argmin(errors * handicap, axis=0)
    return np.take_along_axis(ways, best[None], axis=0)[0], best % 2 == 1
