# SPDX-License-Identifier: MIT
"""Writing spreadsheets: one look for every sheet, and files that are never half written."""

import os
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import date, datetime
from pathlib import Path

from openpyxl.styles import Alignment, Font, PatternFill
from openpyxl.utils import get_column_letter
from openpyxl.worksheet.worksheet import Worksheet

HEADER = PatternFill("solid", fgColor="1F4E5F")
HEADER_FONT = Font(bold=True, color="FFFFFF")
OPTIONAL = PatternFill("solid", fgColor="6A8E9A")


@contextmanager
def replacing(path: Path) -> Iterator[Path]:
    """Yield a draft beside `path` that takes its place, flushed, when the block succeeds.

    The block makes the file, so that it gets the permissions of the user's umask.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    draft = path.with_name(f".half-{os.getpid()}-{path.name}")
    try:
        yield draft
        with draft.open("rb") as written:
            os.fsync(written.fileno())
        draft.replace(path)
    finally:
        draft.unlink(missing_ok=True)


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


def head(sheet: Worksheet, names: Sequence[str]) -> None:
    """Write the header row."""
    for number, name in enumerate(names, start=1):
        cell = sheet.cell(1, number, name)
        cell.font, cell.fill = HEADER_FONT, HEADER
        cell.alignment = Alignment(vertical="center")


def shape(sheet: Worksheet) -> None:
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
