# SPDX-License-Identifier: MIT
import numpy as np

from flyball.core.batch import Action
from flyball.experiments.streams import Stream, Streamed
from flyball.worlds import classics


class Asked:
    """An Env that only remembers the seeds it was reset with."""

    n_envs = 3

    def reset(self, seeds):
        self.seeds = seeds.tolist()


def test_no_two_streams_share_a_seed_whatever_they_are_asked_for():
    met = {}
    for stream in Stream:
        env = Asked()
        for first in (0, 3, 1_000_003):
            Streamed(env, stream).reset(np.arange(first, first + 3))
            for seed in env.seeds:
                assert met.setdefault(seed, stream) is stream

    assert len(met) == len(Stream) * 9


def test_steps_of_all_rows_are_counted_and_survive_a_snapshot():
    env = Streamed(classics.make("cartpole", 3), Stream.TRAIN)
    env.reset(np.arange(3))
    action = Action(np.zeros((3, 1, 1), np.int32), np.zeros((3, 1, 0)))
    for _ in range(4):
        env.step(action)
    kept = env.snapshot()
    expected = env.step(action).observation.obs.copy()

    again = Streamed(classics.make("cartpole", 3), Stream.TRAIN)
    again.restore(kept)

    assert again.steps == 12
    np.testing.assert_array_equal(again.step(action).observation.obs, expected)
    assert again.steps == 15
