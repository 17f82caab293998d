# SPDX-License-Identifier: MIT
import numpy as np
import pytest

from flyball.core.batch import Action
from flyball.experiments import measure
from flyball.experiments.measure import outcomes
from flyball.experiments.streams import Stream
from flyball.experiments.subject import Subject


class Leaning:
    """Pushes the cart towards where the pole leans; remembers how often it acted."""

    def initial(self, n_envs):
        return np.zeros((n_envs, 1), np.float32)

    def act(self, observation, memory, key):
        self.key = key
        choice = (observation.obs[:, :, 2:3] > 0).astype(np.int32)
        action = Action(choice, np.zeros((*choice.shape[:2], 0)))
        return action, np.zeros(choice.shape[:2], np.float32), memory + 1


CARTPOLE = Subject("classics/cartpole")


def test_a_figure_does_not_depend_on_how_many_episodes_are_played_side_by_side(
    monkeypatch: pytest.MonkeyPatch,
):
    together = outcomes(CARTPOLE, Leaning(), Stream.EVALUATE, 7)
    monkeypatch.setattr(measure, "ROWS", 3)

    apart = outcomes(CARTPOLE, Leaning(), Stream.EVALUATE, 7)

    assert together.shape == (7, 2)
    np.testing.assert_array_equal(together, apart)


def test_the_return_of_an_episode_is_that_of_its_steps_and_none_of_the_next_one_s():
    found = outcomes(CARTPOLE, Leaning(), Stream.EVALUATE, 9)

    np.testing.assert_array_equal(found[:, 0], found[:, 1])  # the reward of a step is 1
    assert found.min() >= 8
    assert len(set(found[:, 0])) > 1


def test_streams_have_other_episodes():
    ends = [outcomes(CARTPOLE, Leaning(), stream, 20)[:, 0].tolist() for stream in Stream]

    assert len({tuple(each) for each in ends}) == len(Stream)


def test_only_a_policy_that_draws_is_given_a_key():
    policy = Leaning()

    outcomes(CARTPOLE, policy, Stream.EVALUATE, 2)
    assert policy.key is None
    outcomes(CARTPOLE, policy, Stream.EVALUATE, 2, draw=5)
    assert policy.key[0] == 5
