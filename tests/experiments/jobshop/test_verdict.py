# SPDX-License-Identifier: MIT
import math

import numpy as np
import pytest

from flyball.core.evaluation import Difference, paired
from flyball.experiments.jobshop.verdict import (
    LATENESS,
    MAKESPAN,
    Verdict,
    beside,
    change,
    counted,
    hours,
    verdict,
)


def difference(mean: float, half: float, *, cases: int = 40, theirs: float = 50.0) -> Difference:
    return Difference(
        ours=theirs + mean, theirs=theirs, mean=mean, low=mean - half, high=mean + half,
        better_share=0.8, worse_share=0.2, cases=cases,
    )  # fmt: skip


def test_an_interval_entirely_below_zero_is_better_and_says_by_how_much():
    found, sentence = verdict(difference(-10.0, 4.0), "ATCS", LATENESS)

    assert found is Verdict.BETTER
    assert sentence == (
        "Better: on 40 new days the learned policy left 40.0 weighted hours late a day, ATCS, the "
        "best tuned rule, 50.0: 10.0 h less (20 %). With 95 % confidence the gain is between 6.0 h "
        "and 14.0 h a day."
    )


def test_an_interval_entirely_above_zero_is_worse_and_says_to_keep_the_rule():
    found, sentence = verdict(difference(10.0, 4.0), "ATCS", LATENESS)

    assert found is Verdict.WORSE
    assert sentence.startswith("Worse: ")
    assert "10.0 h more (20 %)" in sentence
    assert sentence.endswith("Keep ATCS.")


def test_an_interval_around_zero_is_not_proven_and_names_both_ends():
    found, sentence = verdict(difference(-1.0, 4.0), "ATCS", LATENESS)

    assert found is Verdict.NOT_PROVEN
    assert "between 5.0 h less and 3.0 h more a day" in sentence
    assert "Keep ATCS" in sentence


def test_an_interval_that_touches_zero_proves_nothing():
    assert verdict(difference(-4.0, 4.0), "ATCS", LATENESS)[0] is Verdict.NOT_PROVEN
    assert verdict(difference(4.0, 4.0), "ATCS", LATENESS)[0] is Verdict.NOT_PROVEN


def test_too_few_days_prove_nothing_however_clear_they_look():
    found, sentence = verdict(difference(-10.0, 1.0, cases=4), "ATCS", LATENESS)

    assert found is Verdict.NOT_PROVEN
    assert "4 new days are too few to tell" in sentence


def test_one_day_is_called_one_day():
    assert "on 1 new day the" in verdict(difference(1.0, 1.0, cases=1), "EDD", LATENESS)[1]


def test_a_policy_that_does_exactly_what_the_rule_does_is_not_better():
    same = np.full(10, 7.0)

    found, sentence = verdict(paired(same, same), "EDD", LATENESS)

    assert found is Verdict.NOT_PROVEN
    assert "exactly the same, 7.0 weighted hours late" in sentence


def test_a_rule_without_any_lateness_gives_no_percentage():
    sentence = verdict(difference(2.0, 1.0, theirs=0.0), "EDD", LATENESS)[1]

    assert " %)" not in sentence


def test_what_cannot_be_computed_is_not_proven():
    broken = Difference(
        ours=math.nan, theirs=1.0, mean=math.nan, low=math.nan, high=math.nan,
        better_share=0.0, worse_share=0.0, cases=9,
    )  # fmt: skip

    assert verdict(broken, "EDD", LATENESS)[0] is Verdict.NOT_PROVEN


def test_without_due_times_the_sentence_speaks_of_the_end_of_all_work():
    sentence = verdict(difference(-10.0, 4.0), "MOR", counted("makespan_h"))[1]

    assert "needed 40.0 hours a day until the last job was finished" in sentence
    assert counted("makespan_h") is MAKESPAN


@pytest.mark.parametrize(
    ("mean", "words"),
    [(-10.0, "the policy is better"), (10.0, "CP-SAT is better"), (-1.0, "that may be chance")],
)
def test_beside_a_solver_the_sentence_says_who_is_better_at_equal_time(mean, words):
    sentence = beside(difference(mean, 4.0, cases=6), "CP-SAT", LATENESS, 5.0)

    assert sentence.startswith("Given 5 s for each schedule, on 6 of these days")
    assert words in sentence
    assert "better on 80 % of them, worse on 20 %" in sentence


@pytest.mark.parametrize(
    ("value", "words"),
    [(0.44, "0.4 h"), (-0.01, "0.0 h"), (1204.4, "1,204 h"), (math.inf, "an unknown number of")],
)
def test_hours_are_written_as_people_read_them(value, words):
    assert hours(value).startswith(words)


def test_a_change_without_an_end_is_anything():
    assert change(math.inf) == "anything"
    assert change(-2.0) == "2.0 h less"
