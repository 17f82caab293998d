# SPDX-License-Identifier: MIT
from dataclasses import dataclass, field, replace
from importlib import import_module

import numpy as np
import pytest

from flyball.core.batch import Action
from flyball.core.clock import ManualClock
from flyball.core.errors import InvariantError, ScheduleError
from flyball.worlds.jobshop.baselines import RULES, Chance
from flyball.worlds.jobshop.env import SPEC, JobShop
from flyball.worlds.jobshop.plan import LEVELS, SAMPLES, plan, score
from flyball.worlds.jobshop.tuning import outcomes
from flyball.worlds.jobshop.validator import check, kpis
from tests.worlds.jobshop.odd_shops import odd_shop
from tests.worlds.jobshop.small_shops import H, longs, random_shop, shop

SPT = replace(RULES["SPT"], noise=1.0)
SHOP = random_shop(3, n_jobs=5, n_machines=3, n_ops=3)
COLUMNS = ("machine", "setup_start_s", "setup_end_s", "start_s", "end_s")


@dataclass
class Slow:
    """A policy that takes time on a clock that it moves by hand: 1 s a call and 0.1 s a row."""

    policy: object
    clock: ManualClock
    name: str = "slow"

    def initial(self, n_envs):
        return self.policy.initial(n_envs)

    def act(self, observation, memory, key):
        self.clock.advance(1.0 + 0.1 * len(observation.start))
        return self.policy.act(observation, memory, key)


@dataclass
class Strayer(Slow):
    """A slow policy that is best three times as far as it would stray itself."""

    levels: list = field(default_factory=list)

    def straying(self, level):
        self.levels.append(level)
        return Slow(RULES["EDD"] if level == 3.0 else RULES["LPT"], self.clock)


def found(scenario, time_s, *, seed=0, policy=SPT, progress=None):
    """Return the plan of a slow policy, on its own clock."""
    clock = ManualClock()
    return plan(scenario, Slow(policy, clock), time_s, seed=seed, clock=clock, progress=progress)


def greedy_s(scenario):
    """Return the time of the greedy plan of a slow policy; a batch takes about 4 times as much."""
    return found(scenario, 0.0).elapsed_s


def same(one, other):
    return all(
        np.array_equal(getattr(one.schedule, name), getattr(other.schedule, name))
        for name in COLUMNS
    )


def test_without_time_the_plan_is_the_policys_own_episode():
    env = JobShop([SHOP], 1)
    observation, terminated = env.reset(longs([0])), False
    while not terminated:
        action, _, _ = SPT.act(observation, SPT.initial(1), None)
        step = env.step(action)
        observation, terminated = step.observation, bool(step.terminated[0])

    got = plan(SHOP, SPT)

    by_hand = env.schedule(0, "SPT")
    for name in COLUMNS:
        np.testing.assert_array_equal(getattr(got.schedule, name), getattr(by_hand, name))
    assert got.schedules == 1
    assert got.schedule.method == "SPT"
    assert list(got.outcome.values()) == step.outcome[0].tolist()


def test_the_outcome_is_what_the_validator_finds_in_the_schedule():
    got = found(SHOP, 20 * greedy_s(SHOP))

    assert got.schedules > 1
    assert check(got.schedule) == []
    expected = kpis(got.schedule)
    assert set(got.outcome) == set(expected) == {kpi.name for kpi in SPEC.kpis}
    for name, figure in expected.items():
        assert got.outcome[name] == pytest.approx(figure, abs=1e-5)


@pytest.mark.parametrize("seed", range(3))
def test_more_time_never_makes_a_plan_worse(seed):
    scenario = odd_shop(seed + 40)
    scores, counts = [], []

    for share in (0, 18, 20, 30):
        got = found(scenario, share * greedy_s(scenario), seed=seed)
        scores.append(float(score(np.array(list(got.outcome.values())))))
        counts.append(got.schedules)

    assert scores == sorted(scores, reverse=True)
    assert counts == sorted(counts)
    assert counts[-1] > 1


def test_search_improves_on_a_greedy_plan_that_can_be_improved():
    # SPT starts with the shorter job, though the other one is due when it would end.
    scenario = shop([[{0: 1}], [{0: 2}], [{0: 8}]], due_s=longs([9 * H, 2 * H, 99 * H]))

    greedy, searched = found(scenario, 0.0), found(scenario, 60.0)

    assert greedy.outcome["weighted_tardiness_h"] == 1.0
    assert searched.outcome["weighted_tardiness_h"] == 0.0


def test_the_same_seed_finds_the_same_plan():
    one, other = (found(SHOP, 20 * greedy_s(SHOP), seed=1, policy=Chance()) for _ in range(2))

    assert same(one, other)
    assert one.outcome == other.outcome


