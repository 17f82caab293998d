# SPDX-License-Identifier: MIT
import pytest
import torch

from flyball.learning.nets.cells import cell_of, sequence
from flyball.learning.nets.unrolled import compiles, through

KINDS = ["lstm", "slstm"]


def made(kind, size, n_in=3, steps=40, columns=5):
    draws = torch.Generator().manual_seed(0)
    cell = cell_of(kind, n_in, size, 0, draws)
    with torch.no_grad():
        cell.x.bias.add_(torch.randn(4 * size, generator=draws))
    x = 2.0 * torch.randn(steps, columns, n_in, generator=draws)
    keep = (torch.rand(steps, columns, 1, generator=draws) > 0.1).float()
    memory = torch.randn(columns, cell.n_memory, generator=draws)
    if kind == "slstm":  # cell and normaliser of a run: the second is at least as large
        memory[:, 2 * size : 3 * size] = memory[:, size : 2 * size].abs() + 0.3
    return cell, x, memory, keep


@pytest.mark.parametrize("size", [1, 6, 64])
@pytest.mark.parametrize("kind", KINDS)
def test_outputs_are_those_of_the_loop_through_random_resets(kind, size):
    cell, x, memory, keep = made(kind, size)

    with torch.no_grad():
        found = through(kind, cell.x(x), cell.h, memory, keep)
        expected, _ = sequence(cell, x, memory, keep)

    torch.testing.assert_close(found, expected, rtol=1e-4, atol=2e-6)


@pytest.mark.parametrize("size", [1, 6, 64])
@pytest.mark.parametrize("kind", KINDS)
def test_gradients_are_those_of_the_loop_in_64_bits(kind, size):
    cell, x, memory, keep = made(kind, size)
    pull = torch.randn(40, 5, size, generator=torch.Generator().manual_seed(5))

    x.requires_grad_()
    (through(kind, cell.x(x), cell.h, memory, keep) * pull).sum().backward()
    found = [x.grad.clone(), *(p.grad.clone() for p in cell.parameters())]
    cell.zero_grad()
    cell.double()
    exact = x.detach().double().requires_grad_()
    (sequence(cell, exact, memory.double(), keep.double())[0] * pull.double()).sum().backward()

    for own, twin in zip(found, [exact.grad, *(p.grad for p in cell.parameters())], strict=True):
        scale = float(twin.abs().max())
        assert float((own.double() - twin).abs().max()) < 2e-5 * max(1.0, scale)


@pytest.mark.parametrize("kind", KINDS)
def test_a_fresh_memory_of_zeros_is_survived_at_the_first_step(kind):
    cell, x, memory, keep = made(kind, 6)
    keep[0] = 0.0

    out = through(kind, cell.x(x), cell.h, torch.zeros_like(memory), keep)
    out.sum().backward()

    assert torch.isfinite(out).all()
    assert all(torch.isfinite(p.grad).all() for p in cell.parameters())


def test_sixty_four_bits_are_left_to_the_loop():
    assert compiles(torch.zeros(1))
    assert not compiles(torch.zeros(1, dtype=torch.float64))
