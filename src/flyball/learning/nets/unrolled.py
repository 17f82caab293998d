# SPDX-License-Identifier: MIT
"""Recurrent cells through whole sequences, forward and backward, in one compiled call each.

L steps · C columns · H size of the cell. A cell is a dozen small operators a step; through torch
each costs more than its arithmetic, and three times so with gradients. `through` is a torch
function like any other; the loops in `cells` are its twin, and what every other device and type
uses. Memory before the sequence is data: no gradient flows into it.

The stabiliser of the sLSTM is held constant in the backward pass. That is exact, not approximate:
it scales the cell and its normaliser alike, and only their quotient is ever used.
"""

import math
from typing import Any

import numpy as np
import torch
from numba import njit
from torch import Tensor

from flyball.core.batch import Floats
from flyball.learning.nets.fused import FAST, add_rows, tanh_in_place

ONE, HALF, ZERO = np.float32(1.0), np.float32(0.5), np.float32(0.0)


@njit(cache=True, nogil=True, fastmath=FAST)
def sigmoid_in_place(x: Floats) -> None:
    """Replace x (n,) by its logistic function."""
    for i in range(len(x)):
        x[i] *= HALF
    tanh_in_place(x)
    for i in range(len(x)):
        x[i] = HALF + HALF * x[i]


@njit(cache=True, nogil=True, fastmath=FAST)
def lstm_forward(gates: Floats, memory: Floats, keep: Floats, weight: Floats) -> Any:
    """Run an LSTM over a sequence.

    Parameters
    ----------
    gates
        (L, C, 4H) the input's share; becomes the activated gates.
    memory
        (C, 2H) output and cell before the sequence.
    keep
        (L, C) 0 where memory starts anew with that step.
    weight
        (H, 4H) of the recurrence.

    Returns
    -------
    outputs, before, cells, squashed : (L, C, H) float32
        Outputs; the output and the cell before each step; the tanh of the cell after it.
    """
    n_steps, n_columns, size = gates.shape[0], gates.shape[1], weight.shape[0]
    outputs = np.empty((n_steps, n_columns, size), np.float32)
    before, cells = np.empty_like(outputs), np.empty_like(outputs)
    squashed = np.empty_like(outputs)
    for column in range(n_columns):
        for t in range(n_steps):
            h, c, g = before[t, column], cells[t, column], gates[t, column]
            for j in range(size):
                old_h = memory[column, j] if t == 0 else outputs[t - 1, column, j]
                h[j] = old_h * keep[t, column]
            if t == 0:
                c[:] = memory[column, size:] * keep[t, column]
            add_rows(g, h, weight, 4 * size)
            sigmoid_in_place(g[: 2 * size])
            tanh_in_place(g[2 * size : 3 * size])
            sigmoid_in_place(g[3 * size :])
            after = squashed[t, column]
            for j in range(size):
                after[j] = g[size + j] * c[j] + g[j] * g[2 * size + j]
            if t + 1 < n_steps:
                for j in range(size):
                    cells[t + 1, column, j] = after[j] * keep[t + 1, column]
            tanh_in_place(after)
            for j in range(size):
                outputs[t, column, j] = g[3 * size + j] * after[j]
    return outputs, before, cells, squashed


