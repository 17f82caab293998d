# SPDX-License-Identifier: MIT
import numpy as np
import pytest

from flyball.core.clock import SystemClock
from flyball.core.errors import ConfigError
from flyball.learning.acting import NetPolicy
from flyball.learning.es import ES, ESConfig, ranks
from flyball.learning.nets import Net, NetConfig
from flyball.learning.training import Budget, train
from tests.learning.toys import Chain, Cheapest, Queue, mean_cost_h


def test_evolution_approaches_the_known_optimum_of_a_bandit_over_options():
    env = Queue(64, n_steps=10)
    net = Net(env.spec, NetConfig(hidden=(8, 4)), seed=0)
    config = ESConfig(pairs=16, sigma=0.1, rate=0.05)

    train(ES(env, net, config), Budget(iterations=60), SystemClock())

    held_out = np.arange(5000, 5064)
    best_h = mean_cost_h(env, Cheapest(), held_out)
    dearest_h = mean_cost_h(env, Cheapest(-1.0), held_out)
    assert mean_cost_h(env, NetPolicy(net), held_out) - best_h < 0.1 * (dearest_h - best_h)


def test_ranks_ignore_scale_and_share_ties():
    utility = np.array([[3.0, 1.0, 2.0, 2.0], [3e9, -1e9, 2e9, 2e9]])

    found = ranks(utility)

    np.testing.assert_allclose(found, [[0.5, -0.5, 0.0, 0.0]] * 2)


def test_categorical_heads_are_refused():
    env = Chain(4)

    with pytest.raises(ConfigError, match="categorical heads; allowed: an options head"):
        ES(env, Net(env.spec, NetConfig(), 0), ESConfig(pairs=2))
