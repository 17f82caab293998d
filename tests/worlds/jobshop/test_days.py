# SPDX-License-Identifier: MIT
from dataclasses import replace

import numpy as np
import pytest

from flyball.core.batch import Action
from flyball.worlds.jobshop.baselines import RULES
from flyball.worlds.jobshop.calendar import DAY_S
from flyball.worlds.jobshop.days import Days
from flyball.worlds.jobshop.factory import Size, plant
from flyball.worlds.jobshop.fit import fit, to_days
from flyball.worlds.jobshop.scenario import NO_DUE_S
from flyball.worlds.jobshop.tuning import outcomes
from flyball.worlds.jobshop.validator import check
from tests.worlds.jobshop.random_play import play
from tests.worlds.jobshop.small_shops import H, ints, longs, shop, windows

BOOK = plant(5, Size(machines=16, types=6, jobs=80, products=20, families=4, weeks=32))
FITTED = fit(BOOK)


@pytest.fixture(scope="module")
def drawn():
    days = Days(BOOK)
    return [days.draw(1, number, "train") for number in range(150)]


MEASURES = {
    "orders": lambda s: s.n_jobs,
    "operations of an order": lambda s: s.n_ops / s.n_jobs,
    "mean log working time": lambda s: np.log(s.mean_duration_s).mean(),
    "scatter of log working time": lambda s: np.log(s.mean_duration_s).std(),
    "weight": lambda s: s.weight.mean(),
    "important": lambda s: s.important.mean(),
    "machines of an operation": lambda s: len(s.pair_machine) / s.n_ops,
    "may pause": lambda s: s.interruptible.mean(),
    "late release": lambda s: (s.release_s > 0).mean(),
}


@pytest.mark.parametrize("measure", MEASURES)
def test_drawn_books_are_like_the_plants_own_on_average(measure, drawn):
    figure = MEASURES[measure]
    values = np.array([figure(day) for day in drawn])

    # A book of 80 orders is itself a sample: its own error is that of one day.
    error = 4 * values.std() * np.sqrt(1 / len(values)) + 0.02 * abs(figure(BOOK))
    assert abs(values.mean() - figure(BOOK)) < error


def test_working_times_spread_in_each_cell_as_in_the_book(drawn):
    def spread(scenario):
        cell = scenario.machine_cell[scenario.pair_machine[scenario.op_pair[:-1]]]
        log = np.log(scenario.mean_duration_s)
        return np.array([log[cell == number].std() for number in range(cell.max() + 1)])

    ratio = np.mean([spread(day) for day in drawn], axis=0) / spread(BOOK)

    assert np.all(np.abs(ratio - 1) < 0.1)


def test_work_in_progress_is_as_common_as_in_the_book(drawn):
    count = [np.count_nonzero(day.fixed_machine >= 0) for day in drawn]

    assert abs(np.mean(count) / np.count_nonzero(BOOK.fixed_machine >= 0) - 1) < 0.15
    for day in drawn[:20]:
        fixed = np.flatnonzero(day.fixed_machine >= 0)
        assert len(set(day.fixed_machine[fixed])) == len(fixed)
        assert np.all(day.fixed_end_s[fixed] > 0)
        assert np.all(day.machine_family[day.fixed_machine[fixed]] == day.op_family[fixed])


def test_the_plant_stays_and_only_its_orders_change(drawn):
    for day in drawn[:10]:
        assert day.machine_name == BOOK.machine_name
        np.testing.assert_array_equal(day.setup_s, BOOK.setup_s)
        np.testing.assert_array_equal(day.machine_calendar, BOOK.machine_calendar)
    assert len({day.pair_duration_s.tobytes() for day in drawn}) == len(drawn)


def test_every_drawn_day_is_played_to_a_valid_end(drawn):
    schedules, _ = play(drawn[:6])

    assert all(check(schedule) == [] for schedule in schedules)


def test_a_day_is_a_function_of_stream_seed_and_number():
    days, again = Days(BOOK), Days(BOOK)
    days.draw(1, 0, "train")

    one, other = days.draw(2, 3, "evaluate"), again.draw(2, 3, "evaluate")

    assert all(np.array_equal(a, b) for a, b in zip(one.arrays, other.arrays, strict=True))
    assert one.name == other.name


def test_training_and_evaluation_never_draw_the_same_day():
    days = Days(BOOK)
    drawn = [
        days.draw(seed, number, stream).pair_duration_s.tobytes()
        for stream in ("train", "evaluate")
        for seed in range(3)
        for number in range(30)
    ]

    assert len(set(drawn)) == len(drawn)


