# SPDX-License-Identifier: MIT
"""Forward and backward passes of perceptrons, written out instead of recorded by autograd.

A gradient step of an actor-critic at batch 256 is mostly matrix products, and these run at the
processor's peak; only what lies between them can be saved. So activations and slopes lie in buffers
that are used again, the slope of every parameter is written where the optimiser reads it, a last
layer of a single output is a product with a vector instead of one of thin matrices, which is five
times slower, and whoever needs the slope of the input alone gets that alone. What lies between the
products is in `bends`.

C perceptrons of one shape side by side · R rows · I inputs · O outputs. The tests compare every
slope with that of autograd.
"""

from collections.abc import Sequence
from operator import is_
from typing import NamedTuple, cast

import torch
from torch import Tensor

from flyball.learning.nets.bends import Activation, back, bend, unbend, unbend_rows

THIN = 8
"""So many times fewer inputs than outputs make a product thin."""


Key = tuple[int, int, torch.dtype, torch.device]


class Layer(NamedTuple):
    """One layer's weights and biases, or their slopes; views of the parameters' memory."""

    weight: Tensor  # (count, in, out)
    turned: Tensor  # (count, out, in)
    bias: Tensor  # (count, 1, out)


class Desk(NamedTuple):
    """What passes of so many rows through so many perceptrons work with."""

    layers: list[Layer]
    columns: list[tuple[Tensor, Tensor]]  # bias (1,) and weight (in,) of a last single output
    seen: list[Tensor]  # (C, R, in) what each layer read
    slopes: list[Tensor]  # (C, R, out) of the loss, before the activation; all layers but the last


