# SPDX-License-Identifier: MIT
"""Ragged rows in torch: mean, spread, softmax, with gradients written down by hand.

L candidates lie in R consecutive rows; row r owns offset[r]..offset[r + 1]. Each operation is one
compiled loop forward and one backward, so nothing is padded and nothing is scattered atomically:
results are the same for any number of threads.
"""

from typing import Any

import numpy as np
import torch
from numba import njit
from numpy.typing import NDArray
from torch import Tensor

Array = NDArray[Any]


@njit(cache=True, nogil=True)
def sum_rows(x: Array, offset: Array, mean: bool) -> Array:  # noqa: FBT001
    """Return the sum or mean (R, H) of the candidates (L, H) of each row; 0 where it has none."""
    n_rows, width = len(offset) - 1, x.shape[1]
    out = np.zeros((n_rows, width), x.dtype)
    for row in range(n_rows):
        start, stop = offset[row], offset[row + 1]
        for i in range(start, stop):
            for j in range(width):
                out[row, j] += x[i, j]
        if mean and stop > start:
            for j in range(width):
                out[row, j] /= stop - start
    return out


@njit(cache=True, nogil=True)
def spread_rows(x: Array, offset: Array, mean: bool) -> Array:  # noqa: FBT001
    """Return (L, H): the row's vector (R, H), over its count if `mean`, for each candidate."""
    n_rows, width = len(offset) - 1, x.shape[1]
    out = np.empty((offset[n_rows], width), x.dtype)
    for row in range(n_rows):
        start, stop = offset[row], offset[row + 1]
        share = 1.0 / (stop - start) if mean and stop > start else 1.0
        for i in range(start, stop):
            for j in range(width):
                out[i, j] = x[row, j] * share
    return out


@njit(cache=True, nogil=True)
def max_rows(x: Array, offset: Array) -> tuple[Array, Array]:
    """Return the maximum (R, H) of each row and the candidate (R, H) it came from; -1: none."""
    n_rows, width = len(offset) - 1, x.shape[1]
    out = np.zeros((n_rows, width), x.dtype)
    source = np.full((n_rows, width), -1, np.int64)
    for row in range(n_rows):
        for i in range(offset[row], offset[row + 1]):
            for j in range(width):
                if source[row, j] < 0 or x[i, j] > out[row, j]:
                    out[row, j] = x[i, j]
                    source[row, j] = i
    return out, source


@njit(cache=True, nogil=True)
def return_to_source(grad: Array, source: Array, length: int) -> Array:
    """Return (L, H): the gradient (R, H) of a row's maximum at the candidate it came from."""
    out = np.zeros((length, grad.shape[1]), grad.dtype)
    for row in range(grad.shape[0]):
        for j in range(grad.shape[1]):
            if source[row, j] >= 0:
                out[source[row, j], j] += grad[row, j]
    return out


@njit(cache=True, nogil=True)
def softmax_rows(score: Array, offset: Array) -> tuple[Array, Array]:
    """Return log-probabilities (L,) and entropies (R,) of the softmax of each row, in float64."""
    log_p = np.empty(len(score), np.float64)
    entropy = np.zeros(len(offset) - 1, np.float64)
    for row in range(len(offset) - 1):
        start, stop = offset[row], offset[row + 1]
        if stop <= start:
            continue
        highest = np.float64(score[start])
        for i in range(start + 1, stop):
            highest = max(highest, np.float64(score[i]))
        total = 0.0
        for i in range(start, stop):
            total += np.exp(np.float64(score[i]) - highest)
        norm = highest + np.log(total)
        for i in range(start, stop):
            log_p[i] = np.float64(score[i]) - norm
            entropy[row] -= np.exp(log_p[i]) * log_p[i]
    return log_p, entropy


