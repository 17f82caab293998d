# SPDX-License-Identifier: MIT
import csv
from dataclasses import replace
from datetime import datetime
from pathlib import Path

import pytest
from openpyxl import load_workbook

from flyball.worlds.jobshop import write
from flyball.worlds.jobshop.forms import FORMS
from flyball.worlds.jobshop.schedule import Schedule
from flyball.worlds.jobshop.write import write_schedule
from tests.worlds.jobshop.small_shops import H, ints, longs, shop
from tests.worlds.jobshop.workbooks import START

# J1: M1 then M2; J2: M1, blue after red: set up from 2 to 3 h. J2 is 2 h late and important.
SHOP = shop(
    [[{0: 2}, {1: 2}], [{0: 3}]],
    start=START,
    customer=("=cmd()", "Birk"),
    due_s=longs([9 * H, 4 * H]),
    important=[False, True],
    op_family=ints([0, 0, 1]),
    family_name=("red", "blue"),
    setup_s=longs([[[0, 1], [1, 0], [0, 0]]]) * H,
    fixed_machine=ints([0, -1, -1]),
    fixed_end_s=longs([2 * H, 0, 0]),
)
SCHEDULE = Schedule(
    scenario=SHOP,
    method="ATC",
    machine=ints([0, 1, 0]),
    setup_start_s=longs([0, 2 * H, 2 * H]),
    setup_end_s=longs([0, 2 * H, 3 * H]),
    start_s=longs([0, 2 * H, 3 * H]),
    end_s=longs([2 * H, 4 * H, 6 * H]),
)


def rows(path: Path) -> list[list[str]]:
    with path.open(encoding="utf-8-sig", newline="") as stream:
        return list(csv.reader(stream))


def test_operations_stand_machine_by_machine_in_the_order_of_work(tmp_path: Path) -> None:
    paths = write_schedule(SCHEDULE, tmp_path / "plan")

    assert [path.name for path in paths] == ["schedule.xlsx", "schedule.csv", "schedule_jobs.csv"]
    header, *lines = rows(paths[1])
    assert header[5:9] == [
        "set-up start [date, time]", "start [date, time]", "end [date, time]", "work [h]",
    ]  # fmt: skip
    assert [line[:3] for line in lines] == [["M1", "J1", "1"], ["M1", "J2", "1"], ["M2", "J1", "2"]]
    assert lines[1][4:] == [
        "blue", "2026-03-02 08:00:00", "2026-03-02 09:00:00", "2026-03-02 12:00:00", "3",
        "2026-03-02 10:00:00", "yes", "no",
    ]  # fmt: skip
    assert (lines[0][5], lines[0][8], lines[0][11]) == ("", "", "yes")


def test_jobs_stand_by_what_their_lateness_costs(tmp_path: Path) -> None:
    path = write_schedule(SCHEDULE, tmp_path)[2]

    assert rows(path) == [
        [
            "job", "customer", "important", "weight", "due [date, time]", "end [date, time]",
            "late [h]", "weighted lateness [h]",
        ],
        ["J2", "Birk", "yes", "1", "2026-03-02 10:00:00", "2026-03-02 12:00:00", "2", "6"],
        ["J1", "'=cmd()", "no", "1", "2026-03-02 15:00:00", "2026-03-02 10:00:00", "0", "0"],
    ]  # fmt: skip


def test_the_workbook_says_the_same_with_dates_as_dates(tmp_path: Path) -> None:
    book = load_workbook(write_schedule(SCHEDULE, tmp_path)[0])

    assert book.sheetnames == ["Schedule", "Jobs", "About"]
    assert book["Schedule"]["G3"].value == datetime(2026, 3, 2, 9)  # noqa: DTZ001
    assert book["Jobs"]["B3"].value == "=cmd()"
    assert book["Jobs"]["B3"].data_type != "f"
    assert [cell.value for cell in book["About"]["B"]] == ["small", "ATC", "2026-03-02 06:00"]
    assert book["Schedule"].freeze_panes == "A2"


def test_a_benchmark_has_hours_in_place_of_dates(tmp_path: Path) -> None:
    plain = replace(SCHEDULE, scenario=replace(SHOP, start=None))

    header, *lines = rows(write_schedule(plain, tmp_path)[1])

    assert header[6] == "start [h]"
    assert [line[6] for line in lines] == ["0", "3", "2"]


def test_nothing_is_written_when_anything_fails(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write_schedule(SCHEDULE, tmp_path)
    before = {path: path.read_bytes() for path in tmp_path.iterdir()}

    def full(*_: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(write, "write_csv", full)

    with pytest.raises(OSError, match="No space"):
        write_schedule(replace(SCHEDULE, method="CR"), tmp_path)

    assert {path: path.read_bytes() for path in tmp_path.iterdir()} == before


def test_a_plan_beside_the_tables_it_was_made_from_overwrites_none_of_them(tmp_path: Path) -> None:
    names = {path.stem for path in write_schedule(SCHEDULE, tmp_path)}

    assert names.isdisjoint(form.name.lower() for form in FORMS)
