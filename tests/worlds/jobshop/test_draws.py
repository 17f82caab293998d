# SPDX-License-Identifier: MIT
import itertools

import numpy as np
import pytest

from flyball.worlds.jobshop.draws import (
    LONGEST_PIECE_S,
    PATTERNS,
    Pressure,
    all_pairs,
    draw,
    order_book,
    setup_table,
    shift_calendars,
    whole_weeks,
)  # fmt: skip
from flyball.worlds.jobshop.scenario import FOREVER_S, NO_DUE_S

H = 3600


def spans(calendars, number):
    first, last = calendars.window[number : number + 2]
    return list(zip(calendars.open_s[first:last], calendars.close_s[first:last], strict=True))


def test_streams_never_meet_whatever_the_path():
    paths = [(a, b) for a in range(20) for b in range(20)]
    words = {draw(stream, *path).random() for stream in ("train", "evaluate") for path in paths}

    assert len(words) == 800


def test_one_shift_from_monday_morning_is_eight_hours_with_a_break():
    calendars = shift_calendars(0, 4)

    assert spans(calendars, 0)[:3] == [(0, 4 * H), (4.5 * H, 8 * H), (24 * H, 28 * H)]


def test_a_calendar_that_starts_on_saturday_opens_with_overtime():
    calendars = shift_calendars(5, 4)

    first = calendars.overtime[1]
    assert calendars.overtime_open_s[first] == 0
    assert calendars.overtime_close_s[first] == 6 * H


@pytest.mark.parametrize("weekday", range(7))
def test_windows_are_disjoint_long_enough_for_any_piece_and_never_run_out(weekday):
    calendars = shift_calendars(weekday, 4)

    for number in range(len(PATTERNS)):
        windows = spans(calendars, number)
        assert all(a[1] < b[0] for a, b in itertools.pairwise(windows))
        assert windows[-1][1] == FOREVER_S
        assert all(close - open_ >= LONGEST_PIECE_S for open_, close in windows)


def test_weeks_are_few_different_numbers_that_hold_the_time():
    week_s = 7 * 24 * H
    found = {whole_weeks(weeks * week_s) for weeks in range(1, 60)}

    assert found == {4, 8, 16, 32, 64}
    assert all(whole_weeks(weeks * week_s) > weeks for weeks in range(1, 60))


def test_set_ups_are_whole_steps_nothing_within_a_family_and_never_shorter_by_a_detour():
    table = setup_table(np.random.default_rng(1), 40, 5, mean_s=1800, step_s=60)

    assert np.all(table % 60 == 0)
    assert np.all(table[:, range(5), range(5)] == 0)
    within = table[:, :5]
    through = within[:, :, :, None] + within[:, None, :, :]
    assert np.all(within[:, :, None, :] <= through + 60)
    needed = within[within.max(axis=(1, 2)) > 0]
    assert abs(needed[:, ~np.eye(5, dtype=bool)].mean() / 1800 - 1) < 0.15
    assert 0.1 < (within.max(axis=(1, 2)) == 0).mean() < 0.6


def test_a_tighter_book_has_nearer_due_times_but_none_before_the_job_can_end():
    length = np.full(500, 100.0)
    books = [
        order_book(np.random.default_rng(0), Pressure(tardiness=t), length, 5000.0)
        for t in (0.2, 0.8)
    ]

    assert books[0].due_s.mean() > books[1].due_s.mean()
    assert min(book.due_s.min() for book in books) >= 110


def test_a_book_without_dates_has_none():
    book = order_book(np.random.default_rng(0), Pressure(dated=False), np.ones(9), 10.0)

    assert np.all(book.due_s == NO_DUE_S)


def test_work_of_a_station_may_go_to_any_of_its_machines():
    op_pair, machines = all_pairs(np.array([1, 0, 1], dtype=np.int32), np.array([0, 1, 3]))

    assert op_pair.tolist() == [0, 2, 3, 5]
    assert machines.tolist() == [1, 2, 0, 1, 2]
