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

from flyball.core.batch import Bools, Floats, Longs
from flyball.core.random import GOLDEN, MIX_1, MIX_2

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


@njit(cache=True, nogil=True)
def pack_legal(logits: Floats, mask: Bools) -> tuple[Floats, Longs, Longs]:
    """Return the legal columns of each row as ragged candidates.

    Parameters
    ----------
    logits, mask
        (R, A).

    Returns
    -------
    score : (L,) float32
    offset : (R + 1,) int64
    column : (L,) int64
        Where each candidate stood; a row with no legal column has no candidate.
    """
    n_rows, n_columns = mask.shape
    offset = np.zeros(n_rows + 1, np.int64)
    for row in range(n_rows):
        offset[row + 1] = offset[row]
        for column in range(n_columns):
            offset[row + 1] += mask[row, column]
    score = np.empty(offset[-1], np.float32)
    where = np.empty(offset[-1], np.int64)
    at = 0
    for row in range(n_rows):
        for column in range(n_columns):
            if mask[row, column]:
                score[at] = logits[row, column]
                where[at] = column
                at += 1
    return score, offset, where


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
