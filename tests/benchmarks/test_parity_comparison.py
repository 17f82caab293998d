# SPDX-License-Identifier: MIT
"""Interquartile means and bootstrap intervals are those of their definition."""

from itertools import product

import numpy as np
import pytest
from parity.comparison import difference, iqm, middle, normalised, resampled


@pytest.mark.parametrize(
    ("scores", "expected"),
    [
        ([1.0, 2.0, 3.0, 4.0, 5.0, 6.0, 7.0, 8.0], 4.5),
        ([100.0, 2.0, -100.0, 3.0, 1.0], 2.0),
        ([1.0, 2.0, 9.0], 4.0),
        ([0.0, 0.0, 1.0, 2.0, 3.0, 4.0, 50.0, 60.0, 70.0, 80.0], (1 + 2 + 3 + 4 + 50 + 60) / 6),
    ],
)
def test_a_quarter_is_cut_off_at_either_end_rounded_down(scores, expected):
    assert iqm(np.array(scores)) == pytest.approx(expected)


def test_the_bootstrap_has_the_quantiles_that_all_possible_samples_have():
    scores = np.array([0.0, 1.0, 4.0, 10.0, 11.0])
    every = [sorted(draw)[1:4] for draw in product(scores, repeat=5)]

    found = resampled([scores], 50_000, 7)

    exact = np.quantile(np.mean(every, axis=1), [0.025, 0.25, 0.5, 0.75, 0.975])
    np.testing.assert_allclose(
        np.quantile(found, [0.025, 0.25, 0.5, 0.75, 0.975]), exact, atol=0.34
    )
    assert found.mean() == pytest.approx(np.mean(every), abs=0.05)


def test_the_interval_of_a_task_has_the_quantiles_that_all_possible_samples_have():
    scores = np.array([0.0, 1.0, 4.0, 10.0, 11.0])
    every = [sorted(draw)[1:4] for draw in product(scores, repeat=5)]

    found = middle(scores)

    exact = np.quantile(np.mean(every, axis=1), [0.025, 0.975])
    np.testing.assert_allclose([found.low, found.high], exact, atol=0.34)
    assert found.mean == 5.0


def test_each_task_is_drawn_by_itself_so_that_easy_tasks_never_replace_hard_ones():
    easy, hard = np.full(8, 1.0), np.full(8, 0.0)

    found = resampled([easy, hard], 1000, 7)

    # Of 8 ones and 8 zeros the middle half has 4 of each, whatever is drawn.
    np.testing.assert_array_equal(found, 0.5)


def test_the_difference_of_equal_sides_is_zero_and_its_interval_holds_zero():
    rng = np.random.default_rng(0)
    ours, theirs = [rng.normal(size=10)], [rng.normal(size=10)]

    same = difference(ours, ours)
    far = difference([ours[0] + 5.0], theirs)

    assert same.mean == 0.0
    assert same.low < 0.0 < same.high
    assert far.low > 3.0


def test_the_interval_of_a_normal_sample_has_the_width_of_its_standard_error():
    scores = np.random.default_rng(1).normal(size=400)
    still = np.zeros(400)

    found = difference([scores], [still], samples=4000)

    # The standard error of the 25 % trimmed mean of a normal sample is 1.09 / sqrt(n).
    assert (found.high - found.low) / 2 == pytest.approx(1.96 * 1.09 / 20, rel=0.15)


def test_chance_is_zero_and_they_are_one():
    theirs = np.array([400.0, 500.0, 500.0, 500.0, 500.0])

    found = normalised(np.array([20.0, 260.0, 500.0]), 20.0, theirs)

    np.testing.assert_allclose(found, [0.0, 0.5, 1.0])


def test_rivals_that_are_no_better_than_chance_give_no_scale():
    with pytest.raises(ValueError, match="no better than chance"):
        normalised(np.zeros(3), 20.0, np.array([9.0, 9.0, 9.0]))
