# SPDX-License-Identifier: MIT
"""From what an actor says of R rows to choices and latent values, greedy or sampled."""

from typing import NamedTuple

import numpy as np

from flyball.core.batch import Bools, Floats, Longs
from flyball.policies.kernels import choose_latent, choose_option, pack_legal
from flyball.policies.sizes import Sizes

Key = tuple[int, int] | None


class Chosen(NamedTuple):
    """What was decided in R rows."""

    choice: Longs  # (R, H)
    latent: Floats  # (R, D)  before the tanh
    log_prob: Floats  # (R,)  of both together


class Said(NamedTuple):
    """What an actor says of R rows, as arrays; an axis that is not used has length zero."""

    scores: Floats  # (L,) of options, or (R, A) logits not yet masked
    mean: Floats  # (R, D) of the latent values
    log_std: Floats  # (R, D)


def choose(
    said: Said, mask: Bools, offset: Longs, sizes: Sizes, key: Key, *, temperature: float = 1.0
) -> Chosen:
    """Return what to do in R rows.

    Parameters
    ----------
    said
        By the actor.
    mask
        (R, A) True where legal; a row with nothing legal chooses 0 with log-probability 0.
    offset
        (R + 1,) of the options; row r owns offset[r]..offset[r + 1].
    sizes
        Of the heads.
    key
        (seed, step) names the draws; None is greedy.
    temperature
        Above 0; divides scores and multiplies deviations.
    """
    if sizes.n_features:
        seed, step = key or (0, 0)
        choice, log_prob = choose_option(
            said.scores, offset, temperature, key is not None, seed, step
        )
        return Chosen(choice[:, None], np.zeros((len(choice), 0), np.float32), log_prob)
    choice, log_prob = choose_masked(said.scores, mask, sizes.actions, key, temperature=temperature)
    if not sizes.n_values:
        return Chosen(choice, np.zeros((len(choice), 0), np.float32), log_prob)
    seed, step = key or (0, 0)
    active = active_dims(choice, sizes)
    latent, density = choose_latent(
        said.mean, said.log_std, active, temperature, key is not None, seed, step
    )
    return Chosen(choice, latent, log_prob + density)


def active_dims(choice: Longs, sizes: Sizes) -> Bools:
    """Return (R, D) which continuous dims the choices (R, H) use."""
    if not sizes.active:
        return np.ones((len(choice), sizes.n_values), np.bool_)
    return np.array(sizes.active, np.bool_)[choice[:, 0]]


def choose_masked(
    logits: Floats,
    mask: Bools,
    sizes: tuple[int, ...],
    key: Key,
    *,
    temperature: float = 1.0,
) -> tuple[Longs, Floats]:
    """Return choices (R, H) of masked categorical heads and their joint log-probability (R,).

    Parameters
    ----------
    logits, mask
        (R, A), the heads side by side.
    sizes
        Number of actions of each head; they sum to A.
    key
        (seed, step) names the draws; None is greedy.
    temperature
        Above 0.
    """
    n_rows = len(mask)
    choice = np.zeros((n_rows, len(sizes)), np.int64)
    log_prob = np.zeros(n_rows, np.float32)
    seed, step = key or (0, 0)
    logits, legal = np.ascontiguousarray(logits), np.ascontiguousarray(mask).view(np.uint8)
    start = 0
    for head, size in enumerate(sizes):
        score, offset, column = pack_legal(logits, legal, start, start + size)
        picked, part_log_prob = choose_option(
            score, offset, temperature, key is not None, seed, step * len(sizes) + head
        )
        some = offset[1:] > offset[:-1]
        choice[some, head] = column[(offset[:-1] + picked)[some]]
        log_prob += part_log_prob
        start += size
    return choice, log_prob
