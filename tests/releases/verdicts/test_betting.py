# SPDX-License-Identifier: MIT
import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from flyball.releases.verdicts.betting import STAKE, bets, bound, log_wealth
from flyball.releases.verdicts.forecasting import Centred, centred
from tests.releases.verdicts import naive
from tests.releases.verdicts.plants import matrices

MARGIN = 0.3


def blocks_of(outcome, arm, share):
    return centred(outcome, arm, share, np.zeros_like(outcome))


def ever(log_wealth_path, alpha):
    return float((log_wealth_path >= -math.log(alpha)).any(axis=-1).mean())


@settings(max_examples=40, deadline=None)
@given(
    seed=st.integers(0, 2**32),
    n=st.integers(1, 30),
    shift=st.floats(-2.0, 2.0),
    side=st.sampled_from([-1, 1]),
    margin=st.sampled_from([0.0, 0.1, 5.0]),
)
def test_wealth_agrees_with_the_plain_python_twin(seed, n, shift, side, margin):
    rng = np.random.default_rng(seed)
    share = rng.choice([0.1, 0.5, 0.9], n)
    arm = (rng.random(n) < share).astype(float)
    outcome = rng.standard_normal(n) + arm
    found = blocks_of(outcome, arm, share)

    wealth = log_wealth(found, shift, side, bets(found, margin))[-1]

    rows = naive.centred(outcome.tolist(), arm.tolist(), share.tolist(), [0.0] * n)
    assert math.exp(wealth) == pytest.approx(
        naive.wealth(rows, arm.tolist(), share.tolist(), shift, side, margin), rel=1e-9
    )


@settings(max_examples=60, deadline=None)
@given(
    surprise=st.floats(-1e6, 1e6),
    spread=st.floats(0.0, 1e6),
    share=st.floats(0.001, 0.999),
    shift=st.floats(-1e6, 1e6),
    side=st.sampled_from([-1, 1]),
    margin=st.sampled_from([0.0, 1.0]),
)
def test_a_bet_is_fair_and_never_costs_all(surprise, spread, share, shift, side, margin):
    # Both arms with one outcome less shift: what the lot alone decides.
    arms = np.array([[0.0], [1.0]])
    found = Centred(
        surprise=surprise + shift * (arms - 0.5),
        spread=np.full((2, 1), spread),
        arm=arms,
        share=np.full((2, 1), share),
        difference=np.zeros((2, 1)),
        twin_used=np.zeros((2, 1), dtype=bool),
    )

    wealth = np.exp(log_wealth(found, shift, side, bets(found, margin)))[:, 0]

    assert (1.0 - share) * wealth[0] + share * wealth[1] <= 1.0 + 1e-3
    assert min(wealth) >= 1.0 - STAKE - 1e-12


@given(
    seed=st.integers(0, 2**32), side=st.sampled_from([-1, 1]), margin=st.sampled_from([0.0, 0.5])
)
@settings(max_examples=30, deadline=None)
def test_wealth_falls_as_the_shift_that_is_tested_comes_nearer(seed, side, margin):
    outcome, arm, share = (row[0] for row in matrices(seed, 1, 60, effect=0.5))
    found = blocks_of(outcome, arm, share)
    on = bets(found, margin)

    ends = [log_wealth(found, shift, side, on)[-1] for shift in np.linspace(-3.0, 3.0, 25)]

    assert all(np.diff(ends) * side <= 1e-9)


@given(
    seed=st.integers(0, 2**32),
    scale=st.floats(1e-6, 1e6),
    offset=st.floats(-100.0, 100.0),
)
@settings(max_examples=30, deadline=None)
def test_wealth_does_not_depend_on_unit_or_zero_of_the_metric(seed, scale, offset):
    outcome, arm, share = (row[0] for row in matrices(seed, 1, 60, effect=0.5))
    plain, moved = blocks_of(outcome, arm, share), blocks_of(scale * (outcome + offset), arm, share)

    one = log_wealth(plain, MARGIN, -1, bets(plain, MARGIN))
    two = log_wealth(moved, scale * MARGIN, -1, bets(moved, scale * MARGIN))

    np.testing.assert_allclose(one, two, atol=1e-6)


@pytest.mark.parametrize(
    "law",
    [
        {},
        {"correlation": 0.9},
        {"noise": "heavy"},
        {"noise": "heavy", "correlation": 0.9},
    ],
)
def test_looking_after_every_block_finds_harm_that_is_not_there_at_most_as_often_as_said(law):
    found = blocks_of(*matrices(11, 2000, 150, **law))

    wealth = log_wealth(found, 0.0, 1, bets(found))

    for alpha in (0.05, 0.01):
        assert ever(wealth, alpha) <= alpha + 3.0 * math.sqrt(alpha * (1.0 - alpha) / 2000)


