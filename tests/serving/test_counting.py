# SPDX-License-Identifier: MIT
"""What is counted of decisions: how long they took, and who would have done something else."""

import numpy as np
import pytest

from flyball.core.decision import Arm
from flyball.serving.counting import BUCKETS_S, Counts

NEAR = np.array([0.1, 10.0])


@pytest.mark.parametrize(
    ("elapsed_s", "bucket"),
    [(0.0, 0), (0.0001, 0), (0.00011, 1), (0.05, 8), (0.5, 10), (0.51, 11), (1e9, 11)],
)
def test_a_decision_counts_in_the_first_bucket_whose_end_it_keeps(elapsed_s, bucket):
    own = Counts()

    own.took(elapsed_s)

    assert own.latency == [int(k == bucket) for k in range(len(BUCKETS_S) + 1)]
    assert own.latency_s == elapsed_s


def compared(arm, **values):
    own = Counts()
    wishes = {Arm[name.upper()]: (name, np.array(value)) for name, value in values.items()}
    own.compare(arm, wishes, NEAR)
    return own


def test_whoever_did_not_decide_is_compared_value_by_value_with_who_did():
    own = compared(Arm.CHAMPION, champion=[0.0, 0.0], challenger=[0.1, -10.0], second=[0.0, 10.1])

    assert own.shadowed == {Arm.CHALLENGER: 1, Arm.SECOND: 1}
    assert own.disagreed == {Arm.CHALLENGER: 0, Arm.SECOND: 1}


def test_a_champion_is_compared_while_a_challenger_decides():
    own = compared(Arm.CHALLENGER, champion=[5.0, 0.0], challenger=[0.0, 0.0])

    assert own.disagreed == {Arm.CHAMPION: 1}


def test_the_fallback_is_compared_with_nobody():
    assert compared(Arm.CHAMPION, champion=[0.0, 0.0], fallback=[9.0, 9.0]).shadowed == {}


def test_no_number_agrees_with_nothing():
    own = compared(Arm.CHAMPION, champion=[0.0, 0.0], challenger=[np.nan, 0.0])

    assert own.disagreed == {Arm.CHALLENGER: 1}
