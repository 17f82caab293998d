# SPDX-License-Identifier: MIT
"""What replays of other codes get wrong, each as a case that must come out right."""

import signal
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from flyball.core.batch import Action
from flyball.learning import checkpoint
from flyball.learning.dqn import DQNConfig
from flyball.learning.experience.replay import Replay
from tests.learning import killed_run
from tests.learning.killed_run import ITERATIONS, KINDS, SAVED, go_on
from tests.learning.toys import Chain, observation, step_of

ROOT = Path(__file__).parents[2]


class Line:
    """One row whose observation is its own time; rewards are 1, 10, 100, ... ; ends are given."""

    def __init__(self, ends="", gamma=0.5, n_step=1, capacity=16):
        self.spec = Chain(1, n_states=1).spec
        config = DQNConfig(capacity=capacity, gamma=gamma, n_step=n_step)
        self.replay = Replay(self.spec, 1, config)
        for time, end in enumerate(ends):
            self.replay.observe(self._at(time))
            final = self._at(1000 + time)  # a reset shows `time + 1`, never this
            self.replay.add(
                step_of(
                    self._at(time + 1),
                    final,
                    np.array([10.0**time]),
                    Action(np.zeros((1, 1, 1), np.int32), np.zeros((1, 1, 0))),
                    terminated=np.array([end == "t"]),
                    truncated=np.array([end == "c"]),
                    outcome=np.zeros(1),
                )
            )

    @staticmethod
    def _at(time):
        return observation(
            1, obs=np.full((1, 1, 1), time, np.float32), mask=np.ones((1, 1, 3), np.bool_)
        )

    def table(self):
        """Return (time, reward, discount, time of what follows) of every place."""
        batch = self.replay.sample(np.arange(self.replay.size))
        columns = (batch.obs, batch.reward, batch.discount, batch.next_obs)
        return [tuple(float(c.flatten()[k]) for c in columns) for k in range(self.replay.size)]


def test_an_episode_that_was_cut_off_has_a_future_and_one_that_ended_has_none():
    assert Line("-ct").table() == [(0, 1, 0.5, 1), (1, 10, 0.5, 1001), (2, 100, 0, 1002)]


def test_no_reward_of_the_next_episode_enters_an_n_step_return():
    assert Line("-c-t-", n_step=3).table() == [
        (0, 1 + 5, 0.25, 1001),
        (1, 10, 0.5, 1001),
        (2, 100 + 500, 0, 1003),
        (3, 1000, 0, 1003),
        (4, 10_000, 0.5, 5),
    ]


def test_an_n_step_return_does_not_cross_the_seam_of_the_ring():
    # Four places, six steps: times 4 and 5 lie over 0 and 1, before times 2 and 3.
    assert Line("------", n_step=3, capacity=4).table() == [
        (4, 10_000 + 50_000, 0.25, 6),
        (5, 100_000, 0.5, 6),
        (2, 100 + 500 + 2500, 0.125, 5),
        (3, 1000 + 5000 + 25_000, 0.125, 6),
    ]


def test_a_short_return_at_an_end_is_discounted_by_its_own_length():
    assert [row[2] for row in Line("---c", gamma=0.9, n_step=5).table()] == pytest.approx(
        [0.9**4, 0.9**3, 0.9**2, 0.9]
    )


def test_rewards_are_never_clipped():
    assert [row[1] for row in Line("------").table()] == [1, 10, 100, 1e3, 1e4, 1e5]


def same(found, expected):
    assert found.keys() == expected.keys()
    for name, array in expected.items():
        np.testing.assert_array_equal(found[name], array, err_msg=name)


def weights(run):
    """Return the state but for which file the replay lies in, which no result depends on."""
    return {name: a for name, a in run.state().items() if name != "replay.kept"}


@pytest.mark.parametrize("kind", KINDS)
def test_a_run_cut_in_two_ends_in_exactly_the_same_weights(kind, tmp_path):
    whole = killed_run.algorithm(kind, tmp_path / "whole")
    go_on(whole, 0, ITERATIONS)

    first = killed_run.algorithm(kind, tmp_path / "cut")
    go_on(first, 0, SAVED)
    path = checkpoint.save(tmp_path / "cut", SAVED, first.state(), {})
    go_on(first, SAVED, ITERATIONS - 1)
    second = killed_run.algorithm(kind, tmp_path / "cut")
    second.restore(checkpoint.load(path)[0])
    go_on(second, SAVED, ITERATIONS)

    same(weights(second), weights(whole))


@pytest.mark.parametrize("more", [1, 7])
def test_a_replay_in_a_file_survives_a_kill_whatever_was_written_since(more, tmp_path):
    folder = tmp_path / "killed"
    command = [sys.executable, "-m", "tests.learning.killed_run", "file-everything"]
    died = subprocess.run([*command, str(folder), str(more)], cwd=ROOT, check=False)  # noqa: S603

    run = killed_run.algorithm("file-everything", folder)
    run.restore(checkpoint.load(checkpoint.latest(folder))[0])
    go_on(run, SAVED, ITERATIONS)

    assert died.returncode == -signal.SIGKILL
    assert (folder / "checkpoint-00000006" / "state.safetensors").stat().st_size < 20_000
    whole = killed_run.algorithm("file-everything", tmp_path / "whole")
    go_on(whole, 0, ITERATIONS)
    same(weights(run), weights(whole))
    batches = [each.replay.sample(np.arange(each.replay.size)) for each in (run, whole)]
    for found, expected in zip(*batches, strict=True):
        np.testing.assert_array_equal(found, expected)
