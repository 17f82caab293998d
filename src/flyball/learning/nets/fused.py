# SPDX-License-Identifier: MIT
"""Small perceptrons forward and backward without a framework in between, row tile by row tile.

R rows · L layers · n_l width of layer l. A network of two layers of 64 spends ten times longer
between torch's operators than in them; here a whole gradient step is one compiled call that works
directly on the memory of the torch parameters (see `flat`), in tiles of rows that stay in the
first cache. torch is the twin: `tests/learning/nets/test_fused.py` compares gradients and steps.

Inner loops run along contiguous weights, four rows of them at once, so that the compiler turns
them into fused multiply-adds. The tanh is the rational approximation of Eigen (largest error 4e-7),
because a library call for each element would cost more than the products.
"""

from typing import Any, NamedTuple

import numpy as np
from numba import njit
from numpy.typing import NDArray
from torch import nn

from flyball.core.batch import Floats, Longs

TILE = 64
FAST = {"contract", "reassoc", "nsz"}


class Shape(NamedTuple):
    """Where the layers of one perceptron lie in a flat vector."""

    widths: Longs  # (L + 1,)
    weight: Longs  # (L,) start of each weight, (n_out, n_in) as torch keeps it
    bias: Longs  # (L,)
    tanh: bool  # else relu; the last layer is linear


def shape_of(layers: list[nn.Linear], places: dict[int, int], *, tanh: bool) -> Shape:
    """Return the shape of linear layers whose parameters start at `places`, by their id."""
    return Shape(
        np.array([layers[0].in_features, *(each.out_features for each in layers)], np.int64),
        np.array([places[id(each.weight)] for each in layers], np.int64),
        np.array([places[id(each.bias)] for each in layers], np.int64),
        tanh,
    )


@njit(cache=True, nogil=True, fastmath=FAST)
def tanh_in_place(x: Floats) -> None:
    """Replace x (n,) by its hyperbolic tangent."""
    for i in range(len(x)):
        v = min(max(x[i], np.float32(-7.9053111)), np.float32(7.9053111))
        s = v * v
        p = np.float32(-2.76076847742355e-16)
        p = p * s + np.float32(2.00018790482477e-13)
        p = p * s + np.float32(-8.60467152213735e-11)
        p = p * s + np.float32(5.12229709037114e-08)
        p = p * s + np.float32(1.48572235717979e-05)
        p = p * s + np.float32(6.37261928875436e-04)
        p = p * s + np.float32(4.89352455891786e-03)
        q = np.float32(1.19825839466702e-06)
        q = q * s + np.float32(1.18534705686654e-04)
        q = q * s + np.float32(2.26843463243900e-03)
        q = q * s + np.float32(4.89352518554385e-03)
        x[i] = v * p / q


@njit(cache=True, nogil=True, fastmath=FAST)
def add_rows(out: Floats, factor: Floats, rows: Floats, width: int) -> None:
    """Add factor @ rows to out: (n,) times (n, >= width) into (>= width,), four rows at a time."""
    n = len(factor)
    whole = n - n % 4
    for k in range(0, whole, 4):
        a, b, c, d = factor[k], factor[k + 1], factor[k + 2], factor[k + 3]
        ra, rb, rc, rd = rows[k], rows[k + 1], rows[k + 2], rows[k + 3]
        for j in range(width):
            out[j] += a * ra[j] + b * rb[j] + c * rc[j] + d * rd[j]
    for k in range(whole, n):
        a, ra = factor[k], rows[k]
        for j in range(width):
            out[j] += a * ra[j]


@njit(cache=True, nogil=True)
def transpose(vector: Floats, shape: Any, turned: Floats) -> None:
    """Write each layer's weight as (n_in, n_out) into turned (L, widest, widest)."""
    for layer in range(len(shape.weight)):
        n_in, n_out = shape.widths[layer], shape.widths[layer + 1]
        at = shape.weight[layer]
        for j in range(n_out):
            for k in range(n_in):
                turned[layer, k, j] = vector[at + j * n_in + k]


