# SPDX-License-Identifier: MIT
from dataclasses import replace
from datetime import datetime

import numpy as np

from flyball.worlds.jobshop.calendar import DAY_S
from flyball.worlds.jobshop.fit import fit, from_days, open_at, to_days
from tests.worlds.jobshop.small_shops import H, ints, longs, shop, windows

MONDAY = datetime(2025, 1, 6, 6)  # noqa: DTZ001  the plant's wall clock has no zone


def test_deviations_have_mean_zero_in_a_cell_and_the_scatter_that_is_stated():
    book = shop([[{0: 1}, {1: 2}], [{0: 4}, {1: 8}], [{0: 16}, {1: 2}]])

    found = fit(book)

    for machine in range(2):
        own = book.pair_machine == machine
        np.testing.assert_allclose(found.deviation[own].mean(), 0, atol=1e-12)
        np.testing.assert_allclose(found.scatter[own], found.deviation[own].std())


def test_operations_of_large_orders_are_long_together():
    same = shop([[{0: h}, {1: h}, {2: h}] for h in (1, 2, 4, 8)])
    apart = shop([[{0: 1}, {1: 8}], [{0: 8}, {1: 1}]])

    assert abs(fit(same).together - 1) < 1e-9
    assert fit(apart).together == 0.0


def test_the_power_of_the_allowance_is_found():
    hours = (1, 2, 4, 8, 16)
    book = shop([[{0: h}] for h in hours], due_s=longs([9 * H * h**0.5 for h in hours]))

    found = fit(book)

    assert abs(found.power - 0.5) < 1e-3
    assert found.allowance_scatter < 1e-3


def test_due_times_on_few_times_of_day_are_dates():
    book = shop([[{0: 1}]] * 5, due_s=longs([8, 32, 56, 80, 104]) * H, start=MONDAY)

    assert fit(book).by_day
    assert not fit(replace(book, due_s=longs([8, 33, 58, 83, 108]) * H)).by_day
    assert not fit(replace(book, start=None)).by_day


def test_weekends_take_no_time_in_working_days():
    working = np.array([day % 7 < 5 for day in range(28)])

    days = to_days(longs([0, 6 * H, 4 * DAY_S, 5 * DAY_S + H, 7 * DAY_S, 9 * DAY_S]), working)

    assert days.tolist() == [0, 0.25, 4, 5, 5, 7]


def test_working_days_come_back_as_the_times_they_were():
    working = np.array([day % 7 < 5 for day in range(28)])
    times = longs([-3 * H, 0, 30 * H, 4 * DAY_S + 23 * H, 7 * DAY_S, 40 * DAY_S + 5])

    np.testing.assert_array_equal(from_days(to_days(times, working), working), times)


def test_every_day_counts_where_nothing_closes():
    times = longs([-7, 0, 12345678])

    found = to_days(times, fit(shop([[{0: 1}]])).working)

    np.testing.assert_allclose(found, times / DAY_S)


def test_the_start_moves_only_to_days_on_which_machines_work():
    weekdays = [(24 * day, 24 * day + 10) for day in range(60) if day % 7 < 5]
    book = shop([[{0: 1}]] * 3, calendars=windows(weekdays), start=MONDAY)

    days = fit(book).shift_days

    assert days[0] == 0
    assert set(days % 7) == {0, 1, 2, 3, 4}
    assert days.max() <= 30


def test_the_start_does_not_move_without_calendars_or_when_they_are_short():
    assert fit(shop([[{0: 1}]])).shift_days.tolist() == [0]
    short = shop([[{0: 5}]], calendars=windows([(0, 10), (24, 34), (48, 58)]))
    assert fit(short).shift_days.tolist() == [0]


def test_busy_machines_are_counted_once():
    book = shop(
        [[{0: 1}], [{0: 1}], [{1: 1}], [{1: 1}]],
        fixed_machine=ints([0, 0, -1, -1]),
        fixed_end_s=longs([H, 2 * H, 0, 0]),
    )

    assert fit(book).busy_share == 0.5


def test_open_machines_are_found_at_an_instant():
    book = shop(
        [[{0: 1, 1: 1}]], machine_calendar=ints([0, 1]), calendars=windows([(0, 4)], [(4, 8)])
    )

    assert open_at(book, 4 * H).tolist() == [False, True]
    assert open_at(book, 3 * H).tolist() == [True, False]
    assert not open_at(book, 1 * DAY_S).any()
