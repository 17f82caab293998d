# SPDX-License-Identifier: MIT
"""What lies between the matrix products of perceptrons: activations, and slopes back through them.

Activations of a whole batch do not fit the cache, so every sweep over them counts. On the CPU what
belongs together takes one compiled sweep; on other devices, and for the hyperbolic tangent, which
torch does eight at a time, it takes torch's operations, and these are the kernels' twins.

C perceptrons side by side · R rows · O outputs of the layer.
"""

from typing import Literal

import torch
from numba import njit
from torch import Tensor

from flyball.core.batch import Floats, Longs

Activation = Literal["tanh", "relu"]


def bend(out: Tensor, activation: Activation) -> Tensor:
    """Return the activation of (C, R, O), in place."""
    return out.relu_() if activation == "relu" else out.tanh_()


def back(slope: Tensor, seen: Tensor, bias: Tensor, activation: Activation) -> None:
    """Take a slope back through the activation, and through the sum with the bias before it.

    Parameters
    ----------
    slope
        (C, R, O) of a loss with respect to `seen`; becomes that with respect to what was bent.
    seen
        (C, R, O) what the activation gave.
    bias
        (C, 1, O) becomes the sum of the slope over rows.
    activation
        Which.
    """
    if activation == "relu" and slope.device.type == "cpu":
        _back(slope.numpy(), seen.numpy(), bias.numpy())
        return
    unbend(slope, seen, activation)
    torch.sum(slope, 1, keepdim=True, out=bias)


def unbend(slope: Tensor, seen: Tensor, activation: Activation) -> None:
    """Multiply a slope by the derivative of the activation that gave `seen`, in place."""
    ops = torch.ops.aten
    if activation == "relu":
        ops.threshold_backward.grad_input(slope, seen, 0, grad_input=slope)
    else:
        ops.tanh_backward.grad_input(slope, seen, grad_input=slope)


def unbend_rows(slope: Tensor, seen: Tensor, rows: Tensor, activation: Activation) -> None:
    """Do the same to n slopes (n, O) that belong to `rows` (n,) of `seen` (R, O)."""
    if activation == "relu" and slope.device.type == "cpu":
        _unbend_rows(slope.numpy(), seen.numpy(), rows.numpy())
    else:
        unbend(slope, seen.index_select(0, rows), activation)


@njit(cache=True, nogil=True)
def _back(slope: Floats, seen: Floats, bias: Floats) -> None:
    """Do `back` for the ReLU."""
    zero = slope.dtype.type(0)
    bias[:] = zero
    for net in range(slope.shape[0]):
        total = bias[net, 0]
        for row in range(slope.shape[1]):
            own, was = slope[net, row], seen[net, row]
            for k in range(len(own)):
                part = own[k] if was[k] > zero else zero
                own[k] = part
                total[k] += part


@njit(cache=True, nogil=True)
def _unbend_rows(slope: Floats, seen: Floats, rows: Longs) -> None:
    """Do `unbend_rows` for the ReLU."""
    zero = slope.dtype.type(0)
    for i, row in enumerate(rows):
        own, was = slope[i], seen[row]
        for k in range(len(own)):
            own[k] = own[k] if was[k] > zero else zero
