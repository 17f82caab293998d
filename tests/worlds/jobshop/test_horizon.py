# SPDX-License-Identifier: MIT
import numpy as np
import pytest

from flyball.worlds.jobshop.cost import Cost
from flyball.worlds.jobshop.horizon import earliest, look_ahead
from flyball.worlds.jobshop.timing import list_schedule
from tests.worlds.jobshop.small_shops import H, longs, random_shop, shop, windows

TARDINESS = {"weighted_tardiness_h": 1.0}


@pytest.mark.parametrize("seed", range(20))
def test_a_valid_schedule_lies_within_what_is_looked_at(seed):
    scenario = random_shop(seed, n_jobs=5, n_machines=3, n_ops=3)
    hint = list_schedule(scenario)

    horizon = look_ahead(scenario, Cost.of(scenario, TARDINESS), hint)

    assert np.all(hint.start_s >= horizon.earliest_s)
    assert np.all(hint.end_s <= horizon.latest_s)
    assert horizon.complete


def test_the_earliest_times_skip_closed_time_and_count_the_fastest_machine():
    scenario = shop(
        [[{0: 3, 1: 2}, {0: 2}]], release_s=longs([H]), calendars=windows([(0, 4), (6, 20)])
    )

    starts, ends = earliest(scenario)

    assert (starts, ends) == ([H, 6 * H], [3 * H, 8 * H])


def test_a_job_may_be_late_only_by_what_the_hint_costs():
    # Alone, both jobs are on time; in the hint, J1 0-2 and J2 2-5 h, J2 is an hour late.
    scenario = shop([[{0: 2}], [{0: 3}]], due_s=longs([3, 4]) * H)
    hint = list_schedule(scenario)

    horizon = look_ahead(scenario, Cost.of(scenario, TARDINESS), hint)

    assert horizon.bound_h == 0
    assert not horizon.reached
    assert horizon.latest_s == [4 * H, 5 * H]


def test_a_large_shop_without_due_times_admits_that_it_does_not_look_at_everything():
    scenario = shop([[{0: 1}] for _ in range(40)], due_s=longs([1] + [2**53] * 39))

    horizon = look_ahead(scenario, Cost.of(scenario, TARDINESS), list_schedule(scenario))

    assert not horizon.complete
