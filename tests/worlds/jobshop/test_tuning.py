# SPDX-License-Identifier: MIT
from dataclasses import replace
from importlib import import_module

import numpy as np
import pytest

from flyball.core.clock import ManualClock
from flyball.worlds.jobshop.baselines import RULES
from flyball.worlds.jobshop.env import JobShop
from flyball.worlds.jobshop.plan import plan, score
from flyball.worlds.jobshop.tuning import GRIDS, SETTINGS, outcomes, tune
from tests.worlds.jobshop.odd_shops import odd_shop
from tests.worlds.jobshop.small_shops import H, ints, longs, shop, windows

MODULE = import_module("flyball.worlds.jobshop.tuning")

# All is late from the start, so ATCS weighs cost against set-up alone. The red job is worth its
# set-up: 4 times the weight, ln 4 = 1.4, against an hour of set-up in a mean of 1 h, which takes
# 2 off at the textbook's k2 of 0.5 and 1 or less from k2 = 1 on.
WORTH_A_SET_UP = shop(
    [[{0: 1}], [{0: 1}]],
    op_family=ints([0, 1]),
    family_name=("blue", "red"),
    setup_s=longs([[[0, 1], [0, 0], [0, 0]]]) * H,
    machine_family=ints([0]),
    due_s=longs([0, 0]),
    weight=np.array([1.0, 4.0]),
)

# The long job does not fit before the break; LPT starts it all the same and blocks the short one.
WORTH_PATIENCE = shop(
    [[{0: 3}], [{0: 1}]],
    calendars=windows([(0, 2), (10, 20)]),
    due_s=longs([99 * H, H]),
)


def by_name(trials):
    return {trial.rule.name: trial for trial in trials}


def still():
    return ManualClock()


def test_a_planted_setting_of_a_rule_is_found():
    textbook = score(outcomes([WORTH_A_SET_UP], RULES["ATCS"])).mean()

    found = by_name(tune([WORTH_A_SET_UP], clock=still()).best)["ATCS"]

    assert textbook == pytest.approx(1 * 1 + 4 * 3 + 0.003)
    assert found.rule.setup_look_ahead >= 1.0
    assert found.score == pytest.approx(1 * 3 + 4 * 2 + 0.003)


def test_patience_is_found_where_it_helps():
    found = by_name(tune([WORTH_PATIENCE], clock=still()).best)

    assert found["LPT"].rule.patience
    assert not found["SPT"].rule.patience
    assert found["LPT"].score < score(outcomes([WORTH_PATIENCE], RULES["LPT"])).mean()


POOL = [odd_shop(seed) for seed in range(8)]


def test_every_rule_comes_back_once_the_best_first_and_none_worse_than_its_textbook():
    trials = tune(POOL, clock=still()).best

    assert {trial.rule.name for trial in trials} == set(RULES)
    assert len(trials) == len(RULES)
    scores = [trial.score for trial in trials]
    assert scores == sorted(scores)
    for trial in trials:
        assert trial.score <= score(outcomes(POOL, RULES[trial.rule.name])).mean()


def test_the_score_of_a_trial_is_what_its_rule_reaches_on_the_pool():
    for trial in tune(POOL[:3], clock=still()).best:
        assert trial.score == score(outcomes(POOL[:3], trial.rule)).mean()


def test_no_single_setting_helps_once_the_search_is_over():
    for name, trial in by_name(tune(POOL[:4], clock=still()).best).items():
        for setting in SETTINGS.get(name, ()):
            for value in GRIDS[setting]:
                near = replace(trial.rule, **{setting: value})
                assert score(outcomes(POOL[:4], near)).mean() >= trial.score


class Backwards:
    """A pool of threads whose last task is over first."""

    def __init__(self, max_workers):
        assert max_workers <= 2

    def __enter__(self):
        return self

    def __exit__(self, *_):
        pass

    def map(self, task, given):
        found = [task(each) for each in reversed(given)]
        return list(reversed(found))


