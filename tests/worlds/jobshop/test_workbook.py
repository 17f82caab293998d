# SPDX-License-Identifier: MIT
from collections.abc import Callable
from pathlib import Path

import pytest
from openpyxl import Workbook

from flyball.core.errors import Problem, ScenarioError
from flyball.worlds.jobshop import workbook as workbook_room
from flyball.worlds.jobshop.findings import Findings
from flyball.worlds.jobshop.read import examine, read
from flyball.worlds.jobshop.workbook import read_workbook
from tests.worlds.jobshop.workbooks import put, save, small, workbook

Change = Callable[[Workbook], object]


def problems(folder: Path, change: Change) -> tuple[Problem, ...]:
    book = workbook(small())
    change(book)
    book.save(folder / "orders.xlsx")

    with pytest.raises(ScenarioError) as caught:
        read(folder / "orders.xlsx")

    assert [path.name for path in folder.iterdir()] == ["orders.xlsx"]
    return caught.value.problems


def fill(sheet: str, cell: str, value: object) -> Change:
    def change(book: Workbook) -> None:
        book[sheet][cell] = value

    return change


def test_merged_cells_are_shown_with_their_range(tmp_path: Path) -> None:
    (problem,) = problems(tmp_path, lambda book: book["Jobs"].merge_cells("B2:B3"))

    assert problem.where == "orders.xlsx Jobs!B2"
    assert problem.found == "merged cells down to B3"
    assert "unmerge" in problem.fix


def test_a_formula_that_nobody_computed_is_shown_with_its_cell(tmp_path: Path) -> None:
    (problem,) = problems(tmp_path, fill("Operations", "E2", "=30*2"))

    assert problem.where == "orders.xlsx Operations!E2"
    assert problem.found == "formula =30*2 without a result"
    assert "let it compute" in problem.fix


def test_a_formula_at_the_end_of_a_row_is_not_lost(tmp_path: Path) -> None:
    found = problems(tmp_path, fill("Jobs", "G4", '="y"&"es"'))

    assert [problem.where for problem in found] == ["orders.xlsx Jobs!G4"]


def test_a_formula_in_a_row_of_its_own_is_not_lost(tmp_path: Path) -> None:
    found = problems(tmp_path, fill("Jobs", "A9", "=A2"))

    assert found[0].where == "orders.xlsx Jobs!A9"


def test_a_cell_that_shows_an_error_is_shown(tmp_path: Path) -> None:
    def change(book: Workbook) -> None:
        book["Jobs"]["E2"] = "#REF!"
        book["Jobs"]["E2"].data_type = "e"

    (problem,) = problems(tmp_path, change)

    assert problem.where == "orders.xlsx Jobs!E2"
    assert problem.found == "the cell shows #REF!"
    assert "formula" in problem.fix


def test_a_hidden_sheet_that_is_needed_must_be_shown(tmp_path: Path) -> None:
    def change(book: Workbook) -> None:
        book["Jobs"].sheet_state = "hidden"

    (problem,) = problems(tmp_path, change)

    assert problem.where == "orders.xlsx Jobs!A1"
    assert problem.found == "the sheet is hidden"
    assert problem.fix == "unhide the sheet Jobs"


@pytest.mark.parametrize(
    ("cell", "where", "size"),
    [
        ("XFD2", "Jobs!XFD4", "4 rows and 16384 columns"),
        ("B1048576", "Jobs!G1048576", "1048576 rows and 7 columns"),
    ],
)
def test_a_cell_far_out_is_refused_before_memory_is_taken(
    tmp_path: Path, cell: str, where: str, size: str
) -> None:
    (problem,) = problems(tmp_path, fill("Jobs", cell, 1))

    assert problem.where == f"orders.xlsx {where}"
    assert problem.found == f"{size} in use"
    assert "delete the rows and columns" in problem.fix


def test_two_sheets_of_one_name_are_refused(tmp_path: Path) -> None:
    (problem,) = problems(tmp_path, lambda book: book.create_sheet("Jobs "))

    assert problem.where == "orders.xlsx Jobs !A1"
    assert "delete or rename" in problem.fix


def test_sheets_and_columns_stand_in_any_order_and_case(tmp_path: Path) -> None:
    sheets = small()
    turned = {name.upper(): [row[::-1] for row in rows] for name, rows in sheets.items()}
    for rows in turned.values():
        rows[0] = [str(name).upper() for name in rows[0]]
    turned["PLANT"] = sheets["Plant"]
    shuffled = dict(reversed(turned.items()))
    straight = read(save(tmp_path / "straight.xlsx", sheets))

    scenario = read(save(tmp_path / "turned.xlsx", shuffled))

    assert scenario.job_name == straight.job_name
    assert all((a == b).all() for a, b in zip(scenario.arrays, straight.arrays, strict=True))


def test_what_is_not_ours_is_skipped_with_a_note(tmp_path: Path) -> None:
    sheets = small()
    sheets["Budget"] = [["a", "b"], [1, "1,5"]]
    put(sheets, "Jobs!H1", "Colour")
    book = workbook(sheets)
    book.create_sheet("Draft").sheet_state = "hidden"
    book["Holidays"].sheet_state = "veryHidden"
    book.save(tmp_path / "orders.xlsx")

    reading = examine(tmp_path / "orders.xlsx")

    assert reading.notes == (
        "sheet 'Budget' is not one of ours and was skipped",
        "sheet 'Holidays' is hidden and was skipped",
        "sheet 'Jobs': ignored columns colour",
    )


def test_empty_lines_before_and_between_rows_do_not_shift_addresses(tmp_path: Path) -> None:
    sheets = small()
    sheets["Jobs"] = [[], [], *sheets["Jobs"][:2], [], *sheets["Jobs"][2:]]
    sheets["Jobs"][6][4] = "never"
    path = save(tmp_path / "orders.xlsx", sheets)

    with pytest.raises(ScenarioError) as caught:
        read(path)

    assert [p.where for p in caught.value.problems] == ["orders.xlsx Jobs!E7"]


def test_a_table_of_too_many_cells_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(workbook_room, "MAX_CELLS", 20)
    findings = Findings()

    book = read_workbook(save(tmp_path / "orders.xlsx", small()), findings)

    # Jobs has 4 x 7 cells and Operations 6 x 11; all others have 20 or fewer.
    assert [key for key, sheet in book.sheets.items() if sheet.refused] == ["jobs", "operations"]
    assert len(findings) == 2