@njit(cache=True, nogil=True, fastmath=FAST)
def forward(x: Floats, vector: Floats, shape: Any, turned: Floats, hidden: Floats) -> None:
    """Put rows x (n, n_0) through the layers; hidden (L, n, widest) gets every layer's output."""
    n_layers = len(shape.weight)
    for layer in range(n_layers):
        n_in, n_out = shape.widths[layer], shape.widths[layer + 1]
        bias = vector[shape.bias[layer] : shape.bias[layer] + n_out]
        for row in range(len(x)):
            out = hidden[layer, row, :n_out]
            out[:] = bias
            source = x[row, :n_in] if layer == 0 else hidden[layer - 1, row, :n_in]
            add_rows(out, source, turned[layer], n_out)
            if layer < n_layers - 1:
                if shape.tanh:
                    tanh_in_place(out)
                else:
                    for j in range(n_out):
                        out[j] = max(out[j], np.float32(0.0))


@njit(cache=True, nogil=True, fastmath=FAST)
def backward(
    x: Floats, vector: Floats, shape: Any, hidden: Floats, slope: Floats, gradient: Floats
) -> None:
    """Add the gradient of every parameter.

    Parameters
    ----------
    x, vector, shape, hidden
        As `forward` left them.
    slope
        (2, n, widest); slope[0] holds the gradient of the last layer's output and is used up.
    gradient
        (P,) is added to.
    """
    n_layers, n_rows = len(shape.weight), len(x)
    now = 0
    for layer in range(n_layers - 1, -1, -1):
        n_in, n_out = shape.widths[layer], shape.widths[layer + 1]
        at, bias = shape.weight[layer], shape.bias[layer]
        rows = x if layer == 0 else hidden[layer - 1]
        for j in range(n_out):
            column = slope[now, :n_rows, j].copy()
            add_rows(gradient[at + j * n_in : at + (j + 1) * n_in], column, rows, n_in)
            gradient[bias + j] += column.sum()
        if layer == 0:
            break
        weight = vector[at : at + n_out * n_in].reshape(n_out, n_in)
        for row in range(n_rows):
            out = slope[1 - now, row, :n_in]
            out[:] = np.float32(0.0)
            add_rows(out, slope[now, row, :n_out], weight, n_in)
            own = hidden[layer - 1, row, :n_in]
            for k in range(n_in):
                if shape.tanh:
                    out[k] *= np.float32(1.0) - own[k] * own[k]
                elif own[k] <= 0.0:
                    out[k] = np.float32(0.0)
        now = 1 - now


@njit(cache=True, nogil=True, fastmath=FAST)
def adam(  # noqa: PLR0913, PLR0917
    vector: Floats,
    gradient: Floats,
    first: Floats,
    second: Floats,
    steps: int,
    rate: float,
    eps: float,
    clip: float,
) -> None:
    """Take one step of Adam with betas 0.9 and 0.999, the gradient's norm at most `clip`."""
    total = 0.0
    for i in range(len(gradient)):
        total += np.float64(gradient[i]) * np.float64(gradient[i])
    factor = np.float32(min(1.0, clip / (np.sqrt(total) + 1e-6)))
    length = np.float32(rate / (1.0 - 0.9**steps))
    root = np.float32(1.0 / np.sqrt(1.0 - 0.999**steps))
    low = np.float32(eps)
    for i in range(len(gradient)):
        g = gradient[i] * factor
        m = first[i] + np.float32(0.1) * (g - first[i])
        v = np.float32(0.999) * second[i] + np.float32(0.001) * g * g
        first[i], second[i] = m, v
        vector[i] -= length * m / (np.sqrt(v) * root + low)


def scratch(shape: Shape) -> tuple[NDArray[np.float32], NDArray[np.float32], NDArray[np.float32]]:
    """Return turned weights (L, widest, widest), hidden (L, TILE, widest), slope (2, TILE, widest).

    A width is rounded up to 8, so that rows begin where vector registers do.
    """
    n_layers, widest = len(shape.weight), int(-(-shape.widths.max() // 8) * 8)
    return (
        np.zeros((n_layers, widest, widest), np.float32),
        np.zeros((n_layers, TILE, widest), np.float32),
        np.zeros((2, TILE, widest), np.float32),
    )
