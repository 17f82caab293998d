# SPDX-License-Identifier: MIT
import json
import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from flyball.core.errors import ConfigError
from flyball.releases.verdicts.budget import Budget, Spending


@given(st.lists(st.floats(1e-6, 0.2), max_size=30))
def test_whatever_is_asked_for_no_more_is_spent_than_there_was(asked):
    budget = Budget("2026", 0.05)

    for number, alpha in enumerate(asked):
        try:
            budget = budget.spend(f"release {number}", "2026-11-21", alpha)
        except ConfigError:
            assert alpha > budget.left

    assert math.fsum(each.alpha for each in budget.spendings) <= 0.05 * (1 + 1e-9)
    assert Budget.from_json(json.loads(json.dumps(budget.as_json()))) == budget


def test_a_spent_budget_refuses_the_next_update_and_says_what_is_left():
    budget = Budget("2026", 0.05).spend("a", "2026-01-10", 0.04)

    with pytest.raises(ConfigError, match=r"0\.02 asked for, 0\.01 left"):
        budget.spend("b", "2026-02-10", 0.02)


def test_an_equal_share_for_each_update_lasts_exactly_so_long():
    budget = Budget("2026", 0.05)
    share = budget.share(20)

    for number in range(20):
        budget = budget.spend(f"release {number}", "2026-11-21", share)

    assert budget.left == pytest.approx(0.0, abs=1e-12)
    with pytest.raises(ConfigError):
        budget.spend("one more", "2026-12-31", share)


def test_a_release_is_charged_once():
    budget = Budget("2026", 0.05).spend("a", "2026-01-10", 0.01)

    assert budget.spend("a", "2026-03-01", 0.01) == budget
    with pytest.raises(ConfigError, match=r"charged 0\.01 before"):
        budget.spend("a", "2026-03-01", 0.02)


@pytest.mark.parametrize("alpha", [0.0, -0.01, math.nan, math.inf])
def test_no_amount_but_a_probability_can_be_spent(alpha):
    with pytest.raises(ConfigError, match="asked for"):
        Budget("2026", 0.05).spend("a", "2026-01-10", alpha)


@pytest.mark.parametrize("alpha", [0.0, 1.0, math.nan])
def test_a_budget_is_a_probability(alpha):
    with pytest.raises(ConfigError, match="above 0"):
        Budget("2026", alpha)


def test_more_spent_than_there_was_is_no_budget():
    with pytest.raises(ConfigError, match=r"0\.06 spent of 0\.05"):
        Budget("2026", 0.05, (Spending("a", "x", 0.03), Spending("b", "y", 0.03)))


@pytest.mark.parametrize(
    "plain", [{}, {"period": "2026", "alpha": "much", "spendings": []}, {"alpha": 0.05}]
)
def test_data_that_are_no_budget_are_refused(plain):
    with pytest.raises(ConfigError, match="data that are none"):
        Budget.from_json(plain)
