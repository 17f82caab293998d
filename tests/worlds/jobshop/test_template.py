# SPDX-License-Identifier: MIT
from pathlib import Path

import pytest
from openpyxl import load_workbook

from flyball.worlds.jobshop.forms import FORMS, PLANT
from flyball.worlds.jobshop.read import examine
from flyball.worlds.jobshop.template import template, write_template
from tests.worlds.jobshop.workbooks import small


@pytest.fixture(scope="module")
def path(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return template(tmp_path_factory.mktemp("shipped") / "orders.xlsx")


def test_the_template_is_valid_input_with_nothing_to_remark(path: Path) -> None:
    reading = examine(path)

    assert reading.notes == ()


def test_every_column_has_its_header_its_note_and_its_explanation(path: Path) -> None:
    book = load_workbook(path)
    told = {str(row[1].value): str(row[2].value) for row in book["Read me"].iter_rows(min_row=8)}

    assert book.sheetnames == ["Read me", *(form.name for form in FORMS)]
    for form in FORMS:
        for number, column in enumerate(form.columns, start=1):
            cell = book[form.name].cell(1, number)
            assert cell.value == column.name
            assert cell.comment is not None
            assert cell.comment.text.startswith(column.about)
            assert column.name in told
    assert all(told[f"key {key.name}"].startswith(key.about) for key in PLANT)


def test_headers_stay_in_view_and_differ_where_a_column_must_be_filled(path: Path) -> None:
    sheet = load_workbook(path)["Jobs"]

    assert sheet.freeze_panes == "A2"
    colours = {sheet.cell(1, n).fill.fgColor.rgb for n in (1, 5)}
    assert len(colours) == 2
    assert sheet["E2"].number_format == "yyyy-mm-dd hh:mm"


def test_rows_of_anybody_can_be_written_the_same_way(tmp_path: Path) -> None:
    rows = {name: these[1:] for name, these in small().items()}

    reading = examine(write_template(tmp_path / "small.xlsx", rows))

    assert reading.scenario.job_name == ("A", "B", "C")


def test_a_template_that_cannot_be_written_leaves_nothing_behind(tmp_path: Path) -> None:
    target = tmp_path / "orders.xlsx"
    target.mkdir()

    with pytest.raises(OSError, match="directory"):
        template(target)

    assert list(tmp_path.iterdir()) == [target]
