# SPDX-License-Identifier: MIT
from dataclasses import replace

import numpy as np
import pytest

from flyball.core.batch import Action
from flyball.core.clock import SystemClock
from flyball.core.errors import ConfigError
from flyball.core.spec import Objective
from flyball.learning.nets.net import Net, NetConfig
from flyball.learning.ppo import PPO, PPOConfig
from flyball.learning.preferences import Preferring
from flyball.learning.training import Budget, train
from tests.learning.toys import Chain


class Torn(Chain):
    """One step an episode: staying brings a gain, moving saves a cost."""

    def __init__(self, n_envs):
        super().__init__(n_envs, n_steps=1)
        both = (Objective("gain_eur", "eur", "max"), Objective("wait_h", "h", "min"))
        self.spec = replace(self.spec, objectives=both)

    def step(self, action):
        choice = action.choice[:, 0, 0]
        step = super().step(action)
        reward = np.zeros((self.n_envs, 1, 2))
        reward[:, 0, 0] = choice == 0
        reward[:, 0, 1] = choice == 0
        return replace(step, reward=reward)


STAY = Action(np.zeros((6, 1, 1), np.int32), np.zeros((6, 1, 0)))


def test_the_weights_that_an_agent_sees_are_those_it_is_paid_by():
    env = Preferring(Torn(6))

    weight = env.reset(np.arange(6)).obs[:, 0, -2:]
    step = env.step(STAY)

    np.testing.assert_allclose(weight.sum(1), 1.0, rtol=1e-6)
    np.testing.assert_allclose(step.reward[:, 0, 0], weight[:, 0] - weight[:, 1], atol=1e-6)
    np.testing.assert_array_equal(step.final.obs[:, 0, -2:], weight)
    assert not np.allclose(step.observation.obs[:, 0, -2:], weight)
    assert [objective.name for objective in env.spec.objectives] == ["utility"]
    assert [each.name for each in env.spec.kinds[0].features][-1] == "weight_wait_h"


def test_weights_are_a_function_of_seed_and_episode_not_of_the_batch():
    alone, many = Preferring(Torn(1)), Preferring(Torn(6))

    many.reset(np.arange(6))
    alone.reset(np.array([4]))
    first = Action(STAY.choice[:1], STAY.value[:1])

    seen = [env.step(action).observation.obs for env, action in ((many, STAY), (alone, first))]
    np.testing.assert_array_equal(seen[0][4], seen[1][0])


def test_a_restored_env_goes_on_with_the_weights_of_its_episode():
    env, other = Preferring(Torn(6)), Preferring(Torn(6))
    env.reset(np.arange(6))
    env.step(STAY)

    observation = other.restore(env.snapshot())

    np.testing.assert_array_equal(observation.obs[:, 0, -2:], env.weight.astype(np.float32))
    np.testing.assert_array_equal(env.step(STAY).reward, other.step(STAY).reward)


def test_one_policy_serves_every_trade_off():
    env = Preferring(Torn(32))
    net = Net(env.spec, NetConfig(hidden=(16,), norm="none"), seed=0)
    run = PPO(env, net, PPOConfig(n_steps=16, gamma=0.0, minibatch=128, rate=1e-2))

    train(run, Budget(iterations=60), SystemClock())

    for share in (0.1, 0.3, 0.7, 0.9):
        asked = Preferring(Torn(4), fixed=np.array([share, 1.0 - share]))
        observation = asked.reset(np.arange(4))
        action, _, _ = run.policy.act(observation, run.policy.initial(4), None)
        stays = action.choice[:, 0, 0] == 0
        assert stays.all() == (share > 0.5)


def test_one_objective_needs_no_preferences():
    with pytest.raises(ConfigError, match="1 objective; allowed: at least 2"):
        Preferring(Chain(1))


def test_a_unit_of_an_unknown_objective_is_refused():
    with pytest.raises(ConfigError, match=r"'gain_h'; allowed: gain_eur, wait_h"):
        Preferring(Torn(1), {"gain_h": 1.0})


def test_the_weights_have_the_columns_that_the_spec_names_whatever_a_kind_sees():
    env = Torn(2)
    narrow = replace(env.spec.kinds[0], name="narrow", features=env.spec.kinds[0].features[:1])
    env.spec = replace(env.spec, kinds=(*env.spec.kinds, narrow))

    told = Preferring(env).spec

    assert len({len(kind.features) for kind in told.kinds}) == 1
    for kind in told.kinds:
        names = [feature.name for feature in kind.features]
        assert names[len(env.spec.kinds[0].features) :] == [
            f"weight_{objective.name}" for objective in env.spec.objectives
        ]
