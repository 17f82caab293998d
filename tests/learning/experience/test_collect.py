# SPDX-License-Identifier: MIT
import numpy as np
import pytest

from flyball.learning.experience.arena import Arena
from flyball.learning.experience.collect import Played, collect_episodes
from flyball.learning.nets.net import Net, NetConfig
from tests.learning.toys import Cheapest, Queue


class Uneven(Queue):
    """Row r has r + 1 steps in each episode."""

    def __init__(self, n_envs):
        super().__init__(n_envs)
        self.n_steps = np.arange(1, n_envs + 1)


def cheapest(observation, _step):
    action, log_prob, _ = Cheapest().act(observation, None, None)
    return Played(action, action.choice[:, 0], action.value[:, 0], log_prob[:, 0])


def test_one_whole_episode_of_each_row_counts_and_no_step_more():
    env = Uneven(4)
    arena = Arena(1, 4, Net(env.spec, NetConfig(), 0).sizes)

    played = collect_episodes(env, np.arange(4), cheapest, arena, {})

    assert arena.counted[: arena.n_steps, :, 0].sum(0).tolist() == [1, 2, 3, 4]
    assert played.tally.episodes == 4
    assert played.tally.decisions == 10
    np.testing.assert_allclose(played.utility, -played.outcome[:, 0])
    np.testing.assert_allclose(played.reward, played.outcome)
    assert played.tally.figures()["cost_h"] == pytest.approx(played.outcome.mean())


def test_rows_with_one_seed_meet_the_same_scenario():
    env = Queue(4)
    arena = Arena(1, 4, Net(env.spec, NetConfig(), 0).sizes)

    played = collect_episodes(env, np.array([3, 3, 8, 8]), cheapest, arena, {"cost_h": 2.0})

    assert played.utility[0] == played.utility[1] == -2.0 * played.outcome[0, 0]
    assert played.utility[0] != played.utility[2]
