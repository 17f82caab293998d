# SPDX-License-Identifier: MIT
from dataclasses import FrozenInstanceError

import numpy as np
import pytest

from flyball.worlds.jobshop.baselines import RULES
from flyball.worlds.jobshop.env import JobShop
from tests.worlds.jobshop.small_shops import H, ints, longs, shop


def made(scenario):
    """Return the schedule of one episode by SPT."""
    env = JobShop([scenario], 1)
    observation = env.reset(longs([0]))
    rule = RULES["SPT"]
    while (schedule := env.schedule(0, "SPT")) is None:
        action, _, _ = rule.act(observation, rule.initial(1), None)
        observation = env.step(action).observation
    return schedule


def test_a_schedule_says_where_and_when_each_operation_runs():
    # One machine, set up for red; blue takes an hour of set-up.
    scenario = shop(
        [[{0: 2}], [{0: 1}]],
        op_family=ints([1, 0]),
        family_name=("red", "blue"),
        setup_s=longs([[[0, 1], [1, 0], [0, 1]]]) * H,
        machine_family=ints([0]),
    )

    schedule = made(scenario)

    assert schedule.scenario is scenario
    assert schedule.method == "SPT"
    assert schedule.machine.tolist() == [0, 0]
    assert schedule.setup_start_s.tolist() == [1 * H, 0]
    assert schedule.setup_end_s.tolist() == [2 * H, 0]
    assert schedule.start_s.tolist() == [2 * H, 0]
    assert schedule.end_s.tolist() == [4 * H, 1 * H]


def test_fixed_work_keeps_its_place_and_has_no_set_up_of_its_own():
    scenario = shop(
        [[{0: 2}, {1: 1}], [{1: 1}]],
        setup_s=np.ones((1, 2, 1), dtype=np.int64) * H,
        fixed_machine=ints([0, -1, -1]),
        fixed_start_s=longs([-H, 0, 0]),
        fixed_end_s=longs([3 * H, 0, 0]),
    )

    schedule = made(scenario)

    columns = (schedule.setup_start_s, schedule.setup_end_s, schedule.start_s)
    assert {int(column[0]) for column in columns} == {-H}
    assert schedule.end_s[0] == 3 * H
    assert schedule.machine[0] == 0
    assert schedule.setup_end_s[1] - schedule.setup_start_s[1] == H


def test_a_schedule_cannot_be_changed_and_does_not_change_with_the_env():
    scenario = shop([[{0: 2}], [{0: 1}]])
    env = JobShop([scenario], 1)
    env.reset(longs([0]))
    rule = RULES["LPT"]
    observation = env.reset(longs([0]))
    for _ in range(2):
        action, _, _ = rule.act(observation, rule.initial(1), None)
        observation = env.step(action).observation
    schedule = env.schedule(0, "LPT")
    kept = schedule.start_s.copy()

    other = RULES["SPT"]
    for _ in range(2):
        action, _, _ = other.act(observation, other.initial(1), None)
        observation = env.step(action).observation

    assert env.schedule(0, "SPT").start_s.tolist() == [H, 0]
    np.testing.assert_array_equal(schedule.start_s, kept)
    with pytest.raises(FrozenInstanceError):
        schedule.method = "mine"