def test_the_result_does_not_depend_on_the_order_of_the_threads(monkeypatch):
    threaded = tune(POOL[:4], clock=still()).best

    monkeypatch.setattr(MODULE, "ThreadPoolExecutor", Backwards)

    assert tune(POOL[:4], clock=still()).best == threaded


@pytest.mark.parametrize("rounds", [0, 12, 13, 15])
def test_no_round_begins_after_the_time_is_over(rounds):
    # A round takes a second. The first rule is tried whatever the time.
    clock, told = ManualClock(), []

    def progress(share, best):
        clock.advance(1.0)
        told.append((share, best))

    trials = tune(POOL[:2], float(rounds), clock=clock, progress=progress).best

    assert len(told) == max(1, rounds)
    assert len(trials) == len(RULES)
    assert all(0.0 <= share <= 1.0 for share, _ in told)
    scores = [best.score for _, best in told]
    assert scores == sorted(scores, reverse=True)
    assert trials[0].score == scores[-1]


def test_a_setting_is_tried_once(monkeypatch):
    tried, real = [], MODULE._mean_score
    monkeypatch.setattr(
        MODULE, "_mean_score", lambda pool, rule: tried.append(rule) or real(pool, rule)
    )

    tune(POOL[:2], clock=still())

    assert len(set(tried)) == len(tried) > 2 * len(RULES)


def test_only_the_given_pool_is_played(monkeypatch):
    played = []

    class Watched(JobShop):
        def __init__(self, scenarios, n_envs):
            played.append(tuple(scenarios))
            super().__init__(scenarios, n_envs)

    monkeypatch.setattr(MODULE, "JobShop", Watched)

    tune(POOL[:2], clock=still())

    assert played
    assert {tuple(map(id, pool)) for pool in played} == {tuple(map(id, POOL[:2]))}


def test_outcomes_stand_in_the_order_of_the_scenarios_and_are_those_of_their_first_episode():
    # Episodes of one to five decisions: most rows have begun others when the last one ends.
    pool = [shop([[{0: 1}] * n]) for n in (5, 1, 3, 2, 4)]

    found = outcomes(pool, RULES["SPT"])

    assert found[:, 3].tolist() == [5.0, 1.0, 3.0, 2.0, 4.0]
    for scenario, row in zip(pool, found, strict=True):
        assert row.tolist() == list(plan(scenario, RULES["SPT"]).outcome.values())


class Hurried(ManualClock):
    """A clock on which every look costs a second."""

    def elapsed_s(self):
        self.advance(1.0)
        return super().elapsed_s()


def test_rules_that_the_time_does_not_reach_are_last_and_said_to_be_untried():
    trials = tune([WORTH_A_SET_UP], budget_s=4.0, clock=Hurried()).best

    untried = [trial.rule.name for trial in trials if np.isinf(trial.score)]
    assert {trial.rule.name for trial in trials} == set(RULES)
    assert np.isfinite(trials[0].score)
    assert "LPT" in untried
    assert "ATCS" not in untried


def test_without_a_limit_the_search_ends_by_itself_and_says_so():
    tried = []

    found = tune([WORTH_A_SET_UP], clock=Hurried(), keep=tried.extend)

    assert found.converged
    assert found.tried == len(tried) > 2 * len(RULES)
    assert found == tune([WORTH_A_SET_UP], clock=still())


def test_a_search_that_the_time_cut_does_not_claim_to_have_converged():
    for budget_s in (1.0, 4.0, 16.0):
        assert not tune([WORTH_A_SET_UP], budget_s, clock=Hurried()).converged


def test_a_search_that_was_killed_goes_on_to_the_same_end(monkeypatch):
    whole, kept, real = tune(POOL[:2], clock=still()), {}, MODULE._mean_score

    def keep(trials):
        kept.update({trial.rule: trial.score for trial in trials})
        if len(kept) > 30:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        tune(POOL[:2], clock=still(), keep=keep)
    again = []
    monkeypatch.setattr(
        MODULE, "_mean_score", lambda pool, rule: again.append(rule) or real(pool, rule)
    )
    found = tune(POOL[:2], clock=still(), known=dict(kept))

    assert found == whole
    assert not set(again) & set(kept)
