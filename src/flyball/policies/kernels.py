# SPDX-License-Identifier: MIT
"""Choosing among scored candidates: compiled, ragged, and repeatable draw by draw.

A sampled choice is the first candidate with the largest ``score / temperature + Gumbel noise``,
which is a draw from the softmax [1]_. The noise of a candidate is named by (seed, step, row,
candidate), so it depends neither on the number of rows nor on what other rows hold.

References
----------
.. [1] Maddison, Tarlow, Minka, *A-star sampling*, arXiv:1411.0030.
"""

import math

import numpy as np
from numba import njit
from numpy.typing import NDArray

from flyball.core.batch import Bools, Floats, Longs
from flyball.core.random import GOLDEN, MIX_1, MIX_2

Bytes = NDArray[np.uint8]

_GOLDEN = np.uint64(GOLDEN)
_MIX_1 = np.uint64(MIX_1)
_MIX_2 = np.uint64(MIX_2)
_S30, _S27, _S31, _S12 = np.uint64(30), np.uint64(27), np.uint64(31), np.uint64(12)


@njit(cache=True, nogil=True)
def step_bits(state: np.uint64, part: int) -> np.uint64:
    """Return the next state of `flyball.core.random.bits` after one more part of the name."""
    word = np.uint64(state) + np.uint64(part) + _GOLDEN
    word = (word ^ (word >> _S30)) * _MIX_1
    word = (word ^ (word >> _S27)) * _MIX_2
    return word ^ (word >> _S31)


@njit(cache=True, nogil=True)
def gumbel(word: np.uint64) -> float:
    """Return the standard Gumbel draw of 64 random bits; always finite."""
    uniform = (np.float64(word >> _S12) + 0.5) * 2.0**-52
    return -math.log(-math.log(uniform))


@njit(cache=True, nogil=True)
def choose_option(
    score: Floats,
    offset: Longs,
    temperature: float,
    sampled: bool,  # noqa: FBT001
    seed: int,
    step: int,
) -> tuple[Longs, Floats]:
    """Choose one candidate in each ragged row.

    Parameters
    ----------
    score
        (L,) any finite unit; NaN is never preferred.
    offset
        (R + 1,) row r owns offset[r]..offset[r + 1].
    temperature
        Above 0; divides the scores before the softmax.
    sampled
        False takes the first largest score.
    seed, step
        Name of the draws; not used unless `sampled`.

    Returns
    -------
    choice : (R,) int64
        Index into the own rows; 0 where a row has no candidate.
    log_prob : (R,) float32
        Of that choice under the softmax; 0 where a row has no candidate.
    """
    n_rows = len(offset) - 1
    choice = np.zeros(n_rows, np.int64)
    log_prob = np.zeros(n_rows, np.float32)
    stem = step_bits(step_bits(np.uint64(0), seed), step)
    for row in range(n_rows):
        start, stop = offset[row], offset[row + 1]
        if stop <= start:
            continue
        own = step_bits(stem, row)
        best, best_key, highest = 0, -np.inf, -np.inf
        for i in range(start, stop):
            value = np.float64(score[i]) / temperature
            highest = max(highest, value) if value == value else highest  # noqa: PLR0124
            key = value + gumbel(step_bits(own, i - start)) if sampled else value
            if key > best_key:
                best, best_key = i - start, key
        total = 0.0
        for i in range(start, stop):
            value = np.float64(score[i]) / temperature
            if value == value:  # noqa: PLR0124
                total += math.exp(value - highest)
        choice[row] = best
        if total > 0.0:
            log_prob[row] = (
                np.float64(score[start + best]) / temperature - highest - math.log(total)
            )
    return choice, log_prob


BLOCK = 128
"""Columns of a mask that are looked at together; few enough to be counted in eight bits."""


@njit(cache=True, nogil=True)
def count_legal(block: Bytes) -> int:
    """Return how many of at most 255 columns are legal; one vector instruction does 32 of them."""
    n = np.uint8(0)
    for k in range(len(block)):
        n = np.uint8(n + block[k])
    return int(n)