@pytest.mark.parametrize("law", [{}, {"correlation": 0.9}, {"noise": "heavy"}])
def test_a_challenger_worse_by_the_margin_is_found_safe_at_most_as_often_as_said(law):
    found = blocks_of(*matrices(12, 2000, 150, effect=MARGIN, **law))

    often = ever(log_wealth(found, MARGIN, -1, bets(found, MARGIN)), 0.05)

    assert often <= 0.05 + 3.0 * math.sqrt(0.05 * 0.95 / 2000)


def test_a_plant_that_climbs_while_the_share_does_deceives_nobody():
    outcome, arm, share = matrices(13, 2000, 150)
    found = blocks_of(outcome + np.linspace(0.0, 8.0, 150), arm, share)

    assert ever(log_wealth(found, 0.0, 1, bets(found)), 0.05) <= 0.065


def test_the_first_few_blocks_do_not_break_the_error_rate():
    # An estimated variance would: after four blocks it is often far too small.
    found = blocks_of(*matrices(14, 20_000, 12))

    assert ever(log_wealth(found, 0.0, 1, bets(found)), 0.2) <= 0.2


def test_harm_in_some_blocks_and_benefit_in_none_is_never_called_benefit():
    outcome, arm, share = matrices(15, 2000, 150)
    uneven = outcome + arm * np.random.default_rng(16).exponential(1.0, arm.shape)
    found = blocks_of(uneven, arm, share)

    assert ever(log_wealth(found, 0.0, -1, bets(found)), 0.05) <= 0.05


def test_harm_of_one_standard_deviation_is_found_soon():
    found = blocks_of(*matrices(17, 500, 300, effect=1.0))
    wealth = log_wealth(found, 0.0, 1, bets(found))

    exposed = [
        row[: np.argmax(path >= math.log(100.0)) + 1].sum()
        for row, path in zip(found.arm, wealth, strict=True)
    ]

    assert (wealth >= math.log(100.0)).any(axis=1).all()
    assert np.mean(exposed) < 25


def test_bounds_hold_the_truth_and_close_upon_it():
    outcome, arm, share = (row[0] for row in matrices(18, 1, 400, effect=0.7))
    found = blocks_of(outcome, arm, share)

    low, high = (bound(found, side, bets(found), 0.05) for side in (1, -1))

    assert 0.0 < low < 0.7 < high < 1.5
    assert log_wealth(found, low, 1, bets(found))[-1] == pytest.approx(math.log(20.0), abs=1e-6)


def test_without_evidence_there_are_no_bounds():
    outcome, arm, share = (row[0] for row in matrices(19, 1, 5))
    found = blocks_of(outcome, arm, share)

    assert bound(found, 1, bets(found), 0.05) == -math.inf
    assert bound(found, -1, bets(found), 0.05) == math.inf


def test_blocks_whose_arm_was_no_lot_count_for_nothing():
    outcome, _, _ = (row[0] for row in matrices(20, 1, 50))
    arm = np.repeat([0.0, 1.0], 25)
    found = blocks_of(outcome + 9.0 * arm, arm, arm)

    np.testing.assert_array_equal(log_wealth(found, 0.0, 1, bets(found)), 0.0)


def test_one_wild_block_cannot_prove_anything():
    outcome, arm, share = (row[0] for row in matrices(21, 1, 100))
    arm[50] = 1.0
    outcome[50] += 1e9
    found = blocks_of(outcome, arm, share)

    gain = np.diff(log_wealth(found, 0.0, 1, bets(found)))[49]

    assert gain <= math.log1p(STAKE * max(0.25, 0.75) / 0.75) + 1e-9


def test_a_known_range_makes_the_mean_count_even_where_blocks_are_rarely_bad():
    # Worse by the margin in the mean, but better in 19 blocks of 20: the cut bets are deceived.
    rng = np.random.default_rng(22)
    share = np.full((1000, 300), 0.5)
    arm = (rng.random(share.shape) < share).astype(float)
    bad = (rng.random(share.shape) < 0.05).astype(float)
    outcome = np.where(arm > 0, 0.13 * bad, 0.0001 * rng.random(share.shape))
    margin = 0.0065 - 0.00005
    found = blocks_of(outcome, arm, share)

    cut = ever(log_wealth(found, margin, -1, bets(found, margin)), 0.05)
    exact = ever(log_wealth(found, margin, -1, bets(found, margin, limit=0.14)), 0.05)

    assert cut > 0.5
    assert exact <= 0.05 + 3.0 * math.sqrt(0.05 * 0.95 / 1000)
