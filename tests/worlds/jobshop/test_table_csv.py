# SPDX-License-Identifier: MIT
import csv
from datetime import date, time, timedelta
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from flyball.core.errors import Problem, ScenarioError
from flyball.worlds.jobshop import table_csv
from flyball.worlds.jobshop.findings import Findings
from flyball.worlds.jobshop.read import assembled, examine, read
from flyball.worlds.jobshop.scenario import Scenario
from flyball.worlds.jobshop.table_csv import plain, write_csv, write_folder
from flyball.worlds.jobshop.template import template
from flyball.worlds.jobshop.workbook import read_workbook
from tests.worlds.jobshop.tabled import book
from tests.worlds.jobshop.workbooks import at, put, save, small


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return write_folder(book(small()), tmp_path / "plant")


def problems(folder: Path) -> tuple[Problem, ...]:
    before = {path: path.read_bytes() for path in folder.iterdir()}

    with pytest.raises(ScenarioError) as caught:
        read(folder)

    assert {path: path.read_bytes() for path in folder.iterdir()} == before
    return caught.value.problems


def assert_same(one: Scenario, other: Scenario) -> None:
    assert (one.name, one.start, one.job_name) == (other.name, other.start, other.job_name)
    assert (one.family_name, one.customer) == (other.family_name, other.customer)
    assert all((a == b).all() for a, b in zip(one.arrays, other.arrays, strict=True))


def test_the_shipped_workbook_reads_the_same_after_its_way_through_csv(tmp_path: Path) -> None:
    workbook = template(tmp_path / "orders.xlsx")
    folder = write_folder(read_workbook(workbook, Findings()), tmp_path / "csv")

    scenario = read(folder)

    assert_same(scenario, read(workbook))


NAMES = st.text(st.characters(codec="utf-8", exclude_categories=("Cs", "Cc")), max_size=20)

changes = st.fixed_dictionaries(
    {},
    optional={
        "Operations!E2": st.floats(0, 300),
        "Operations!E4": st.integers(0, 600_000),
        "Jobs!F2": st.floats(0, 1e6),
        "Jobs!B3": NAMES,
        "Jobs!E4": st.datetimes(at(7), at(28)).map(lambda d: d.replace(microsecond=0)),
        "Jobs!D4": st.dates(at(2).date(), at(4).date()),
        "Machines!D2": st.floats(0.01, 100),
        "Jobs!G2": st.sampled_from(["yes", "no", True, False, 1, 0]),
        "Shifts!C2": st.integers(0, 9).map(lambda hour: time(hour, 30)),
    },
)  # fmt: skip


@settings(max_examples=25)
@given(cells=changes)
def test_any_workbook_reads_the_same_after_its_way_through_csv(
    tmp_path_factory: pytest.TempPathFactory, cells: dict[str, Any]
) -> None:
    base = tmp_path_factory.mktemp("shop")
    sheets = small()
    for address, value in cells.items():
        put(sheets, address, value)
    raw = read_workbook(save(base / "orders.xlsx", sheets), Findings())
    straight = assembled(raw, Findings()).scenario

    scenario = read(write_folder(raw, base / "csv"))

    assert_same(scenario, straight)


@pytest.mark.parametrize("mark", [",", ";", "\t"])
def test_the_mark_between_fields_is_seen_in_the_header(folder: Path, mark: str) -> None:
    straight = read(folder)
    for path in folder.iterdir():
        rows = list(csv.reader(path.read_text(encoding="utf-8-sig").splitlines()))
        with path.open("w", encoding="utf-8", newline="") as stream:
            csv.writer(stream, delimiter=mark).writerows(rows)

    assert_same(read(folder), straight)


def test_a_fault_is_shown_with_its_file_line_and_field(folder: Path) -> None:
    path = folder / "jobs.csv"
    path.write_text(path.read_text(encoding="utf-8-sig").replace("yes", "maybe"), encoding="utf-8")

    (problem,) = problems(folder)

    assert problem.where == "plant/jobs.csv line 3, important"


def test_line_numbers_count_lines_inside_quotes(folder: Path) -> None:
    path = folder / "jobs.csv"
    text = (
        path.read_text(encoding="utf-8-sig").replace("Anker", '"An\nker"').replace("yes", "maybe")
    )
    path.write_text(text, encoding="utf-8")

    assert problems(folder)[0].where == "plant/jobs.csv line 4, important"


@pytest.mark.parametrize(
    ("data", "found"),
    [
        ("job;due\nM\u00fcller;".encode("cp1252"), "line 2 is not UTF-8 text"),
        (b'job,due\n"A,2026', "not a table"),
        (b"job" + b"," * 300, "line 1 has 301 columns"),
    ],
)
def test_a_file_that_is_no_table_is_told_once(folder: Path, data: bytes, found: str) -> None:
    (folder / "jobs.csv").write_bytes(data)

    (problem,) = problems(folder)

    assert problem.where == "plant/jobs.csv"
    assert found in problem.found


def test_a_file_beyond_the_limits_is_told(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(table_csv, "MAX_ROWS", 4)

    assert [(p.where, p.found) for p in problems(folder)] == [
        ("plant/operations.csv", "more than 4 rows")
    ]

    monkeypatch.setattr(table_csv, "MAX_FILE_BYTES", 260)

    assert "plant/operations.csv" in [p.where for p in problems(folder)]


def test_a_missing_file_is_told_by_its_name(folder: Path) -> None:
    (folder / "jobs.csv").unlink()

    (problem,) = problems(folder)

    assert (problem.where, problem.found) == ("plant/jobs.csv", "the sheet is missing")


def test_other_files_are_skipped_and_two_of_a_name_are_told(folder: Path) -> None:
    (folder / "notes.csv").write_text("a,b", encoding="utf-8")
    assert examine(folder).notes == ("sheet 'notes' is not one of ours and was skipped",)

    (folder / "JOBS.csv").write_text("job", encoding="utf-8")

    assert "two files for jobs" in [p.found for p in problems(folder)]


def test_a_folder_without_tables_is_told_what_belongs_there(tmp_path: Path) -> None:
    (problem,) = problems(tmp_path)

    assert problem.found == "a folder without .csv files"
    assert "jobs.csv" in problem.allowed


@pytest.mark.parametrize(
    ("raw", "text"),
    [
        (None, ""), (True, "yes"), (False, "no"), (3.0, "3"), (0.1, "0.1"), ("a,b", "a,b"),
        (at(2, 6), "2026-03-02 06:00:00"), (date(2026, 3, 2), "2026-03-02"), (time(6, 5), "06:05"),
        (timedelta(hours=24), "24:00"),
    ],
)  # fmt: skip
def test_cells_become_text_that_reads_as_the_same_value(raw: Any, text: str) -> None:
    assert plain(raw) == text


def test_a_file_is_whole_or_as_it_was(tmp_path: Path) -> None:
    path = tmp_path / "x.csv"
    write_csv(path, [["a"]])

    def rows() -> Any:
        yield ["b"]
        raise RuntimeError

    with pytest.raises(RuntimeError):
        write_csv(path, rows())

    assert path.read_text(encoding="utf-8-sig") == "a\n"
    assert [p.name for p in tmp_path.iterdir()] == ["x.csv"]
