# SPDX-License-Identifier: MIT
"""Bets on which arm was drawn, seen the outcome: an exact test that may be looked at any time.

The arm of a block is drawn by lot with a known probability. If the challenger shifts the outcome
of every block by `shift`, then the outcome less that shift tells nothing about the arm: a bet on
the arm, whose size depends on the outcome and on the past in any way, is fair, and the wealth W of
who bets is a nonnegative martingale::

    W_t = W_(t-1) (1 + h (A - p))      A = 1 challenger, 0 champion; p = P(A = 1)
                                       h = the bet, cut so that W stays positive

By Ville's inequality W ever reaches 1 / alpha with probability at most alpha. Nothing is assumed of
the noise: it may be correlated, trending, heavy-tailed, and no variance is estimated that matters.
As h grows with the outcome, the same holds when shifts differ from block to block, so long as none
is beyond `shift`. When they differ and only their mean is not beyond it, it holds where no bet is
cut (see `limit`), and nearly so elsewhere: a challenger whose outcomes merely scatter more can gain
from cuts alone.

References
----------
.. [1] Waudby-Smith, Ramdas, *Estimating means of bounded random variables by betting*,
   arXiv:2010.09686.
.. [2] Ramdas, Grünwald, Vovk, Shafer, *Game-theoretic statistics and safe anytime-valid inference*,
   arXiv:2210.01948.
"""

import math
from typing import NamedTuple

import numpy as np

from flyball.core.batch import Doubles
from flyball.releases.verdicts.forecasting import Centred

STAKE = 0.8
"""Share of the wealth that one block can cost at most."""

STAKES = (0.15, 0.4, 0.9)
"""Bets on a difference of unknown size, per standard deviation of surprise."""

WEIGHTS = (0.2, 0.3, 0.5)
"""How the wealth is split between them."""

TOWARDS_NONE = 0.9
"""Bet that there is no difference rather than one of `margin`, in margins per variance."""

LEAST, MOST = 0.1, 1.0
"""Smallest and greatest of such bets, per standard deviation of surprise."""


class Bets(NamedTuple):
    """What is bet per unit of surprise, (K, ..., T), and how the wealth is split, (K,)."""

    rates: Doubles
    weights: tuple[float, ...]


def bets(blocks: Centred, margin: float = 0.0, limit: float | None = None) -> Bets:
    """Return bets on a difference; they depend on earlier blocks only.

    Parameters
    ----------
    blocks
        From `centred`.
    margin
        How far off the difference is thought to be from the shift that is tested; 0: unknown.
    limit
        Range of a bounded outcome: stakes stay so small that no surprise within it is cut, and the
        test is exact for the mean difference. It costs power where outcomes use little of it.
        None: unbounded.
    """
    # The first surprise after outcomes that never varied is bet on with all that may be.
    with np.errstate(divide="ignore", over="ignore"):
        per_unit = 1.0 / blocks.spread
        towards_none = np.clip(TOWARDS_NONE * margin * per_unit, LEAST, MOST) if margin else None
    if towards_none is not None:
        stakes = towards_none[None]
        weights: tuple[float, ...] = (1.0,)
    else:
        stakes = np.reshape(STAKES, (-1, *(1,) * blocks.spread.ndim))
        weights = WEIGHTS
    with np.errstate(over="ignore"):
        rates = np.minimum(stakes * per_unit, _cut(blocks) / limit if limit else math.inf)
    # Blocks that only teach are not bet on.
    return Bets(np.where(np.isnan(blocks.spread), 0.0, rates), weights)


def log_wealth(blocks: Centred, shift: float, side: int, on: Bets) -> Doubles:
    """Return the log of the wealth after every block, (..., T); 0 before the first.

    Parameters
    ----------
    blocks
        From `centred`.
    shift
        Challenger minus champion that is tested, in the outcome's unit. Wealth falls as it grows
        for bets on more, and rises for bets on less: so it can be turned into bounds.
    side
        +1: bets on more than `shift`; -1: on less.
    on
        From `bets`.
    """
    away = side * (blocks.surprise - shift * (blocks.arm - 0.5))
    drawn, cut = blocks.arm - blocks.share, _cut(blocks)
    wealth = np.full(away.shape, -np.inf)
    for rates, weight in zip(on.rates, on.weights, strict=True):
        with np.errstate(invalid="ignore", over="ignore"):
            bet = np.where(away == 0.0, 0.0, np.clip(rates * away, -cut, cut))
        grown = np.cumsum(np.log1p(bet * drawn), axis=-1)
        wealth = np.logaddexp(wealth, grown + math.log(weight))
    return wealth


def bound(blocks: Centred, side: int, on: Bets, alpha: float) -> float:
    """Return the bound of challenger minus champion that holds at any time, in the outcome's unit.

    Parameters
    ----------
    blocks
        Of one comparison, (T,).
    side
        +1: the lower bound; -1: the upper one. Each is wrong with probability at most `alpha`.

    Returns
    -------
    bound : float
        Infinite where the blocks do not say; its digits are those of 50 halvings.
    """

    def told(shift: float) -> bool:
        return bool(log_wealth(blocks, shift, side, on)[-1] >= -math.log(alpha))

    if not blocks.surprise.size:
        return -side * math.inf
    inside = float(blocks.difference[-1])
    unit = (float(np.abs(blocks.surprise).max()) + abs(inside)) or 1.0
    while told(inside):
        inside += side * unit
    outside, step = inside, unit
    while not told(outside):
        outside -= side * step
        step *= 2.0
        if step > 1e6 * unit:
            return -side * math.inf
    for _ in range(50):
        middle = 0.5 * (inside + outside)
        inside, outside = (inside, middle) if told(middle) else (middle, outside)
    return outside


def _cut(blocks: Centred) -> Doubles:
    """Return the greatest bet: it loses no more than `STAKE`, whichever arm is drawn."""
    return STAKE / np.maximum(blocks.share, 1.0 - blocks.share)
