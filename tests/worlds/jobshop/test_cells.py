# SPDX-License-Identifier: MIT
from datetime import date, time, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from flyball.worlds.jobshop import cells
from flyball.worlds.jobshop.cells import Fault
from tests.worlds.jobshop.workbooks import at

RAW = st.one_of(
    st.none(),
    st.text(max_size=30),
    st.floats(),
    st.integers(),
    st.booleans(),
    st.dates(),
    st.datetimes(),
    st.times(),
    st.timedeltas(),
)
READERS = [
    cells.text, cells.number(-10, 10), cells.moment, cells.day, cells.clock, cells.flag,
    cells.choice("a", "b"), cells.days,
]  # fmt: skip


@pytest.mark.parametrize("read", READERS)
@given(raw=RAW)
def test_whatever_stands_in_a_cell_there_is_a_value_or_a_reason(read: Any, raw: Any) -> None:
    value = None if cells.is_blank(raw) else read(raw)

    if isinstance(value, Fault):
        assert value.kind
        assert value.found
        assert value.allowed
        assert value.fix


@given(st.floats(-10, 10))
def test_a_number_is_read_from_text_as_it_is_from_a_number(value: float) -> None:
    read = cells.number(-10, 10)

    assert read(repr(value)) == read(value) == value


@pytest.mark.parametrize("raw", ["inf", "1e999", "0x10", "1_000", "1 000", "1.000,5", float("inf")])
def test_what_only_looks_like_a_number_is_none(raw: Any) -> None:
    assert isinstance(cells.number(-1e300, 1e300)(raw), Fault)


def test_not_a_number_is_outside_of_every_range() -> None:
    assert isinstance(cells.number(0, 1)(float("nan")), Fault)


@pytest.mark.parametrize(
    ("raw", "text"),
    [
        (1001.0, "1001"),
        (7, "7"),
        (1.5, "1.5"),
        ("  A\u00a0\n B\x07 ", "A B"),
        ("=SUM(A1)", "=SUM(A1)"),
    ],
)
def test_a_name_is_text_without_unseen_characters(raw: Any, text: str) -> None:
    assert cells.text(raw) == text


@pytest.mark.parametrize(
    ("raw", "value"),
    [
        ("2026-03-20", date(2026, 3, 20)),
        ("2026-03-20 14:00", at(20, 14)),
        ("2026-03-20T14:00:30", at(20, 14).replace(second=30)),
        (at(20, 13, 59).replace(second=59, microsecond=999_999), at(20, 14)),
        (date(2026, 3, 20), date(2026, 3, 20)),
    ],
)
def test_dates_are_cells_or_iso_text_to_the_nearest_second(raw: Any, value: Any) -> None:
    assert cells.moment(raw) == value


@pytest.mark.parametrize("raw", ["20.03.2026", "03/20/2026", "2026-3-2", "2026-02-30", 46000.0])
def test_dates_that_can_be_misread_are_refused(raw: Any) -> None:
    assert isinstance(cells.moment(raw), Fault)


def test_a_day_drops_the_time_beside_it() -> None:
    assert cells.day(at(20, 14)) == date(2026, 3, 20)


@pytest.mark.parametrize(
    ("raw", "minutes"),
    [("06:00", 360), ("6:05", 365), ("24:00", 1440), (time(22, 30), 1350), ("14:30:00", 870),
     (timedelta(hours=24), 1440), (date(1900, 1, 1), 1440)],
)  # fmt: skip
def test_times_of_day_are_minutes_after_midnight(raw: Any, minutes: int) -> None:
    assert cells.clock(raw) == minutes


@pytest.mark.parametrize("raw", ["24:01", "6", "6:60", "-1:00", timedelta(hours=30), 0.25])
def test_other_times_of_day_do_not_exist(raw: Any) -> None:
    assert isinstance(cells.clock(raw), Fault)


@pytest.mark.parametrize(
    ("raw", "days"),
    [
        ("Mon-Fri", {0, 1, 2, 3, 4}),
        ("mon, Wednesday ,SAT", {0, 2, 5}),
        ("Sat-Mon", {5, 6, 0}),
        ("Tue\u2013Thu; Sun", {1, 2, 3, 6}),
        ("daily", set(range(7))),
        ("Sun", {6}),
    ],
)
def test_days_are_lists_and_ranges_that_may_pass_the_weekend(raw: str, days: set[int]) -> None:
    assert cells.days(raw) == days


@pytest.mark.parametrize("raw", ["Mo", "Mon-", "Mon-Wed-Fri", "1-5", "Mon Tue"])
def test_other_days_do_not_exist(raw: str) -> None:
    assert isinstance(cells.days(raw), Fault)


@pytest.mark.parametrize(
    ("raw", "value"),
    [("Yes", True), ("x", True), (True, True), (1.0, True), ("no", False), (0, False)],
)
def test_yes_and_no_have_a_few_spellings(raw: Any, *, value: bool) -> None:
    assert cells.flag(raw) is value


def test_long_texts_are_shown_short() -> None:
    assert len(cells.show("x" * 500)) < 70


def test_a_fault_names_the_nearest_choice() -> None:
    fault = cells.choice("open", "frozen")("frosen")

    assert isinstance(fault, Fault)
    assert fault.fix == "did you mean 'frozen'?"
