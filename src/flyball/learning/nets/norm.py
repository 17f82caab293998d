# SPDX-License-Identifier: MIT
"""Normalisers that are part of the model: they train with it, resume with it, and are exported.

A feature passes a signed logarithm, then is standardised with running statistics, then is clipped.
On policy, statistics change between iterations only, never while a trajectory is being collected or
learned from, so that the probability ratio of the first minibatch is exactly one; off policy they
change with the first gradient steps and then stand still.
"""

import math
from typing import Literal

import numpy as np
import torch
from numba import njit
from torch import Tensor, nn

from flyball.core.batch import Bools, Doubles, Floats, Longs
from flyball.core.random import uniform

LEARN_AT_MOST = 50_000
"""Rows of one iteration that enter the statistics, spread over all: more change nothing."""


NormKind = Literal["none", "standard", "log"]
"""Leave features alone; standardise and clip them; or take their signed log1p before that."""


class FeatureNorm(nn.Module):
    """Signed log1p, standardise, clip, as far as `kind` says; statistics are float64 buffers."""

    mean: Tensor
    std: Tensor
    m2: Tensor
    count: Tensor

    def __init__(self, width: int, clip: float = 8.0, kind: NormKind = "log") -> None:
        super().__init__()
        self.clip, self.kind = clip, kind
        self.register_buffer("mean", torch.zeros(width, dtype=torch.float64))
        self.register_buffer("m2", torch.zeros(width, dtype=torch.float64))
        self.register_buffer("std", torch.ones(width, dtype=torch.float64))
        self.register_buffer("count", torch.zeros((), dtype=torch.float64))

    def forward(self, x: Tensor) -> Tensor:
        """Return the normalised features; any shape (..., width), float32."""
        if x.shape[-1] == 0 or self.kind == "none":
            return x
        if self.kind == "log":
            x = torch.sign(x) * torch.log1p(x.abs())
        x = (x - self.mean.float()) / self.std.float()
        return x.clamp(-self.clip, self.clip)

    def of_array(self, x: Floats) -> Floats:
        """Return what `forward` does for an array (L, width), without torch and its threads."""
        if self.kind == "none":
            return x
        log = self.kind == "log"
        return normalised(x, self.mean.numpy(), self.std.numpy(), self.clip, log)

    def learn(self, x: Floats) -> None:
        """Merge the statistics of raw features (L, width) into the running ones (Chan 1979).

        A column that never varied keeps the scale 1; one that hardly varies is blown up at most
        twentyfold, so that the first surprise does not saturate the network.
        """
        if x.size == 0 or self.kind == "none":
            return
        x64 = x[spread_out(len(x))].astype(np.float64)
        squashed = torch.from_numpy(
            np.sign(x64) * np.log1p(np.abs(x64)) if self.kind == "log" else x64
        )
        n = float(len(x64))
        mean = squashed.mean(0)
        m2 = ((squashed - mean) ** 2).sum(0)
        delta = mean - self.mean
        total = self.count + n
        self.mean += delta * (n / total)
        self.m2 += m2 + delta**2 * (self.count * n / total)
        self.count.copy_(total)
        variance = self.m2 / total
        self.std.copy_(torch.where(variance > 1e-8, variance.sqrt().clamp_min(0.05), 1.0))


@njit(cache=True, nogil=True)
def normalised(
    x: Floats,
    mean: Doubles,
    std: Doubles,
    clip: float,
    log: bool = True,  # noqa: FBT001
) -> Floats:
    """Return x (L, width) standardised and clipped; with `log`, its signed log1p."""
    out = np.empty_like(x)
    for i in range(x.shape[0]):
        for k in range(x.shape[1]):
            value = x[i, k]
            if log and value > 0:  # many features are mostly zero, and a logarithm costs the most
                value = np.float32(math.log1p(value))
            elif log and value < 0:
                value = -np.float32(math.log1p(-value))
            value = (value - np.float32(mean[k])) / np.float32(std[k])
            out[i, k] = min(max(value, np.float32(-clip)), np.float32(clip))
    return out


def spread_out(n: int) -> Longs:
    """Return which of n rows to look at, in order: at most `LEARN_AT_MOST`, with uneven steps.

    Rows lie agent by agent and copy by copy, so that an even step may see one agent alone.
    """
    if n <= LEARN_AT_MOST:
        return np.arange(n)
    edges = np.linspace(0, n, LEARN_AT_MOST + 1)
    within = uniform(n, np.arange(LEARN_AT_MOST))
    return (edges[:-1] + within * np.diff(edges)).astype(np.int64)


class ReturnScale:
    """Running standard deviation of the discounted return, by which rewards are divided.

    Rewards are never clipped and never shifted; the scale is logged in every iteration and stands
    in the bundle's manifest. Columns are the (row, agent) pairs of the Env.
    """

    def __init__(self, n_columns: int, gamma: float) -> None:
        self.gamma = gamma
        self.carry = np.zeros(n_columns)
        self.moments = np.zeros(3)  # count, mean, sum of squared distances

    @property
    def std(self) -> float:
        """Divide rewards by this; 1 until something varies, NaN once a reward was."""
        count, _, m2 = self.moments
        alike = count <= 1 or m2 / count <= 1e-12
        return 1.0 if alike else float(np.sqrt(m2 / count))

    def learn(self, reward: Doubles, ended: Bools) -> None:
        """Follow the return through rewards (T, M); `ended` (T, M) starts it anew after a step."""
        seen = np.empty_like(reward)
        for t in range(len(reward)):
            self.carry = self.carry * self.gamma + reward[t]
            seen[t] = self.carry
            self.carry = np.where(ended[t], 0.0, self.carry)
        n, mean = float(seen.size), float(seen.mean())
        m2 = float(((seen - mean) ** 2).sum())
        count, old_mean, old_m2 = self.moments
        total = count + n
        delta = mean - old_mean
        self.moments[:] = (
            total,
            old_mean + delta * n / total,
            old_m2 + m2 + delta**2 * count * n / total,
        )
