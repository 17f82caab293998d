# SPDX-License-Identifier: MIT
import numpy as np
import pytest

from flyball.core.evaluation import Difference, paired
from flyball.core.spec import Cost, Kpi
from flyball.experiments.verdict import Against, Verdict, bounded, judge, number, verdict

RETURN = Kpi("return", "reward", "max", "")
COST = Kpi("cost", "EUR", "min", "")
AGAINST = Against(rival="LQR", span=100.0, optimum=None)


def difference(ours: list[float], theirs: list[float]) -> Difference:
    return paired(np.array(ours), np.array(theirs))


UP = difference([9.0, 10.0, 11.0, 10.0, 12.0, 10.0], [4.0, 5.0, 5.0, 6.0, 6.0, 5.0])
DOWN = difference([4.0, 5.0, 5.0, 6.0, 6.0, 5.0], [9.0, 10.0, 11.0, 10.0, 12.0, 10.0])


@pytest.mark.parametrize(
    ("found", "kpi", "expected"),
    [
        (UP, RETURN, Verdict.BETTER),
        (DOWN, RETURN, Verdict.WORSE),
        (UP, COST, Verdict.WORSE),
        (DOWN, COST, Verdict.BETTER),
    ],
)
def test_the_sense_of_the_figure_says_which_way_is_better(found, kpi, expected):
    assert judge(found, kpi, span=1.0) is expected


def test_an_interval_that_holds_zero_proves_nothing():
    found = difference([1.0, 9.0, 1.0, 9.0, 5.0], [5.0, 5.0, 5.0, 5.0, 5.0])

    assert judge(found, RETURN, span=1.0) is Verdict.NOT_PROVEN


def test_what_surely_differs_by_less_than_a_hundredth_of_the_span_is_as_good():
    assert judge(UP, RETURN, span=1000.0) is Verdict.AS_GOOD
    assert judge(UP, RETURN, span=100.0) is Verdict.BETTER
    assert judge(difference([500.0] * 9, [500.0] * 9), RETURN, span=0.0) is Verdict.AS_GOOD


def test_a_handful_of_episodes_proves_nothing_whatever_it_shows():
    found = difference([9.0, 9.0, 9.0], [1.0, 1.0, 1.0])

    word, sentence = verdict(found, RETURN, AGAINST)

    assert word is Verdict.NOT_PROVEN
    assert "too few. Evaluate at least 5." in sentence


def test_the_sentence_holds_both_means_the_rival_and_the_interval():
    _, sentence = verdict(UP, RETURN, AGAINST)

    assert sentence.startswith(
        "Better: on 6 new episodes the learned policy had a mean return of 10.3 reward, LQR, the "
        "best rival, 5.17. With 95 % confidence the difference is between +"
    )


def test_a_worse_policy_is_told_to_leave_things_as_they_are():
    assert verdict(DOWN, RETURN, AGAINST)[1].endswith("Keep LQR.")


@pytest.mark.parametrize(
    ("ours", "optimum", "kpi", "words"),
    [
        (8.0, 8.0, RETURN, "The known optimum is 8.00: the policy reaches it."),
        (7.0, 8.0, RETURN, "The known optimum is 8.00: the policy is 1.00 (12.5 %) short of it."),
        (9.0, 8.0, COST, "The known optimum is 8.00: the policy is 1.00 (12.5 %) short of it."),
        (9.0, 8.0, RETURN, "beyond it, by the luck of these episodes."),
        (-1.0, 0.0, RETURN, "The known optimum is 0.00: the policy is 1.00 short of it."),
    ],
)
def test_how_far_the_known_optimum_is_stands_at_the_end(ours, optimum, kpi, words):
    against = Against(rival="LQR", span=1.0, optimum=optimum)

    _, sentence = verdict(difference([ours] * 6, [5.0] * 6), kpi, against)

    assert sentence.endswith(words)


