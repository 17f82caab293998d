# SPDX-License-Identifier: MIT
from dataclasses import replace

import numpy as np
import pytest

from flyball.core.batch import Action
from flyball.core.errors import ConfigError, RunError
from flyball.core.spec import Cost
from flyball.learning.acting.policy import NetPolicy
from flyball.learning.experience.sequel import Encoding, coming_cost, lived
from flyball.learning.nets.net import Net, NetConfig
from tests.learning.squad import Squad
from tests.learning.steady import PUMP, VALVE, Steady, arms
from tests.learning.tolls import COSTS, Tolls
from tests.learning.toys import Plant, Queue


@pytest.mark.parametrize("horizon", [1, 3, 50])
def test_a_coming_cost_is_the_sum_to_the_horizon_or_to_the_end(horizon):
    draws = np.random.default_rng(0)
    cost, ended = draws.random((20, 5, 2)), draws.random((20, 5)) < 0.15

    coming, known = coming_cost(cost, ended, horizon)

    for t in range(20):
        for b in range(5):
            total, over = np.zeros(2), False
            for later in range(t, t + horizon):
                if later == 20 or over:
                    break
                total += cost[later, b]
                over = ended[later, b]
            np.testing.assert_allclose(coming[t, b], total)
            assert known[t, b] == (over or t + horizon <= 20)


def policy_on(env):
    return NetPolicy(Net(env.spec, NetConfig(hidden=(8,), norm="none"), 0))


def test_an_example_is_a_state_its_choice_and_what_they_came_to():
    env = Tolls(6, (3.0, 2.0))

    found = lived(env, policy_on(env), 30, horizon=1, seed=0)

    state, choice = found.seen[:, :3].argmax(1), found.seen[:, 3:].argmax(1)
    np.testing.assert_array_equal(found.coming, COSTS[:, state, choice].T)
    assert found.seen.shape == (180, 6)
    assert len(set(found.group.tolist())) > 12


def test_what_the_plant_got_is_learned_and_not_what_was_proposed():
    def shut(action):
        return Action(action.choice, np.full_like(action.value, 2.5))

    class Spilling(Steady):
        def step(self, action):
            return replace(super().step(action), cost=np.ones((self.n_envs, 1)))

    env = Spilling(3, (VALVE, PUMP), plant=shut)
    env.spec = replace(env.spec, costs=(Cost("spill", "m3", 1.0),))

    found = lived(env, policy_on(env), 4, horizon=1, seed=0)

    np.testing.assert_allclose(found.seen[:, 2], -0.75)  # 2.5 of a valve from 2 to 6
    np.testing.assert_allclose(found.seen[:, 3], 0.75)  # 2.5 of a pump from -1 to 3


def test_only_agents_that_are_alive_give_examples_and_an_episode_is_one_group():
    class Toll(Squad):
        def step(self, action):
            return replace(super().step(action), cost=np.ones((self.n_envs, 1)))

    env = Toll(5)
    env.spec = replace(env.spec, costs=(Cost("toll", "EUR", 1.0),))

    found = lived(env, policy_on(env), 20, horizon=50, seed=0)

    again, alive, lengths = Toll(5), 0, []
    observation, running = again.reset(np.arange(5)), np.zeros(5, int)
    for _ in range(20):
        alive += int(observation.alive.sum())
        step = again.step(Action(np.zeros((5, 3, 1), np.int32), np.zeros((5, 3, 0))))
        running += 1
        ended = step.terminated | step.truncated
        lengths += running[ended].tolist()
        running[ended] = 0
        observation = step.observation
    assert 0 < len(found.seen) < alive
    assert found.coming.max() == max(lengths)
    assert len(np.unique(found.group)) <= len(lengths)


def test_actions_that_no_head_could_say_are_told_apart_and_leave_no_trace():
    env = Plant(5, (arms(3), VALVE))
    observation = env.reset(np.arange(5))
    choice = np.array([0, 2, 3, -1, 1], np.int32).reshape(5, 1, 1)
    value = np.array([2.0, 6.0, 4.0, 4.0, np.nan]).reshape(5, 1, 1)

    rows, fine = Encoding(replace(env.spec, costs=(Cost("c", "t", 1.0),))).rows(
        observation, Action(choice, value)
    )

    assert fine.tolist() == [True, True, False, False, False]
    np.testing.assert_array_equal(rows[:2, 5:], [[1, 0, 0, -1], [0, 0, 1, 1]])
    assert np.isfinite(rows).all()


def test_a_cost_that_is_no_number_is_refused():
    class Broken(Tolls):
        def step(self, action):
            step = super().step(action)
            return replace(step, cost=step.cost * np.nan)

    with pytest.raises(RunError, match="cost of env row 0: nan"):
        lived(Broken(2), policy_on(Tolls(2)), 3, horizon=1, seed=0)


@pytest.mark.parametrize(("env", "found"), [(Queue(2), "an options head"), (Squad(2), "0 costs")])
def test_a_world_that_cannot_be_encoded_is_refused(env, found):
    with pytest.raises(ConfigError, match=f"{found}; allowed: .*fix: do without"):
        Encoding(env.spec)
