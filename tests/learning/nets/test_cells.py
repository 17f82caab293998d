# SPDX-License-Identifier: MIT
import pytest
import torch

from flyball.learning.nets.cells import LSTM, SLSTM, cell_of, sequence

KINDS = ["lstm", "slstm"]


def made(kind, size=8, memory_steps=0):
    cell = cell_of(kind, 3, size, memory_steps, torch.Generator().manual_seed(0))
    assert cell is not None
    return cell


def stream(steps=40, columns=5, seed=1):
    draws = torch.Generator().manual_seed(seed)
    x = torch.randn(steps, columns, 3, generator=draws)
    keep = (torch.rand(steps, columns, 1, generator=draws) > 0.1).float()
    return x, keep


@pytest.mark.parametrize("kind", KINDS)
def test_a_sequence_is_its_steps_one_by_one_through_random_resets(kind):
    cell, (x, keep) = made(kind), stream()
    memory = torch.randn(5, cell.n_memory, generator=torch.Generator().manual_seed(2)).abs()

    outputs, last = sequence(cell, x, memory, keep)

    for t in range(len(x)):
        out, memory = cell(x[t], memory * keep[t])
        torch.testing.assert_close(out, outputs[t], rtol=0, atol=1e-6)
    torch.testing.assert_close(memory, last, rtol=0, atol=1e-6)


@pytest.mark.parametrize("kind", KINDS)
def test_nothing_of_an_episode_is_remembered_in_the_next(kind):
    cell, (x, keep) = made(kind), stream()
    keep[:] = 1.0
    keep[20] = 0.0
    other = x.clone()
    other[:20] += 1.0

    first, _ = sequence(cell, x, torch.zeros(5, cell.n_memory), keep)
    second, _ = sequence(cell, other, torch.zeros(5, cell.n_memory), keep)

    assert not torch.allclose(first[19], second[19])
    torch.testing.assert_close(first[20:], second[20:], rtol=0, atol=0)


def test_the_lstm_is_that_of_torch():
    cell = made("lstm")
    twin = torch.nn.LSTM(3, 8)
    with torch.no_grad():
        twin.weight_ih_l0.copy_(cell.x.weight)
        twin.bias_ih_l0.copy_(cell.x.bias)
        twin.weight_hh_l0.copy_(cell.h.t())
        twin.bias_hh_l0.zero_()
    x, _ = stream()

    outputs, last = sequence(cell, x, torch.zeros(5, 16), torch.ones(40, 5, 1))

    expected, (h, c) = twin(x)
    torch.testing.assert_close(outputs, expected, rtol=0, atol=1e-6)
    torch.testing.assert_close(last, torch.cat((h[0], c[0]), -1), rtol=0, atol=1e-6)


def test_the_exponential_gates_are_those_of_the_unstabilised_equations():
    cell, (x, _) = made("slstm"), stream(12)
    keep = torch.ones(12, 5, 1)

    outputs, _ = sequence(cell, x, torch.zeros(5, cell.n_memory), keep)

    h = c = n = torch.zeros(5, 8, dtype=torch.float64)
    weight, bias, own = (p.detach().double() for p in (cell.x.weight, cell.x.bias, cell.h))
    for t in range(12):
        i, f, z, o = (x[t].double() @ weight.t() + bias + h @ own).chunk(4, -1)
        c = torch.sigmoid(f) * c + torch.exp(i) * torch.tanh(z)
        n = torch.sigmoid(f) * n + torch.exp(i)
        h = torch.sigmoid(o) * c / n
        torch.testing.assert_close(outputs[t].detach().double(), h, rtol=0, atol=1e-5)


def test_exponential_gates_stay_finite_for_ten_thousand_steps_of_huge_inputs():
    cell = made("slstm")
    memory = torch.zeros(5, cell.n_memory)
    x = 200.0 * torch.randn(5, 3, generator=torch.Generator().manual_seed(3))

    with torch.no_grad():
        for t in range(10_000):
            out, memory = cell(x * (-1) ** (t // 7), memory)

    assert torch.isfinite(out).all()
    assert torch.isfinite(memory).all()
    assert out.abs().max() <= 1.0


@pytest.mark.parametrize("kind", KINDS)
def test_a_fresh_cell_made_for_long_memory_keeps_an_impulse_longer(kind):
    def left_after(steps, memory_steps):
        cell = made(kind, 64, memory_steps)
        x = torch.zeros(steps, 2, 3)
        x[0, 1] = 3.0
        keep = torch.ones(steps, 2, 1)
        with torch.no_grad():
            outputs, _ = sequence(cell, x, torch.zeros(2, cell.n_memory), keep)
        return float((outputs[-1, 1] - outputs[-1, 0]).abs().max())

    assert left_after(60, 100) > 3 * left_after(60, 0)


def test_no_cell_is_made_where_none_is_wanted():
    assert cell_of("none", 3, 8, 0, torch.Generator()) is None
    assert isinstance(made("lstm"), LSTM)
    assert isinstance(made("slstm"), SLSTM)


@pytest.mark.parametrize("kind", KINDS)
def test_the_gradient_through_time_is_the_numerical_one(kind):
    cell = made(kind, 4).double()
    x, keep = (part.double() for part in stream(6, 2))
    start = torch.rand(2, cell.n_memory, generator=torch.Generator().manual_seed(4)).double() + 0.1

    def total(inputs):
        return (sequence(cell, inputs, start, keep)[0] ** 2).sum()

    assert torch.autograd.gradcheck(total, (x.requires_grad_(),))
