# SPDX-License-Identifier: MIT
import numpy as np
import pytest

from flyball.learning.experience.transitions import (
    Before,
    Ends,
    Returns,
    Told,
    Turn,
    Words,
    gather,
    record_of,
    write_following,
)
from flyball.policies import Sizes, sizes_of
from tests.learning.scripted import spec_of


@pytest.mark.parametrize("n_agents", [1, 3])
@pytest.mark.parametrize("n_objectives", [1, 2])
def test_a_record_has_whole_words_on_both_sides_and_no_field_over_another(n_agents, n_objectives):
    record = record_of(sizes_of(spec_of(n_agents)), n_objectives)

    assert record.itemsize % 8 == 0
    assert record.fields["next_obs"][1] % 8 == 0
    ends = 0
    for name in record.names:
        dtype, offset = record.fields[name][:2]
        assert offset >= ends
        assert offset % dtype.base.itemsize == 0
        ends = offset + dtype.itemsize
    assert ends <= record.itemsize


def test_axes_that_a_world_does_not_use_take_no_room():
    record = record_of(Sizes(n_obs=4, n_state=0, n_features=0, actions=(2,)), 1)

    # choice 8, obs 16, reward 4, mask 2, alive 1; next obs 16, mask 2, alive 1, two ends
    assert record.itemsize == 32 + 24


def observed(n_envs, n_agents, fill):
    return Before(
        np.full((n_envs, n_agents, 2), fill, np.float32),
        np.full((n_envs, 1), fill, np.float32),
        np.full((n_envs, n_agents, 1), fill % 2 == 0),
        np.ones((n_envs, n_agents), np.bool_),
    )


def test_what_follows_is_the_last_observation_of_rows_that_ended_and_the_next_of_others():
    into, seen, final = observed(6, 2, 0), observed(3, 2, 5), observed(3, 2, 8)
    final.alive[:] = False
    final.alive[2, 1] = True
    ends = np.array([[False, True, False], [False, False, True]])
    told = Told(
        np.zeros((3, 2, 1), np.int32), np.zeros((3, 2, 0)), np.zeros((3, 2, 1)), ends[0], ends[1]
    )

    write_following(into, seen, final, told, np.ones((6, 2), np.bool_), 3)

    assert into.obs[:, 0, 0].tolist() == [0, 0, 0, 5, 8, 8]
    assert into.state[:, 0].tolist() == [0, 0, 0, 5, 8, 8]
    assert into.mask[:, 1, 0].tolist() == [True, True, True, False, True, True]
    assert into.alive[3:].tolist() == [[True, True], [False, False], [False, True]]


def test_a_row_cut_off_while_the_world_says_nobody_is_alive_still_has_its_agents():
    into, seen, final = observed(2, 2, 0), observed(1, 2, 5), observed(1, 2, 8)
    final.alive[:] = False
    acted = np.array([[False, False], [True, False]])
    told = Told(
        np.zeros((1, 2, 1), np.int32),
        np.zeros((1, 2, 0)),
        np.zeros((1, 2, 1)),
        np.array([False]),
        np.array([True]),
    )

    write_following(into, seen, final, told, acted, 1)

    assert into.alive[1].tolist() == [True, False]


def chain(rewards, terminated=(), truncated=()):
    """Return the records of one row of six slots, each with its number in the words."""
    n = len(rewards)
    words = np.repeat(np.arange(n, dtype=np.uint64), 2).reshape(n, 2)
    ends = Ends(
        np.array(rewards, np.float32).reshape(n, 1, 1),
        np.ones((n, 1), np.bool_),
        np.ones((n, 1), np.bool_),
        np.isin(np.arange(n), terminated),
        np.isin(np.arange(n), truncated),
    )
    return words, ends


@pytest.mark.parametrize(
    ("place", "reward", "discount", "last"),
    [
        (0, 1 + 0.5 * 2 + 0.25 * 4, 0.125, 2),
        (1, 2 + 0.5 * 4 + 0.25 * 8, 0.125, 3),
        (2, 4 + 0.5 * 8, 0.25, 3),  # ends at the newest slot, not in the oldest after it
        (3, 8, 0.5, 3),
        (4, 16 + 0.5 * 32 + 0.25 * 1, 0.125, 0),  # the oldest goes on over the seam
        (5, 32 + 0.5 * 1 + 0.25 * 2, 0.125, 1),
    ],
)
def test_a_return_goes_over_the_end_of_memory_but_not_past_the_newest_slot(
    place, reward, discount, last
):
    words, ends = chain([1, 2, 4, 8, 16, 32])  # slot 3 is the newest, slot 4 the oldest
    out = Words(words, np.zeros((1, 2), np.uint64), 1)
    returns = Returns(
        np.ones(1), 0.5, 3, np.zeros((1, 1), np.float32), np.zeros((1, 1), np.float32)
    )

    gather(out, ends, returns, np.array([place]), Turn(6, 1, 3, 0, 6, 6))

    assert returns.reward.item() == reward
    assert returns.discount.item() == discount
    assert out.out.tolist() == [[place, last]]


def test_a_return_ends_with_the_episode_and_only_a_cut_one_has_a_future():
    words, ends = chain([1, 2, 4, 8, 16, 32], terminated=[1], truncated=[3])
    out = Words(words, np.zeros((4, 2), np.uint64), 1)
    returns = Returns(
        np.ones(1), 0.5, 3, np.zeros((4, 1), np.float32), np.zeros((4, 1), np.float32)
    )

    gather(out, ends, returns, np.arange(4), Turn(6, 1, 5, 0, 6, 6))

    assert returns.reward[:, 0].tolist() == [1 + 0.5 * 2, 2, 4 + 0.5 * 8, 8]
    assert returns.discount[:, 0].tolist() == [0, 0, 0.25, 0.5]
    assert out.out[:, 1].tolist() == [1, 1, 3, 3]
