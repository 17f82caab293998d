# SPDX-License-Identifier: MIT
"""Excel workbooks in: every sheet of ours as raw cells that know their address."""

from pathlib import Path

from python_calamine import CalamineError, CalamineSheet, CalamineWorkbook

from flyball.core.errors import Problem
from flyball.worlds.jobshop import package
from flyball.worlds.jobshop.cells import Fault, Raw, is_blank
from flyball.worlds.jobshop.findings import Findings
from flyball.worlds.jobshop.forms import FORMS, MAX_COLUMNS, MAX_ROWS
from flyball.worlds.jobshop.tables import Book, Place, Sheet

MAX_CELLS = 20_000_000


def read_workbook(path: Path, findings: Findings) -> Book:
    """Read the visible sheets of a workbook.

    Parameters
    ----------
    path
        An .xlsx file.
    findings
        Changed in place: sheets that are too large, merged cells, sheets that stand twice.

    Raises
    ------
    ScenarioError
        When the file is not a workbook that can be read.
    """
    parts = package.parts(path)
    listed = package.sheets(path, parts)
    ours = {form.name.lower() for form in FORMS}
    hidden = frozenset(sheet.name.lower() for sheet in listed if sheet.hidden)
    wanted: dict[str, package.SheetPart] = {}
    sheets: dict[str, Sheet] = {}
    for sheet in listed:
        key = sheet.name.strip().lower()
        if sheet.hidden:
            continue
        if key not in ours:
            sheets[key] = Sheet(sheet.name, (), _place(path, sheet.name))
        elif key in wanted:
            findings.add(
                Problem(
                    where=f"{path.name} {sheet.name}!A1",
                    found=f"two sheets named {sheet.name}",
                    allowed="each sheet once",
                    fix="delete or rename one of the two",
                )
            )
        else:
            wanted[key] = sheet
    sheets.update(_cells(path, parts, wanted, findings))
    return Book(path.name, sheets, lambda name: f"{path.name} {name}!A1", hidden)


def _place(path: Path, sheet: str) -> Place:
    def place(line: int, column: int, _field: str) -> str:
        return f"{path.name} {sheet}!{package.column_letters(max(column, 1))}{line}"

    return place


def _cells(
    path: Path,
    parts: dict[str, bytes],
    wanted: dict[str, package.SheetPart],
    findings: Findings,
) -> dict[str, Sheet]:
    scans = {key: package.scan(parts[sheet.part]) for key, sheet in wanted.items()}
    sheets = _refused(path, wanted, scans, findings)
    # Sheets that nobody asked for are emptied, so that the parser never meets them.
    wanted = {key: sheet for key, sheet in wanted.items() if key not in sheets}
    kept = {sheet.part for sheet in wanted.values()}
    empty = b'<worksheet xmlns="http://schemas.openxmlformats.org/spreadsheetml/2006/main"/>'
    rest = {
        name: empty if name.startswith("xl/worksheets/") and name not in kept else data
        for name, data in parts.items()
    }
    try:
        with CalamineWorkbook.from_filelike(package.rebuilt(rest)) as book:
            for key, part in wanted.items():
                found = book.get_sheet_by_name(part.name)
                place = _place(path, part.name)
                _report_merged(found, place, findings)
                sheets[key] = Sheet(part.name, _lines(found, scans[key]), place)
    except (CalamineError, ValueError, OSError) as error:
        raise package.refuse(
            path,
            f"a damaged workbook ({str(error)[:80]})",
            "an .xlsx workbook",
            "open it in Excel and save it again",
        ) from error
    return sheets


def _refused(
    path: Path,
    wanted: dict[str, package.SheetPart],
    scans: dict[str, package.Scan],
    findings: Findings,
) -> dict[str, Sheet]:
    """Return the sheets that are too large to be read, each with its problem."""
    refused: dict[str, Sheet] = {}
    for key, seen in scans.items():
        if _is_small(seen):
            continue
        place = _place(path, wanted[key].name)
        refused[key] = Sheet(wanted[key].name, (), place, refused=True)
        findings.add(
            Problem(
                where=place(seen.last_line, seen.last_column, ""),
                found=f"{seen.last_line} rows and {seen.last_column} columns in use",
                allowed=f"at most {MAX_ROWS:,} rows and {MAX_COLUMNS} columns",
                fix="delete the rows and columns beyond the table",
            )
        )
    return refused


def _is_small(seen: package.Scan) -> bool:
    few = seen.last_line <= MAX_ROWS + 1 and seen.last_column <= MAX_COLUMNS
    return few and seen.last_line * seen.last_column <= MAX_CELLS


def _lines(sheet: CalamineSheet, seen: package.Scan) -> list[tuple[int, list[Raw]]]:
    lines: list[tuple[int, list[Raw]]] = []
    faulty: dict[int, dict[int, Fault]] = {}
    for (line, column), formula in seen.no_result.items():
        faulty.setdefault(line, {})[column] = Fault(
            "formula",
            f"formula ={formula[:60]} without a result",
            "a value, or a formula that Excel has computed",
            "open the workbook in Excel, let it compute, and save it",
        )
    for (line, column), shown in seen.error.items():
        faulty.setdefault(line, {})[column] = Fault(
            "error", f"the cell shows {shown}", "a value", "correct the formula"
        )
    for number, cells in enumerate(sheet.to_python(skip_empty_area=False), start=1):
        row: list[Raw] = list(cells)
        for column, fault in faulty.pop(number, {}).items():
            row += [None] * (column - len(row))
            row[column - 1] = fault
        if not all(is_blank(raw) for raw in row):
            lines.append((number, row))
    for number, faults in sorted(faulty.items()):
        row = [None] * max(faults)
        for column, fault in faults.items():
            row[column - 1] = fault
        lines.append((number, row))
    return lines


def _report_merged(sheet: CalamineSheet, place: Place, findings: Findings) -> None:
    for first, last in sheet.merged_cell_ranges or []:
        letters = package.column_letters(last[1] + 1)
        problem = Problem(
            where=place(first[0] + 1, first[1] + 1, ""),
            found=f"merged cells down to {letters}{last[0] + 1}",
            allowed="one value in each cell",
            fix="unmerge them and fill every cell",
        )
        findings.add(problem, (sheet.name, "merged"))
