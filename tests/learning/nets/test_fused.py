# SPDX-License-Identifier: MIT
import numpy as np
import pytest
import torch
from torch import nn

from flyball.learning.nets.flat import Adam, Flat
from flyball.learning.nets.fused import (
    TILE,
    adam,
    backward,
    forward,
    scratch,
    shape_of,
    tanh_in_place,
    transpose,
)
from flyball.learning.nets.net import mlp
from flyball.learning.surrogate import linears

WIDTHS = [(5, 7, 3), (4, 64, 64, 2), (9, 30, 1), (3, 1)]


def made(widths, activation):
    draws = torch.Generator().manual_seed(0)
    net = mlp(widths[:-1], activation, draws)
    net.append(nn.Linear(widths[-2], widths[-1]))
    with torch.no_grad():
        for part in net.parameters():
            part.copy_(torch.randn(part.shape, generator=draws) * 0.5)
    flat = Flat([net])
    places, at = {}, 0
    for parameter in flat.parameters:
        places[id(parameter)] = at
        at += parameter.numel()
    return net, flat, shape_of(linears(net), places, tanh=activation == "tanh")


@pytest.mark.parametrize("activation", ["tanh", "relu"])
@pytest.mark.parametrize("widths", WIDTHS)
def test_outputs_and_gradients_are_those_of_torch(widths, activation):
    net, flat, shape = made(widths, activation)
    x = np.random.default_rng(1).normal(size=(TILE - 7, widths[0])).astype(np.float32)
    pull = np.random.default_rng(2).normal(size=(len(x), widths[-1])).astype(np.float32)
    turned, hidden, slope = scratch(shape)
    gradient = np.zeros(len(flat.vector), np.float32)

    transpose(flat.vector.numpy(), shape, turned)
    forward(x, flat.vector.numpy(), shape, turned, hidden)
    slope[0, : len(x), : widths[-1]] = pull
    backward(x, flat.vector.numpy(), shape, hidden, slope, gradient)

    out = net(torch.from_numpy(x))
    flat.differentiate((out * torch.from_numpy(pull)).sum())
    found = hidden[len(widths) - 2, : len(x), : widths[-1]]
    np.testing.assert_allclose(found, out.detach(), rtol=1e-4, atol=2e-5)
    np.testing.assert_allclose(gradient, flat.gradient, rtol=1e-3, atol=2e-4)


def test_the_tanh_is_right_to_four_in_ten_million_everywhere():
    x = np.concatenate((np.linspace(-20, 20, 400_001), [-1e30, 0.0, 1e-30, 1e30])).astype(
        np.float32
    )
    expected = np.tanh(x.astype(np.float64))

    tanh_in_place(x)

    assert np.abs(x - expected).max() < 4e-7


def test_steps_of_adam_are_those_of_the_torch_optimiser():
    net, _, _ = made((5, 7, 3), "tanh")
    theirs = Adam([net], 1e-2)
    mine = [part.numpy().copy() for part in (theirs.flat.vector, theirs.first, theirs.second)]
    for k in range(1, 6):
        x = torch.randn(8, 5, generator=torch.Generator().manual_seed(k))

        theirs.descend((net(x) ** 2).sum() * k, clip=0.5)
        x.requires_grad_()
        slope = theirs.flat.gradient.numpy()  # clipped already, so the clip here must do nothing
        adam(mine[0], slope, mine[1], mine[2], k, 1e-2, 1e-5, 1e9)

        np.testing.assert_allclose(mine[0], theirs.flat.vector, rtol=1e-4, atol=1e-6)


def test_a_long_gradient_is_shortened_to_the_clip():
    vector, first, second = (np.zeros(4, np.float32) for _ in range(3))
    gradient = np.array([30.0, 40.0, 0.0, 0.0], np.float32)

    adam(vector, gradient, first, second, 1, 1.0, 1e-5, 0.5)

    np.testing.assert_allclose(first, [0.03, 0.04, 0, 0], rtol=1e-5)
