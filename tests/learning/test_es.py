# SPDX-License-Identifier: MIT
from dataclasses import replace

import numpy as np
import pytest
import torch

from flyball.core.clock import SystemClock
from flyball.core.errors import ConfigError
from flyball.learning.acting.perturbed import pack
from flyball.learning.acting.policy import NetPolicy
from flyball.learning.es import ES, ESConfig, gains
from flyball.learning.nets.net import Net, NetConfig
from flyball.learning.nets.rows import Inputs
from flyball.learning.training import Budget, train
from tests.learning.toys import Chain, Cheapest, Queue, mean_cost_h


def test_evolution_approaches_the_known_optimum_of_a_bandit_over_options():
    env = Queue(64, n_steps=10)
    net = Net(env.spec, NetConfig(hidden=(8, 4)), seed=0)
    config = ESConfig(pairs=16)

    train(ES([env], net, config), Budget(iterations=60), SystemClock())

    held_out = np.arange(5000, 5064)
    best_h = mean_cost_h(env, Cheapest(), held_out)
    dearest_h = mean_cost_h(env, Cheapest(-1.0), held_out)
    assert mean_cost_h(env, NetPolicy(net), held_out) - best_h < 0.1 * (dearest_h - best_h)


def test_gains_compare_within_a_pair_whatever_the_scale_and_clip_the_lucky():
    utility = np.zeros((1, 2, 10))
    utility[0, 0] = [100.0, -1.0, 1.0, 1.0, 1.0, 1.0, 1.0, 1.0, 1.0, 1.0]

    found = gains(utility)

    np.testing.assert_allclose(found, gains(utility * 1e6))
    assert found[0] == 2.0
    assert found[1] < 0.0 < found[2]
    np.testing.assert_array_equal(gains(np.ones((2, 2, 3))), 0.0)


def test_categorical_heads_are_refused():
    env = Chain(4)

    with pytest.raises(ConfigError, match="categorical heads; allowed: an options head"):
        ES([env], Net(env.spec, NetConfig(), 0), ESConfig(pairs=2))


def team(env):
    """Return the spec of three pickers."""
    return replace(env.spec, kinds=(replace(env.spec.kinds[0], count=3),))


def test_a_network_with_memory_is_refused():
    env = Queue(4)
    spec = team(env)

    with pytest.raises(ConfigError, match=r"es: .*memory; allowed: one without a cell; fix: .*ppo"):
        ES([env], Net(spec, NetConfig(cell="lstm"), 0), ESConfig(pairs=2))


def test_several_agents_are_scored_as_the_network_scores_them():
    env = Queue(6)
    net = Net(team(env), NetConfig(hidden=(8, 4)), seed=0)
    run = ES([env], net, ESConfig(pairs=3))
    seen = env.reset(np.arange(6))
    theta = np.tile(pack(net.actor), (6, 1))

    found = run.scores(seen.obs.reshape(2, 3, 0), seen.options, theta)

    agent = torch.arange(3).repeat(2)
    options = torch.from_numpy(seen.options.features)
    offset = torch.from_numpy(seen.options.offset)
    none = torch.zeros((6, 0))
    x = Inputs(none, none, none.bool(), options, offset, agent)
    expected = net.outputs(net.normalise(x)).scores.detach()
    np.testing.assert_allclose(found, expected, atol=1e-5)


def test_the_result_does_not_depend_on_how_rows_are_shared_among_threads():
    found = []
    for sizes in ([8], [4, 4]):
        envs = [Queue(size, n_steps=5) for size in sizes]
        net = Net(envs[0].spec, NetConfig(hidden=(8, 4)), seed=0)
        train(ES(envs, net, ESConfig(pairs=4)), Budget(iterations=3), SystemClock())
        found.append(net.actor.index.weight.detach().numpy().copy())

    np.testing.assert_array_equal(found[0], found[1])
    assert np.abs(found[0]).max() > 0


def test_features_are_normalised_without_torch_as_with_it():
    net = Net(Queue(1, n_steps=5).spec, NetConfig(), seed=0)
    features = np.linspace(-1e4, 1e4, 60, dtype=np.float32).reshape(-1, net.sizes.n_features)
    net.option_norm.learn(features)

    found = net.option_norm.of_array(features)

    np.testing.assert_allclose(found, net.option_norm(torch.from_numpy(features)), atol=1e-5)
