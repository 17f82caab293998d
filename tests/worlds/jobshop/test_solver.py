# SPDX-License-Identifier: MIT
from dataclasses import replace

import numpy as np
import pytest

from flyball.core.errors import ConfigError, ScheduleError
from flyball.worlds.jobshop.scenario import Scenario
from flyball.worlds.jobshop.solver import solve
from flyball.worlds.jobshop.timing import list_schedule
from flyball.worlds.jobshop.validator import check, kpis
from tests.worlds.jobshop.exhaustive import Exhaustive
from tests.worlds.jobshop.odd_shops import odd_shop
from tests.worlds.jobshop.small_shops import H, longs, random_shop, shop

TARDINESS = {"weighted_tardiness_h": 1.0}
MAKESPAN = {"makespan_h": 1.0}


def with_fixed_work(scenario: Scenario, seed: int) -> Scenario:
    """Return the shop with the first operation of its first job under way or frozen."""
    machine, start_s, end_s = (
        array.copy()
        for array in (scenario.fixed_machine, scenario.fixed_start_s, scenario.fixed_end_s)
    )
    machine[0] = scenario.pair_machine[0]
    start_s[0] = (seed % 5 - 2) * H
    end_s[0] = start_s[0] + 3 * H
    return replace(scenario, fixed_machine=machine, fixed_start_s=start_s, fixed_end_s=end_s)


def tiny(seed: int) -> Scenario:
    scenario = random_shop(seed, n_jobs=4 if seed % 3 == 0 else 3)
    return with_fixed_work(scenario, seed) if seed % 2 else scenario


def tardiness_h(scenario: Scenario, ends_h: list[int]) -> float:
    last = scenario.job_op[1:] - 1
    return sum(
        weight * max(0, ends_h[op] - due_s / H)
        for weight, op, due_s in zip(scenario.full_weight, last, scenario.due_s, strict=True)
        if ends_h[op]
    )


@pytest.mark.parametrize("seed", range(24))
def test_the_optimum_is_that_of_trying_everything(seed):
    scenario = tiny(seed)
    least = Exhaustive(scenario).best(lambda ends: tardiness_h(scenario, ends))

    solution = solve(scenario, objective=TARDINESS, time_s=20)

    assert solution.status == "optimal"
    assert solution.objective == pytest.approx(least)
    assert solution.bound == pytest.approx(least)
    assert kpis(solution.schedule)["weighted_tardiness_h"] == pytest.approx(least)


@pytest.mark.parametrize("seed", range(12))
def test_the_shortest_makespan_is_that_of_trying_everything(seed):
    scenario = tiny(seed)

    solution = solve(scenario, objective=MAKESPAN, time_s=20)

    assert solution.status == "optimal"
    assert solution.objective == pytest.approx(Exhaustive(scenario).best(max))


@pytest.mark.parametrize("seed", range(6))
def test_a_weighted_sum_weighs_both(seed):
    scenario = tiny(seed)
    least = Exhaustive(scenario).best(
        lambda ends: 0.5 * tardiness_h(scenario, ends) + 2 * max(ends)
    )

    solution = solve(
        scenario, objective={"weighted_tardiness_h": 0.5, "makespan_h": 2.0}, time_s=20
    )

    assert solution.status == "optimal"
    assert solution.objective == pytest.approx(least)


def test_nothing_runs_across_fixed_work_without_length():
    # 3 h of work that may pause do not fit before the mark at 2 h, so they begin there.
    marked = shop(
        [[{0: 3}], [{0: 1}]],
        interruptible=np.array([True, False]),
        fixed_machine=np.array([-1, 0], dtype=np.int32),
        fixed_start_s=longs([0, 2]) * H,
        fixed_end_s=longs([0, 2]) * H,
    )

    solution = solve(marked, objective=MAKESPAN, time_s=5)

    assert (solution.status, solution.objective) == ("optimal", 5)


@pytest.mark.parametrize("seed", range(0, 24, 2))
def test_odd_shops_have_one_optimum_whatever_the_search_starts_from(seed):
    scenario = odd_shop(seed)
    other = solve(scenario, objective=MAKESPAN, time_s=5).schedule

    one, two = (solve(scenario, objective=TARDINESS, time_s=5, hint=hint) for hint in (None, other))

    assert check(one.schedule) == check(two.schedule) == []
    if one.status == two.status == "optimal":
        assert one.objective == pytest.approx(two.objective)


@pytest.mark.parametrize("threads", [1, 2])
def test_a_large_shop_is_improved_part_by_part(threads):
    scenario = random_shop(5, n_jobs=20, n_machines=4, n_ops=4)
    hint = list_schedule(scenario)

    solution = solve(scenario, objective=TARDINESS, time_s=4, threads=threads, hint=hint)

    assert check(solution.schedule) == []
    assert solution.schedule.method == "CP-SAT"
    assert solution.bound <= solution.objective <= kpis(hint)["weighted_tardiness_h"]
    assert solution.models > 0
    assert solution.build_s < solution.wall_s * threads


def test_without_time_the_hint_comes_back_and_the_status_says_so():
    scenario = random_shop(5, n_jobs=10)
    hint = list_schedule(scenario)

    solution = solve(scenario, objective=TARDINESS, time_s=1e-6, hint=hint)

    assert solution.status == "hint"
    assert solution.bound < solution.objective
    np.testing.assert_array_equal(solution.schedule.end_s, hint.end_s)


def test_a_shop_with_only_fixed_work_has_nothing_to_decide():
    one = shop([[{0: 2}]], due_s=longs([H]))
    fixed = replace(one, fixed_machine=np.zeros(1, dtype=np.int32), fixed_end_s=longs([2 * H]))

    solution = solve(fixed, objective=TARDINESS, time_s=1)

    assert (solution.status, solution.objective, solution.bound) == ("optimal", 1, 1)
    assert solution.models == 0


def test_a_hint_that_every_job_alone_could_not_beat_is_optimal_at_once():
    scenario = shop([[{0: 2}], [{1: 3}]], due_s=longs([H, H]))

    solution = solve(scenario, objective=TARDINESS, time_s=1)

    assert (solution.status, solution.objective, solution.models) == ("optimal", 3, 0)


def test_a_hint_that_breaks_a_rule_is_never_handed_on():
    scenario = shop([[{0: 2}], [{0: 3}]])
    hint = list_schedule(scenario)
    wrong = replace(hint, machine=hint.machine + 1)

    with pytest.raises(ScheduleError, match="machine number 1"):
        solve(scenario, objective=TARDINESS, time_s=1e-6, hint=wrong)


@pytest.mark.parametrize(
    ("objective", "words"),
    [
        ({"makespan": 1.0}, "did you mean 'makespan_h'"),
        ({"makespan_h": -1.0}, "weight -1.0"),
        ({"makespan_h": 0.0}, "no weight above 0"),
    ],
)
def test_an_objective_that_means_nothing_is_refused(objective, words):
    with pytest.raises(ConfigError, match=words):
        solve(shop([[{0: 1}]]), objective=objective, time_s=1)
