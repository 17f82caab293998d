# SPDX-License-Identifier: MIT
import pytest
import torch

from flyball.learning.nets import segments

OFFSET = torch.tensor([0, 3, 3, 4, 9])


@pytest.mark.parametrize("pool", [segments.mean, segments.maximum])
def test_the_gradient_of_a_pooled_row_is_the_numerical_one(pool):
    x = torch.randn(9, 3, generator=torch.Generator().manual_seed(0), dtype=torch.float64)

    assert torch.autograd.gradcheck(lambda y: pool(y, OFFSET), (x.requires_grad_(),))


def test_the_gradient_of_a_spread_row_is_the_numerical_one():
    x = torch.randn(4, 3, generator=torch.Generator().manual_seed(0), dtype=torch.float64)

    assert torch.autograd.gradcheck(lambda y: segments.spread(y, OFFSET), (x.requires_grad_(),))


def test_the_gradient_of_log_probability_and_entropy_is_the_numerical_one():
    score = torch.randn(9, generator=torch.Generator().manual_seed(0), dtype=torch.float64)
    choice = torch.tensor([1, 0, 0, 4])

    assert torch.autograd.gradcheck(
        lambda s: segments.softmax(s, OFFSET, choice), (score.requires_grad_(),)
    )


def test_pooling_gives_mean_and_maximum_of_each_row_and_zero_where_it_is_empty():
    x = torch.tensor([[1.0], [5.0], [3.0], [-7.0], [1.0], [1.0], [1.0], [1.0], [2.0]])

    mean, highest = segments.mean(x, OFFSET), segments.maximum(x, OFFSET)

    torch.testing.assert_close(mean[:, 0], torch.tensor([3.0, 0.0, -7.0, 1.2]))
    torch.testing.assert_close(highest[:, 0], torch.tensor([5.0, 0.0, -7.0, 2.0]))
