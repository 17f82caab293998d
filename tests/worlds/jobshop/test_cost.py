# SPDX-License-Identifier: MIT
from dataclasses import replace

import numpy as np
import pytest

from flyball.worlds.jobshop.cost import Cost
from flyball.worlds.jobshop.timing import list_schedule
from flyball.worlds.jobshop.validator import kpis
from tests.worlds.jobshop.small_shops import H, ints, longs, random_shop, shop


@pytest.mark.parametrize("seed", range(10))
def test_the_cost_of_a_schedule_is_its_weighted_figures(seed):
    scenario = replace(random_shop(seed), weight=np.array([0.25, 1.5, 3.0]))
    schedule = list_schedule(scenario)

    cost = Cost.of(scenario, {"weighted_tardiness_h": 0.5, "makespan_h": 2.0})

    figures = kpis(schedule)
    want = 0.5 * figures["weighted_tardiness_h"] + 2.0 * figures["makespan_h"]
    assert cost.hours(schedule) == pytest.approx(want)


def test_costs_are_the_smallest_whole_numbers_in_proportion():
    scenario = shop([[{0: 1}], [{0: 1}]], weight=np.array([0.5, 1.5]), due_s=longs([1, 1]))

    cost = Cost.of(scenario, {"weighted_tardiness_h": 4.0, "makespan_h": 1.0})

    assert cost.tardiness == {0: 2, 1: 6}
    assert cost.makespan == 1


def test_jobs_without_due_time_or_weight_cost_nothing():
    scenario = shop([[{0: 1}], [{0: 1}]], weight=np.array([0.0, 1.0]))

    cost = Cost.of(scenario, {"weighted_tardiness_h": 1.0})

    assert cost.hours(list_schedule(scenario)) == 0


def test_the_tardiness_of_settled_jobs_is_added_to_a_bound():
    scenario = shop(
        [[{0: 2}], [{0: 1}]],
        due_s=longs([H, H]),
        fixed_machine=ints([0, -1]),
        fixed_end_s=longs([2 * H, 0]),
    )

    cost = Cost.of(scenario, {"weighted_tardiness_h": 1.0})

    assert cost.bound(2.0, H) == pytest.approx(3.0)
