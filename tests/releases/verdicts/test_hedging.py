# SPDX-License-Identifier: MIT
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from flyball.releases.verdicts.hedging import mean_bounds


@pytest.mark.parametrize(("first", "second"), [(2.0, 5.0), (0.1, 1.9), (1.0, 1.0)])
def test_the_mean_is_within_the_bounds_at_all_times_as_often_as_said(first, second):
    rng = np.random.default_rng(1)
    mean = first / (first + second)

    missed = 0
    for _ in range(150):
        low, high = mean_bounds(rng.beta(first, second, 150), 0.0, 1.0, 0.1)
        missed += bool((low > mean).any() or (high < mean).any())

    assert missed / 150 <= 0.1 + 3.0 * np.sqrt(0.1 * 0.9 / 150)


@settings(max_examples=30, deadline=None)
@given(
    arrays(np.float64, st.integers(1, 60), elements=st.floats(0.0, 1.0)),
    st.floats(-1e3, 1e3),
    st.floats(1e-3, 1e3),
)
def test_bounds_never_widen_and_move_with_the_unit(figures, low, span):
    first, last = mean_bounds(figures, 0.0, 1.0, 0.05)
    moved = mean_bounds(low + span * figures, low, low + span, 0.05)

    assert (np.diff(first) >= 0).all()
    assert (np.diff(last) <= 0).all()
    # Rounding of the figures may move a bound to the cell beside it.
    np.testing.assert_allclose(moved[0], low + span * first, atol=0.0051 * span)
    np.testing.assert_allclose(moved[1], low + span * last, atol=0.0051 * span)


def test_a_smaller_error_gives_wider_bounds():
    figures = np.random.default_rng(2).random(200)

    tight, wide = mean_bounds(figures, 0.0, 1.0, 0.1), mean_bounds(figures, 0.0, 1.0, 0.001)

    assert (wide[0] <= tight[0]).all()
    assert (wide[1] >= tight[1]).all()


def test_figures_that_vary_little_are_bounded_closely():
    figures = 0.3 + 0.02 * np.random.default_rng(3).standard_normal(200)

    low, high = mean_bounds(figures, 0.0, 1.0, 0.05)

    assert 0.25 < low[-1] < 0.3 < high[-1] < 0.35