@njit(cache=True, nogil=True)
def softmax_rows_gradient(
    log_p: Array,
    entropy: Array,
    offset: Array,
    choice: Array,
    by_log_prob: Array,
    by_entropy: Array,
) -> Array:
    """Return d loss / d score (L,) from the gradients by log-probability and entropy (R,).

    d log p_c / d s_i = [i = c] - p_i and d H / d s_i = -p_i (log p_i + H).
    """
    out = np.empty(len(log_p), np.float64)
    for row in range(len(offset) - 1):
        start = offset[row]
        for i in range(start, offset[row + 1]):
            p = np.exp(log_p[i])
            chosen = 1.0 if i - start == choice[row] else 0.0
            out[i] = by_log_prob[row] * (chosen - p) - by_entropy[row] * p * (
                log_p[i] + entropy[row]
            )
    return out


def _np(x: Tensor) -> Array:
    array: Array = x.detach().contiguous().numpy()
    return array


class _Mean(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, x: Tensor, offset: Tensor) -> Tensor:
        ctx.save_for_backward(offset)
        return torch.from_numpy(sum_rows(_np(x), _np(offset), True))

    @staticmethod
    def backward(ctx: Any, *grads: Tensor) -> tuple[Tensor, None]:
        (offset,) = ctx.saved_tensors
        return torch.from_numpy(spread_rows(_np(grads[0]), _np(offset), True)), None


class _Spread(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, x: Tensor, offset: Tensor) -> Tensor:
        ctx.save_for_backward(offset)
        return torch.from_numpy(spread_rows(_np(x), _np(offset), False))

    @staticmethod
    def backward(ctx: Any, *grads: Tensor) -> tuple[Tensor, None]:
        (offset,) = ctx.saved_tensors
        return torch.from_numpy(sum_rows(_np(grads[0]), _np(offset), False)), None


class _Max(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, x: Tensor, offset: Tensor) -> Tensor:
        out, source = max_rows(_np(x), _np(offset))
        ctx.source, ctx.length = source, len(x)
        return torch.from_numpy(out)

    @staticmethod
    def backward(ctx: Any, *grads: Tensor) -> tuple[Tensor, None]:
        return torch.from_numpy(return_to_source(_np(grads[0]), ctx.source, ctx.length)), None


class _Softmax(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, score: Tensor, offset: Tensor, choice: Tensor) -> tuple[Tensor, Tensor]:
        log_p, entropy = softmax_rows(_np(score), _np(offset))
        rows = _np(offset)
        log_prob = np.zeros(len(rows) - 1)
        some = rows[1:] > rows[:-1]
        log_prob[some] = log_p[(rows[:-1] + _np(choice))[some]]
        ctx.saved = (log_p, entropy, rows, _np(choice), score.dtype)
        return torch.from_numpy(log_prob), torch.from_numpy(entropy)

    @staticmethod
    def backward(ctx: Any, *grads: Tensor) -> tuple[Tensor, None, None]:
        log_p, entropy, rows, choice, dtype = ctx.saved
        out = softmax_rows_gradient(log_p, entropy, rows, choice, _np(grads[0]), _np(grads[1]))
        return torch.from_numpy(out).to(dtype), None, None


def mean(x: Tensor, offset: Tensor) -> Tensor:
    """Return the mean (R, H) of each row's candidates (L, H); 0 where a row has none."""
    out: Tensor = _Mean.apply(x, offset)  # type: ignore[no-untyped-call]
    return out


def spread(x: Tensor, offset: Tensor) -> Tensor:
    """Return (L, H): each row's vector (R, H) repeated for each of its candidates."""
    out: Tensor = _Spread.apply(x, offset)  # type: ignore[no-untyped-call]
    return out


def maximum(x: Tensor, offset: Tensor) -> Tensor:
    """Return the maximum (R, H) of each row's candidates (L, H); 0 where a row has none."""
    out: Tensor = _Max.apply(x, offset)  # type: ignore[no-untyped-call]
    return out


def softmax(score: Tensor, offset: Tensor, choice: Tensor) -> tuple[Tensor, Tensor]:
    """Return log-probability of `choice` (R,) and entropy (R,) of each row's softmax, float64.

    Parameters
    ----------
    score
        (L,) one for each candidate.
    offset
        (R + 1,) int64.
    choice
        (R,) int64 index into the own rows; ignored where a row has no candidate (both are 0).
    """
    out: tuple[Tensor, Tensor] = _Softmax.apply(score, offset, choice)  # type: ignore[no-untyped-call]
    return out
