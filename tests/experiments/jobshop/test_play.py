# SPDX-License-Identifier: MIT
from dataclasses import replace

import numpy as np
import pytest

from flyball.core.clock import ManualClock
from flyball.core.errors import ScheduleError
from flyball.experiments.jobshop.play import Dice, greedy, judged, warm_up
from flyball.worlds.jobshop import RULES, WORLD
from tests.experiments.jobshop.small_runs import small_plant

DAYS = WORLD.days(small_plant(), 1, range(5), held_out=True)


@pytest.mark.parametrize("batch", [1, 2, 5, 9])
def test_schedules_do_not_depend_on_how_many_are_made_side_by_side(batch):
    found = greedy(DAYS, RULES["ATC"], "ATC", ManualClock(), batch=batch)
    alone = greedy(DAYS, RULES["ATC"], "ATC", ManualClock(), batch=5)

    for one, other in zip(found, alone, strict=True):
        np.testing.assert_array_equal(one.schedule.start_s, other.schedule.start_s)
        np.testing.assert_array_equal(one.schedule.machine, other.schedule.machine)


def test_every_schedule_is_of_its_own_day_and_named_by_its_method():
    found = greedy(DAYS, RULES["EDD"], "EDD", ManualClock())

    assert [each.schedule.scenario.name for each in found] == [day.name for day in DAYS]
    assert {each.schedule.method for each in found} == {"EDD"}


def test_a_schedule_that_breaks_a_rule_never_counts():
    good = greedy(DAYS[:1], RULES["EDD"], "EDD", ManualClock())[0].schedule

    with pytest.raises(ScheduleError):
        judged(replace(good, end_s=good.end_s + 1), 0.0)


def test_chance_is_the_same_for_the_same_seed_and_differs_between_seeds():
    def starts(seed: int) -> list[int]:
        found = greedy(DAYS[:1], Dice(seed), "random", ManualClock())
        return found[0].schedule.start_s.tolist()

    assert starts(1) == starts(1)
    assert any(starts(seed) != starts(1) for seed in range(2, 9))


def test_warming_up_takes_some_time_and_leaves_nothing():
    assert warm_up() > 0
