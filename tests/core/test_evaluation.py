# SPDX-License-Identifier: MIT
import json
import math

import numpy as np
import pytest

from flyball.core.errors import InvariantError
from flyball.core.evaluation import Evaluation, Scores, paired, t_95

RULE = Scores(
    name="EDD", kind="rule", setting="", time_s=0.0, spent_s=0.1,
    kpi={"late_h": (4.0, 6.0, math.nan)},
)  # fmt: skip
RECORD = Evaluation(
    world="w", scenario="s", cases=("day 1", "day 2", "day 3"), kpi="late_h", methods=(RULE,),
    policy="policy", best_rule="EDD", verdict="better", sentence="Better.", facts={"seed": 1},
)  # fmt: skip


def test_a_difference_is_ours_minus_theirs_with_the_interval_of_student():
    found = paired(np.array([1.0, 2.0, 3.0, 6.0]), np.array([2.0, 4.0, 6.0, 8.0]))

    assert found.mean == -2.0
    half = 3.1824 * math.sqrt(2 / 3) / 2
    assert found.low == pytest.approx(-2.0 - half)
    assert found.high == pytest.approx(-2.0 + half)
    assert (found.better_share, found.worse_share, found.cases) == (1.0, 0.0, 4)


def test_cases_that_one_method_did_not_meet_are_left_out():
    found = paired(np.array([1.0, math.nan, 3.0]), np.array([2.0, 5.0, math.nan]))

    assert (found.cases, found.ours, found.theirs) == (1, 1.0, 2.0)
    assert found.high == math.inf


def test_methods_without_a_common_case_cannot_be_compared():
    with pytest.raises(InvariantError, match="without a common case"):
        paired(np.array([math.nan]), np.array([1.0]))


@pytest.mark.parametrize(
    ("degrees", "exact"), [(1, 12.7062), (4, 2.7764), (9, 2.2622), (39, 2.0227), (10**6, 1.95996)]
)
def test_the_point_of_student_is_the_tabulated_one(degrees, exact):
    assert t_95(degrees) == pytest.approx(exact, rel=3e-3)


def test_a_mean_is_over_the_cases_that_were_met():
    assert RULE.mean("late_h") == 5.0
    assert RULE.mean("late_h", [False, True, True]) == 6.0
    assert math.isnan(RULE.mean("late_h", [False, False, True]))


def test_a_record_survives_json_with_its_gaps():
    text = json.dumps(RECORD.as_json(), allow_nan=False)

    back = Evaluation.from_json(json.loads(text))

    assert back.method("EDD").kpi["late_h"][:2] == (4.0, 6.0)
    assert math.isnan(back.method("EDD").kpi["late_h"][2])
    assert back.sentence == RECORD.sentence


def test_a_method_that_is_not_in_the_record_is_our_fault():
    with pytest.raises(InvariantError, match="no method 'LPT'"):
        RECORD.method("LPT")
