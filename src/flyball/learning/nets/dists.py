# SPDX-License-Identifier: MIT
"""Distributions over legal actions: log-probability and entropy, in float64.

Illegal actions get a gradient of exactly zero, a row with nothing legal has log-probability and
entropy zero, and the normalising sum runs in float64, so that ten thousands of actions neither
lose mass nor fail a simplex check in float32 (the usual fault of masked categoricals).
"""

import math
from typing import Protocol

import numpy as np
import torch
from torch import Tensor

from flyball.learning.nets import segments
from flyball.learning.nets.rows import Taken
from flyball.policies import Sizes


class Said(Protocol):
    """What an actor says of R rows (see `nets.Outputs`)."""

    @property
    def scores(self) -> Tensor:
        """(L,) of options, or (R, A) logits not yet masked."""
        ...

    @property
    def mean(self) -> Tensor:
        """(R, D) of the latent values."""
        ...

    @property
    def log_std(self) -> Tensor:
        """(R, D) logarithms of their deviations."""
        ...


def options(score: Tensor, offset: Tensor, choice: Tensor) -> tuple[Tensor, Tensor]:
    """Return log-probability and entropy (R,) of one choice in each ragged row.

    Parameters
    ----------
    score
        (L,) one for each candidate.
    offset
        (R + 1,) row r owns offset[r]..offset[r + 1].
    choice
        (R,) or (R, 1) index into the own rows.
    """
    return segments.softmax(score, offset, choice.reshape(-1))


def masked(
    logits: Tensor, mask: Tensor, choice: Tensor, sizes: tuple[int, ...]
) -> tuple[Tensor, Tensor]:
    """Return joint log-probability and entropy (R,) of masked categorical heads side by side.

    Parameters
    ----------
    logits, mask
        (R, A), with A the sum of `sizes`.
    choice
        (R, H) one action a head.
    sizes
        Number of actions of each head.
    """
    log_prob = torch.zeros(len(logits), dtype=torch.float64, device=logits.device)
    entropy = torch.zeros(len(logits), dtype=torch.float64, device=logits.device)
    if not sizes:
        return log_prob, entropy
    parts = zip(logits.split(sizes, -1), mask.split(sizes, -1), choice.unbind(-1), strict=True)
    for own, legal, picked in parts:
        log_p, own_entropy = categorical(own, legal)
        some = legal.any(-1)
        taken = log_p.gather(-1, picked.long()[:, None])[:, 0]
        log_prob = log_prob + torch.where(some, taken, torch.zeros_like(taken))
        entropy = entropy + own_entropy
    return log_prob, entropy


def categorical(logits: Tensor, mask: Tensor) -> tuple[Tensor, Tensor]:
    """Return log-probabilities (R, A) and entropy (R,) of one masked categorical head.

    An illegal action has log-probability about -1.8e308, so that its probability is exactly 0.
    """
    some = mask.any(-1, keepdim=True)
    legal = mask | ~some
    lowest = torch.finfo(torch.float64).min
    log_p = torch.log_softmax(logits.double().masked_fill(~legal, lowest), -1)
    terms = torch.where(legal & some, log_p.exp() * log_p, torch.zeros_like(log_p))
    return log_p, -terms.sum(-1)


def joint(
    sizes: Sizes, said: Said, mask: Tensor, offset: Tensor, taken: Taken, temperature: float = 1.0
) -> tuple[Tensor, Tensor]:
    """Return log-probability and entropy (R,) of everything that was taken in each row.

    Parameters
    ----------
    sizes
        Of the heads.
    said
        By the actor: scores, mean and log_std.
    mask, offset
        (R, A) legal actions; (R + 1,) of the options.
    taken
        Choices (R, H) and latent values (R, D).
    temperature
        Above 0; divides scores and multiplies deviations.
    """
    if sizes.n_features:
        return options(said.scores / temperature, offset, taken.choice)
    log_prob, entropy = masked(said.scores / temperature, mask, taken.choice, sizes.actions)
    if not sizes.n_values:
        return log_prob, entropy
    log_std = said.log_std + math.log(temperature)
    density, spread = tanh_gaussian(said.mean, log_std, taken.latent)
    if not sizes.active:
        return log_prob + density.sum(-1), entropy + spread.sum(-1)
    active = torch.tensor(sizes.active, device=density.device)
    density = torch.where(active[taken.choice[:, 0]], density, torch.zeros_like(density))
    log_p, _ = categorical(said.scores / temperature, mask)
    used = log_p.exp() @ active.to(log_p.dtype)  # (R, D) probability that a dim is used
    return log_prob + density.sum(-1), entropy + (used * spread).sum(-1)


def tanh_gaussian(mean: Tensor, log_std: Tensor, latent: Tensor) -> tuple[Tensor, Tensor]:
    """Return log density and entropy, both per dim, of tanh(u) with u normal.

    The density is that of the action in (-1, 1), so a range in native units only adds a constant.
    ``log(1 - tanh(u)^2)`` is written ``2 (log 2 - u - softplus(-2u))``, which is exact however far
    the tanh is saturated; popular code adds 1e-6 inside the logarithm, which is wrong by nats
    there. The entropy has no closed form: the normal's is one, the slope's mean is a
    Gauss-Hermite sum, exact to 1e-3 nats for deviations up to 1.

    Parameters
    ----------
    mean, log_std, latent
        (..., D); `latent` is u.
    """
    z = (latent - mean) * torch.exp(-log_std)
    density = -0.5 * z * z - log_std - LOG_SQRT_2PI - slope(latent)
    nodes, weights = HERMITE
    u = mean[..., None] + torch.exp(log_std)[..., None] * nodes.to(mean)
    entropy = log_std + 0.5 + LOG_SQRT_2PI + slope(u) @ weights.to(mean)
    return density, entropy


def slope(latent: Tensor) -> Tensor:
    """Return log(1 - tanh(u)^2) of each latent value u, exact at any size."""
    return 2.0 * (math.log(2.0) - latent - torch.nn.functional.softplus(-2.0 * latent))


LOG_SQRT_2PI = 0.5 * math.log(2.0 * math.pi)


def _hermite(n: int) -> tuple[Tensor, Tensor]:
    """Return nodes and weights (n,) of the mean under a standard normal."""
    nodes, weights = np.polynomial.hermite_e.hermegauss(n)
    return torch.from_numpy(nodes), torch.from_numpy(weights / weights.sum())


HERMITE = _hermite(12)
