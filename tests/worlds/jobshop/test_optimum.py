# SPDX-License-Identifier: MIT
from dataclasses import replace
from itertools import permutations

import numpy as np
import pytest

from flyball.core.errors import ScenarioError, SolverError
from flyball.worlds.jobshop.optimum import (
    KNOWN,
    edd,
    exact,
    johnson,
    largest_lateness,
    late_jobs,
    max_lateness_h,
    moore_hodgson,
    two_machine_flow,
    weighted_completion,
    wspt,
)
from flyball.worlds.jobshop.timing import from_sequences
from flyball.worlds.jobshop.validator import check, kpis
from tests.worlds.jobshop.small_shops import H, ints, longs, random_shop, shop, windows


def least(scenario, figure):
    """Return the least figure over every order of the jobs on one machine."""
    zeros = np.zeros(scenario.n_jobs, dtype=np.int32)
    return min(
        figure(from_sequences(scenario, zeros, order, "all"))
        for order in permutations(range(scenario.n_jobs))
    )


@pytest.mark.parametrize("name", KNOWN)
@pytest.mark.parametrize("seed", [0, 1])
def test_every_known_shop_comes_with_a_valid_schedule_of_its_value(name, seed):
    known = KNOWN[name](seed)

    figures = kpis(known.schedule) | {"max_lateness_h": max_lateness_h(known.schedule)}

    assert check(known.schedule) == []
    assert figures[known.figure] == known.value


@pytest.mark.parametrize("seed", range(4))
def test_shortest_weighted_time_first_is_best_for_weighted_completion(seed):
    known = weighted_completion(seed, n_jobs=6)

    every = least(known.scenario, lambda schedule: kpis(schedule)["weighted_tardiness_h"])

    assert known.value == pytest.approx(every)


@pytest.mark.parametrize("seed", range(4))
def test_earliest_due_date_first_is_best_for_the_largest_lateness(seed):
    known = largest_lateness(seed, n_jobs=6)

    assert known.value == least(known.scenario, max_lateness_h)


@pytest.mark.parametrize("seed", range(4))
def test_moore_hodgson_leaves_the_fewest_jobs_late(seed):
    known = late_jobs(seed, n_jobs=6)

    every = least(known.scenario, lambda schedule: kpis(schedule)["late_jobs"])

    assert known.value == every > 0


@pytest.mark.parametrize("seed", range(8))
def test_johnson_is_best_for_two_machines_in_a_row(seed):
    known = two_machine_flow(seed)

    assert exact(known.scenario, {"makespan_h": 1.0}, 20).value == known.value


def test_a_job_without_weight_goes_last():
    scenario = replace(weighted_completion(0).scenario, weight=np.array([0.0, 1, 1, 1, 1, 1, 1, 1]))

    schedule = wspt(scenario)

    assert schedule.start_s.argmax() == 0


@pytest.mark.parametrize("seed", range(3))
def test_what_is_exact_is_proved_and_valid(seed):
    known = exact(random_shop(seed), {"weighted_tardiness_h": 1.0}, 20)

    assert known.proof == "CP-SAT"
    assert check(known.schedule) == []
    assert kpis(known.schedule)[known.figure] == pytest.approx(known.value)


def test_what_cannot_be_proved_in_time_is_no_optimum():
    with pytest.raises(SolverError, match="a proved optimum"):
        exact(random_shop(5, n_jobs=12, n_machines=3), {"weighted_tardiness_h": 1.0}, 1e-6)


ONE = weighted_completion(0, n_jobs=3).scenario
FLOW = two_machine_flow(0, n_jobs=3).scenario


@pytest.mark.parametrize(
    ("rule", "scenario", "words"),
    [
        (wspt, FLOW, "all on one machine"),
        (edd, shop([[{0: 1}], [{1: 1}]]), "all on one machine"),
        (moore_hodgson, replace(ONE, release_s=longs([0, 1, 0])), "released at 0"),
        (johnson, ONE, "on the same machine first"),
        (johnson, shop([[{0: 1}, {1: 1}], [{1: 1}, {0: 1}]]), "on the same machine first"),
        (wspt, replace(ONE, setup_s=longs([[[1], [1]]]) * H), "no set-ups"),
        (wspt, replace(ONE, calendars=windows([(0, 3), (4, 99)])), "never close"),
        (edd, replace(ONE, fixed_machine=ints([0, -1, -1])), "no fixed work"),
    ],
)
def test_a_rule_refuses_a_shop_that_it_is_not_proved_for(rule, scenario, words):
    with pytest.raises(ScenarioError, match=words):
        rule(scenario)
