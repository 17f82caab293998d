# SPDX-License-Identifier: MIT
"""The tables in which every reader ends: rows of typed values that know where they came from.

A reader (workbook, CSV folder, database) yields a `Book` of raw `Sheet`s; `typed` holds it against
the forms of `flyball.worlds.jobshop.forms` and yields `Tables`, which `assembly.scenario` turns
into a Scenario. Both only collect what is wrong, so that one reading reports everything.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime

from flyball.core.errors import Problem, nearest
from flyball.worlds.jobshop.cells import Fault, Raw, is_blank, tidy
from flyball.worlds.jobshop.findings import Findings
from flyball.worlds.jobshop.forms import FORMS, PLANT, Column, Form

Value = str | float | int | bool | date | datetime | frozenset[int] | None
"""What a cell of a typed table holds; None where it is blank or faulty."""

Place = Callable[[int, int, str], str]
"""From line, column (both from 1; column 0 is the whole line) and field to `Problem.where`."""


@dataclass(frozen=True)
class Sheet:
    """One sheet or file as it was found; lines count from 1 as the user sees them."""

    name: str
    lines: Sequence[tuple[int, Sequence[Raw]]]
    place: Place


@dataclass(frozen=True)
class Book:
    """The sheets of one source; `hidden` names those that were skipped because they are hidden."""

    name: str
    sheets: Mapping[str, Sheet]  # by name in lower case
    place: Callable[[str], str]  # of a sheet that is missing
    hidden: frozenset[str] = frozenset()


@dataclass(frozen=True)
class Row:
    """One line of a table: its values by field."""

    sheet: Sheet
    line: int
    column: Mapping[str, int]  # field -> column, from 1
    values: Mapping[str, Value]
    faulty: frozenset[str] = frozenset()

    def where(self, name: str) -> str:
        """Return the place of field `name`, as messages say it."""
        return self.sheet.place(self.line, self.column.get(name, 0), name)

    def text(self, name: str) -> str:
        """Return the text of a field, empty where it is blank or faulty."""
        value = self.values.get(name)
        return value if isinstance(value, str) else ""

    def number(self, name: str, default: float = 0.0) -> float:
        """Return the number of a field, `default` where it is blank or faulty."""
        value = self.values.get(name)
        return float(value) if isinstance(value, int | float) else default

    def flag(self, name: str, *, default: bool = False) -> bool:
        """Return the yes or no of a field, `default` where it is blank or faulty."""
        value = self.values.get(name)
        return value if isinstance(value, bool) else default

    def moment(self, name: str) -> datetime | date | None:
        """Return the date, with or without time, of a field, or None."""
        value = self.values.get(name)
        return value if isinstance(value, date) else None

    def has(self, name: str) -> bool:
        """Whether the field holds a value that could be read."""
        return self.values.get(name) is not None

    def report(self, findings: Findings, name: str, fault: Fault) -> None:
        """Add a problem with field `name`, grouped with its like in the same column."""
        problem = Problem(
            where=self.where(name), found=fault.found, allowed=fault.allowed, fix=fault.fix
        )
        findings.add(problem, (self.sheet.name.lower(), name, fault.kind))


@dataclass(frozen=True)
class Table:
    """The rows of one form; `known` is False where the sheet is missing or unreadable."""

    rows: Sequence[Row] = ()
    known: bool = False


@dataclass(frozen=True)
class Tables:
    """Everything that describes a shop, by form name in lower case."""

    name: str
    table: Mapping[str, Table] = field(default_factory=dict)

    def __getitem__(self, name: str) -> Table:
        return self.table.get(name, Table())

    @property
    def plant(self) -> Row | None:
        """The sheet `Plant` as one row with a field a key, None where it is missing."""
        rows = self["plant"].rows
        return rows[0] if rows else None


def typed(book: Book, findings: Findings) -> Tables:
    """Hold a book against the forms.

    Parameters
    ----------
    book
        What a reader found.
    findings
        Changed in place: missing sheets and columns, cells that cannot be read, and notes about
        sheets and columns that are not ours.
    """
    known = {form.name.lower() for form in FORMS}
    for key, sheet in book.sheets.items():
        if key not in known:
            findings.note(f"sheet '{sheet.name}' is not one of ours and was skipped")
    tables: dict[str, Table] = {}
    for form in FORMS:
        sheet_found = book.sheets.get(form.name.lower())
        if sheet_found is None:
            _missing_sheet(book, form, findings)
            continue
        tables[form.name.lower()] = _table(sheet_found, form, findings)
    if tables.get("plant", Table()).known:
        tables["plant"] = _plant(tables["plant"], findings)
    return Tables(book.name, tables)


def _missing_sheet(book: Book, form: Form, findings: Findings) -> None:
    hidden = form.name.lower() in book.hidden
    if hidden:
        findings.note(f"sheet '{form.name}' is hidden and was skipped")
    if not form.needed:
        return
    others = [s.name for s in book.sheets.values() if s.name.lower() not in _names()]
    fix = f"add a sheet named {form.name}"
    hint = nearest(form.name, others) if others else ""
    if hint.startswith("did"):
        fix = f"{hint} Rename it to {form.name}"
    if hidden:
        fix = f"unhide the sheet {form.name}"
    found = "the sheet is hidden" if hidden else "the sheet is missing"
    findings.add(
        Problem(
            where=book.place(form.name),
            found=found,
            allowed=f"a sheet {form.name} with {', '.join(c.name for c in form.columns)}",
            fix=fix,
        )
    )


def _names() -> set[str]:
    return {form.name.lower() for form in FORMS}


def _field(raw: Raw) -> str:
    """Return a header as a field name: ``Set up for`` is set_up_for."""
    return tidy(str(raw)).lower().replace(" ", "_").replace("-", "_")


def _table(sheet: Sheet, form: Form, findings: Findings) -> Table:
    lines = [line for line in sheet.lines if not all(is_blank(raw) for raw in line[1])]
    if not lines:
        if form.needed:
            columns = ", ".join(column.name for column in form.columns)
            problem = Problem(
                where=sheet.place(1, 0, ""),
                found="the sheet is empty",
                allowed=f"a header row with {columns}, and rows below it",
                fix="fill the sheet; `flyball template jobshop` writes an example",
            )
            findings.add(problem)
        return Table()
    column = _columns(sheet, form, lines[0], findings)
    if len(lines) == 1 and form.needed:
        problem = Problem(
            where=sheet.place(lines[0][0], 0, ""),
            found="a header without rows",
            allowed="at least one row",
            fix="fill the sheet",
        )
        findings.add(problem)
    rows = [_row(sheet, form, column, line, findings) for line in lines[1:]]
    return Table(rows, known=all(c.name in column for c in form.columns if c.needed))


def _columns(
    sheet: Sheet, form: Form, header: tuple[int, Sequence[Raw]], findings: Findings
) -> dict[str, int]:
    """Return the column of each field of the form, from 1."""
    line, cells = header
    wanted = [column.name for column in form.columns]
    found: dict[str, int] = {}
    strange: dict[str, int] = {}
    for number, raw in enumerate(cells, start=1):
        if is_blank(raw):
            continue
        name = _field(raw)
        if name in found:
            problem = Problem(
                where=sheet.place(line, number, name),
                found=f"column '{name}' stands here again",
                allowed="each column once",
                fix="delete or rename one of the two",
            )
            findings.add(problem)
        (found if name in wanted else strange)[name] = number
    for form_column in form.columns:
        if form_column.needed and form_column.name not in found:
            _missing_column(sheet, form_column, line, strange, findings)
    ignored = [name for name in strange if name]
    if ignored:
        findings.note(f"sheet '{sheet.name}': ignored columns {', '.join(ignored)}")
    return found


def _missing_column(
    sheet: Sheet, column: Column, line: int, strange: Mapping[str, int], findings: Findings
) -> None:
    hint = nearest(column.name, list(strange)) if strange else ""
    near = hint.split("'")[1] if hint.startswith("did") else ""
    problem = Problem(
        where=sheet.place(line, strange.get(near, 0), column.name),
        found=f"no column '{column.name}'",
        allowed=f"a column headed {column.name}: {column.about}",
        fix=f"rename column '{near}' to {column.name}" if near else f"add column {column.name}",
    )
    findings.add(problem)


def _row(
    sheet: Sheet,
    form: Form,
    column: Mapping[str, int],
    line: tuple[int, Sequence[Raw]],
    findings: Findings,
) -> Row:
    number, cells = line
    values: dict[str, Value] = {}
    faults: dict[str, Fault] = {}
    for form_column in form.columns:
        at = column.get(form_column.name)
        if at is None:
            continue
        raw = cells[at - 1] if at <= len(cells) else None
        value = _value(raw, form_column)
        if isinstance(value, Fault):
            faults[form_column.name] = value
        else:
            values[form_column.name] = value
    row = Row(sheet, number, column, values, frozenset(faults))
    for name, fault in faults.items():
        row.report(findings, name, fault)
    return row


def _value(raw: Raw, column: Column) -> Value | Fault:
    if isinstance(raw, Fault):
        return raw
    if is_blank(raw):
        if not column.filled:
            return None
        return Fault("blank", "the cell is empty", column.about, "fill the cell")
    value: Value | Fault = column.read(raw)
    return value


def _plant(table: Table, findings: Findings) -> Table:
    """Turn the rows of key and value into one row with a field a key."""
    values: dict[str, Value] = {}
    at: dict[str, Row] = {}
    for row in table.rows:
        key = _field(row.text("key"))
        column = next((c for c in PLANT if c.name == key), None)
        if column is None:
            names = [c.name for c in PLANT]
            if key:
                fault = Fault("key", f"unknown key '{key}'", ", ".join(names), nearest(key, names))
                row.report(findings, "key", fault)
        elif key in at:
            fix = "delete one of the two rows"
            fault = Fault("twice", f"key '{key}' stands here again", "each key once", fix)
            row.report(findings, "key", fault)
        else:
            at[key] = row
            values[key] = _plant_value(row, column, findings)
    if not table.rows:
        return Table()
    for column in PLANT:
        if column.filled and column.name not in at:
            fix = f"add a row with {column.name}"
            fault = Fault("missing", f"no key '{column.name}'", column.about, fix)
            table.rows[0].report(findings, "key", fault)
    sheet = table.rows[0].sheet
    lines = {name: row.line for name, row in at.items()}
    one = Sheet(sheet.name, (), _plant_place(sheet, lines, table.rows[0].column.get("value", 2)))
    return Table([Row(one, 0, {}, values)], known=True)


def _plant_place(sheet: Sheet, lines: Mapping[str, int], column: int) -> Place:
    return lambda _line, _column, name: sheet.place(lines.get(name, 1), column, name)


def _plant_value(row: Row, column: Column, findings: Findings) -> Value:
    if "value" in row.faulty:
        return None
    value = _value(row.values.get("value"), column)
    if isinstance(value, Fault):
        row.report(findings, "value", Fault(column.name, value.found, value.allowed, value.fix))
        return None
    return value
