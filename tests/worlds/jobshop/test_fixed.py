# SPDX-License-Identifier: MIT
from flyball.worlds.jobshop.findings import Findings
from flyball.worlds.jobshop.fixed import Fixed, fixed_work
from flyball.worlds.jobshop.openings import openings
from flyball.worlds.jobshop.orders import orders
from tests.worlds.jobshop.tabled import plant, told
from tests.worlds.jobshop.workbooks import Sheets, at, put, small

H = 3600


def status(sheets: Sheets, line: int, *cells: object) -> Sheets:
    """Set status, machine, start and remaining minutes of an operation."""
    for column, value in zip("HIJK", cells, strict=False):
        put(sheets, f"Operations!{column}{line}", value)
    return sheets


def fixed(sheets: Sheets) -> tuple[list[Fixed], Findings]:
    shop, tables, findings = plant(sheets)
    jobs = orders(tables, shop, findings)
    found = fixed_work(shop, jobs, openings(shop, jobs, findings), findings)
    return list(found.values()), findings


def test_running_work_ends_when_what_is_left_has_been_worked_off() -> None:
    found, findings = fixed(status(small(), 2, "running", "C2", at(1, 13), 270))

    # 4 h before the break from 10:00 to 10:30, half an hour after it.
    assert found == [Fixed(1, -17 * H, 5 * H)]
    assert told(findings) == []


def test_frozen_work_starts_when_it_was_frozen_and_pauses_with_its_machine() -> None:
    found, findings = fixed(status(small(), 2, "frozen", "C2", at(2, 9)))

    assert found == [Fixed(1, 3 * H, 4 * H + 2700)]  # 75 min with the break between
    assert told(findings) == []


def test_a_whole_route_may_be_fixed() -> None:
    sheets = status(status(small(), 2, "running", "C1", at(2, 6), 30), 3, "frozen", "P1", at(2, 7))

    found, findings = fixed(sheets)

    assert found == [Fixed(0, 0, 1800), Fixed(2, H, 2 * H + 1800)]
    assert told(findings) == []


def test_work_that_touches_does_not_overlap() -> None:
    sheets = status(small(), 2, "frozen", "C1", at(2, 6))

    found, findings = fixed(status(sheets, 6, "frozen", "C1", at(2, 7)))

    assert [work.start_s for work in found] == [0, H]
    assert told(findings) == []


def test_work_that_outlasts_its_calendar_is_told() -> None:
    sheets = status(small(), 2, "frozen", "C1", at(2, 6))
    put(sheets, "Operations!E2", 600_000)
    put(sheets, "Shifts!B2", "Mon")

    _, findings = fixed(sheets)

    assert told(findings) == [
        ("Operations 2 starts", "work that machine 'C1' cannot end within its calendar")
    ]
