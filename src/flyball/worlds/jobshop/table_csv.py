# SPDX-License-Identifier: MIT
"""A folder of CSV files, one for each sheet: ``jobs.csv``, ``operations.csv`` and so on.

UTF-8 with or without a byte-order mark; commas, semicolons or tabs between the fields, whatever
the header line has most of. Numbers have a decimal point, dates are ISO: 2026-03-20 14:00.
"""

import csv
import io
from collections.abc import Iterable, Sequence
from datetime import datetime, time, timedelta
from pathlib import Path

from flyball.core.errors import Problem, ScenarioError
from flyball.worlds.jobshop.cells import Raw, show
from flyball.worlds.jobshop.findings import Findings
from flyball.worlds.jobshop.forms import FORMS, MAX_COLUMNS, MAX_ROWS
from flyball.worlds.jobshop.spreadsheet import replacing
from flyball.worlds.jobshop.tables import Book, Place, Sheet

MAX_FILE_BYTES = 400 * 2**20


def read_folder(folder: Path, findings: Findings) -> Book:
    """Read every CSV file of a folder.

    Parameters
    ----------
    folder
        Files are matched to sheets by name, in any case; others are skipped with a note.
    findings
        Changed in place: files that are too large or are not UTF-8 text.

    Raises
    ------
    ScenarioError
        When the folder holds no CSV file.
    """
    paths = sorted(path for path in folder.iterdir() if path.suffix.lower() == ".csv")
    if not paths:
        raise ScenarioError(
            Problem(
                where=folder.name,
                found="a folder without .csv files",
                allowed=", ".join(f"{form.name.lower()}.csv" for form in FORMS if form.needed),
                fix="name the right folder",
            )
        )
    ours = {form.name.lower() for form in FORMS}
    sheets: dict[str, Sheet] = {}
    for path in paths:
        key = path.stem.strip().lower()
        if key in sheets:
            _report(path, f"two files for {key}", "each sheet once", "delete one", findings)
            continue
        known = len(findings)
        lines = _lines(path, findings) if key in ours else []
        sheets[key] = Sheet(path.stem, lines, _place(path), refused=len(findings) > known)
    return Book(folder.name, sheets, lambda name: f"{folder.name}/{name.lower()}.csv")


def _place(path: Path) -> Place:
    def place(line: int, _column: int, name: str) -> str:
        column = f", {name}" if name else ""
        return f"{path.parent.name}/{path.name} line {line}{column}"

    return place


def _report(path: Path, found: str, allowed: str, fix: str, findings: Findings) -> None:
    where = f"{path.parent.name}/{path.name}"
    findings.add(Problem(where=where, found=found, allowed=allowed, fix=fix))


def _lines(path: Path, findings: Findings) -> list[tuple[int, Sequence[Raw]]]:
    size = path.stat().st_size
    if size > MAX_FILE_BYTES:
        found, allowed = f"{size / 2**20:.0f} MiB", f"at most {MAX_FILE_BYTES // 2**20} MiB"
        _report(path, found, allowed, "take out what is not needed", findings)
        return []
    data = path.read_bytes()
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = data[: error.start].count(b"\n") + 1
        fix = "save it as CSV UTF-8"
        _report(path, f"line {line} is not UTF-8 text", "UTF-8", fix, findings)
        return []
    try:
        return _split(path, text, findings)
    except csv.Error as error:
        fix = "save it as CSV UTF-8 from the spreadsheet"
        _report(path, f"not a table ({error})", "CSV", fix, findings)
        return []


def _split(path: Path, text: str, findings: Findings) -> list[tuple[int, Sequence[Raw]]]:
    header = next((line for line in text.splitlines() if line.strip()), "")
    mark = max(",;\t", key=header.count)
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=mark, strict=True)
    lines: list[tuple[int, Sequence[Raw]]] = []
    before = 0
    for cells in reader:
        first, before = before + 1, reader.line_num
        if cells:
            lines.append((first, cells))
        if len(lines) > MAX_ROWS + 1 or len(cells) > MAX_COLUMNS:
            allowed = f"at most {MAX_ROWS:,} rows and {MAX_COLUMNS} columns"
            found = f"line {first} has {len(cells)} columns"
            if len(lines) > MAX_ROWS:
                found = f"more than {MAX_ROWS:,} rows"
            _report(path, found, allowed, "take out what is not needed", findings)
            return []
    return lines


def write_folder(book: Book, folder: Path) -> Path:
    """Write the sheets of a book as CSV files that read as the same tables; return the folder.

    Raises
    ------
    OSError
        When the folder cannot be written.
    """
    names = {form.name.lower(): form.name for form in FORMS}
    for key, sheet in book.sheets.items():
        if key in names:
            write_csv(folder / f"{key}.csv", (cells for _, cells in sheet.lines))
    return folder


def write_csv(path: Path, rows: Iterable[Sequence[Raw]]) -> None:
    """Write rows as one CSV file that takes the place of an older one when it is complete."""
    with (
        replacing(path) as draft,
        draft.open("w", encoding="utf-8-sig", newline="") as stream,
    ):
        csv.writer(stream, lineterminator="\r\n").writerows(
            [plain(raw) for raw in row] for row in rows
        )


def plain(raw: Raw) -> str:
    """Return a raw cell as CSV text that reads as the same value."""
    if isinstance(raw, bool):
        return "yes" if raw else "no"
    if isinstance(raw, datetime):
        return raw.isoformat(" ", "seconds")
    if isinstance(raw, timedelta):
        minutes = round(raw.total_seconds() / 60)
        return f"{minutes // 60:02d}:{minutes % 60:02d}"
    if isinstance(raw, time):
        return f"{raw:%H:%M}"
    text = raw if isinstance(raw, str) else show(raw)
    return "" if raw is None else text
