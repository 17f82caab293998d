# SPDX-License-Identifier: MIT
"""A small valid workbook as rows, and how to save what tests make of it."""

from datetime import datetime
from pathlib import Path

from openpyxl import Workbook

Sheets = dict[str, list[list[object]]]
"""Rows by sheet name, the header first."""


def at(day: int, hour: int = 0, minute: int = 0, *, month: int = 3, year: int = 2026) -> datetime:
    """Return a moment of the plant's wall clock, in March 2026 unless said otherwise."""
    return datetime(year, month, day, hour, minute)  # noqa: DTZ001


START = at(2, 6)  # a Monday


def small() -> Sheets:
    """Return a shop of two groups, three machines and three jobs: valid in every cell."""
    return {
        "Plant": [["key", "value"], ["name", "Small shop"], ["start", START]],
        "Groups": [["group", "setup_may_pause"], ["Cut", "no"], ["Paint", "no"]],
        "Machines": [
            ["machine", "group", "calendar", "speed", "set_up_for"],
            ["C1", "Cut", "day", 1.0, None],
            ["C2", "Cut", "day", 0.8, None],
            ["P1", "Paint", "day", 1.0, "red"],
        ],
        "Shifts": [
            ["calendar", "days", "from", "to", "kind"],
            ["day", "Mon-Fri", "06:00", "14:00", "work"],
            ["day", "Mon-Fri", "10:00", "10:30", "break"],
        ],
        "Holidays": [["calendar", "date", "name"], ["all", at(3, month=4), "Good Friday"]],
        "Maintenance": [
            ["machine", "from", "to"],
            ["C1", at(3, 6), at(3, 8)],
        ],
        "Setups": [
            ["group", "from", "to", "minutes"],
            ["Paint", "red", "blue", 30],
            ["Paint", "blue", "red", 60],
        ],
        "Jobs": [
            ["job", "customer", "product", "release", "due", "weight", "important"],
            ["A", "Anker", "lid", None, at(4, 14), 1, "no"],
            ["B", "Birk", "box", START, at(5, 14), 2, "yes"],
            ["C", "Cord", "bar", None, at(6, 14), None, None],
        ],
        "Operations": [
            [
                "job", "operation", "after", "machines", "minutes", "family", "interruptible",
                "status", "on_machine", "starts", "remaining_minutes",
            ],
            ["A", 10, None, "Cut", 60, None, "yes", None, None, None, None],
            ["A", 20, None, "Paint", 90, "red", "no", None, None, None, None],
            ["B", 10, None, "C1; C2 @0.5", 45.5, None, "yes", None, None, None, None],
            ["B", 20, None, "Paint", 30, "blue", "no", None, None, None, None],
            ["C", 10, None, "Cut", 120, None, "yes", None, None, None, None],
        ],
    }  # fmt: skip


def put(sheets: Sheets, address: str, value: object) -> None:
    """Set one cell: ``Jobs!E2``; the row is lengthened where it must be."""
    name, _, cell = address.partition("!")
    column, line = ord(cell[0]) - ord("A"), int(cell[1:]) - 1
    row = sheets[name][line]
    row += [None] * (column + 1 - len(row))
    row[column] = value


def save(path: Path, sheets: Sheets) -> Path:
    """Save rows as a workbook."""
    book = workbook(sheets)
    book.save(path)
    return path


def workbook(sheets: Sheets) -> Workbook:
    """Return rows as a workbook that can be changed before it is saved."""
    book = Workbook()
    book.remove(book.worksheets[0])
    for name, rows in sheets.items():
        sheet = book.create_sheet(name)
        for row in rows:
            sheet.append(row)
    return book