class Passes:
    """The passes of C perceptrons, or of one whose layers are torch's.

    `learn` and `trace` belong to the last call; what they and the call return is valid until the
    next call of as many rows. None of them records a graph.
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
        self.parameters = [*weights, *biases]
        self.activation = activation
        self._forget()

    def _forget(self) -> None:
        self._places: list[int] = []  # of the parameters
        self._desks: dict[Key, Desk] = {}
        self._desk = Desk([], [], [], [])
        self._grads: list[Tensor] = []
        self._written: dict[int, list[Layer]] = {}

    def __getstate__(self) -> dict[str, object]:
        """Return what a copy takes over: places in memory are of no use to it."""
        return {"parameters": self.parameters, "activation": self.activation}

    def __setstate__(self, state: dict[str, object]) -> None:
        """Begin with what another had."""
        self.__dict__.update(state)
        self._forget()

    def __call__(self, x: Tensor, count: int = 1) -> Tensor:
        """Return what the first `count` perceptrons say, (count, R, O), of rows (R, I)."""
        layers, columns, seen, _ = self._desk = self._prepared(x, count)
        seen[0] = x.detach().expand(count, *x.shape)
        for k in range(len(layers) - 1):
            torch.baddbmm(layers[k].bias, seen[k], layers[k].weight, out=seen[k + 1])
            bend(seen[k + 1], self.activation)
        last = seen[-1]
        if not columns:
            return torch.baddbmm(layers[-1].bias, last, layers[-1].weight)
        single = [torch.addmv(bias, last[one], w) for one, (bias, w) in enumerate(columns)]
        return torch.stack(single)[..., None]

    def learn(self, slope: Tensor) -> None:
        """Write the slope of a loss with respect to every parameter into its `grad`.

        Parameters
        ----------
        slope
            (count, R, O) of the loss, with respect to what the last call returned.
        """
        desk, written = self._desk, self._grad_layers(slope.shape[0])
        torch.sum(slope, 1, keepdim=True, out=written[-1].bias)
        for k in reversed(range(len(written))):
            if slope.shape[-1] > 1:
                _products(desk.seen[k], slope, written[k].weight)
            else:
                torch.bmm(slope.mT, desk.seen[k], out=written[k].turned)
            if k:
                slope = self._before(k, slope)
                back(slope, desk.seen[k], written[k - 1].bias, self.activation)

    def trace(self, slope: Tensor, n_last: int) -> Tensor:
        """Return the slope (R, n_last) of a loss with respect to the last columns of what was read.

        Parameters
        ----------
        slope
            As in `learn`; no parameter gets one of its own.
        n_last
            In 1..I: what comes last is the action.
        """
        layers, _, seen, _ = self._desk
        for k in reversed(range(1, len(layers))):
            slope = self._before(k, slope)
            unbend(slope, seen[k], self.activation)
        return torch.bmm(slope, layers[0].turned[..., -n_last:]).sum(0)

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
        layers, _, seen, slopes = self._desk
        out = slope.new_empty(slope.shape[0], n_last)
        for one in range(seen[0].shape[0]):
            rows = (which == one).nonzero()[:, 0]
            part = slope.index_select(0, rows)
            for k in reversed(range(1, len(layers))):
                weight, following = layers[k].turned[one], slopes[k - 1][one, : rows.shape[0]]
                product = torch.mm if weight.shape[0] > 1 else torch.mul
                part = product(part, weight, out=following)
                unbend_rows(part, seen[k][one], rows, self.activation)
            out.index_copy_(0, rows, part @ layers[0].turned[one, :, -n_last:])
        return out

    def _before(self, k: int, slope: Tensor) -> Tensor:
        """Return the slope (C, R, in) of a loss with respect to what layer k read."""
        product = torch.bmm if slope.shape[-1] > 1 else torch.mul
        return product(slope, self._desk.layers[k].turned, out=self._desk.slopes[k - 1])

    def _prepared(self, x: Tensor, count: int) -> Desk:
        """Return the desk for rows such as these: views cost more than small products."""
        places = [parameter.data_ptr() for parameter in self.parameters]
        if places != self._places:
            self._places = places
            self._desks.clear()
        key = (count, x.shape[0], x.dtype, x.device)
        if key not in self._desks:
            layers = _layers(self.parameters, count)
            widths = [layer.bias.shape[-1] for layer in layers]
            shapes = [(count, x.shape[0], width) for width in widths[:-1]]
            seen, slopes = ([x.new_empty(shape) for shape in shapes] for _ in range(2))
            last = layers[-1]
            columns = list(zip(last.bias[:, 0], last.weight[..., 0], strict=True))
            single = columns if widths[-1] == 1 else []
            self._desks[key] = Desk(layers, single, [x, *seen], slopes)
        return self._desks[key]

    def _grad_layers(self, count: int) -> list[Layer]:
        """Return where the slopes of the parameters belong."""
        for parameter in self.parameters:
            if parameter.grad is None:
                parameter.grad = torch.zeros_like(parameter)
        grads = [cast("Tensor", parameter.grad) for parameter in self.parameters]
        if len(grads) != len(self._grads) or not all(map(is_, grads, self._grads)):
            self._grads = grads
            self._written.clear()
        if count not in self._written:
            self._written[count] = _layers(grads, count)
        return self._written[count]


def _layers(parameters: list[Tensor], count: int) -> list[Layer]:
    """Return views of the first `count` perceptrons: first all weights, then all biases."""
    stacked = [_stacked(parameter.detach())[:count] for parameter in parameters]
    half = len(stacked) // 2
    pairs = zip(stacked[:half], stacked[half:], strict=True)
    return [Layer(weight, weight.mT, bias) for weight, bias in pairs]


def _products(seen: Tensor, slope: Tensor, out: Tensor) -> None:
    """Write the slope of weights (C, in, out) from what they read and the slope behind them.

    A thin product that is written turned is five times slower than one that is turned afterwards.
    """
    if out.is_contiguous() or THIN * out.shape[1] > out.shape[2]:
        torch.bmm(seen.mT, slope, out=out)
    else:
        out.copy_(torch.bmm(seen.mT, slope))


def _stacked(parameter: Tensor) -> Tensor:
    """Return a parameter as (C, in, out) or (C, 1, out)."""
    if parameter.dim() == 3:
        return parameter
    return parameter.mT[None] if parameter.dim() == 2 else parameter[None, None]
