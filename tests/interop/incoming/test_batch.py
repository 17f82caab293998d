# SPDX-License-Identifier: MIT
"""What the environment gets is legal, and what is counted is what was played."""

import numpy as np
import pytest

from flyball.core.batch import Action
from flyball.interop.incoming.batch import Batch, describe
from tests.interop.meadow import HEADS, MIXED, alone


def batch(kinds, n_envs=2):
    return Batch(describe("x", 0, kinds), n_envs)


@pytest.mark.parametrize(("wish", "played", "illegal"), [(1, 1, 0), (3, 0, 1), (-1, 0, 1)])
def test_a_choice_out_of_range_becomes_the_first(wish, played, illegal):
    own = batch(alone("one"))

    choice, _ = own.legal(Action(np.array([[[wish]], [[2]]], np.int32), np.zeros((2, 1, 0))))

    np.testing.assert_array_equal(choice[:, 0, 0], [played, 2])
    step = own.close(ended=False)
    np.testing.assert_array_equal(step.illegal[:, 0], [illegal, 0])
    np.testing.assert_array_equal(step.applied.choice, choice)


def test_a_masked_choice_becomes_the_first_legal_one_of_its_head():
    own = batch(alone("several"))
    own.masked = True
    own.now.mask[:] = [[[False, True, True, False, True]], [[True] * 5]]

    choice, _ = own.legal(Action(np.zeros((2, 1, 2), np.int32), np.zeros((2, 1, 0))))

    np.testing.assert_array_equal(choice[:, 0], [[1, 1], [0, 0]])
    np.testing.assert_array_equal(own.close(ended=False).illegal[:, 0], [2, 0])


def test_where_nothing_is_legal_nothing_is_counted():
    own = batch(alone("one"))
    own.masked = True
    own.now.mask[:] = False

    choice, _ = own.legal(Action(np.full((2, 1, 1), 2, np.int32), np.zeros((2, 1, 0))))

    assert not choice.any()
    assert not own.close(ended=False).illegal.any()


@pytest.mark.parametrize(
    ("wish", "played"),
    [(0.5, 0.5), (9.0, 3.0), (-np.inf, -2.0), (np.nan, 0.5), (3.0, 3.0)],
)
def test_a_value_out_of_range_becomes_the_nearest_bound_and_nan_the_middle(wish, played):
    own = batch(alone("values"))
    value = np.array([[[wish, 0.2]], [[0.0, 0.2]]])

    _, real = own.legal(Action(np.zeros((2, 1, 0), np.int32), value))

    np.testing.assert_array_equal(real[:, 0], [[played, 0.2], [0.0, 0.2]])
    np.testing.assert_array_equal(own.close(ended=False).illegal[:, 0], [wish != played, 0])


def test_what_was_illegal_once_is_not_counted_again():
    own = batch(alone("one"))
    nothing = np.zeros((2, 1, 0))
    own.legal(Action(np.full((2, 1, 1), 7, np.int32), nothing))
    own.turn()

    own.legal(Action(np.zeros((2, 1, 1), np.int32), nothing))

    assert not own.close(ended=False).illegal.any()


def test_heads_that_an_agent_does_not_have_are_never_illegal():
    own = batch(MIXED)
    own.masked = True
    own.now.mask[:] = own.own_columns()
    choice = np.zeros((2, 6, 2), np.int32)
    value = np.full((2, 6, 2), 0.2)
    choice[:, 1:, 1] = 99
    choice[:, 4:] = 99
    value[:, :4] = 1e9

    own.legal(Action(choice, value))

    assert not own.close(ended=False).illegal.any()


def test_only_own_columns_of_the_mask_are_ever_true():
    own = batch(MIXED)

    np.testing.assert_array_equal(own.now.mask[0].sum(axis=1), [5, 4, 4, 4, 0, 0])
    np.testing.assert_array_equal(own.now.mask[1, 0], [1, 1, 1, 0, 1, 1])


def test_return_and_length_are_those_of_the_episode_that_ended():
    own = batch(alone("one"))
    own.begin()
    for reward in (1.0, 2.0):
        own.turn()
        own.reward[:, 0, 0] = [reward, 10 * reward]
        own.close(ended=False)
    own.turn()
    own.reward[:, 0, 0] = [4.0, 40.0]
    own.terminated[0] = True

    step = own.close(ended=True)

    np.testing.assert_array_equal(step.outcome, [[7.0, 3.0], [0.0, 0.0]])
    own.turn()
    own.truncated[1] = True
    step = own.close(ended=True)
    np.testing.assert_array_equal(step.outcome, [[0.0, 0.0], [110.0, 4.0]])
    np.testing.assert_array_equal(step.terminated, [False, False])


def test_the_return_is_the_mean_over_agents():
    own = batch(MIXED, 1)
    own.begin()
    own.turn()
    own.reward[0, :, 0] = [6, 0, 0, 0, 0, 12]
    own.truncated[0] = True

    assert own.close(ended=True).outcome[0, 0] == 3.0


def test_the_observation_of_the_last_call_is_intact_while_the_next_is_written():
    own = batch(alone("one"))
    before = own.turn()
    before.obs[:] = 5

    now = own.turn()
    now.obs[:] = 7

    assert np.all(before.obs == 5)
    assert own.turn() is before


@pytest.mark.parametrize("heads", HEADS)
def test_a_snapshot_holds_what_was_seen_and_counted(heads):
    own, other = batch(alone(heads)), batch(alone(heads))
    own.begin()
    own.turn()
    own.now.obs[:] = 3
    own.now.start[:] = [True, False]
    own.reward[:] = 2
    own.close(ended=False)

    observation = other.restore(own.snapshot())

    np.testing.assert_array_equal(observation.obs, own.now.obs)
    np.testing.assert_array_equal(observation.start, [True, False])
    other.turn()
    other.reward[:] = 1
    other.terminated[:] = True
    np.testing.assert_array_equal(other.close(ended=True).outcome, [[3, 2], [3, 2]])