@njit(cache=True, nogil=True, fastmath=FAST)
def lstm_backward(
    slope: Floats,
    gates: Floats,
    cells: Floats,
    squashed: Floats,
    keep: Floats,
    turned: Floats,
) -> Floats:
    """Return the gradient (L, C, 4H) by the gates before activation, from that by the outputs.

    `turned` is the recurrent weight as (4H, H); the others are as `lstm_forward` left them.
    """
    n_steps, n_columns, size = slope.shape
    out = np.empty_like(gates)
    for column in range(n_columns):
        by_h, by_c = np.zeros(size, np.float32), np.zeros(size, np.float32)
        for t in range(n_steps - 1, -1, -1):
            g, d, tc = gates[t, column], out[t, column], squashed[t, column]
            for j in range(size):
                i, f, z, o = g[j], g[size + j], g[2 * size + j], g[3 * size + j]
                dh = slope[t, column, j] + by_h[j]
                dc = by_c[j] + dh * o * (ONE - tc[j] * tc[j])
                d[j] = dc * z * i * (ONE - i)
                d[size + j] = dc * cells[t, column, j] * f * (ONE - f)
                d[2 * size + j] = dc * i * (ONE - z * z)
                d[3 * size + j] = dh * tc[j] * o * (ONE - o)
                by_c[j] = dc * f * keep[t, column]
            by_h[:] = ZERO
            add_rows(by_h, d, turned, size)
            for j in range(size):
                by_h[j] *= keep[t, column]
    return out


@njit(cache=True, nogil=True)
def slstm_forward(gates: Floats, memory: Floats, keep: Floats, weight: Floats) -> Any:
    """Run an sLSTM over a sequence (see `lstm_forward`; memory is h, c, n, m).

    Returns
    -------
    outputs, before : (L, C, H)
        Outputs; the output before each step.
    parts : (L, C, 6H)
        Cell and normaliser before each step, share kept, share taken, cell and normaliser after.
    """
    n_steps, n_columns, size = gates.shape[0], gates.shape[1], weight.shape[0]
    outputs = np.empty((n_steps, n_columns, size), np.float32)
    before = np.empty_like(outputs)
    parts = np.empty((n_steps, n_columns, 6 * size), np.float32)
    for column in range(n_columns):
        h, c = memory[column, :size].copy(), memory[column, size : 2 * size].copy()
        n, m = memory[column, 2 * size : 3 * size].copy(), memory[column, 3 * size :].copy()
        for t in range(n_steps):
            g, p, on = gates[t, column], parts[t, column], keep[t, column]
            for j in range(size):
                h[j], c[j], n[j], m[j] = h[j] * on, c[j] * on, n[j] * on, m[j] * on
            before[t, column] = h
            add_rows(g, h, weight, 4 * size)
            for j in range(size):
                raw_i, raw_f = np.float64(g[j]), np.float64(g[size + j])
                # log sigmoid(f) = min(f, 0) - log1p(exp(-|f|))
                kept = min(raw_f, 0.0) - math.log1p(math.exp(-abs(raw_f))) + m[j]
                top = raw_i if n[j] == ZERO else max(kept, raw_i)
                share = math.exp(min(kept - top, 0.0))
                take = math.exp(raw_i - top)
                z, o = math.tanh(g[2 * size + j]), 1.0 / (1.0 + math.exp(-g[3 * size + j]))
                p[j], p[size + j], p[2 * size + j], p[3 * size + j] = c[j], n[j], share, take
                c[j] = share * c[j] + take * z
                n[j] = share * n[j] + take
                m[j] = top
                p[4 * size + j], p[5 * size + j] = c[j], n[j]
                g[j], g[2 * size + j], g[3 * size + j] = take, z, o
                g[size + j] = 1.0 / (1.0 + math.exp(raw_f))  # 1 - sigmoid(f)
                h[j] = o * c[j] / n[j]
            outputs[t, column] = h
    return outputs, before, parts


