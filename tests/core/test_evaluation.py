# SPDX-License-Identifier: MIT
import json
import math

import numpy as np
import pytest

from flyball.core.errors import InvariantError
from flyball.core.evaluation import Evaluation, Scores, paired, t_95

NAN = math.nan


def scores(name, *figures):
    return Scores(
        name=name, kind="rule", setting="", time_s=0.0, kpi={"late_h": figures}, spent_s=0.5
    )


def evaluation(*methods):
    return Evaluation(
        world="toy",
        scenario="shop",
        cases=("day 1", "day 2", "day 3"),
        kpi="late_h",
        methods=methods,
        policy="learned",
        best_rule="ATC",
        verdict="better",
        sentence="2 hours less",
        facts={"seeds": [1, 2], "time_s": 3.0},
    )


def test_a_case_that_was_not_met_counts_nowhere_rather_than_as_zero():
    method = scores("ATC", 4.0, NAN, 8.0)

    assert method.mean("late_h") == 6.0
    assert method.mean("late_h", [True, True, False]) == 4.0
    assert math.isnan(method.mean("late_h", [False, True, False]))
    assert method.of("late_h").dtype == np.float64


def test_an_evaluation_is_plain_json_with_none_for_its_gaps():
    written = evaluation(scores("learned", 1.0, NAN, 3.0), scores("ATC", 2.0, 2.5, math.inf))

    read = json.loads(json.dumps(written.as_json(), allow_nan=False))

    assert read["cases"] == ["day 1", "day 2", "day 3"]
    assert read["facts"] == {"seeds": [1, 2], "time_s": 3.0}
    assert read["sentence"] == "2 hours less"
    assert read["methods"][0]["kpi"] == {"late_h": [1.0, None, 3.0]}
    assert read["methods"][1]["kpi"] == {"late_h": [2.0, 2.5, None]}


def test_a_method_that_took_no_part_is_our_fault():
    with pytest.raises(InvariantError, match="no method 'SPT' in the evaluation"):
        evaluation(scores("ATC", 1.0)).method("SPT")


def test_a_paired_difference_worked_by_hand():
    # Differences 1, 2, 3, 4, 5: mean 3, deviation sqrt(2.5), t of 4 degrees 2.7764.
    theirs = np.array([10.0, 20.0, 30.0, 40.0, 50.0])
    ours = theirs + np.arange(1.0, 6.0)

    got = paired(ours, theirs)

    half = 2.7764 * math.sqrt(2.5) / math.sqrt(5)
    assert (got.ours, got.theirs, got.mean, got.cases) == (33.0, 30.0, 3.0, 5)
    assert got.low == pytest.approx(3 - half, rel=0.005)
    assert got.high == pytest.approx(3 + half, rel=0.005)
    assert (got.better_share, got.worse_share) == (0.0, 1.0)


def test_only_cases_that_both_met_are_compared_and_ties_are_neither():
    got = paired(np.array([1.0, NAN, 5.0, 2.0]), np.array([2.0, 9.0, NAN, 2.0]))

    assert got.cases == 2
    assert got.mean == -0.5
    assert (got.better_share, got.worse_share) == (0.5, 0.0)


def test_one_case_proves_nothing():
    got = paired(np.array([1.0]), np.array([9.0]))

    assert got.mean == -8.0
    assert (got.low, got.high) == (-math.inf, math.inf)


def test_methods_without_a_common_case_cannot_be_compared():
    with pytest.raises(InvariantError, match="without a common case"):
        paired(np.array([NAN, 1.0]), np.array([1.0, NAN]))


def test_the_interval_holds_the_truth_in_95_of_100_samples():
    draws = np.random.default_rng(0).normal(2.0, 3.0, size=(4000, 6))

    intervals = [paired(sample, np.zeros(6)) for sample in draws]

    assert np.mean([each.low <= 2.0 <= each.high for each in intervals]) == pytest.approx(
        0.95, abs=0.01
    )


# Two-sided 95 % points as in any printed table.
@pytest.mark.parametrize(
    ("degrees", "point"),
    [(1, 12.706), (2, 4.303), (3, 3.182), (4, 2.776), (5, 2.571), (9, 2.262), (30, 2.042)],
)
def test_students_t_is_exact_to_three_in_a_thousand(degrees, point):
    assert t_95(degrees) == pytest.approx(point, rel=0.003)
