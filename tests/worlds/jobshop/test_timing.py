# SPDX-License-Identifier: MIT
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from flyball.core.errors import SolverError
from flyball.worlds.jobshop.timing import Hours, from_sequences, list_schedule, retimed
from flyball.worlds.jobshop.validator import check
from tests.worlds.jobshop.small_shops import H, ints, longs, random_shop, shop, windows

DAY = Hours([1, 6, 12], [4, 9, 20])


def open_hours(hours):
    return {t for a, b in zip(hours.opens, hours.closes, strict=True) for t in range(a, b)}


@given(st.integers(0, 25), st.integers(0, 12), st.booleans())
def test_work_takes_its_length_of_open_time_and_begins_as_soon_as_it_can(at, length, may_pause):
    span = DAY.work(at, length, may_pause)

    fits = [
        start
        for start in sorted(open_hours(DAY))
        if start >= at
        and (
            len([t for t in open_hours(DAY) if t >= start]) >= length
            if may_pause
            else set(range(start, start + length)) <= open_hours(DAY)
        )
    ]
    if length == 0:
        assert span == (at, at)
    elif not fits:
        assert span is None
    else:
        start, end = span
        assert start == fits[0]
        assert len([t for t in open_hours(DAY) if start <= t < end]) == length
        assert end - 1 in open_hours(DAY)


@given(st.integers(0, 25), st.integers(1, 12), st.booleans())
def test_the_latest_beginning_is_the_last_that_ends_in_time(by, length, may_pause):
    latest = DAY.latest(by, length, may_pause)

    in_time = [
        at
        for at in range(30)
        if (span := DAY.work(at, length, may_pause)) is not None and span[1] <= by
    ]
    assert latest == (in_time[-1] if in_time else None)


@pytest.mark.parametrize("seed", range(40))
def test_a_list_schedule_is_valid_and_keeps_its_times_when_timed_again(seed):
    schedule = list_schedule(random_shop(seed, n_jobs=6, n_machines=3, n_ops=3))

    again = retimed(schedule)

    assert check(schedule) == []
    assert check(again) == []
    np.testing.assert_array_equal(again.end_s, schedule.end_s)


def test_timing_again_takes_idle_time_out_and_keeps_the_order():
    s = shop([[{0: 2}, {1: 2}], [{0: 3}]], calendars=windows([(0, 4), (5, 30)]))
    tight = list_schedule(s)
    loose = replace(
        tight,
        setup_start_s=longs([2, 12, 5]) * H,
        setup_end_s=longs([2, 12, 5]) * H,
        start_s=longs([2, 12, 5]) * H,
        end_s=longs([4, 14, 8]) * H,
    )

    again = retimed(loose)

    assert check(loose) == []
    assert again.start_s.tolist() == [0, 2 * H, 5 * H]


def test_a_sequence_decides_the_order_on_a_machine():
    s = shop([[{0: 2}], [{0: 3}]])

    schedule = from_sequences(s, ints([0, 0]), [1, 0], "by hand")

    assert schedule.start_s.tolist() == [3 * H, 0]
    assert schedule.method == "by hand"


def test_work_goes_before_fixed_work_only_where_the_change_fits_too():
    # Red work of 2 h; blue work fixed 3-4 h; red to blue 1 h: it just fits; 2 h: it does not.
    setup_s = longs([[[0, 1], [1, 0], [0, 0]]]) * H
    s = shop(
        [[{0: 2}], [{0: 1}]],
        op_family=ints([0, 1]),
        family_name=("red", "blue"),
        setup_s=setup_s,
        fixed_machine=ints([-1, 0]),
        fixed_start_s=longs([0, 3]) * H,
        fixed_end_s=longs([0, 4]) * H,
    )

    assert list_schedule(s).start_s[0] == 0
    assert list_schedule(replace(s, setup_s=2 * setup_s)).start_s[0] == 6 * H


def test_a_set_up_is_made_ahead_only_if_that_helps():
    setup_s = longs([[[0], [2]]]) * H
    late = shop([[{0: 1}]], setup_s=setup_s, release_s=longs([5]) * H)
    idle = replace(late, calendars=windows([(0, 4), (5, 9)]))

    assert list_schedule(late).setup_start_s[0] == 0
    assert list_schedule(late).start_s[0] == 5 * H
    assert list_schedule(replace(idle, release_s=longs([0]))).setup_start_s[0] == 0


def test_a_calendar_that_is_too_short_is_named():
    s = shop([[{0: 3}]], calendars=windows([(0, 2)]))

    with pytest.raises(SolverError, match=r"machine 'M1': its calendar ends before its work"):
        list_schedule(s)
