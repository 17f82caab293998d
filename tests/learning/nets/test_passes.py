# SPDX-License-Identifier: MIT
import pytest
import torch
from torch import nn

from flyball.learning.nets.passes import Passes
from flyball.learning.nets.twin import Twin

SHAPES = [((5, 8, 7, 1), "relu"), ((5, 8, 1), "tanh"), ((5, 1), "relu"), ((5, 8, 7, 3), "tanh")]


def seed(number=0):
    return torch.Generator().manual_seed(number)


def setting(widths, activation, rows=11):
    twin = Twin(widths, activation, seed()).double()
    for bias in twin.biases:
        nn.init.normal_(bias, generator=seed(1))
    x = torch.randn(rows, widths[0], generator=seed(2), dtype=torch.float64)
    slope = torch.randn(2, rows, widths[-1], generator=seed(3), dtype=torch.float64)
    return twin, x, slope


def plain(twin, critic):
    """The same perceptron as separate layers of torch, whose backward pass autograd writes."""
    parts = []
    for weight, bias in zip(twin.weights, twin.biases, strict=True):
        linear = nn.Linear(*weight.shape[1:], dtype=weight.dtype)
        linear.weight.data = weight[critic].T.clone()
        linear.bias.data = bias[critic, 0].clone()
        parts += [linear, nn.ReLU() if twin.passes.activation == "relu" else nn.Tanh()]
    return nn.Sequential(*parts[:-1])


def linears(sequential):
    return [part for part in sequential if isinstance(part, nn.Linear)]


@pytest.mark.parametrize(("widths", "activation"), SHAPES)
def test_both_perceptrons_say_what_two_separate_ones_say(widths, activation):
    twin, x, _ = setting(widths, activation)

    said = twin.passes(x, 2)

    apart = torch.stack([plain(twin, critic)(x) for critic in (0, 1)])
    torch.testing.assert_close(said, apart, rtol=1e-12, atol=1e-12)


@pytest.mark.parametrize(("widths", "activation"), SHAPES)
def test_learning_writes_the_slopes_that_autograd_finds(widths, activation):
    twin, x, slope = setting(widths, activation)

    twin.passes(x, 2)
    twin.passes.learn(slope)

    for critic in (0, 1):
        apart = plain(twin, critic)
        (apart(x) * slope[critic]).sum().backward()
        for k, linear in enumerate(linears(apart)):
            torch.testing.assert_close(twin.weights[k].grad[critic].T, linear.weight.grad)
            torch.testing.assert_close(twin.biases[k].grad[critic, 0], linear.bias.grad)


@pytest.mark.parametrize(("widths", "activation"), SHAPES)
def test_tracing_finds_the_slope_of_the_input_and_leaves_the_parameters_alone(widths, activation):
    twin, x, slope = setting(widths, activation)

    twin.passes(x, 2)
    traced = twin.passes.trace(slope, 2)

    x.requires_grad_()
    sum((plain(twin, critic)(x) * slope[critic]).sum() for critic in (0, 1)).backward()
    torch.testing.assert_close(traced, x.grad[:, -2:])
    assert all(parameter.grad is None for parameter in twin.parameters())


@pytest.mark.parametrize(("widths", "activation"), SHAPES)
@pytest.mark.parametrize("share", [0.0, 0.5, 1.0])
def test_tracing_one_perceptron_a_row_is_tracing_with_the_others_at_zero(widths, activation, share):
    twin, x, slope = setting(widths, activation)
    which = torch.rand(len(x), generator=seed(4)) < share
    twin.passes(x, 2)

    traced = twin.passes.trace_one(slope[0], which, 3)

    chosen = torch.stack((~which, which))[..., None]
    torch.testing.assert_close(traced, twin.passes.trace(slope[:1] * chosen, 3))


@pytest.mark.parametrize(("widths", "activation"), SHAPES)
def test_layers_of_torch_pass_as_their_own_graph_does(widths, activation):
    twin, x, slope = setting(widths, activation)
    own, other = plain(twin, 0), plain(twin, 0)
    layers = linears(own)
    passes = Passes([p.weight for p in layers], [p.bias for p in layers], activation)

    said = passes(x)[0]
    passes.learn(slope[:1])

    torch.testing.assert_close(said, other(x))
    (other(x) * slope[0]).sum().backward()
    for parameter, expected in zip(own.parameters(), other.parameters(), strict=True):
        torch.testing.assert_close(parameter.grad, expected.grad)


def test_the_first_perceptron_can_be_asked_alone():
    twin, x, slope = setting((5, 8, 7, 1), "relu")
    both = twin.passes(x, 2)
    whole = twin.passes.trace(torch.stack((slope[0], torch.zeros_like(slope[0]))), 5)

    alone = twin.passes(x, 1)

    torch.testing.assert_close(alone, both[:1])
    torch.testing.assert_close(twin.passes.trace(slope[:1], 5), whole)


def test_a_pass_of_other_rows_leaves_nothing_behind():
    twin, x, slope = setting((5, 8, 7, 1), "relu")
    twin.passes(x, 2)
    twin.passes.learn(slope)
    expected = [parameter.grad.clone() for parameter in twin.parameters()]

    twin.passes(x[:3], 2)
    twin.passes.learn(slope[:, :3])
    twin.passes(x, 2)
    twin.passes.learn(slope)

    for parameter, grad in zip(twin.parameters(), expected, strict=True):
        torch.testing.assert_close(parameter.grad, grad, rtol=0, atol=0)


def test_parameters_that_move_to_other_memory_are_followed():
    twin, x, _ = setting((5, 8, 1), "relu")
    before = twin.passes(x, 2).clone()

    for parameter in twin.parameters():
        parameter.data = parameter.data.clone() * 2.0

    after = twin.passes(x, 2)
    torch.testing.assert_close(after[0], plain(twin, 0)(x))
    assert not torch.equal(after, before)
