# SPDX-License-Identifier: MIT
from dataclasses import fields, replace

import numpy as np
import pytest

from flyball.core.errors import ScenarioError
from flyball.worlds.jobshop.scenario import FOREVER_S, Calendars, Scenario, always_open
from tests.worlds.jobshop.small_shops import H, ints, longs, shop

# Operation 0 runs on machines 0 and 2, operation 1 on 1, operation 2 on 2; machine 3 is idle.
ROUTES = [[{0: 2, 2: 4}, {1: 3}], [{2: 1}]]


@pytest.mark.parametrize(
    ("wrong", "said"),
    [
        ({"job_op": ints([0, 2])}, r"job_op: shape \(2,\); allowed: \(3,\)"),
        ({"op_pair": ints([0, 2, 3])}, r"op_pair: shape \(3,\); allowed: \(4,\)"),
        ({"setup_s": np.zeros((1, 1, 1), dtype=np.int64)}, r"setup_s: shape \(1, 1, 1\)"),
        ({"machine_group": ints([0])}, r"machine_group: shape \(1,\); allowed: \(3,\)"),
        ({"fixed_machine": ints([-1])}, r"fixed_machine: shape \(1,\); allowed: \(3,\)"),
        ({"job_op": ints([0, 0, 3])}, "a job without operations"),
        ({"op_pair": ints([0, 2, 2, 4])}, "an operation that no machine can do"),
    ],
)
def test_arrays_that_contradict_each_other_are_refused(wrong, said):
    with pytest.raises(ScenarioError, match=said):
        replace(shop(ROUTES), **wrong)


def test_every_contradiction_is_told_at_once():
    with pytest.raises(ScenarioError) as caught:
        replace(shop(ROUTES), machine_group=ints([0]), op_pair=ints([0, 2, 2, 4]))

    assert len(caught.value.problems) == 2


def test_a_shop_without_jobs_is_refused():
    with pytest.raises(ScenarioError, match="no job"):
        replace(shop(ROUTES), job_name=(), job_op=ints([0]))


def test_sizes_owners_and_durations_follow_from_the_arrays():
    scenario = shop(ROUTES, at_least=4)

    assert (scenario.n_jobs, scenario.n_ops, scenario.n_machines) == (2, 3, 4)
    assert scenario.op_job.tolist() == [0, 0, 1]
    assert scenario.pair_op.tolist() == [0, 0, 1, 2]
    assert scenario.mean_duration_s.tolist() == [3 * H, 3 * H, 1 * H]
    assert scenario.min_duration_s.tolist() == [2 * H, 3 * H, 1 * H]


def test_an_important_job_costs_three_times_its_weight():
    scenario = shop(ROUTES, weight=np.array([2.0, 5.0]), important=np.array([True, False]))

    assert scenario.full_weight.tolist() == [6.0, 5.0]


@pytest.mark.parametrize(
    ("routes", "cells"),
    [
        (ROUTES, [0, 1, 0]),
        ([[{0: 1}], [{1: 1}], [{2: 1}]], [0, 1, 2]),
        ([[{0: 1, 1: 1}], [{1: 1, 2: 1}]], [0, 0, 0]),
        ([[{3: 1, 1: 1}], [{2: 1, 0: 1}]], [0, 1, 0, 1]),
        ([[{3: 1, 1: 1}], [{2: 1, 0: 1}], [{3: 1, 2: 1}]], [0, 0, 0, 0]),
        # Each union joins two trees of several machines, whatever order they come in.
        ([[{4: 1, 5: 1}], [{2: 1, 3: 1}], [{5: 1, 3: 1}], [{0: 1}]], [0, 1, 2, 2, 2, 2]),
    ],
)
def test_machines_that_share_operations_decide_together(routes, cells):
    assert shop(routes).machine_cell.tolist() == cells


def test_the_calendar_without_end_is_one_window_and_no_overtime():
    calendars = always_open()

    assert calendars.open_s.tolist() == [0]
    assert calendars.close_s.tolist() == [FOREVER_S]
    assert calendars.overtime_open_s.size == 0


def test_arrays_names_everything_that_decides_the_dynamics():
    scenario = shop(ROUTES)
    held = {id(array) for array in scenario.arrays}

    own = {f.name for f in fields(Scenario) if isinstance(getattr(scenario, f.name), np.ndarray)}
    calendar = {f.name for f in fields(Calendars)} - {"name"}
    assert own == {name for name in own if id(getattr(scenario, name)) in held}
    assert all(id(getattr(scenario.calendars, name)) in held for name in calendar)
    assert len(scenario.arrays) == len(own) + len(calendar)


def test_whole_seconds_stay_exact():
    scenario = shop(ROUTES, due_s=longs([2**53 - 1, 0]))

    assert scenario.due_s.dtype == np.int64
    assert scenario.due_s[0] == 2**53 - 1
