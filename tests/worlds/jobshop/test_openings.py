# SPDX-License-Identifier: MIT
import pytest

from flyball.worlds.jobshop.calendar import DAY_S, WEEK_S
from flyball.worlds.jobshop.findings import Findings
from flyball.worlds.jobshop.openings import SPARE_WEEKS, Openings, openings
from flyball.worlds.jobshop.orders import Job, orders
from tests.worlds.jobshop.tabled import plant, told
from tests.worlds.jobshop.workbooks import Sheets, at, put, small

H = 3600


def working(sheets: Sheets | None = None) -> tuple[Openings, list[Job], Findings]:
    shop, tables, findings = plant(sheets)
    jobs = orders(tables, shop, findings)
    return openings(shop, jobs, findings), jobs, findings


def test_machines_share_a_calendar_unless_maintenance_sets_them_apart() -> None:
    found, _, _ = working()

    assert found.machine_calendar == [0, 1, 1]
    assert found.name == ["day (C1)", "day"]
    assert found.of(1)[:3] == ((0, 4 * H), (int(4.5 * H), 8 * H), (24 * H, 28 * H))
    assert found.of(0)[2] == (26 * H, 28 * H)


def test_calendars_reach_well_beyond_the_last_date_and_the_work() -> None:
    sheets = small()
    put(sheets, "Jobs!E4", at(1, month=9))

    found, _, findings = working(sheets)

    assert found.of(1)[-1][1] > 182 * DAY_S + SPARE_WEEKS * WEEK_S
    assert findings.notes == []


def test_ten_times_the_work_needs_a_longer_calendar() -> None:
    few, _, _ = working()
    sheets = small()
    for line in range(2, 7):
        put(sheets, f"Operations!E{line}", 4000)
        put(sheets, f"Operations!G{line}", "yes")

    many, _, _ = working(sheets)

    assert many.of(1)[-1][1] > few.of(1)[-1][1] + 20 * WEEK_S


def test_a_horizon_that_is_too_short_is_widened_with_a_note() -> None:
    sheets = small()
    sheets["Plant"].append(["horizon_days", 5])

    _, _, findings = working(sheets)

    assert findings.notes[0].startswith("horizon widened from 5 to ")


def test_a_longer_horizon_is_kept() -> None:
    sheets = small()
    sheets["Plant"].append(["horizon_days", 700])

    found, _, _ = working(sheets)

    assert found.of(1)[-1][1] == pytest.approx(700 * DAY_S, abs=4 * DAY_S)


def test_work_for_more_than_ten_years_ends_with_the_calendars_and_says_so() -> None:
    sheets = small()
    sheets["Operations"] += [["C", n, None, "P1", 600_000, "red"] for n in range(20, 60, 10)]

    _, _, findings = working(sheets)

    assert any("calendars end after" in note for note in findings.notes)


def test_a_machine_whose_windows_are_too_short_is_left_out_of_one_piece_work() -> None:
    sheets = small()
    put(sheets, "Operations!E6", 200)
    put(sheets, "Operations!G6", "no")

    found, jobs, findings = working(sheets)

    assert found.able(jobs[2].route[0]) == ((0, 12_000),)  # 250 min on C2 do not fit in 4 h
    assert told(findings) == []
    assert findings.notes[0].startswith("1 alternatives were left out")


def test_work_that_may_pause_is_never_too_long() -> None:
    sheets = small()
    put(sheets, "Operations!E6", 5000)

    found, jobs, findings = working(sheets)

    assert len(found.able(jobs[2].route[0])) == 2
    assert told(findings) == []


def test_a_set_up_that_may_pause_is_never_too_long() -> None:
    sheets = small()
    put(sheets, "Setups!D2", 5000)
    put(sheets, "Groups!B3", "yes")

    assert told(working(sheets)[2]) == []
