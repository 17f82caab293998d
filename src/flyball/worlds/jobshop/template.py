# SPDX-License-Identifier: MIT
"""The shipped workbook: valid input that explains itself."""

from pathlib import Path

from openpyxl import Workbook
from openpyxl.comments import Comment
from openpyxl.styles import Font
from openpyxl.worksheet.worksheet import Worksheet

from flyball.worlds.jobshop import example
from flyball.worlds.jobshop.example_plant import Rows
from flyball.worlds.jobshop.forms import FORMS, PLANT, README, Form
from flyball.worlds.jobshop.spreadsheet import (
    HEADER,
    HEADER_FONT,
    OPTIONAL,
    head,
    put,
    replacing,
    shape,
)


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
        readme.title = README
        _explain(readme)
    for form in FORMS:
        sheet = book.create_sheet(form.name)
        _head(sheet, form)
        for number, row in enumerate(sheets.get(form.name, []), start=2):
            for column, value in enumerate(row, start=1):
                put(sheet, number, column, value)
        shape(sheet)
    with replacing(path) as draft:
        book.save(draft)
    return path


def _head(sheet: Worksheet, form: Form) -> None:
    head(sheet, [column.name for column in form.columns])
    for number, column in enumerate(form.columns, start=1):
        cell = sheet.cell(1, number)
        cell.fill = HEADER if column.filled else OPTIONAL
        need = "must be filled" if column.filled else "may stay empty"
        cell.comment = Comment(f"{column.about} ({need})", "Flyball", height=90, width=260)


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