@njit(cache=True, nogil=True)
def slstm_backward(
    slope: Floats, gates: Floats, parts: Floats, keep: Floats, turned: Floats
) -> Floats:
    """Return the gradient (L, C, 4H) by the gates before activation (see `lstm_backward`)."""
    n_steps, n_columns, size = slope.shape
    out = np.empty_like(gates)
    for column in range(n_columns):
        by_h, by_c = np.zeros(size, np.float32), np.zeros(size, np.float32)
        by_n = np.zeros(size, np.float32)
        for t in range(n_steps - 1, -1, -1):
            g, d, p, on = gates[t, column], out[t, column], parts[t, column], keep[t, column]
            for j in range(size):
                share, take = p[2 * size + j], p[3 * size + j]
                c, n = p[4 * size + j], p[5 * size + j]
                z, o = g[2 * size + j], g[3 * size + j]
                dh = slope[t, column, j] + by_h[j]
                dc, dn = by_c[j] + dh * o / n, by_n[j] - dh * o * c / (n * n)
                d[j] = (dc * z + dn) * take
                d[size + j] = (dc * p[j] + dn * p[size + j]) * share * g[size + j]
                d[2 * size + j] = dc * take * (ONE - z * z)
                d[3 * size + j] = dh * c / n * o * (ONE - o)
                by_c[j], by_n[j] = dc * share * on, dn * share * on
            by_h[:] = ZERO
            add_rows(by_h, d, turned, size)
            for j in range(size):
                by_h[j] *= on
    return out


@njit(cache=True, nogil=True, fastmath=FAST)
def weight_slope(before: Floats, slope: Floats) -> Floats:
    """Return the gradient (H, 4H) by the recurrent weight from outputs before and gate slopes."""
    rows = before.reshape(-1, before.shape[2])
    pulls = slope.reshape(-1, slope.shape[2])
    out = np.zeros((rows.shape[1], pulls.shape[1]), np.float32)
    for k in range(rows.shape[1]):
        add_rows(out[k], rows[:, k].copy(), pulls, pulls.shape[1])
    return out


class Unrolled(torch.autograd.Function):
    """A cell through a sequence, from the input's share of the gates to the outputs."""

    @staticmethod
    def forward(
        ctx: Any, projected: Tensor, weight: Tensor, memory: Tensor, keep: Tensor, kind: str
    ) -> Tensor:
        """Return outputs (L, C, H)."""
        gates = projected.detach().contiguous().numpy().copy()
        run = lstm_forward if kind == "lstm" else slstm_forward
        kept = keep.reshape(keep.shape[:2]).numpy()
        start = memory.detach().contiguous().numpy()
        outputs, *saved = run(gates, start, kept, weight.detach().numpy())
        ctx.kind, ctx.weight = kind, weight.detach().numpy()
        ctx.gates, ctx.kept, ctx.before, ctx.saved = gates, kept, saved[0], saved[1:]
        return torch.from_numpy(outputs)

    @staticmethod
    def backward(ctx: Any, slope: Tensor) -> Any:
        """Return the gradients by `projected` and `weight`."""
        turned = np.ascontiguousarray(ctx.weight.T)
        own = slope.contiguous().numpy()
        if ctx.kind == "lstm":
            cells, squashed = ctx.saved
            out = lstm_backward(own, ctx.gates, cells, squashed, ctx.kept, turned)
        else:
            out = slstm_backward(own, ctx.gates, ctx.saved[0], ctx.kept, turned)
        by_weight = weight_slope(ctx.before, out)
        return torch.from_numpy(out), torch.from_numpy(by_weight), None, None, None


def through(kind: str, projected: Tensor, weight: Tensor, memory: Tensor, keep: Tensor) -> Tensor:
    """Return outputs (L, C, H) of a cell through a sequence.

    Parameters
    ----------
    kind
        "lstm" or "slstm".
    projected
        (L, C, 4H) float32 on the CPU, the input's share of the gates.
    weight
        (H, 4H) of the recurrence.
    memory
        (C, M) before the first step; no gradient flows into it.
    keep
        (L, C, 1) 0 where an episode starts with that step, else 1.
    """
    outputs: Tensor = Unrolled.apply(projected, weight, memory, keep, kind)  # type: ignore[no-untyped-call]
    return outputs


def compiles(projected: Tensor) -> bool:
    """Return whether a sequence can take the compiled path: 32 bits on the CPU."""
    return projected.dtype == torch.float32 and projected.device.type == "cpu"
