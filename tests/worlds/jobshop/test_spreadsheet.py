# SPDX-License-Identifier: MIT
import os
from datetime import date
from pathlib import Path

import pytest
from openpyxl import Workbook
from openpyxl.worksheet.worksheet import Worksheet

from flyball.worlds.jobshop.spreadsheet import head, put, replacing, shape
from tests.worlds.jobshop.workbooks import at


@pytest.fixture
def sheet() -> Worksheet:
    return Workbook().worksheets[0]


def test_a_file_takes_its_place_only_when_it_is_whole(tmp_path: Path) -> None:
    path = tmp_path / "new" / "plan.csv"

    with replacing(path) as draft:
        draft.write_text("whole", encoding="utf-8")
        assert not path.exists()

    assert path.read_text(encoding="utf-8") == "whole"
    assert list(path.parent.iterdir()) == [path]


def test_a_file_is_flushed_and_has_the_permissions_of_the_umask(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path, flushed = tmp_path / "plan.csv", []
    monkeypatch.setattr(os, "fsync", lambda handle: flushed.append(os.fstat(handle).st_ino))

    before = os.umask(0o027)
    try:
        with replacing(path) as draft:
            draft.write_text("whole", encoding="utf-8")
    finally:
        os.umask(before)

    assert path.stat().st_mode & 0o777 == 0o640
    assert flushed == [path.stat().st_ino]


def test_a_file_stays_as_it_was_when_writing_fails(tmp_path: Path) -> None:
    path = tmp_path / "plan.csv"
    path.write_text("old", encoding="utf-8")

    def fail() -> None:
        with replacing(path) as draft:
            draft.write_text("half", encoding="utf-8")
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        fail()

    assert path.read_text(encoding="utf-8") == "old"
    assert list(tmp_path.iterdir()) == [path]


def test_text_is_never_a_formula(sheet: Worksheet) -> None:
    put(sheet, 1, 1, "=SUM(A1)")

    assert sheet["A1"].data_type == "s"


def test_dates_are_shown_in_iso_order_with_a_time_where_there_is_one(sheet: Worksheet) -> None:
    put(sheet, 1, 1, at(2, 6))
    put(sheet, 1, 2, date(2026, 3, 2))

    assert sheet["A1"].number_format == "yyyy-mm-dd hh:mm"
    assert sheet["B1"].number_format == "yyyy-mm-dd"


def test_nothing_leaves_a_cell_as_it_is(sheet: Worksheet) -> None:
    put(sheet, 1, 1, None)
    put(sheet, 1, 2, "")

    assert sheet.max_column == 1
    assert sheet["A1"].value is None


def test_the_header_stays_in_view_and_columns_are_as_wide_as_they_need(sheet: Worksheet) -> None:
    head(sheet, ["job", "customer"])
    put(sheet, 2, 2, "x" * 30)
    put(sheet, 3, 1, at(2, 6))
    shape(sheet)

    assert sheet.freeze_panes == "A2"
    assert sheet.auto_filter.ref == "A1:B3"
    assert (sheet.column_dimensions["A"].width, sheet.column_dimensions["B"].width) == (19, 33)
