# SPDX-License-Identifier: MIT
"""Bounds of a bounded mean that hold at any time: two bettors, one on more and one on less.

For a share of late orders or another figure whose blocks lie within known limits. Valid whenever
every block's mean, given the blocks before, is the same; the blocks may have any law.

References
----------
.. [1] Waudby-Smith and Ramdas, arXiv:2010.09686, hedged capital with predictable plug-in bets.
"""

import math

import numpy as np

from flyball.core.batch import Doubles

CELLS = 200
CUT = 0.5
"""Share of the wealth that one block can cost."""


def mean_bounds(figures: Doubles, low: float, high: float, alpha: float) -> tuple[Doubles, Doubles]:
    """Return lower and upper bound of the mean after every block, (T,) each.

    Both hold at all times together with probability at least 1 - alpha. They never widen.

    Parameters
    ----------
    figures
        (T,) in [low, high].
    low, high
        Limits that no block can pass, in the figure's unit.
    alpha
        In (0, 1).
    """
    x = (figures - low) / (high - low)
    means = np.linspace(0.0, 1.0, CELLS + 1)[:, None]
    size = _bets(x, alpha)
    with np.errstate(divide="ignore"):
        more = np.minimum(size, CUT / means)
        less = np.minimum(size, CUT / (1.0 - means))
    up = np.cumsum(np.log1p(more * (x - means)), axis=1)
    down = np.cumsum(np.log1p(less * (means - x)), axis=1)
    wealth = np.logaddexp(up, down) - math.log(2.0)
    # A mean that was excluded once stays so; a cell counts as possible while either end does.
    kept = np.maximum.accumulate(wealth, axis=1) < -math.log(alpha)
    first = np.maximum(np.argmax(kept, axis=0) - 1, 0)
    last = np.minimum(CELLS - np.argmax(kept[::-1], axis=0) + 1, CELLS)
    empty = ~kept.any(axis=0)
    first, last = np.where(empty, 0, first), np.where(empty, CELLS, last)
    return low + (high - low) * means[first, 0], low + (high - low) * means[last, 0]


def _bets(x: Doubles, alpha: float) -> Doubles:
    """Return the size of the bet before every block, from the mean and variance so far."""
    n = np.arange(1, x.size + 1)
    mean = (0.5 + np.cumsum(x)) / (n + 1)
    variance = (0.25 + np.cumsum((x - mean) ** 2)) / (n + 1)
    before = np.concatenate(([0.25], variance[:-1]))
    return np.asarray(np.sqrt(2.0 * math.log(2.0 / alpha) / (before * n * np.log(n + 1.0))))
