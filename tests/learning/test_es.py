# SPDX-License-Identifier: MIT
import numpy as np
import pytest

from flyball.core.clock import SystemClock
from flyball.core.errors import ConfigError
from flyball.learning.acting import NetPolicy
from flyball.learning.es import ES, ESConfig, gains
from flyball.learning.nets import Net, NetConfig
from flyball.learning.training import Budget, train
from tests.learning.toys import Chain, Cheapest, Queue, mean_cost_h


def test_evolution_approaches_the_known_optimum_of_a_bandit_over_options():
    env = Queue(64, n_steps=10)
    net = Net(env.spec, NetConfig(hidden=(8, 4)), seed=0)
    config = ESConfig(pairs=16)

    train(ES(env, net, config), Budget(iterations=60), SystemClock())

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
        ES(env, Net(env.spec, NetConfig(), 0), ESConfig(pairs=2))