WALL = Cost("wall", "s", 0.5)
NEVER = Cost("largest angle", "s", 0.0)


def spent(cost: Cost, *values: float) -> list:
    return [bounded(cost, np.array(values))]


@pytest.mark.parametrize("found", [UP, DOWN, difference([5.0] * 6, [5.0] * 6)])
def test_a_policy_that_breaks_a_limit_is_told_so_whatever_it_earns(found):
    limits = spent(WALL, 2.0, 2.0, 3.0, 2.0, 3.0, 3.0)

    word, sentence = verdict(found, RETURN, AGAINST, limits)

    assert word is Verdict.BREAKS
    assert sentence.startswith(
        "Breaks a limit: on 6 new episodes 'wall' came to a mean of 2.50 s (95 % interval 1.93 to "
        "3.07), 2.00 s above its limit of 0.50 s; 100 % of the episodes were above it."
    )
    assert sentence.endswith("Keep LQR.")


def test_the_limit_that_is_broken_most_often_is_told_first_and_all_are():
    limits = [*spent(WALL, 0.0, 0.0, 0.0, 0.0, 9.0), *spent(NEVER, 1.0, 1.0, 1.0, 1.0, 1.0)]

    _, sentence = verdict(UP, RETURN, AGAINST, limits)

    assert sentence.index("'largest angle'") < sentence.index("'wall'")
    assert "'wall' came to a mean of 1.80 s" in sentence


def test_one_breach_among_many_episodes_breaks_a_limit_of_none():
    many = difference([9.0] * 100, [5.0] * 100)

    _, sentence = verdict(many, RETURN, AGAINST, spent(NEVER, *[0.0] * 99, 0.1))

    assert sentence.startswith("Breaks a limit: on 100 new episodes 'largest angle' came to a mean")
    assert "0.001 s" in sentence
    assert "1 % of the episodes were above it" in sentence


def test_a_mean_below_its_limit_whose_interval_is_not_proves_nothing_better():
    limits = spent(WALL, 0.0, 0.0, 0.0, 0.0, 0.0, 2.4)

    word, sentence = verdict(UP, RETURN, AGAINST, limits)

    assert word is Verdict.NOT_PROVEN
    assert sentence.startswith(
        "Not proven: on 6 new episodes 'wall' came to a mean of 0.40 s (95 %"
    )
    assert "reaches above its limit of 0.50 s" in sentence
    assert verdict(DOWN, RETURN, AGAINST, limits)[0] is Verdict.WORSE


def test_a_policy_that_keeps_its_limits_is_judged_by_what_it_earns_and_they_are_told():
    limits = [*spent(WALL, 0.1, 0.2, 0.1, 0.2, 0.1, 0.2), *spent(NEVER, *[0.0] * 6)]

    word, sentence = verdict(UP, RETURN, AGAINST, limits)

    assert word is Verdict.BETTER
    assert "'wall' stayed below its limit of 0.50 s: a mean of 0.15 s" in sentence
    assert (
        "'largest angle' was 0 s in all 6 episodes: with 95 % confidence at most 50 % of episodes "
        "have any" in sentence
    )


def test_a_cost_that_is_no_number_keeps_no_limit():
    word, _ = verdict(UP, RETURN, AGAINST, spent(WALL, float("nan"), *[0.0] * 5))

    assert word is Verdict.BREAKS


def test_a_bound_is_not_called_an_optimum():
    against = Against(rival="LQR", span=1.0, optimum=8.0, exact=False)

    _, sentence = verdict(difference([7.0] * 6, [5.0] * 6), RETURN, against)

    assert "A bound that nobody can pass is 8.00: the policy is 1.00" in sentence


def test_numbers_are_as_people_read_them():
    shown = [number(value) for value in (0.4249, 37.12, 1203.7, -0.001, float("nan"))]

    assert shown == ["0.42", "37.1", "1,204", "0.00", "unknown"]
