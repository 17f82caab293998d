# SPDX-License-Identifier: MIT
from datetime import datetime, timedelta
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from flyball.worlds.jobshop.calendar import (
    DAY_S,
    WEEK_S,
    Pattern,
    Shift,
    Span,
    finish,
    laid_out,
    merged,
    packed,
    typical_week,
    weeks_of,
    window_at,
    without,
)
from flyball.worlds.jobshop.scenario import FOREVER_S
from tests.worlds.jobshop.workbooks import START, at

H = 3600
WORKDAYS = frozenset(range(5))
DAY_SHIFT = Shift(WORKDAYS, 6 * 60, 14 * 60, "work")
NIGHT_SHIFT = Shift(WORKDAYS, 22 * 60, 6 * 60, "work")
PAUSE = Shift(WORKDAYS, 10 * 60, 10 * 60 + 30, "break")

spans = st.lists(
    st.tuples(st.integers(0, 60), st.integers(1, 20)).map(lambda s: (s[0], s[0] + s[1])), max_size=8
)


def seconds_in(these: list[Span]) -> set[int]:
    return {second for start, end in these for second in range(start, end)}


@given(spans)
def test_a_union_has_the_same_seconds_in_spans_that_never_touch(these: list[Span]) -> None:
    union = merged(these)

    assert seconds_in(union) == seconds_in(these)
    assert all(early[1] < late[0] for early, late in pairwise(union))


@given(spans, spans)
def test_a_difference_has_the_seconds_of_one_that_the_other_lacks(
    these: list[Span], cuts: list[Span]
) -> None:
    left = without(merged(these), cuts)

    assert seconds_in(left) == seconds_in(these) - seconds_in(cuts)
    assert all(early[1] < late[0] for early, late in pairwise(left))
    assert all(start < end for start, end in left)


shifts = st.builds(
    Shift,
    days=st.frozensets(st.integers(0, 6), min_size=1),
    from_min=st.integers(0, 47).map(lambda half: 30 * half),
    to_min=st.integers(0, 48).map(lambda half: 30 * half),
    kind=st.sampled_from(["work", "work", "break", "overtime"]),
)


def kinds_at(pattern: Pattern, moment: datetime) -> set[str]:
    """Say by the clock on the wall what a plant does at a moment: slow and obvious."""
    found = set()
    minute = moment.hour * 60 + moment.minute
    for shift in pattern.shifts:
        over_night = shift.to_min <= shift.from_min
        for back, low, high in [
            (0, shift.from_min, 1440 if over_night else shift.to_min),
            (1, 0, shift.to_min if over_night else 0),
        ]:
            day = (moment - timedelta(days=back)).date()
            works = day not in pattern.holidays or shift.kind == "break"
            if day.weekday() in shift.days and low <= minute < high and works:
                found.add(shift.kind)
    return found


@given(these=st.lists(shifts, min_size=1, max_size=5), feast=st.booleans())
def test_windows_say_what_the_clock_on_the_wall_says(*, these: list[Shift], feast: bool) -> None:
    holidays = frozenset({at(3).date()} if feast else ())
    pattern = Pattern(tuple(these), holidays)
    closed = (30 * H, 33 * H)

    windows = laid_out(pattern, START, 3 * DAY_S, [closed])

    for half in range(3 * 48):
        time_s = half * 1800
        kinds = kinds_at(pattern, START + timedelta(seconds=time_s))
        shut = "break" in kinds or closed[0] <= time_s < closed[1]
        is_open = not shut and bool(kinds & {"work", "overtime"})
        assert (window_at(windows.open, time_s) is not None) == is_open
        is_extra = is_open and "work" not in kinds
        assert (window_at(windows.overtime, time_s) is not None) == is_extra
    assert all(0 <= start < end <= 3 * DAY_S for start, end in windows.open)
    assert all(early[1] < late[0] for early, late in pairwise(windows.open))


def test_a_night_shift_before_a_holiday_is_worked_to_its_end() -> None:
    pattern = Pattern((NIGHT_SHIFT,), frozenset({at(3).date()}))

    windows = laid_out(pattern, START, 3 * DAY_S)

    # Monday 22:00 to Tuesday 06:00; none starts on Tuesday; Wednesday's is cut by the horizon.
    assert windows.open == ((16 * H, 24 * H), (64 * H, 72 * H))


def test_a_plan_that_starts_at_night_starts_inside_the_shift_of_the_day_before() -> None:
    windows = laid_out(Pattern((NIGHT_SHIFT,)), at(3, 2), DAY_S)

    assert windows.open == ((0, 4 * H), (20 * H, 24 * H))


def test_a_calendar_that_never_closes_closes_for_maintenance_only() -> None:
    windows = laid_out(Pattern((), always=True), START, DAY_S, [(H, 2 * H)])

    assert windows.open == ((0, H), (2 * H, FOREVER_S))
    assert typical_week(Pattern((), always=True)) == [FOREVER_S]


def test_a_typical_week_has_its_windows_once_and_no_holidays() -> None:
    pattern = Pattern((DAY_SHIFT, PAUSE), frozenset({at(3).date()}))

    assert typical_week(pattern) == [4 * H, 3.5 * H] * 5
    assert typical_week(Pattern((PAUSE,))) == []


def test_shifts_without_a_gap_all_week_never_close() -> None:
    assert typical_week(Pattern((Shift(frozenset(range(7)), 0, 24 * 60, "work"),))) == [FOREVER_S]


def test_weeks_of_work_count_only_windows_that_are_long_enough() -> None:
    week = [4 * H, 3 * H, 4 * H]

    assert weeks_of(week, 22 * H, interruptible=True) == 2
    assert weeks_of(week, 2 * H, interruptible=False) == 1 / 5
    assert weeks_of(week, 5 * H, interruptible=False) == float("inf")
    assert weeks_of([FOREVER_S], WEEK_S, interruptible=False) == 1
    assert weeks_of(week, 0, interruptible=False) == 0


@pytest.mark.parametrize(
    ("start", "work", "end"),
    [(0, 4, 4), (0, 5, 6), (2, 3, 6), (4, 1, 6), (4, 0, 4), (5, 4, 9), (9, 1, -1), (0, 9, -1)],
)
def test_work_that_may_pause_counts_open_time_only(start: int, work: int, end: int) -> None:
    assert finish([(0, 4), (5, 9)], start, work) == end


def test_windows_are_half_open() -> None:
    assert [window_at([(2, 4), (6, 8)], t) for t in (1, 2, 4, 7, 9)] == [
        None, (2, 4), None, (6, 8), None,
    ]  # fmt: skip


def test_flat_arrays_hold_each_calendar_in_turn() -> None:
    one = laid_out(Pattern((DAY_SHIFT,)), START, 2 * DAY_S)
    two = laid_out(Pattern((Shift(WORKDAYS, 600, 660, "overtime"),)), START, DAY_S)

    flat = packed([one, two], ["one", "two"])

    assert flat.window.tolist() == [0, 2, 3]
    assert flat.open_s.tolist() == [0, 24 * H, 4 * H]
    assert flat.close_s.tolist() == [8 * H, 32 * H, 5 * H]
    assert flat.overtime.tolist() == [0, 0, 1]
    assert flat.overtime_open_s.tolist() == [4 * H]
