# SPDX-License-Identifier: MIT
import numpy as np
import pytest

from flyball.core.batch import Action
from flyball.core.errors import RunError
from flyball.learning.experience.metered import Metered
from tests.learning.squad import Squad
from tests.learning.tolls import Tolls


def played(env, n_steps, seed=0):
    """Play random choices; return costs, ends and decisions of every step."""
    draws, seen = np.random.default_rng(seed), []
    observation = env.reset(np.arange(env.n_envs))
    for _ in range(n_steps):
        acting = observation.alive.sum(1).copy()
        choice = draws.integers(0, 2, (env.n_envs, 1, 1)).astype(np.int32)
        step = env.step(Action(choice, np.zeros((env.n_envs, 1, 0))))
        seen.append((step.cost.copy(), step.terminated | step.truncated, acting))
        observation = step.observation
    return seen


def episodes(seen):
    """Return (decisions, costs) of every episode that ended, step by step and row by row."""
    n_envs = len(seen[0][1])
    running, found = [[0.0, 0.0, 0.0] for _ in range(n_envs)], []
    for cost, ended, acting in seen:
        for b in range(n_envs):
            running[b][0] += acting[b]
            running[b][1] += cost[b, 0]
            running[b][2] += cost[b, 1]
            if ended[b]:
                found.append(running[b])
                running[b] = [0.0, 0.0, 0.0]
    return np.array(found)


def test_a_bill_is_the_mean_of_the_whole_episodes_that_ended():
    env = Metered(Tolls(7, (3.0, 2.0)), episodes=5)

    found = episodes(played(env, 40))
    bill = env.bill()

    assert len(found) > 5
    np.testing.assert_allclose(bill.mean, found[:, 1:].mean(0))
    assert bill.decisions == pytest.approx(found[:, 0].mean())
    error = found[:, 1:].std(0, ddof=1) / np.sqrt(len(found))
    np.testing.assert_allclose(bill.error, error)


def test_where_few_episodes_end_the_latest_of_those_before_count_too():
    env = Metered(Tolls(7, (3.0, 2.0)), episodes=9)
    seen = played(env, 40)
    env.begin()
    kept = env.bill()

    choice = np.zeros((7, 1, 1), np.int32)
    step = env.step(Action(choice, np.zeros((7, 1, 0))))

    seen.append((step.cost, step.terminated, np.ones(7)))
    np.testing.assert_allclose(kept.mean, episodes(seen[:-1])[-9:, 1:].mean(0))
    np.testing.assert_allclose(env.bill().mean, episodes(seen)[-9:, 1:].mean(0))


def test_before_the_first_episode_has_ended_there_is_no_bill():
    env = Metered(Tolls(2), episodes=4)
    env.reset(np.arange(2))

    assert env.bill() is None


def test_one_episode_alone_is_as_unsure_as_it_is_large():
    env = Metered(Tolls(1, (3.0, 2.0)), episodes=1)
    played(env, 60)
    env.begin()

    bill = env.bill()

    np.testing.assert_array_equal(bill.error, np.abs(bill.mean))


def test_decisions_are_those_of_the_agents_that_are_alive():
    env = Metered(Squad(5, n_state=0), episodes=3)
    observation = env.reset(np.arange(5))
    running, found = np.zeros(5), []
    for _ in range(15):
        running += observation.alive.sum(1)
        step = env.step(Action(np.zeros((5, 3, 1), np.int32), np.zeros((5, 3, 0))))
        ended = step.terminated | step.truncated
        found += running[ended].tolist()
        running[ended] = 0
        observation = step.observation

    assert env.bill().decisions == pytest.approx(np.mean(found))


def test_a_restored_meter_goes_on_as_the_one_that_was_kept():
    first, second = (Metered(Tolls(4, (3.0, 2.0)), episodes=6) for _ in range(2))
    played(first, 9)

    second.restore(first.snapshot())

    choice = Action(np.ones((4, 1, 1), np.int32), np.zeros((4, 1, 0)))
    for env in (first, second):
        env.begin()
        for _ in range(5):
            env.step(choice)
    for found, expected in zip(second.bill(), first.bill(), strict=True):
        np.testing.assert_array_equal(found, expected)


@pytest.mark.parametrize("value", [np.nan, np.inf, -1e300])
def test_a_cost_that_is_no_number_is_refused_with_its_row(value):
    class Broken(Tolls):
        def step(self, action):
            step = super().step(action)
            step.cost[2] = value
            return step

    env = Metered(Broken(4), episodes=4)
    env.reset(np.arange(4))

    with pytest.raises(RunError, match=r"cost of env row 2: .*; allowed: finite"):
        env.step(Action(np.zeros((4, 1, 1), np.int32), np.zeros((4, 1, 0))))
