# SPDX-License-Identifier: MIT
import numpy as np
import pytest
import torch

from flyball.core.clock import SystemClock
from flyball.core.errors import ConfigError
from flyball.learning.acting.policy import NetPolicy
from flyball.learning.nets.net import Net, NetConfig
from flyball.learning.nets.rows import inputs_of
from flyball.learning.ppo import PPO, PPOConfig
from flyball.learning.training import Budget, train
from tests.learning.toys import Chain, Cheapest, Queue, mean_cost_h


def value_of(net, observation):
    with torch.inference_mode():
        return net.value(net.normalise(inputs_of(observation))).numpy()


def test_ppo_solves_a_bandit_over_options_to_its_known_optimum():
    env = Queue(32)
    net = Net(env.spec, NetConfig(hidden=(32, 16)), seed=0)
    config = PPOConfig(n_steps=20, gamma=0.0, minibatch=256, rate=3e-3)

    train(PPO(env, net, config), Budget(iterations=40), SystemClock())

    held_out = np.arange(5000, 5032)
    best_h = mean_cost_h(env, Cheapest(), held_out)
    assert mean_cost_h(env, NetPolicy(net), held_out) < 1.03 * best_h


def test_ppo_finds_policy_and_value_of_a_two_state_chain_through_truncation():
    env = Chain(16)
    net = Net(env.spec, NetConfig(hidden=(16, 16)), seed=0)
    config = PPOConfig(n_steps=64, gamma=0.9, minibatch=256, rate=1e-2, norm_iterations=5)
    algorithm = PPO(env, net, config)

    train(algorithm, Budget(iterations=60), SystemClock())

    observation = env.reset(np.arange(16))
    value = value_of(net, observation) * algorithm.experience.scale.std
    action, _, _ = NetPolicy(net).act(observation, np.zeros((16, 0), np.float32), None)
    np.testing.assert_allclose(value[:2], [9.0, 10.0], atol=0.5)
    assert action.choice[0, 0, 0] == 1
    assert action.choice[1, 0, 0] == 0


def test_an_endless_reward_of_one_is_worth_100_though_episodes_are_truncated_at_50():
    env = Chain(32, n_states=1)
    net = Net(env.spec, NetConfig(hidden=(8, 8)), seed=0)
    config = PPOConfig(n_steps=50, gamma=0.99, lam=0.95, minibatch=800, epochs=8, rate=3e-2)
    algorithm = PPO(env, net, config)

    train(algorithm, Budget(iterations=40), SystemClock())

    # As if it terminated the value would be about 21.8 on average.
    value = value_of(net, env.reset(np.arange(32))) * algorithm.experience.scale.std
    np.testing.assert_allclose(value, 100.0, atol=5.0)


@pytest.mark.parametrize("env", [Queue(8), Chain(8)], ids=["options", "masked"])
def test_the_first_minibatch_has_ratio_one_and_no_divergence(env):
    net = Net(env.spec, NetConfig(), seed=1)
    with torch.no_grad():  # far from uniform, so that a wrong mask or normaliser would show
        list(net.actor.parameters())[-1].mul_(300.0)
    algorithm = PPO(env, net, PPOConfig(n_steps=30))
    algorithm.iterate(0, 0.0)
    algorithm.experience.collect(1)

    arena = algorithm.experience.arena
    batch = arena.minibatch(arena.decisions())
    log_prob, entropy = net.terms(batch.through(net), batch.taken)

    assert entropy.min() >= 0
    np.testing.assert_allclose((log_prob - batch.log_prob).exp().detach(), 1.0, atol=2e-6)


def test_a_setting_out_of_range_is_refused_with_the_range():
    with pytest.raises(ConfigError, match=r"ppo\.clip: 2; allowed: in \(0, 1\)"):
        PPOConfig(clip=2)
