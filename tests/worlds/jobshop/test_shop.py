# SPDX-License-Identifier: MIT
from datetime import date

import numpy as np
import pytest

from flyball.worlds.jobshop.shop import setup_matrix
from tests.worlds.jobshop.tabled import plant, told
from tests.worlds.jobshop.workbooks import Sheets, at, small

FAMILY = {"red": 0, "blue": 1, "green": 2}


def setups(*rows: list[object]) -> Sheets:
    sheets = small()
    sheets["Setups"] = [["group", "from", "to", "minutes"], *rows]
    return sheets


def matrix(*rows: list[object]) -> list[list[int]]:
    """Return the set-up minutes of the group Paint; the last row is from nothing."""
    found, _, findings = plant(setups(*rows))
    assert told(findings) == []
    return (setup_matrix(found, FAMILY)[0][1] // 60).tolist()


def test_what_is_not_listed_takes_no_time() -> None:
    assert matrix(["Paint", "red", "blue", 30]) == [[0, 30, 0], [0, 0, 0], [0, 0, 0], [0, 0, 0]]


def test_stars_cover_every_change_but_not_a_family_after_itself() -> None:
    assert matrix(["Paint", "*", "*", 5]) == [[0, 5, 5], [5, 0, 5], [5, 5, 0], [5, 5, 5]]


def test_the_more_exact_row_wins_wherever_it_stands() -> None:
    found = matrix(
        ["Paint", "red", "blue", 1],
        ["Paint", "red", "*", 2],
        ["Paint", "*", "blue", 3],
        ["Paint", "*", "*", 4],
        ["Paint", "-", "*", 5],
        ["Paint", "-", "green", 6],
        ["Paint", "green", "green", 7],
    )

    assert found == [[0, 1, 2], [4, 0, 4], [4, 3, 7], [5, 5, 6]]


def test_one_family_alone_needs_no_set_up_after_itself() -> None:
    found, _, _ = plant(setups(["Paint", "red", "*", 9]))

    assert setup_matrix(found, {"red": 0})[0][1].tolist() == [[0], [0]]


def test_other_groups_are_left_alone_and_half_seconds_round_up() -> None:
    found, _, _ = plant(setups(["Paint", "red", "blue", 0.025]))

    seconds, may_pause = setup_matrix(found, FAMILY)

    assert seconds[0].sum() == 0
    assert seconds[1, 0, 1] == 2
    assert may_pause.tolist() == [False, False]
    assert seconds.dtype == np.int64


def test_public_holidays_are_those_of_the_state() -> None:
    sheets = small()
    sheets["Plant"] += [["country", "de"], ["subdivision", "BY"]]

    found, _, _ = plant(sheets)

    closed = found.pattern["day"].holidays
    assert date(2026, 1, 6) in closed  # Epiphany, in Bavaria only
    assert date(2026, 5, 1) in closed
    assert date(2026, 3, 4) not in closed


def test_a_holiday_of_one_calendar_leaves_the_others_open() -> None:
    sheets = small()
    sheets["Shifts"].append(["late", "Mon-Fri", "14:00", "22:00", "work"])
    sheets["Holidays"].append(["late", at(9), "fair"])

    found, _, _ = plant(sheets)

    assert date(2026, 3, 9) in found.pattern["late"].holidays
    assert date(2026, 3, 9) not in found.pattern["day"].holidays
    assert all(date(2026, 4, 3) in found.pattern[name].holidays for name in ("late", "day"))


def test_always_is_a_calendar_without_shifts() -> None:
    sheets = small()
    sheets["Machines"][1][2] = "Always"

    found, _, findings = plant(sheets)

    assert found.pattern[found.machines[0].calendar].always
    assert told(findings) == []


@pytest.mark.parametrize(
    ("moment", "end_of_day", "seconds"),
    [
        (at(2, 7), False, 3600),
        (at(2, 7), True, 3600),
        (date(2026, 3, 3), False, 18 * 3600),
        (date(2026, 3, 3), True, 42 * 3600),
    ],
)
def test_a_day_without_a_time_is_its_midnight_or_its_end(
    moment: date, *, end_of_day: bool, seconds: int
) -> None:
    found, _, _ = plant()

    assert found.seconds(moment, at_end_of_day=end_of_day) == seconds


def test_maintenance_is_kept_by_machine_in_seconds() -> None:
    found, _, _ = plant()

    assert found.maintenance == {0: [(24 * 3600, 26 * 3600)]}
