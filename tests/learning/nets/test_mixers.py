# SPDX-License-Identifier: MIT
import itertools

import numpy as np
import pytest
import torch

from flyball.core.errors import ConfigError
from flyball.learning.nets.mixers import MixerConfig, mixer_of


def mixer(kind="qmix", n_agents=4, n_state=6, seed=0, **sizes):
    generator = torch.Generator().manual_seed(seed)
    return mixer_of(MixerConfig(kind=kind, **sizes), n_agents, n_state, generator)


def draws(*shape, seed=0):
    return 5.0 * torch.randn(*shape, generator=torch.Generator().manual_seed(seed))


def test_no_agents_better_value_lowers_the_teams():
    q, state = draws(100_000, 4, seed=1).requires_grad_(), draws(100_000, 6, seed=2)

    mixer()(q, state).sum().backward()

    assert q.grad.min() >= 0.0
    assert (q.grad > 0.0).float().mean() > 0.99


@pytest.mark.parametrize("kind", ["qmix", "vdn"])
def test_the_greedy_joint_action_is_every_agents_own_greedy_action(kind):
    team = mixer(kind, n_agents=3)
    q, state = draws(200, 3, 4, seed=3), draws(200, 6, seed=4)
    joint = torch.tensor(list(itertools.product(range(4), repeat=3)))  # (64, 3)
    taken = q[:, torch.arange(3), joint]  # (200, 64, 3)

    with torch.no_grad():
        value = team(taken.flatten(0, 1), state.repeat_interleave(64, 0)).view(200, 64)

    assert torch.equal(joint[value.argmax(1)], q.argmax(-1))


def test_the_mixing_network_is_that_of_the_paper():
    team = mixer(n_agents=3, n_state=2, embed=4, hypernet=5)
    q, state = draws(7, 3, seed=5), draws(7, 2, seed=6)
    weight, bias = team.first.weight.detach().numpy(), team.first.bias.detach().numpy()

    found = team(q, state).detach().numpy()

    def linear(layer, x):
        return layer.weight.detach().numpy() @ x + layer.bias.detach().numpy()

    for p in range(7):
        hyper = weight @ state[p].numpy() + bias
        to_1, to_2, b_1, to_v = np.split(hyper, [5, 10, 14])
        w_1 = np.abs(linear(team.weight_1, np.maximum(to_1, 0))).reshape(3, 4)
        w_2 = np.abs(linear(team.weight_2, np.maximum(to_2, 0)))
        x = q[p].numpy() @ w_1 + b_1
        hidden = np.where(x > 0, x, np.exp(x) - 1)
        expected = hidden @ w_2 + linear(team.value, np.maximum(to_v, 0))
        np.testing.assert_allclose(found[p], expected, rtol=1e-4, atol=1e-4)


def test_biases_are_free_so_that_the_same_values_are_worth_more_or_less_by_state():
    state = draws(500, 6, seed=7)

    value = mixer()(torch.zeros(500, 4), state)

    assert value.min() < 0.0 < value.max()


def test_values_are_summed_by_vdn_and_left_alone_by_independent_learners():
    q, state = draws(9, 4), draws(9, 6)

    team, apart = mixer("vdn")(q, state), mixer("none")(q, state)

    assert torch.equal(team, q.sum(1, keepdim=True))
    assert torch.equal(apart, q)


def test_a_mixer_that_does_not_exist_is_refused_with_those_that_do():
    with pytest.raises(ConfigError, match=r"mixer\.kind: 'qplex'; allowed: qmix, vdn, none"):
        MixerConfig(kind="qplex")
