# SPDX-License-Identifier: MIT
import numpy as np
import pytest

from flyball.learning.acting import NetPolicy
from flyball.learning.arena import Arena
from flyball.learning.collect import collect_episodes, collect_steps, values
from flyball.learning.nets import Net, NetConfig
from tests.learning.toys import Chain, Cheapest, Queue


class Uneven(Queue):
    """Row r has r + 1 steps in each episode."""

    def __init__(self, n_envs):
        super().__init__(n_envs)
        self.n_steps = np.arange(1, n_envs + 1)


def cheapest(observation, _step):
    action, log_prob, _ = Cheapest().act(observation, None, None)
    return action, action, log_prob


def test_one_whole_episode_of_each_row_counts_and_no_step_more():
    env = Uneven(4)
    arena = Arena(1, 4, 1, Net(env.spec, NetConfig(), 0).sizes)

    played = collect_episodes(env, np.arange(4), cheapest, arena, {})

    assert arena.counted[: arena.n_steps, :, 0].sum(0).tolist() == [1, 2, 3, 4]
    assert played.tally.episodes == 4
    assert played.tally.decisions == 10
    np.testing.assert_allclose(played.utility, -played.outcome[:, 0])
    np.testing.assert_allclose(played.reward, played.outcome)
    assert played.tally.figures()["cost_h"] == pytest.approx(played.outcome.mean())


def test_rows_with_one_seed_meet_the_same_scenario():
    env = Queue(4)
    arena = Arena(1, 4, 1, Net(env.spec, NetConfig(), 0).sizes)

    played = collect_episodes(env, np.array([3, 3, 8, 8]), cheapest, arena, {"cost_h": 2.0})

    assert played.utility[0] == played.utility[1] == -2.0 * played.outcome[0, 0]
    assert played.utility[0] != played.utility[2]


def test_the_next_value_is_of_the_last_observation_before_the_reset():
    env = Chain(4, n_steps=5)
    net = Net(env.spec, NetConfig(), seed=0)
    policy, arena = NetPolicy(net), Arena(12, 4, 1, net.sizes)
    observation = env.reset(np.arange(4))
    arguments = {"n_steps": 12, "weights": {}, "seed": 0, "first_step": 0}

    last, tally = collect_steps(env, policy, arena, observation, **arguments)
    value, following = values(policy, arena, last)

    by_state = {}
    for place in range(2):
        column = np.argwhere(arena.obs[:12, :, 0, place] == 1)[0]
        by_state[place] = value[tuple(column)]
    place = arena.obs[:12, :, 0].argmax(-1)
    moved = np.where(arena.choice[:12, :, 0, 0] == 1, 1 - place, place)
    expected = np.vectorize(by_state.get)(moved)
    np.testing.assert_allclose(following, expected, rtol=1e-6)
    assert tally.episodes == arena.truncated[:12].sum() > 4
    assert not np.allclose(value[1:], following[:-1])


def test_the_utility_is_weighted_and_a_cost_is_negative():
    env = Queue(3)
    net = Net(env.spec, NetConfig(), seed=0)
    policy, arena = NetPolicy(net), Arena(6, 3, 1, net.sizes)
    arguments = {"n_steps": 6, "weights": {"cost_h": 10.0}, "seed": 0, "first_step": 0}

    collect_steps(env, policy, arena, env.reset(np.arange(3)), **arguments)

    batch = arena.minibatch(arena.decisions())
    chosen = batch.inputs.offset[:-1] + batch.choice[:, 0]
    x = batch.inputs.features[chosen]
    np.testing.assert_allclose(arena.reward[:6].ravel(), -10 * (x[:, 0] + x[:, 1] / 2), rtol=1e-5)
