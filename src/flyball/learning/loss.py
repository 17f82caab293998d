# SPDX-License-Identifier: MIT
"""Losses of policies that choose."""

from typing import NamedTuple

import torch
from torch import Tensor


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
