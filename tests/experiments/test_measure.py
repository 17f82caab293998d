# SPDX-License-Identifier: MIT
import numpy as np
import pytest

from flyball.core.batch import Action
from flyball.experiments import measure
from flyball.experiments.measure import outcomes, over
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

    assert together.kpi.shape == (7, 2)
    for one, other in zip(together, apart, strict=True):
        np.testing.assert_array_equal(one, other)


def test_the_return_of_an_episode_is_that_of_its_steps_and_none_of_the_next_one_s():
    found = outcomes(CARTPOLE, Leaning(), Stream.EVALUATE, 9)

    np.testing.assert_array_equal(found.kpi[:, 0], found.kpi[:, 1])  # the reward of a step is 1
    assert found.kpi.min() >= 8
    assert len(set(found.kpi[:, 0])) > 1


def test_costs_are_added_up_over_the_episode_and_no_further(monkeypatch: pytest.MonkeyPatch):
    rail = Subject("classics/double-integrator", {"episode_s": 10.0})
    greedy = rail.rivals()["greedy"]
    monkeypatch.setattr(measure, "ROWS", 4)

    found = outcomes(rail, greedy, Stream.EVALUATE, 6)

    # The plant itself counts the time of steps in which any limit was broken.
    breach_s = found.kpi[:, 2]
    assert (found.cost.max(1) <= breach_s + 1e-9).all()
    assert (breach_s <= found.cost.sum(1) + 1e-9).all()
    assert breach_s.min() > 0.0
    assert over(rail.spec, found) == pytest.approx(found.cost.mean(0).sum())
    assert not found.changed.any()


def test_what_keeps_its_limits_is_over_by_nothing_and_what_is_no_number_by_everything():
    rail = Subject("classics/double-integrator").spec
    kpi, changed = np.zeros((2, 5)), np.zeros(2)

    assert over(rail, measure.Played(kpi, np.zeros((2, 2)), changed)) == 0.0
    assert over(rail, measure.Played(kpi, np.array([[0.0, np.nan], [0.0, 0.0]]), changed)) == np.inf
    assert over(CARTPOLE.spec, measure.Played(kpi, np.zeros((2, 0)), changed)) == 0.0


def test_streams_have_other_episodes():
    ends = [outcomes(CARTPOLE, Leaning(), stream, 20).kpi[:, 0].tolist() for stream in Stream]

    assert len({tuple(each) for each in ends}) == len(Stream)


def test_only_a_policy_that_draws_is_given_a_key():
    policy = Leaning()

    outcomes(CARTPOLE, policy, Stream.EVALUATE, 2)
    assert policy.key is None
    outcomes(CARTPOLE, policy, Stream.EVALUATE, 2, draw=5)
    assert policy.key[0] == 5
