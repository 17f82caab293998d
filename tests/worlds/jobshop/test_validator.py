# SPDX-License-Identifier: MIT
from dataclasses import replace

import numpy as np
import pytest

from flyball.core.errors import ScheduleError
from flyball.worlds.jobshop.schedule import Schedule
from flyball.worlds.jobshop.validator import KPI_NAMES, SHOWN, check, kpis, require_valid
from tests.worlds.jobshop.small_shops import H, ints, longs, shop, windows

# J1: 2 h on M1 (red, may pause), 2 h on M2. J2: 3 h on M1 (blue), may not pause.
# J3: fixed on M1 from 0 to 1 h (red). M1 works 0-4, 5-9, 10-14 h, M2 always (0-40 h).
# Set-up red to blue: 1 h; nothing to blue: 2 h; set-ups may not pause.
SHOP = shop(
    [[{0: 2}, {1: 2}], [{0: 3, 1: 4}], [{0: 1}]],
    release_s=longs([H, 0, 0]),
    due_s=longs([6 * H, 9 * H, 2 * H]),
    weight=np.array([1.0, 2.0, 1.0]),
    important=np.array([False, True, False]),
    op_family=ints([0, 0, 1, 0]),
    interruptible=np.array([True, False, False, False]),
    fixed_machine=ints([-1, -1, -1, 0]),
    fixed_end_s=longs([0, 0, 0, H]),
    machine_group=ints([0, 1]),
    machine_calendar=ints([0, 1]),
    group_name=("lathes", "mills"),
    family_name=("red", "blue"),
    setup_s=longs([[[0, 1], [0, 0], [0, 2]], [[0, 0], [0, 0], [0, 0]]]) * H,
    setup_interruptible=np.array([False, True]),
    calendars=windows([(0, 4), (5, 9), (10, 14)], [(0, 40)], overtime=(10, 12)),
)

# J1 1-3 on M1, 3-5 on M2; J2 set-up 3-4, then 5-8 on M1; J3 fixed.
VALID = Schedule(
    scenario=SHOP,
    method="by hand",
    machine=ints([0, 1, 0, 0]),
    setup_start_s=longs([1, 3, 3, 0]) * H,
    setup_end_s=longs([1, 3, 4, 0]) * H,
    start_s=longs([1, 3, 5, 0]) * H,
    end_s=longs([3, 5, 8, 1]) * H,
)


def moved(op: int, machine: int, hours: tuple[float, float, float, float]) -> Schedule:
    """Return the valid schedule with one operation elsewhere."""
    arrays = {
        name: getattr(VALID, name).copy()
        for name in ("machine", "setup_start_s", "setup_end_s", "start_s", "end_s")
    }
    arrays["machine"][op] = machine
    for name, hour in zip(list(arrays)[1:], hours, strict=True):
        arrays[name][op] = int(hour * H)
    return replace(VALID, **arrays)


def test_a_schedule_that_keeps_every_rule_has_no_problem():
    assert check(VALID) == []

    require_valid(VALID)


def test_a_set_up_may_begin_before_its_job_arrives():
    late = replace(SHOP, release_s=longs([H, 5 * H, 0]))

    assert check(replace(VALID, scenario=late)) == []


BREAKS = {
    "a machine that cannot do it": (moved(1, 0, (10, 10, 10, 12)), r"'M1'.*one of machine 'M2'"),
    "a machine that does not exist": (moved(0, 7, (1, 1, 1, 3)), "machine number 7"),
    "precedence": (moved(1, 1, (2, 2, 2, 4)), r"at 2 h.*not before 3 h, the end of job 'J1'"),
    "release": (moved(0, 0, (0.5, 0.5, 0.5, 2.5)), r"not before 1 h, the release"),
    "before the plan begins": (moved(2, 1, (-4, -4, -4, 0)), "not before 0 h, the start of the"),
    "two at a time": (moved(0, 0, (2, 2, 2, 4)), r"'J2' .*begins at 3 h while .*'J1'.* until 4 h"),
    "on fixed work": (moved(2, 0, (0, 0, 0, 3)), "one operation or set-up at a time"),
    "fixed work moved": (moved(3, 0, (1, 1, 1, 2)), r"moved to machine 'M1', 1 h to 2 h.*fixed"),
    "fixed work with a set-up": (moved(3, 0, (-1, 0, 0, 1)), "a set-up of its own"),
    "too short": (moved(1, 1, (3, 3, 3, 4)), r"takes 1 h, 3 h to 4 h; allowed: 2 h"),
    "too long with a pause": (moved(0, 0, (1, 1, 1, 4)), "takes 3 h of working time.*allowed: 2 h"),
    "through a break": (moved(2, 0, (5, 6, 7, 10)), "runs through closed time, 7 h to 10 h"),
    "start while closed": (moved(0, 0, (9.5, 9.5, 9.5, 12)), "starts at 9.5 h while the machine"),
    "end while closed": (moved(0, 0, (7, 7, 7, 9.5)), "ends at 9.5 h while the machine is closed"),
    "after the calendar": (moved(2, 0, (20, 21, 21, 24)), "runs through closed time"),
    "set-up too short": (moved(2, 0, (3.5, 4, 5, 8)), "set-up from family 'red' to .*30 min"),
    "set-up missing": (moved(2, 0, (5, 5, 5, 8)), r"set-up .* takes 0 min.*allowed: 1 h"),
    "set-up through a break": (moved(2, 0, (3.5, 5.5, 6, 9)), "takes 2 h"),
    "set-up after the start": (moved(2, 0, (5, 6, 5, 8)), "not before 6 h, the end of its set-up"),
    "set-up without need": (moved(0, 0, (1, 1.5, 1.5, 3.5)), "none, it needs no time"),
}  # fmt: skip