def test_the_calendar_of_another_start_is_the_plants_own_from_there_on(drawn):
    moved = [day for day in drawn if day.start > BOOK.start]
    assert len({day.start for day in moved}) > 5
    for day in moved[:20]:
        by_s = int((day.start - BOOK.start).total_seconds())
        assert by_s % DAY_S == 0
        for time_s in range(0, 14 * DAY_S, 5 * H):
            assert open_machines(day, time_s) == open_machines(BOOK, by_s + time_s)


def open_machines(scenario, time_s):
    c = scenario.calendars
    return [
        any(
            c.open_s[w] <= time_s < c.close_s[w]
            for w in range(c.window[number], c.window[number + 1])
        )
        for number in scenario.machine_calendar
    ]


def test_allowances_in_working_days_are_as_long_as_in_the_book(drawn):
    wanted = FITTED.due_days - FITTED.release_days
    found = []
    for day in drawn:
        working = FITTED.working[(day.start - BOOK.start).days :]
        own = day.release_s >= 0  # the release of work in progress is when it began
        allowance = to_days(day.due_s, working) - to_days(day.release_s, working)
        found.append(allowance[own].mean())

    assert abs(np.mean(found) / wanted.mean() - 1) < 0.05


def test_due_dates_keep_the_clock_and_weekdays_of_the_book():
    # Due at 14:00 on Monday to Friday, t = 0 is a Monday at 6:00.
    rng = np.random.default_rng(0)
    due_days = np.array([0, 1, 2, 3, 4, 7, 8, 9, 10, 11])
    days_h = [(24 * day, 24 * day + 10) for day in range(300) if day % 7 < 5]
    book = shop(
        [[{0: int(hours)}, {1: 2}] for hours in rng.integers(1, 9, 10)],
        due_s=longs(due_days * 24 + 8) * H,
        calendars=windows(days_h),
        interruptible=np.ones(20, dtype=np.bool_),
    )
    days = Days(replace(book, start=BOOK.start))

    drawn = [days.draw(0, number, "evaluate") for number in range(50)]

    for day in drawn:
        since_s = int((day.start - BOOK.start).total_seconds())
        assert np.all(day.due_s % DAY_S == 8 * H)
        assert np.all((day.due_s + since_s) // DAY_S % 7 < 5)
        assert since_s // DAY_S % 7 < 5
    assert len({day.start for day in drawn}) > 5


def test_a_book_without_due_dates_or_calendars_is_drawn_without():
    book = shop([[{0: 2}, {1: 3}], [{1: 4}], [{0: 1}, {1: 1}]])

    day = Days(book).draw(0, 0, "train")

    assert np.all(day.due_s == NO_DUE_S)
    assert day.start is None
    np.testing.assert_array_equal(day.calendars.close_s, book.calendars.close_s)


def test_a_book_of_one_order_still_gives_days_with_something_to_decide():
    book = shop([[{0: 2}]], fixed_machine=ints([-1]))
    days = Days(book)

    sizes = {days.draw(0, number, "train").n_jobs for number in range(40)}

    assert min(sizes) == 1
    assert max(sizes) > 1
    assert all(np.any(days.draw(0, n, "train").fixed_machine < 0) for n in range(40))


def test_work_that_may_not_pause_stays_within_the_shifts_of_the_book(drawn):
    stiff = ~BOOK.interruptible[BOOK.pair_op]
    longest = np.zeros(BOOK.n_machines)
    np.maximum.at(longest, BOOK.pair_machine[stiff], BOOK.pair_duration_s[stiff])

    for day in drawn[:20]:
        own = ~day.interruptible[day.pair_op]
        assert np.all(day.pair_duration_s[own] <= longest[day.pair_machine[own]])


class Waiting:
    """Waits whenever it may."""

    def initial(self, n_envs):
        return np.zeros((n_envs, 0), np.float32)

    def act(self, observation, memory, _key):
        last = np.diff(observation.options.offset) - 1
        choice = last.astype(np.int32)[:, None, None]
        return Action(choice, np.zeros((len(last), 1, 0))), None, memory


def test_a_day_comes_to_an_end_under_a_policy_that_always_waits():
    day = Days(BOOK).draw(1, 0, "train")

    found = outcomes([day], Waiting())

    assert np.isfinite(found).all()
    assert found[0, 3] > outcomes([day], RULES["FIFO"])[0, 3]
