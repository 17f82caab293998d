# SPDX-License-Identifier: MIT
"""Losses of policies that choose, and the one way to walk through minibatches."""

from collections.abc import Iterator
from typing import NamedTuple

import numpy as np
import torch
from torch import Tensor, nn

from flyball.core.batch import Longs
from flyball.core.random import generator


class ClipTerms(NamedTuple):
    """Loss of the clipped objective and what to watch."""

    loss: Tensor
    kl: Tensor  # estimate of KL(old || new), Schulman's k3: mean(ratio - 1 - log ratio) >= 0
    clipped: Tensor  # share of the ratios outside the clip range


def clipped(log_prob: Tensor, old_log_prob: Tensor, advantage: Tensor, clip: float) -> ClipTerms:
    """Return PPO's clipped surrogate (arXiv:1707.06347, equation 7), to be minimised.

    Parameters
    ----------
    log_prob, old_log_prob, advantage
        (R,) of the chosen actions; the old one without gradient.
    clip
        In (0, 1).
    """
    log_ratio = log_prob - old_log_prob
    ratio = log_ratio.exp()
    worse = torch.minimum(ratio * advantage, ratio.clamp(1 - clip, 1 + clip) * advantage)
    with torch.no_grad():
        kl = (ratio - 1 - log_ratio).mean()
        outside = ((ratio - 1).abs() > clip).double().mean()
    return ClipTerms(-worse.mean(), kl, outside)


def standardise(x: Tensor) -> Tensor:
    """Return x (R,) with mean 0 and standard deviation 1; unchanged with fewer than two."""
    if len(x) < 2:
        return x
    return (x - x.mean()) / (x.std() + 1e-8)


def minibatches(rows: Longs, size: int, *name: int) -> Iterator[Longs]:
    """Yield the rows (D,) in random order, in blocks of about `size`; `name` names the order."""
    order = generator(*name).permutation(rows)
    yield from np.array_split(order, max(1, round(len(order) / size)))


def descend(loss: Tensor, net: nn.Module, optimiser: torch.optim.Optimizer, clip: float) -> None:
    """Take one optimiser step down the gradient of `loss`, its norm clipped at `clip`."""
    optimiser.zero_grad(set_to_none=True)
    loss.backward()
    nn.utils.clip_grad_norm_(net.parameters(), clip)
    optimiser.step()


def set_rate(optimiser: torch.optim.Optimizer, rate: float) -> None:
    """Set the learning rate of every parameter group."""
    for group in optimiser.param_groups:
        group["lr"] = rate
