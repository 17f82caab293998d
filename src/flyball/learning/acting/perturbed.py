# SPDX-License-Identifier: MIT
"""The options network with other weights in every row: compiled, no padding, no copies.

The same function as `nets.OptionsActor`, which the tests compare it with. One parameter vector
holds the matrices input by output, so that the inner loops run along contiguous weights.
"""

from typing import Any

import numpy as np
import torch
from numba import njit
from torch import Tensor

from flyball.core.batch import Floats, Longs
from flyball.learning.nets.net import OptionsActor


def _parts(actor: OptionsActor) -> tuple[Tensor, ...]:
    network = actor.network
    if network is None:
        return (actor.index.weight,)
    return (
        network.embed.weight,
        network.embed.bias,
        network.mix.weight,
        network.mix.bias,
        network.context.weight,
        network.last.weight,
        actor.index.weight,
    )


def widths(actor: OptionsActor) -> tuple[int, int]:
    """Return the widths of the network's two layers, 0 and 0 where there is none."""
    if actor.network is None:
        return 0, 0
    return actor.network.embed.out_features, actor.network.mix.out_features


def pack(actor: OptionsActor) -> Floats:
    """Return the actor's parameters as one vector (P,)."""
    return np.concatenate([part.detach().t().numpy().ravel() for part in _parts(actor)])


def unpack(vector: Floats, actor: OptionsActor) -> None:
    """Put a vector of `pack` into the actor's parameters."""
    start = 0
    for part in _parts(actor):
        own = vector[start : start + part.numel()].reshape(tuple(reversed(part.shape)))
        with torch.no_grad():
            part.copy_(torch.from_numpy(np.copy(own.T, order="C")))
        start += part.numel()


def scales(actor: OptionsActor, index: float, network: float) -> Floats:
    """Return (P,) `index` where the vector of `pack` holds the linear index, else `network`."""
    return np.concatenate(
        [
            np.full(part.numel(), index if part is actor.index.weight else network, np.float32)
            for part in _parts(actor)
        ]
    )


@njit(cache=True, nogil=True)
def _add_product(out: Any, x: Any, weights: Any, start: int) -> int:
    """Add x @ W to `out`, W (len(x), len(out)) lying at weights[start:]; return its end."""
    width = len(out)
    for k in range(len(x)):
        factor = x[k]
        if factor != 0.0:
            row = weights[start + k * width : start + (k + 1) * width]
            for j in range(width):
                out[j] += factor * row[j]
    return start + len(x) * width


@njit(cache=True, nogil=True)
def _indices(features: Floats, offset: Longs, theta: Floats) -> Floats:
    """Return the linear index of every candidate (L,) with its row's own weights."""
    score = np.zeros(len(features), np.float32)
    for row in range(len(offset) - 1):
        own = theta[row]
        for i in range(offset[row], offset[row + 1]):
            total = np.float32(0.0)
            for k in range(features.shape[1]):
                total += features[i, k] * own[k]
            score[i] = total
    return score


@njit(cache=True, nogil=True)
def score_rows(
    obs: Floats, features: Floats, offset: Longs, theta: Floats, widths: tuple[int, int]
) -> Floats:
    """Return the score of every candidate (L,) with its row's own weights.

    Parameters
    ----------
    obs, features
        (R, F) and (L, G), normalised.
    offset
        (R + 1,) row r owns offset[r]..offset[r + 1].
    theta
        (R, P) one vector of `pack` a row.
    widths
        Of the two hidden layers.
    """
    first, second = widths
    n_features, n_obs = features.shape[1], obs.shape[1]
    score = np.zeros(len(features), np.float32)
    if first == 0:
        return _indices(features, offset, theta)
    for row in range(len(offset) - 1):
        start, count = offset[row], offset[row + 1] - offset[row]
        if count <= 0:
            continue
        own = theta[row]
        embed_bias = n_features * first
        mix = embed_bias + first
        mix_bias = mix + first * second
        context = mix_bias + second
        last = context + (first + n_obs) * second
        index = last + second
        hidden = np.zeros((count, first), np.float32)
        pooled = np.zeros(first + n_obs, np.float32)
        for i in range(count):
            hidden[i] = own[embed_bias : embed_bias + first]
            _add_product(hidden[i], features[start + i], own, 0)
            for j in range(first):
                hidden[i, j] = max(hidden[i, j], np.float32(0.0))
                pooled[j] += hidden[i, j]
        pooled[:first] /= np.float32(count)
        pooled[first:] = obs[row]
        shared = own[mix_bias : mix_bias + second].copy()
        _add_product(shared, pooled, own, context)
        for i in range(count):
            mixed = shared.copy()
            _add_product(mixed, hidden[i], own, mix)
            total = np.float32(0.0)
            for k in range(n_features):
                total += features[start + i, k] * own[index + k]
            for j in range(second):
                total += max(mixed[j], np.float32(0.0)) * own[last + j]
            score[start + i] = total
    return score
