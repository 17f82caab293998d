# SPDX-License-Identifier: MIT
from dataclasses import replace

import numpy as np

from flyball.worlds.jobshop.schedule import Schedule
from flyball.worlds.jobshop.view import Due, Span, gantt
from tests.worlds.jobshop.small_shops import H, ints, longs, shop, windows

# J1: 2 h on M1 (may pause), then 2 h on M2, due at 6 h. J2: 3 h on M1 after 1 h of set-up, due at
# 9 h, important. J3: fixed on M1 from 0 to 1 h, no due time. M1 works 0-2, 3-4, 5-9 h (overtime
# 8-9 h), M2 always.
SHOP = shop(
    [[{0: 2}, {1: 2}], [{0: 3}], [{0: 1}]],
    due_s=longs([5 * H, 9 * H, 2**53]),
    important=np.array([False, True, False]),
    op_family=ints([0, 0, 1, 0]),
    interruptible=np.array([True, False, True, False]),
    fixed_machine=ints([-1, -1, -1, 0]),
    fixed_end_s=longs([0, 0, 0, H]),
    machine_calendar=ints([0, 1]),
    family_name=("red", "blue"),
    setup_s=longs([[[0, 1], [0, 0], [0, 2]]]) * H,
    calendars=windows([(0, 2), (3, 4), (5, 9)], [(0, 40)], overtime=(8, 9)),
)
PLAN = Schedule(
    scenario=SHOP,
    method="by hand",
    machine=ints([0, 1, 0, 0]),
    setup_start_s=longs([1, 4, 5, 0]) * H,
    setup_end_s=longs([1, 4, 6, 0]) * H,
    start_s=longs([1, 4, 6, 0]) * H,
    end_s=longs([4, 6, 9, 1]) * H,
)


def test_a_bar_says_whose_it_is_and_what_is_special_about_it():
    bars = gantt(PLAN).bars

    first, second, third, fourth = bars
    assert (first.job_name, first.machine, first.start_s, first.end_s) == ("J1", 0, H, 4 * H)
    assert (first.late, second.late, third.late, fourth.late) == (True, True, False, False)
    assert [bar.important for bar in bars] == [False, False, True, False]
    assert [bar.fixed for bar in bars] == [False, False, False, True]
    assert (third.setup_start_s, third.setup_end_s) == (5 * H, 6 * H)


def test_closed_time_is_what_the_windows_leave_until_the_last_end():
    closed = gantt(PLAN).closed

    assert closed == (Span(0, 2 * H, 3 * H), Span(0, 4 * H, 5 * H))


def test_a_pause_is_closed_time_inside_a_bar():
    assert gantt(PLAN).pauses == (Span(0, 2 * H, 3 * H),)


def test_overtime_is_shown_on_the_machines_that_have_it():
    assert gantt(PLAN).overtime == (Span(0, 8 * H, 9 * H),)


def test_jobs_without_a_due_time_have_no_tick():
    dues = gantt(PLAN).dues

    assert dues == (
        Due(0, "J1", 5 * H, 6 * H, 1, important=False),
        Due(1, "J2", 9 * H, 9 * H, 0, important=True),
    )


def test_the_now_line_is_the_start_of_the_plan_also_when_fixed_work_began_before():
    running = replace(
        PLAN, setup_start_s=PLAN.setup_start_s - H, start_s=PLAN.start_s - H, end_s=PLAN.end_s - H
    )

    chart = gantt(running)

    assert (chart.now_s, chart.from_s, chart.to_s) == (0, -H, 8 * H)
    assert chart.start is None
