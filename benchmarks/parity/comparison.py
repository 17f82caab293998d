# SPDX-License-Identifier: MIT
"""How two sides compare: interquartile means with stratified bootstrap intervals [1]_.

R runs of a task (cell); tasks are strata: each is resampled by itself.

References
----------
.. [1] Agarwal et al., *Deep Reinforcement Learning at the Edge of the Statistical Precipice*,
   NeurIPS 2021, arXiv:2108.13264, as in its library rliable.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from flyball.core.random import generator

Doubles = NDArray[np.float64]

SAMPLES = 50_000
"""Bootstrap samples, as many as rliable takes by default."""


@dataclass(frozen=True, kw_only=True)
class Estimate:
    """A figure with its 95 % interval."""

    mean: float
    low: float
    high: float


def iqm(scores: Doubles) -> Doubles:
    """Return the interquartile mean over the last axis: a quarter is cut off at either end.

    Of a number of scores that four does not divide, the cut is rounded down, as
    `scipy.stats.trim_mean` does; of 5 scores it is the mean of the middle 3.
    """
    n = scores.shape[-1]
    cut = n // 4
    found: Doubles = np.sort(scores, axis=-1)[..., cut : n - cut].mean(axis=-1)
    return found


def resampled(tasks: Sequence[Doubles], samples: int, *name: int) -> Doubles:
    """Return the interquartile mean (samples,) of all runs, each task drawn anew by itself.

    Parameters
    ----------
    tasks
        The scores (R,) of each task; R may differ.
    samples
        Number of bootstrap samples.
    name
        What the draws are for.
    """
    drawn = []
    for number, scores in enumerate(tasks):
        rng = generator(*name, number)
        drawn.append(scores[rng.integers(len(scores), size=(samples, len(scores)))])
    return iqm(np.concatenate(drawn, axis=1))


def middle(scores: Doubles, samples: int = SAMPLES) -> Estimate:
    """Return the interquartile mean of the runs (R,) of one task, with its percentile interval."""
    low, high = np.quantile(resampled([scores], samples, 0), [0.025, 0.975])
    return Estimate(mean=float(iqm(scores)), low=float(low), high=float(high))


def difference(
    ours: Sequence[Doubles], theirs: Sequence[Doubles], samples: int = SAMPLES
) -> Estimate:
    """Return how much higher our interquartile mean is, with its percentile interval.

    The sides are independent: a seed means nothing to both.
    """
    gap = resampled(ours, samples, 0) - resampled(theirs, samples, 1)
    low, high = np.quantile(gap, [0.025, 0.975])
    mean = iqm(np.concatenate(ours)) - iqm(np.concatenate(theirs))
    return Estimate(mean=float(mean), low=float(low), high=float(high))


def normalised(scores: Doubles, chance: float, theirs: Doubles) -> Doubles:
    """Return scores on the scale where chance is 0 and their interquartile mean is 1.

    Raises
    ------
    ValueError
        When theirs is no better than chance: then there is no scale.
    """
    scale = float(iqm(theirs)) - chance
    if not scale > 0:
        msg = f"their interquartile mean {iqm(theirs):.4g} is no better than chance, {chance:.4g}"
        raise ValueError(msg)
    return (scores - chance) / scale
