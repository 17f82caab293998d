# SPDX-License-Identifier: MIT
from copy import deepcopy

import torch

from flyball.learning.nets.twin import Twin
from tests.learning.nets.test_passes import plain, seed, setting


def test_one_seed_gives_one_pair_of_different_critics():
    first, again, other = (Twin((4, 6, 1), "relu", seed(k)) for k in (0, 0, 1))

    assert not torch.equal(first.weights[0][0], first.weights[0][1])
    assert not torch.equal(first.weights[0], other.weights[0])
    for own, same in zip(first.parameters(), again.parameters(), strict=True):
        assert torch.equal(own, same)


def test_the_critics_start_with_the_scale_of_the_papers():
    twin = Twin((4, 64, 64, 1), "relu", seed())

    hidden = twin.weights[1][0]
    torch.testing.assert_close(hidden @ hidden.T, 2.0 * torch.eye(64), atol=1e-5, rtol=0)
    torch.testing.assert_close(twin.weights[-1].norm(dim=1), torch.ones(2, 1))
    assert all((bias == 0).all() for bias in twin.biases)


def test_both_critics_answer_for_themselves():
    twin, x, _ = setting((5, 8, 7, 1), "relu")

    estimates = twin(x)

    for critic in (0, 1):
        torch.testing.assert_close(estimates[critic], plain(twin, critic)(x))
    torch.testing.assert_close(twin(x, n_critics=1), estimates[:1])


def test_a_copy_has_parameters_of_its_own():
    twin, x, slope = setting((5, 8, 1), "relu")
    before = twin(x).clone()

    other = deepcopy(twin)
    other(x)
    other.learn(slope)
    with torch.no_grad():
        for parameter in other.parameters():
            parameter.sub_(parameter.grad)

    torch.testing.assert_close(twin(x), before, rtol=0, atol=0)
    assert not torch.equal(other(x), before)
    assert all(parameter.grad is None for parameter in twin.parameters())
