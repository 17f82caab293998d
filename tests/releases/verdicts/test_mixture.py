# SPDX-License-Identifier: MIT
import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from flyball.releases.verdicts.forecasting import centred
from flyball.releases.verdicts.mixture import (
    log_evidence,
    log_mixture,
    lot_variance,
    reach,
    sums,
)
from tests.releases.verdicts.plants import matrices


@settings(max_examples=30, deadline=None)
@given(total=st.floats(-4.0, 30.0), variance=st.floats(0.0, 50.0), rho=st.floats(2.0, 20.0))
def test_the_mixture_is_the_mean_over_half_normal_bets(total, variance, rho):
    k = (np.arange(20_000) + 0.5) * (60.0 / 20_000)
    weight = np.exp(-0.5 * rho * k * k) * math.sqrt(2.0 * rho / math.pi) * 60.0 / 20_000
    mean = float((weight * np.exp(np.minimum(k * total - 0.5 * k * k * variance, 600.0))).sum())

    found = float(log_mixture(np.array(total), np.array(variance), rho))

    if total > -4.9 * math.sqrt(variance + rho):
        assert found == pytest.approx(math.log(mean), abs=1e-4)


@given(variance=st.floats(0.0, 1e4), alpha=st.sampled_from([0.05, 0.01]))
def test_what_is_out_of_reach_has_exactly_the_odds_asked_for(variance, alpha):
    total = reach(np.array([variance]), 10.0, alpha)

    assert log_mixture(total, np.array([variance]), 10.0)[0] == pytest.approx(-math.log(alpha))


@given(share=st.floats(0.001, 0.999), k=st.floats(-20.0, 20.0))
def test_the_factor_of_the_lot_bounds_its_moments(share, k):
    moment = share * math.exp(k * (1 - share)) + (1 - share) * math.exp(-k * share)

    factor = float(lot_variance(np.array(share)))

    assert moment <= math.exp(0.5 * k * k * factor) * (1 + 1e-6)
    assert share * (1 - share) - 1e-9 <= factor <= 0.25


@pytest.mark.parametrize("law", [{}, {"correlation": 0.9}, {"noise": "heavy"}])
def test_the_lot_alone_makes_the_error_what_was_said(law):
    outcome, arm, share = matrices(31, 2000, 150, **law)
    found = sums(centred(outcome, arm, share, np.zeros_like(outcome)))

    often = (log_evidence(found, 0.0, 1, 5.0) >= math.log(20.0)).any(axis=1).mean()

    assert often <= 0.065


def test_evidence_of_any_shift_follows_from_five_sums():
    outcome, arm, share = matrices(32, 1, 80, effect=0.6)
    blocks = centred(outcome, arm, share, np.zeros_like(outcome))
    away = (blocks.surprise - 0.25 * (blocks.arm - 0.5)) / blocks.spread
    counts = ~np.isnan(blocks.spread)
    total = np.where(counts, away * (arm - share), 0.0).sum()
    variance = np.where(counts, away**2 * lot_variance(share), 0.0).sum()

    found = log_evidence(sums(blocks), 0.25, -1, 5.0)[0, -1]

    expected = log_mixture(np.array(-total), np.array(variance), 5.0)
    assert found == pytest.approx(float(expected), abs=1e-9)


def test_the_published_simulation_of_the_mixture_is_met():
    # 400 blocks, half and half, known noise 1, prior 0.3, one-sided 5 %: 3.1 % false, median 105.
    rng = np.random.default_rng(33)
    sign = np.where(rng.random((3000, 400)) < 0.5, 1.0, -1.0)
    noise = rng.standard_normal((3000, 400))
    information = 0.25 * np.arange(1, 401)

    def log_m(effect):
        outcome = noise + 0.5 * effect * sign
        return log_mixture(np.cumsum(0.5 * sign * outcome, axis=1), information, 0.3**-2)

    false = (log_m(0.0) >= math.log(20.0)).any(axis=1).mean()
    found = log_m(0.5) >= math.log(20.0)

    assert false <= 0.031 + 3.0 * math.sqrt(0.031 * 0.969 / 3000)
    assert np.median(found.argmax(axis=1) + 1) == pytest.approx(105, abs=8)
