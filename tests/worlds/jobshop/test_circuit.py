# SPDX-License-Identifier: MIT
from dataclasses import replace

import pytest

from flyball.worlds.jobshop.solver import solve
from flyball.worlds.jobshop.validator import require_valid
from tests.worlds.jobshop.small_shops import H, ints, longs, shop

# Two red and two blue jobs of 1 h on one machine that stands red; a change takes 2 h.
COLOURS = shop(
    [[{0: 1}] for _ in range(4)],
    op_family=ints([0, 1, 0, 1]),
    machine_family=ints([0]),
    family_name=("red", "blue"),
    setup_s=longs([[[0, 2], [2, 0], [1, 1]]]) * H,
)


def makespan_h(scenario):
    solution = solve(scenario, objective={"makespan_h": 1.0}, time_s=10)

    require_valid(solution.schedule)
    assert solution.status == "optimal"
    return solution.objective


@pytest.mark.parametrize(("standing", "hours"), [(0, 6), (1, 6), (-1, 7)])
def test_families_are_run_one_after_the_other_from_the_one_that_stands(standing, hours):
    assert makespan_h(replace(COLOURS, machine_family=ints([standing]))) == hours


def test_fixed_work_between_changes_the_family():
    # Blue work fixed at 4-5 h: red 0-1, red 1-2, change 2-4, fixed blue, then blue.
    fixed = replace(
        COLOURS,
        fixed_machine=ints([-1, -1, -1, 0]),
        fixed_start_s=longs([0, 0, 0, 4]) * H,
        fixed_end_s=longs([0, 0, 0, 5]) * H,
    )

    assert makespan_h(fixed) == 6


def test_work_that_leaves_no_room_for_the_change_goes_behind_the_fixed_work():
    # At 3-4 h only one red job and the change fit before the blue work; the other needs 2 + 1 h.
    fixed = replace(
        COLOURS,
        fixed_machine=ints([-1, -1, -1, 0]),
        fixed_start_s=longs([0, 0, 0, 3]) * H,
        fixed_end_s=longs([0, 0, 0, 4]) * H,
    )

    assert makespan_h(fixed) == 8


def test_a_machine_may_stay_idle():
    two = shop(
        [[{0: 1, 1: 5}], [{0: 1, 1: 5}]],
        setup_s=longs([[[1], [0]]]) * H,
        machine_family=ints([0, -1]),
    )

    assert makespan_h(two) == 4
