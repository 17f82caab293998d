# SPDX-License-Identifier: MIT
import os
from pathlib import Path

import pytest

from flyball.core.errors import Problem, ScenarioError
from flyball.worlds.jobshop.read import examine, read
from flyball.worlds.jobshop.table_csv import write_folder
from tests.worlds.jobshop.tabled import book
from tests.worlds.jobshop.workbooks import save, small


def refusal(path: Path) -> Problem:
    with pytest.raises(ScenarioError) as caught:
        read(path)

    (problem,) = caught.value.problems
    return problem


def test_a_workbook_a_folder_and_a_public_file_are_told_apart(tmp_path: Path) -> None:
    workbook = save(tmp_path / "orders.xlsx", small())
    folder = write_folder(book(small()), tmp_path / "plant")
    public = tmp_path / "tiny"
    public.write_text("1 1\n0 3\n", encoding="utf-8")

    assert read(workbook).name == read(folder).name == "Small shop"
    assert read(str(public)).name == "tiny"


def test_a_workbook_is_known_by_its_content_whatever_its_name(tmp_path: Path) -> None:
    path = save(tmp_path / "orders.xlsx", small())

    assert read(path.rename(tmp_path / "orders")).n_jobs == 3


@pytest.mark.parametrize(
    ("name", "data", "found", "fix"),
    [
        ("orders.csv", b"job", "one CSV file alone", "name its folder"),
        ("orders.pdf", b"%PDF", "a file of unknown kind '.pdf'", "flyball template jobshop"),
        ("orders.xls", b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1", "Excel 97", "save it as .xlsx"),
        ("orders.ods", b"mimetype", "not an Excel workbook", "save it as .xlsx"),
    ],
)
def test_other_kinds_of_file_are_refused_with_what_to_do(
    tmp_path: Path, name: str, data: bytes, found: str, fix: str
) -> None:
    path = tmp_path / name
    path.write_bytes(data)

    problem = refusal(path)

    assert problem.where == name
    assert found in problem.found
    assert fix in problem.fix


def test_a_file_that_is_not_there_is_told(tmp_path: Path) -> None:
    assert refusal(tmp_path / "orders.xlsx").found == "no such file or folder"


def test_a_name_that_no_file_system_takes_is_told(tmp_path: Path) -> None:
    assert "cannot be read" in refusal(tmp_path / ("x" * 5000)).found


def test_notes_come_with_the_scenario(tmp_path: Path) -> None:
    sheets = {**small(), "Prices": [["a"]]}

    reading = examine(save(tmp_path / "orders.xlsx", sheets))

    assert reading.scenario.n_jobs == 3
    assert reading.notes == ("sheet 'Prices' is not one of ours and was skipped",)


def test_a_pipe_is_refused_at_once(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "orders.xlsx")

    assert refusal(tmp_path / "orders.xlsx").found == "neither a file nor a folder"