@pytest.mark.parametrize("kind", BREAKS)
def test_each_broken_rule_is_explained_with_names_and_times(kind):
    schedule, words = BREAKS[kind]

    with pytest.raises(ScheduleError, match=words):
        require_valid(schedule)


def test_the_set_up_for_fixed_work_needs_room_before_it():
    # J3 is blue and fixed from 5 to 6 h on M1; J1 (red) ends at 3 h, so the set-up has 3-4 h.
    fixed = replace(
        SHOP,
        op_family=ints([0, 0, 0, 1]),
        fixed_start_s=longs([0, 0, 0, 5]) * H,
        fixed_end_s=longs([0, 0, 0, 6]) * H,
    )
    schedule = replace(
        VALID,
        scenario=fixed,
        setup_start_s=longs([1, 3, 6, 5]) * H,
        setup_end_s=longs([1, 3, 6, 5]) * H,
        start_s=longs([1, 3, 6, 5]) * H,
        end_s=longs([3, 5, 9, 6]) * H,
    )

    assert check(schedule) == []

    later = replace(schedule, start_s=schedule.start_s.copy(), end_s=schedule.end_s.copy())
    for array in (later.setup_start_s, later.setup_end_s, later.start_s):
        array[0] += H // 2
    later.end_s[0] += H // 2
    problems = check(later)

    assert any("no room for a set-up" in problem.found for problem in problems)


def test_nothing_is_asked_between_two_pieces_of_fixed_work():
    both = replace(
        SHOP,
        fixed_machine=ints([-1, -1, 0, 0]),
        fixed_start_s=longs([0, 0, 0, 0]),
        fixed_end_s=longs([0, 0, 1, 1]) * H,
    )
    schedule = replace(
        VALID,
        scenario=both,
        setup_start_s=longs([1, 3, 0, 0]) * H,
        setup_end_s=longs([1, 3, 0, 0]) * H,
        start_s=longs([1, 3, 0, 0]) * H,
        end_s=longs([3, 5, 1, 1]) * H,
    )

    assert check(schedule) == []


def test_an_operation_without_length_needs_no_open_machine():
    closed = shop([[{0: 0}]], calendars=windows([(5, 6)]))
    zero = longs([0])

    assert not check(
        Schedule(
            scenario=closed, method="by hand", machine=ints([0]),
            setup_start_s=zero, setup_end_s=zero, start_s=zero, end_s=zero,
        )
    )  # fmt: skip


@pytest.mark.parametrize("wrong", [longs([0, 0]), np.zeros(4), np.full(4, np.nan)])
def test_arrays_that_do_not_fit_are_refused_before_anything_else(wrong):
    problems = check(replace(VALID, start_s=wrong))

    assert len(problems) == 1
    assert "start_s" in problems[0].where


def test_many_problems_of_one_kind_are_counted_not_listed():
    many = shop([[{0: 1}] for _ in range(30)])
    zero = longs([0] * 30)
    schedule = Schedule(
        scenario=many, method="all at once", machine=ints([0] * 30),
        setup_start_s=zero, setup_end_s=zero, start_s=zero, end_s=zero + H,
    )  # fmt: skip

    problems = check(schedule)

    assert len(problems) == SHOWN
    assert problems[-1].more == 29 - SHOWN


def test_the_figures_are_those_computed_by_hand():
    # J2 moves behind the second break: set-up 9-10 is closed, so 10-11 h, then 11-14 h.
    late = moved(2, 0, (10, 11, 11, 14))

    assert check(late) == []
    figures = kpis(late)

    assert tuple(figures) == KPI_NAMES
    assert figures["weighted_tardiness_h"] == pytest.approx(2.0 * 3 * 5)
    assert figures["days_late"] == pytest.approx(5 / 24)
    assert figures["late_jobs"] == 1
    assert figures["makespan_h"] == 14
    assert figures["setup_h"] == 1
    assert figures["overtime_h"] == 2  # set-up 10-11 and one hour of processing
    # M1: 1 + 2 + 1 + 3 = 7 of 12 open hours; M2: 2 of 14.
    assert figures["utilisation_spread"] == pytest.approx(100 * abs(7 / 12 - 2 / 14) / 2)


def test_fixed_work_that_began_before_the_plan_counts_only_from_its_start():
    begun = replace(SHOP, fixed_start_s=longs([0, 0, 0, -5]) * H)
    start_s = longs([1, 3, 5, -5]) * H
    schedule = replace(
        VALID,
        scenario=begun,
        start_s=start_s,
        setup_start_s=longs([1, 3, 3, -5]) * H,
        setup_end_s=longs([1, 3, 4, -5]) * H,
    )

    assert check(schedule) == []
    assert kpis(schedule) == kpis(VALID)


def test_a_machine_that_never_opens_is_left_out_of_the_spread():
    idle = shop([[{0: 1}], [{1: 1}]], machine_calendar=ints([0, 1]),
                calendars=windows([(0, 9)], [(5, 6)]),
                fixed_machine=ints([-1, 1]), fixed_end_s=longs([0, 1]) * H)  # fmt: skip
    zero = longs([0, 0])
    schedule = Schedule(
        scenario=idle, method="by hand", machine=ints([0, 1]),
        setup_start_s=zero, setup_end_s=zero, start_s=zero, end_s=zero + H,
    )  # fmt: skip

    assert check(schedule) == []
    assert kpis(schedule)["utilisation_spread"] == 0.0
