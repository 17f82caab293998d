# SPDX-License-Identifier: MIT
"""Plants as block outcomes: R releases side by side, T blocks each, block noise of spread 1.

More is worse. The challenger adds `effect` to its blocks. With a twin a share r² of the noise is
known beforehand; the twin tells it with slope 1.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

from flyball.core.batch import Doubles

CORRELATION = 0.9
SAMPLES = 20
"""Decisions of a block where they are simulated; the first half is wash-out."""

PUBLISHED = ((0.1, 40), (0.25, 40), (0.5, 10_000))
"""Shares and blocks of the ramp that was simulated before."""

PATIENT = ((0.1, 40), (0.25, 10_000))
"""The same without its last stage: more blocks, fewer of them with the challenger."""


@dataclass(frozen=True, kw_only=True)
class Setting:
    """One plant, one challenger."""

    plant: str
    effect: float = 0.0
    twin_r: float = 0.0
    """Correlation of the twin's prediction with the outcome's noise; 0: no twin."""

    scatter: float = 1.0
    """Noise of the challenger's blocks over that of the champion's."""

    ramp: Sequence[tuple[float, int]] = PUBLISHED
    n_blocks: int = 600


class Releases(NamedTuple):
    """What was drawn, (R, T) each."""

    outcome: Doubles
    arm: Doubles
    share: Doubles
    twin: Doubles


def shares(ramp: Sequence[tuple[float, int]], n_blocks: int) -> Doubles:
    """Return the challenger's share of every block, (T,)."""
    return np.concatenate([np.full(blocks, share) for share, blocks in ramp])[:n_blocks]


def draw(setting: Setting, n_releases: int, seed: Sequence[int]) -> Releases:
    """Return releases; the same seed gives the same ones."""
    rng = np.random.default_rng(list(seed))
    shape = (n_releases, setting.n_blocks)
    share = np.broadcast_to(shares(setting.ramp, setting.n_blocks), shape)
    arm = (rng.random(shape) < share).astype(np.float64)
    noise = _noise(setting.plant, shape, rng) * np.where(arm > 0.0, setting.scatter, 1.0)
    twin = setting.twin_r * rng.standard_normal(shape)
    unknown = np.sqrt(1.0 - setting.twin_r**2) * noise
    level = _level(setting.plant, setting.n_blocks)
    return Releases(level + twin + unknown + setting.effect * arm, arm, share, twin)


def _level(plant: str, n_blocks: int) -> Doubles:
    """Return where the plant stands, (T,)."""
    t = np.arange(n_blocks)
    if plant == "trending":
        return 2.0 * t / n_blocks
    if plant == "ramped":
        # Climbs just while the share does, then wanders off the other way.
        return 4.0 * np.clip((t - 30) / 60, 0.0, 1.0) - 2.0 * t / n_blocks
    return np.zeros(n_blocks)


def _noise(plant: str, shape: tuple[int, int], rng: np.random.Generator) -> Doubles:
    if plant == "heavy":
        return rng.standard_t(3, shape) / np.sqrt(3.0)
    if plant == "AR(0.9) blocks":
        return correlated(shape, rng)
    if plant == "AR(0.9) decisions":
        drawn = correlated((shape[0], shape[1] * SAMPLES), rng).reshape(*shape, SAMPLES)
        return block_means(drawn) / np.sqrt(variance_of_mean(SAMPLES - SAMPLES // 2))
    return rng.standard_normal(shape)


def block_means(decisions: Doubles) -> Doubles:
    """Return the mean of each block's decisions (..., SAMPLES) after the wash-out."""
    return decisions[..., SAMPLES // 2 :].mean(axis=-1)


def correlated(shape: tuple[int, int], rng: np.random.Generator) -> Doubles:
    """Return a stationary first-order process of variance 1 along the second axis."""
    draws = rng.standard_normal(shape)
    fresh = np.sqrt(1.0 - CORRELATION**2)
    for t in range(1, shape[1]):
        draws[:, t] = CORRELATION * draws[:, t - 1] + fresh * draws[:, t]
    return draws


def variance_of_mean(n: int) -> float:
    """Return the variance of the mean of n neighbours of such a process."""
    lags = np.arange(1, n)
    return float((n + 2.0 * ((n - lags) * CORRELATION**lags).sum()) / n**2)