@njit(cache=True, nogil=True)
def pack_legal(logits: Floats, mask: Bytes, start: int, stop: int) -> tuple[Floats, Longs, Longs]:
    """Return the legal columns among start..stop of each row as ragged candidates.

    Memory is linear in the number of legal columns, however many there are in all, and blocks of
    illegal ones cost next to nothing.

    Parameters
    ----------
    logits, mask
        (R, A), contiguous; a column is legal where the mask is 1, the others are 0.
    start, stop
        Of one head, 0 <= start <= stop <= A.

    Returns
    -------
    score : (L,) float32
    offset : (R + 1,) int64
    column : (L,) int64
        Where each candidate stood, from `start`; a row with no legal column has no candidate.
    """
    n_rows = len(mask)
    offset = np.zeros(n_rows + 1, np.int64)
    for row in range(n_rows):
        own, n = mask[row, start:stop], 0
        for first in range(0, len(own), BLOCK):
            n += count_legal(own[first : first + BLOCK])
        offset[row + 1] = offset[row] + n
    # One place more than candidates: an illegal column is written, too, and then written over.
    score = np.empty(offset[-1] + 1, np.float32)
    where = np.empty(offset[-1] + 1, np.int64)
    at = 0
    for row in range(n_rows):
        own, said = mask[row, start:stop], logits[row, start:stop]
        for first in range(0, len(own), BLOCK):
            block = own[first : first + BLOCK]
            if count_legal(block) == 0:
                continue
            for k in range(len(block)):
                score[at] = said[first + k]
                where[at] = first + k
                at += block[k]
    return score[:-1], offset, where[:-1]


@njit(cache=True, nogil=True)
def rows_and_counts(offset: Longs, length: int) -> tuple[Longs, Floats]:
    """Return the row (length,) of each candidate and the count (R', 1) of each row.

    Parameters
    ----------
    offset
        (R + 1,) row r owns offset[r]..offset[r + 1].
    length
        At least offset[R]; candidates beyond it belong to row R, which is no row.

    Returns
    -------
    row : (length,) int64
    count : (R', 1) float32
        At least 1; R' is the next multiple of 16 above R.
    """
    n_rows = len(offset) - 1
    row = np.full(length, n_rows, np.int64)
    count = np.ones((n_rows // 16 * 16 + 16, 1), np.float32)
    for r in range(n_rows):
        row[offset[r] : offset[r + 1]] = r
        count[r, 0] = max(1, offset[r + 1] - offset[r])
    return row, count


@njit(cache=True, nogil=True)
def normal(word: np.uint64) -> float:
    """Return the standard normal draw of 64 random bits (Box and Muller 1958); always finite."""
    radius = (np.float64(word >> _S12) + 0.5) * 2.0**-52
    turn = np.float64(step_bits(word, 1) >> _S12) * 2.0**-52
    return math.sqrt(-2.0 * math.log(radius)) * math.cos(2.0 * math.pi * turn)


GAUSSIAN_STREAM = 1_734_439_283
"""Part of a normal draw's name, so that it shares no bits with a choice's."""

LOG_2, LOG_SQRT_2PI = math.log(2.0), 0.5 * math.log(2.0 * math.pi)


@njit(cache=True, nogil=True)
def choose_latent(  # noqa: PLR0917
    mean: Floats,
    log_std: Floats,
    active: Bools,
    temperature: float,
    sampled: bool,  # noqa: FBT001
    seed: int,
    step: int,
) -> tuple[Floats, Floats]:
    """Choose the latent values of tanh-Gaussian heads, before the tanh.

    Parameters
    ----------
    mean, log_std
        (R, D) of the normal distribution, the deviation as its logarithm.
    active
        (R, D) dims that count; the others are drawn but have no log-probability.
    temperature
        Above 0; multiplies the deviation.
    sampled
        False takes the mean.
    seed, step
        Name of the draws; not used unless `sampled`.

    Returns
    -------
    latent : (R, D) float32
    log_prob : (R,) float32
        Density of tanh(latent) in (-1, 1) per dim, summed over the active dims; exact however far
        the tanh is saturated: log(1 - tanh(u)^2) = 2 (log 2 - u - softplus(-2u)).
    """
    n_rows, n_values = mean.shape
    latent = np.empty((n_rows, n_values), np.float32)
    log_prob = np.zeros(n_rows, np.float32)
    stem = step_bits(step_bits(step_bits(np.uint64(0), seed), step), GAUSSIAN_STREAM)
    for row in range(n_rows):
        own, total = step_bits(stem, row), 0.0
        for k in range(n_values):
            std = math.exp(np.float64(log_std[row, k])) * temperature
            noise = normal(step_bits(own, k)) if sampled else 0.0
            latent[row, k] = np.float64(mean[row, k]) + std * noise
            if active[row, k]:
                u = np.float64(latent[row, k])
                z = (u - np.float64(mean[row, k])) / std
                tail = math.log1p(math.exp(-2.0 * abs(u))) + max(0.0, -2.0 * u)
                slope = 2.0 * (LOG_2 - u - tail)
                total += -0.5 * z * z - math.log(std) - LOG_SQRT_2PI - slope
        log_prob[row] = total
    return latent, log_prob
