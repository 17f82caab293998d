# SPDX-License-Identifier: MIT
import numpy as np
import pytest

from flyball.core.errors import ConfigError
from flyball.learning.experience.sumtree import Priorities, PriorityConfig, find


def filled(capacity, errors, **settings):
    priorities = Priorities(capacity, PriorityConfig(**settings))
    priorities.add(0, len(errors))
    priorities.update(np.arange(len(errors)), errors)
    return priorities


@pytest.mark.parametrize("capacity", [1, 2, 3, 8, 100])
def test_a_mass_is_found_where_the_running_sum_passes_it(capacity):
    errors = np.random.default_rng(capacity).random(capacity) + 0.01
    priorities = filled(capacity, errors, alpha=1.0)
    running = np.cumsum(priorities.leaves)

    for mass in np.random.default_rng(0).random(200) * running[-1]:
        expected = int(np.searchsorted(running, mass, side="right"))
        assert find(priorities.total, mass) == expected


def test_rounding_never_leads_to_a_place_that_was_not_filled():
    priorities = filled(100, np.full(3, 0.1))

    assert find(priorities.total, priorities.total[1]) == 2
    assert find(priorities.total, 2 * priorities.total[1]) == 2


def test_the_root_is_sum_and_minimum_after_updates_that_name_a_place_twice():
    priorities = filled(13, np.arange(1.0, 14.0), alpha=1.0, floor=1e-12)

    priorities.update(np.array([4, 5, 4, 0]), np.array([70.0, -0.5, 80.0, 3.0]))

    leaves = np.arange(1.0, 14.0)
    leaves[[4, 5, 0]] = 80.0, 0.5, 3.0
    np.testing.assert_allclose(priorities.leaves, leaves)
    assert priorities.total[1] == pytest.approx(leaves.sum())
    assert priorities.least[1] == pytest.approx(0.5)


def test_places_are_drawn_as_often_as_their_priority_says():
    errors = np.random.default_rng(3).random(30) * 10
    priorities = filled(30, errors, alpha=0.7)
    n = 3000

    drawn = np.concatenate([priorities.draw(32, seed=1, update=k) for k in range(n)])

    share = (errors + 1e-6) ** 0.7
    expected = share / share.sum() * 32 * n
    chi_square = ((np.bincount(drawn, minlength=30) - expected) ** 2 / expected).sum()
    assert chi_square < 58.3  # 29 degrees of freedom, 0.1 %; stratified draws vary less


def test_each_draw_of_a_batch_comes_from_its_own_part_of_the_total():
    priorities = filled(64, np.ones(64))

    for update in range(50):
        drawn = priorities.draw(64, seed=0, update=update)
        assert drawn.tolist() == list(range(64))


def test_the_weighted_mean_over_prioritised_draws_is_the_uniform_mean():
    rng = np.random.default_rng(5)
    errors = rng.random(200) * 5 + 0.05
    value = rng.normal(size=200) + errors
    priorities = filled(200, errors, alpha=0.6)

    drawn = np.concatenate([priorities.draw(64, seed=2, update=k) for k in range(4000)])
    weight = priorities.weights(drawn, 1.0)

    assert weight.max() <= 1.0
    weighted = (weight * value[drawn]).sum() / weight.sum()
    assert weighted == pytest.approx(value.mean(), abs=5e-3)
    assert abs(value[drawn].mean() - value.mean()) > 0.3  # without weights it is another one


@pytest.mark.parametrize("beta", [0.0, 0.4, 1.0])
def test_weights_are_those_of_the_paper_over_their_largest(beta):
    errors = np.array([0.1, 1.0, 3.0, 0.5])
    priorities = filled(4, errors, alpha=0.6)

    found = priorities.weights(np.arange(4), beta)

    p = priorities.leaves / priorities.leaves.sum()
    expected = (4 * p) ** -beta
    np.testing.assert_allclose(found, expected / expected.max(), rtol=1e-6)


def test_new_transitions_have_the_largest_priority_that_was_seen():
    priorities = filled(10, np.array([1.0, 7.0, 2.0]), alpha=0.5)
    priorities.update(np.array([1]), np.array([0.1]))

    priorities.add(3, 2)

    np.testing.assert_allclose(priorities.leaves[3:5], (7.0 + 1e-6) ** 0.5)


def test_beta_comes_to_one_with_the_end_of_the_budget():
    priorities = Priorities(4, PriorityConfig(beta=0.4))

    assert [priorities.beta(share) for share in (0.0, 0.5, 1.0)] == [0.4, 0.7, 1.0]


def test_a_state_gives_back_the_same_tree_bit_for_bit():
    rng = np.random.default_rng(7)
    priorities, again = Priorities(50, PriorityConfig()), Priorities(50, PriorityConfig())
    priorities.add(0, 37)
    for _ in range(20):
        priorities.update(rng.integers(0, 37, 16), rng.normal(size=16) * 9)

    again.restore(priorities.state())

    np.testing.assert_array_equal(again.total, priorities.total)
    np.testing.assert_array_equal(again.least, priorities.least)
    assert again.largest == priorities.largest


@pytest.mark.parametrize("wrong", [{"alpha": 1.1}, {"beta": -0.1}, {"floor": 0.0}])
def test_a_setting_out_of_range_is_refused(wrong):
    with pytest.raises(ConfigError, match=next(iter(wrong))):
        PriorityConfig(**wrong)
