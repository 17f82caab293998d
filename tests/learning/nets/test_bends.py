# SPDX-License-Identifier: MIT
import pytest
import torch

from flyball.learning.nets.bends import back, unbend, unbend_rows

ROWS = torch.tensor([4, 0, 7])


def some(*shape, seed=0):
    return torch.randn(*shape, generator=torch.Generator().manual_seed(seed))


def seen_by(activation, *shape):
    return some(*shape, seed=1).relu() if activation == "relu" else some(*shape, seed=1).tanh()


@pytest.mark.parametrize("activation", ["relu", "tanh"])
def test_one_sweep_back_is_the_derivative_and_then_the_sum(activation):
    slope, seen, bias = some(2, 9, 5), seen_by(activation, 2, 9, 5), torch.empty(2, 1, 5)
    apart = slope.clone()

    back(slope, seen, bias, activation)

    unbend(apart, seen, activation)
    assert torch.equal(slope, apart)
    torch.testing.assert_close(bias, apart.sum(1, keepdim=True))


@pytest.mark.parametrize("activation", ["relu", "tanh"])
def test_some_rows_bend_back_as_they_do_among_all(activation):
    slope, seen = some(9, 5), seen_by(activation, 9, 5)
    part = slope[ROWS]

    unbend_rows(part, seen, ROWS, activation)

    unbend(slope, seen, activation)
    assert torch.equal(part, slope[ROWS])


def test_a_unit_that_is_off_passes_nothing_back():
    slope, bias = torch.tensor([[[1.0, 2.0]]]), torch.empty(1, 1, 2)

    back(slope, torch.tensor([[[0.0, 0.5]]]), bias, "relu")

    assert slope.tolist() == [[[0.0, 2.0]]]
    assert bias.tolist() == [[[0.0, 2.0]]]
