# SPDX-License-Identifier: MIT
"""What codes of SAC and TD3 are known to get wrong, each against a known answer."""

from dataclasses import replace

import numpy as np
import pytest
import torch

from flyball.core.batch import Action
from flyball.learning.nets.net import Net, NetConfig
from flyball.learning.sac import SAC, SACConfig
from flyball.learning.td3 import TD3, TD3Config
from tests.learning.steady import PUMP, VALVE, Steady, arms

LINEAR = NetConfig(hidden=(), critic_hidden=(), norm="none", deviation="state")


def sac(env, **settings):
    given = {"entropy": 0.0, "tau": 1.0, "rate": 1.0, "rate_end": 0.0}
    given |= {"minibatch": 32, "gradient_steps": 1, "learning_starts": 40, "capacity": 400}
    config = SACConfig(**(given | settings))
    return SAC(env, Net(env.spec, LINEAR, 0), config)


def td3(env, **settings):
    given = {"tau": 1.0, "rate": 1.0, "rate_end": 0.0, "minibatch": 32, "policy_delay": 1}
    given |= {"gradient_steps": 1, "learning_starts": 40, "capacity": 400}
    config = TD3Config(**(given | settings))
    return TD3(env, Net(env.spec, LINEAR, 0), config)


def learn(algorithm, iterations):
    for k in range(iterations):
        algorithm.iterate(k, k / iterations)
    return algorithm


def worth(algorithm):
    """What both critics say of some stored transitions, in the action's own units."""
    batch = algorithm.reader.read(algorithm.replay.sample(np.arange(20)))
    if algorithm.net.sizes.n_values:
        return algorithm.critics(torch.cat((batch.seen, batch.value), -1)).numpy()
    return algorithm.critics(batch.seen).gather(-1, batch.choice.expand(2, -1, -1)).numpy()


WORLDS = {
    "sac": lambda **ends: sac(Steady(4, (VALVE,), **ends)),
    "sac of a choice": lambda **ends: sac(Steady(4, (arms(2),), legal=(True, True), **ends)),
    "td3": lambda **ends: td3(Steady(4, (VALVE,), **ends)),
}


@pytest.mark.parametrize("make", WORLDS.values(), ids=WORLDS)
def test_an_endless_reward_of_one_is_worth_100_though_episodes_are_truncated_at_25(make):
    algorithm = learn(make(n_steps=25), 300)

    # As if it terminated the value would be 21.8 at most.
    np.testing.assert_allclose(worth(algorithm), 100.0, atol=2.0)


@pytest.mark.parametrize("make", WORLDS.values(), ids=WORLDS)
def test_nothing_follows_where_an_episode_terminates(make):
    algorithm = learn(make(n_steps=1, terminates=True), 150)

    np.testing.assert_allclose(worth(algorithm), 1.0, atol=0.02)


@pytest.mark.parametrize("make", [sac, td3], ids=["sac", "td3"])
def test_critics_learn_on_the_action_that_was_applied(make):
    def shut(action):
        return Action(action.choice, np.minimum(action.value, 4.0))

    def flow(action):
        return action.value[:, 0, 0]

    env = Steady(4, (VALVE,), flow, n_steps=1, terminates=True, plant=shut)
    algorithm = learn(make(env), 300)

    # Learned on proposed actions, the estimate of an open valve would be too low.
    units = torch.tensor([[-1.0], [0.0]])
    seen = torch.tensor([[1.0, 0.5]]).expand(2, -1)
    estimates = algorithm.critics(torch.cat((seen, units), -1))[..., 0]
    np.testing.assert_allclose(estimates, [[2.0, 4.0], [2.0, 4.0]], atol=0.05)


def test_a_choice_is_the_softmax_of_what_the_arms_pay():
    env = Steady(
        8,
        (arms(3),),
        lambda action: np.array([1.0, 0.4, 9.0])[action.choice[:, 0, 0]],
        n_steps=1,
        terminates=True,
        legal=(True, True, False),
    )
    algorithm = learn(sac(env, entropy=0.5, rate=0.1, minibatch=64), 400)

    observation = env.reset(np.arange(8))
    said = algorithm.policy.sample(observation, algorithm.memory, (1, 1))
    p = np.exp(said.log_prob[said.choice[:, 0] == 0])
    np.testing.assert_allclose(p, 1 / (1 + np.exp((0.4 - 1.0) / 0.5)), atol=1e-3)
    stored = algorithm.replay.sample(np.arange(algorithm.replay.size))
    assert int(stored.choice.max()) == 1


def test_one_legal_action_leaves_the_temperature_alone():
    env = Steady(4, (arms(3),), legal=(False, True, False))
    algorithm = learn(sac(env, entropy="auto", rate=0.05), 40)

    assert float(algorithm.temperature.log_alpha.detach()) == 0.0
    assert all(torch.isfinite(p).all() for p in algorithm.critics.parameters())
    assert all(torch.isfinite(p).all() for p in algorithm.net.parameters())


def test_nothing_legal_is_survived():
    env = Steady(4, (arms(2),), legal=(False, False))
    algorithm = learn(sac(env, entropy="auto", rate=0.05), 40)

    assert np.isfinite(worth(algorithm)).all()


def test_rewards_are_neither_clipped_nor_scaled():
    env = Steady(
        4, (VALVE,), lambda action: np.full(len(action.value), -700.0), n_steps=1, terminates=True
    )
    algorithm = learn(sac(env, rate=20.0), 200)

    np.testing.assert_allclose(worth(algorithm), -700.0, rtol=0.02)


@pytest.mark.parametrize("make", [sac, td3], ids=["sac", "td3"])
def test_an_action_is_learned_in_its_own_range(make):
    def pays(action):
        return -((action.value[:, 0, 0] - 3.0) ** 2) - (action.value[:, 0, 1] - 2.0) ** 2

    env = Steady(8, (VALVE, PUMP), pays, n_steps=1, terminates=True)
    algorithm = make(env, rate=0.01, rate_end=1.0, learning_starts=400, capacity=8000)
    curved = replace(LINEAR, critic_hidden=(32, 32), activation="relu")
    algorithm = type(algorithm)(env, Net(env.spec, curved, 0), algorithm.config)
    algorithm.loop.collect(algorithm.loop.random.action, 50)
    learn(algorithm, 500)

    greedy, _, _ = algorithm.policy.act(env.reset(np.arange(8)), algorithm.memory, None)
    np.testing.assert_allclose(greedy.value[:, 0], np.tile([3.0, 2.0], (8, 1)), atol=0.3)


def test_a_lost_objective_has_no_weight():
    env = Steady(4, (VALVE,), n_steps=1, terminates=True)
    env.spec = replace(env.spec, objectives=(replace(env.spec.objectives[0], sense="min"),))
    algorithm = learn(sac(env), 150)

    np.testing.assert_allclose(worth(algorithm), -1.0, atol=0.02)
