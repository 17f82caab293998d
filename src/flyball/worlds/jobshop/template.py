# SPDX-License-Identifier: MIT
"""The shipped workbook: valid input that explains itself."""

import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import date, datetime
from pathlib import Path

from openpyxl import Workbook
from openpyxl.comments import Comment
from openpyxl.styles import Alignment, Font, PatternFill
from openpyxl.utils import get_column_letter
from openpyxl.worksheet.worksheet import Worksheet

from flyball.worlds.jobshop import example
from flyball.worlds.jobshop.example import Rows
from flyball.worlds.jobshop.forms import FORMS, PLANT, Form

HEADER = PatternFill("solid", fgColor="1F4E5F")
HEADER_FONT = Font(bold=True, color="FFFFFF")
OPTIONAL = PatternFill("solid", fgColor="6A8E9A")


@contextmanager
def replacing(path: Path) -> Iterator[Path]:
    """Yield a file beside `path` that takes its place when the block ends without an error."""
    path.parent.mkdir(parents=True, exist_ok=True)
    handle, name = tempfile.mkstemp(prefix=f".{path.name}.", suffix=path.suffix, dir=path.parent)
    os.close(handle)
    draft = Path(name)
    try:
        yield draft
        draft.chmod(0o644)
        draft.replace(path)
    finally:
        draft.unlink(missing_ok=True)


def template(path: Path | str) -> Path:
    """Write the shipped workbook, which is itself valid input, and return its path.

    The file takes the place of an older one only when it is complete.
    """
    return write_template(Path(path), example.sheets())


def write_template(path: Path, sheets: dict[str, Rows]) -> Path:
    """Write rows as a workbook with headers, notes and a page that explains every column."""
    book = Workbook()
    readme = book.active
    if isinstance(readme, Worksheet):
        readme.title = "Read me"
        _explain(readme)
    for form in FORMS:
        sheet = book.create_sheet(form.name)
        _head(sheet, form)
        for number, row in enumerate(sheets.get(form.name, []), start=2):
            for column, value in enumerate(row, start=1):
                put(sheet, number, column, value)
        _shape(sheet)
    with replacing(path) as draft:
        book.save(draft)
    return path


def put(sheet: Worksheet, line: int, column: int, value: object) -> None:
    """Fill a cell; text is never taken for a formula, whatever it begins with."""
    if value is None or value == "":
        return
    cell = sheet.cell(line, column)
    cell.value = value  # type: ignore[assignment]
    if isinstance(value, str):
        cell.data_type = "s"
    elif isinstance(value, datetime):
        cell.number_format = "yyyy-mm-dd hh:mm"
    elif isinstance(value, date):
        cell.number_format = "yyyy-mm-dd"


def _head(sheet: Worksheet, form: Form) -> None:
    for number, column in enumerate(form.columns, start=1):
        cell = sheet.cell(1, number, column.name)
        cell.font = HEADER_FONT
        cell.fill = HEADER if column.filled else OPTIONAL
        cell.alignment = Alignment(vertical="center")
        need = "must be filled" if column.filled else "may stay empty"
        cell.comment = Comment(f"{column.about} ({need})", "Flyball", height=90, width=260)


def _shape(sheet: Worksheet) -> None:
    """Fix the header row in view and fit the widths."""
    sheet.freeze_panes = "A2"
    for number, cells in enumerate(sheet.iter_cols(), start=1):
        longest = max(len(_shown(cell.value)) for cell in cells)
        sheet.column_dimensions[get_column_letter(number)].width = min(max(longest + 3, 9), 60)
    if sheet.max_row > 1:
        sheet.auto_filter.ref = sheet.dimensions


def _shown(value: object) -> str:
    if value is None:
        return ""
    return f"{value:%Y-%m-%d %H:%M}" if isinstance(value, datetime) else str(value)


def _explain(sheet: Worksheet) -> None:
    lines = [
        ("A shop for Flyball", "", ""),
        ("Replace the rows of the other sheets by your own and run: flyball check", "", ""),
        ("Sheets may stand in any order; columns too. This sheet is not read.", "", ""),
        ("Dates are date cells or text such as 2026-03-20 14:00. Decimals have a point.", "", ""),
        ("Times are wall-clock times of the plant; days have 24 hours.", "", ""),
        ("", "", ""),
        ("sheet", "column", "meaning"),
    ]
    for form in FORMS:
        needed = "" if form.needed else " May be left out."
        lines.append((form.name, "", form.about + needed))
        lines += [
            ("", column.name, _meaning(column.about, column.filled)) for column in form.columns
        ]
        if form.name == "Plant":
            lines += [("", f"key {key.name}", _meaning(key.about, key.filled)) for key in PLANT]
    for number, line in enumerate(lines, start=1):
        for column, value in enumerate(line, start=1):
            put(sheet, number, column, value)
    sheet["A1"].font = Font(bold=True, size=14)
    for column in range(1, 4):
        cell = sheet.cell(7, column)
        cell.font, cell.fill = HEADER_FONT, HEADER
    for letter, width in (("A", 16), ("B", 20), ("C", 100)):
        sheet.column_dimensions[letter].width = width


def _meaning(about: str, filled: bool) -> str:  # noqa: FBT001
    return f"{about} ({'must be filled' if filled else 'may stay empty'})"