def test_every_batch_of_every_seed_draws_under_a_name_of_its_own(monkeypatch):
    module, drawn = import_module("flyball.worlds.jobshop.plan"), []
    real = module._draw

    def watched(*given):
        drawn.append((given[-1], real(*given)))
        return drawn[-1][1]

    monkeypatch.setattr(module, "_draw", watched)

    for seed in (1, 2):
        found(SHOP, 22 * greedy_s(SHOP), seed=seed, policy=Chance())

    keys = [key for key, _ in drawn if key]
    assert len(keys) > 4
    assert len(set(keys)) == len(keys)
    assert {seed for seed, _ in keys} == {1, 2}
    schedules = {tuple(schedule.start_s.tolist()) for key, (schedule, _) in drawn if key}
    assert len(schedules) > 1


@pytest.mark.parametrize("share", [0.5, 1, 5, 6, 7, 25])
def test_the_time_is_kept_but_for_the_greedy_plan(share):
    least_s = greedy_s(SHOP)

    got = found(SHOP, share * least_s)

    assert got.elapsed_s <= max(share * least_s, least_s)
    assert (got.schedules > 1) == (share > 6.34)


def test_a_search_tries_every_distance_and_goes_back_to_the_one_that_found_most():
    # By due date all three jobs are on time, longest first two of them are late.
    scenario = shop([[{0: 1}], [{0: 2}], [{0: 8}]], due_s=longs([H, 3 * H, 99 * H]))
    clock = ManualClock()
    policy = Strayer(SPT, clock)

    got = plan(scenario, policy, 200.0, clock=clock)

    assert got.outcome["weighted_tardiness_h"] == 0.0
    assert tuple(policy.levels[: len(LEVELS)]) == LEVELS
    assert len(policy.levels) >= 12
    assert set(policy.levels[5::2]) == {3.0}
    assert set(policy.levels[4::2]) == set(LEVELS)


def test_a_rule_strays_by_a_multiple_of_its_own_noise():
    assert replace(SPT, noise=0.2).straying(3.0) == replace(SPT, noise=0.2 * 3.0)


def test_progress_tells_the_share_of_the_time_and_the_best_so_far():
    told = []

    got = found(SHOP, 20 * greedy_s(SHOP), progress=lambda share, best: told.append((share, best)))

    shares, best = zip(*told, strict=True)
    assert len(told) == (got.schedules - 1) / SAMPLES > 1
    assert list(shares) == sorted(shares)
    assert 0.0 < shares[0] <= shares[-1] <= 1.0
    assert best[-1] == got.outcome["weighted_tardiness_h"]


def test_hours_late_count_before_an_early_end():
    names = [kpi.name for kpi in SPEC.kpis]
    late, long = np.zeros((2, len(names)))
    late[names.index("weighted_tardiness_h")] = 1.0
    long[names.index("makespan_h")] = 900.0

    assert score(long) < score(late)
    assert score(np.zeros(len(names))) < score(long)
    np.testing.assert_array_equal(score(np.stack([late, long])), [score(late), score(long)])


def test_a_schedule_that_breaks_a_rule_is_never_returned(monkeypatch):
    real = JobShop.schedule

    def early(self, row, method):
        schedule = real(self, row, method)
        return schedule and replace(schedule, start_s=schedule.start_s - H)

    monkeypatch.setattr(JobShop, "schedule", early)

    with pytest.raises(ScheduleError):
        plan(SHOP, SPT)


class Idle:
    """Waits whenever it may."""

    name = "idle"

    def initial(self, n_envs):
        return np.zeros((n_envs, 0), dtype=np.float32)

    def act(self, observation, memory, key):  # noqa: ARG002
        last = np.diff(observation.options.offset).astype(np.int32) - 1
        rows = len(last)
        action = Action(last[:, None, None], np.zeros((rows, 1, 0)))
        return action, np.zeros((rows, 1), dtype=np.float32), memory


@pytest.mark.parametrize("seed", range(10))
def test_even_a_policy_that_always_waits_comes_to_an_end(seed):
    for scenario in (odd_shop(seed), random_shop(seed, n_jobs=6, n_machines=3, n_ops=4)):
        assert plan(scenario, Idle()).outcome["makespan_h"] > 0


def test_an_endless_episode_is_our_fault_and_said_so(monkeypatch):
    monkeypatch.setattr(JobShop, "schedule", lambda *_: None)

    with pytest.raises(InvariantError, match="no schedule after"):
        plan(shop([[{0: 1}]]), SPT)


def test_a_greedy_plan_equals_the_policys_row_in_a_batch():
    pool = [odd_shop(seed) for seed in range(5)]

    together = outcomes(pool, SPT)

    for scenario, row in zip(pool, together, strict=True):
        assert list(plan(scenario, SPT).outcome.values()) == row.tolist()
