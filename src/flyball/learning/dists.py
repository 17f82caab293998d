# SPDX-License-Identifier: MIT
"""Distributions over legal actions: log-probability and entropy, in float64.

Illegal actions get a gradient of exactly zero, a row with nothing legal has log-probability and
entropy zero, and the normalising sum runs in float64, so that ten thousands of actions neither
lose mass nor fail a simplex check in float32 (the usual fault of masked categoricals).
"""

import torch
from torch import Tensor

from flyball.learning import segments


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
    log_prob = torch.zeros(len(logits), dtype=torch.float64)
    entropy = torch.zeros(len(logits), dtype=torch.float64)
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
