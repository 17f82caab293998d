# SPDX-License-Identifier: MIT
"""Forward and backward passes of perceptrons, written out instead of recorded by autograd.

A gradient step of an actor-critic at batch 256 is mostly matrix products, and these run at the
processor's peak; only what lies between them can be saved. So activations and slopes lie in buffers
that are used again, the slope of every parameter is written where the optimiser reads it, a last
layer of a single output is a weighted sum instead of a product of thin matrices, which is five
times slower, and whoever needs the slope of the input alone gets that alone.

C perceptrons of one shape side by side · R rows · I inputs · O outputs. The tests compare every
slope with that of autograd.
"""

from collections.abc import Sequence
from typing import Literal, NamedTuple, cast

import torch
from torch import Tensor

Activation = Literal["tanh", "relu"]

Key = tuple[int, int, torch.dtype, torch.device]


class Layer(NamedTuple):
    """One layer's weights and biases, or their slopes; views of the parameters' memory."""

    weight: Tensor  # (count, in, out)
    turned: Tensor  # (count, out, in)
    bias: Tensor  # (count, 1, out)


class Passes:
    """The passes of C perceptrons, or of one whose layers are torch's.

    `learn` and `trace` belong to the last call; what they and the call return is valid until the
    next call of as many rows.
    """

    def __init__(
        self,
        weights: Sequence[Tensor],
        biases: Sequence[Tensor],
        activation: Activation,
    ) -> None:
        """Keep the parameters, which may move to other memory meanwhile.

        Parameters
        ----------
        weights, biases
            (C, in, out) and (C, 1, out) of each layer, or (out, in) and (out,) as of nn.Linear.
        activation
            Between the layers.
        """
        self.weights, self.biases, self.activation = list(weights), list(biases), activation
        self._desks: dict[Key, tuple[list[Tensor], list[Tensor]]] = {}
        self._layers: dict[tuple[int, int, int], Layer] = {}
        self._seen: list[Tensor] = []  # (C, R, in) what each layer read
        self._slopes: list[Tensor] = []  # (C, R, out) of the loss, before the activation

    def __getstate__(self) -> dict[str, object]:
        """Return what a copy takes over: places in memory are of no use to it."""
        return self.__dict__ | {"_desks": {}, "_layers": {}, "_seen": [], "_slopes": []}

    @torch.no_grad()
    def __call__(self, x: Tensor, count: int = 1) -> Tensor:
        """Return what the first `count` perceptrons say, (count, R, O), of rows (R, I)."""
        seen, last = x.expand(count, *x.shape), len(self.weights) - 1
        self._prepare(seen)
        for k in range(last):
            self._seen[k] = seen
            layer = self._layer(k, count)
            seen = torch.baddbmm(layer.bias, seen, layer.weight, out=self._seen[k + 1])
            seen = seen.relu_() if self.activation == "relu" else seen.tanh_()
        self._seen[last] = seen
        layer = self._layer(last, count)
        if layer.bias.shape[-1] > 1:
            return torch.baddbmm(layer.bias, seen, layer.weight)
        parts = self._slopes[-1] if self._slopes else torch.empty_like(seen)
        torch.mul(seen, layer.turned, out=parts)
        return parts.sum(-1, keepdim=True).add_(layer.bias)

    @torch.no_grad()
    def learn(self, slope: Tensor) -> None:
        """Write the slope of a loss with respect to every parameter into its `grad`.

        Parameters
        ----------
        slope
            (count, R, O) of the loss, with respect to what the last call returned.
        """
        for k in reversed(range(len(self.weights))):
            own = self._slope(k, len(slope))
            if slope.shape[-1] > 1:
                torch.bmm(self._seen[k].mT, slope, out=own.weight)
            else:
                torch.bmm(slope.mT, self._seen[k], out=own.turned)
            torch.sum(slope, 1, keepdim=True, out=own.bias)
            if k:
                slope = self._before(k, slope)

    @torch.no_grad()
    def trace(self, slope: Tensor, n_last: int) -> Tensor:
        """Return the slope (R, n_last) of a loss with respect to the last columns of what was read.

        Parameters
        ----------
        slope
            As in `learn`; no parameter gets one of its own.
        n_last
            In 1..I: what comes last is the action.
        """
        for k in reversed(range(1, len(self.weights))):
            slope = self._before(k, slope)
        return torch.bmm(slope, self._layer(0, len(slope)).turned[..., -n_last:]).sum(0)

    @torch.no_grad()
    def trace_one(self, slope: Tensor, which: Tensor, n_last: int) -> Tensor:
        """Return what `trace` does where each row's loss depends on one perceptron alone.

        That is half the work for a minimum of two.

        Parameters
        ----------
        slope
            (R, O) of the loss, with respect to what that perceptron says of the row.
        which
            (R,) number of the perceptron, integer or bool.
        n_last
            See `trace`.
        """
        out, count = slope.new_empty(len(slope), n_last), len(self._seen[0])
        turned = [self._layer(k, count).turned for k in range(len(self.weights))]
        for one in range(count):
            rows = (which == one).nonzero()[:, 0]
            part = slope.index_select(0, rows)
            for k in reversed(range(1, len(self.weights))):
                weight = turned[k][one]
                part = part @ weight if len(weight) > 1 else part * weight
                self._deactivate(part, self._seen[k][one].index_select(0, rows))
            out.index_copy_(0, rows, part @ turned[0][one, :, -n_last:])
        return out

    def _before(self, k: int, slope: Tensor) -> Tensor:
        """Return the slope (C, R, in) before the activation whose result layer k read."""
        out = self._slopes[k - 1]
        product = torch.bmm if slope.shape[-1] > 1 else torch.mul
        product(slope, self._layer(k, len(slope)).turned, out=out)
        self._deactivate(out, self._seen[k])
        return out

    def _deactivate(self, slope: Tensor, seen: Tensor) -> None:
        """Multiply a slope by the derivative of the activation that gave `seen`, in place."""
        ops = torch.ops.aten
        if self.activation == "relu":
            ops.threshold_backward.grad_input(slope, seen, 0, grad_input=slope)
        else:
            ops.tanh_backward.grad_input(slope, seen, grad_input=slope)

    def _layer(self, k: int, count: int) -> Layer:
        """Return layer k of the first `count` perceptrons."""
        return self._views(self.weights[k], self.biases[k], count)

    def _slope(self, k: int, count: int) -> Layer:
        """Return where the slopes of layer k belong."""
        weight, bias = self.weights[k], self.biases[k]
        for parameter in (weight, bias):
            if parameter.grad is None:
                parameter.grad = torch.zeros_like(parameter)
        return self._views(cast("Tensor", weight.grad), cast("Tensor", bias.grad), count)

    def _views(self, weight: Tensor, bias: Tensor, count: int) -> Layer:
        """Return views of these places in memory, made once: they cost more than small products.

        A view keeps its memory, so that no other tensor can come to lie there meanwhile.
        """
        key = (weight.data_ptr(), bias.data_ptr(), count)
        if key not in self._layers:
            stacked, row = _stacked(weight.detach())[:count], _stacked(bias.detach())[:count]
            self._layers[key] = Layer(stacked, stacked.mT, row)
        return self._layers[key]

    def _prepare(self, x: Tensor) -> None:
        """Take the buffers for as many rows as `x` (C, R, I) has."""
        key = (*x.shape[:2], x.dtype, x.device)
        if key not in self._desks:
            widths = [bias.shape[-1] for bias in self.biases][:-1]
            seen, slopes = ([x.new_empty(*x.shape[:2], n) for n in widths] for _ in range(2))
            self._desks[key] = ([x, *seen], slopes)
        self._seen, self._slopes = self._desks[key]


def _stacked(parameter: Tensor) -> Tensor:
    """Return a parameter as (C, in, out) or (C, 1, out)."""
    if parameter.dim() == 3:
        return parameter
    return parameter.mT[None] if parameter.dim() == 2 else parameter[None, None]
