# SPDX-License-Identifier: MIT
"""From raw sheets to typed tables: which sheets and columns there are, and what their cells say."""

from collections.abc import Mapping, Sequence

from flyball.core.errors import Problem, nearest
from flyball.worlds.jobshop.cells import Fault, Raw, is_blank, tidy
from flyball.worlds.jobshop.findings import Findings
from flyball.worlds.jobshop.forms import FORMS, PLANT, README, Column, Form
from flyball.worlds.jobshop.tables import Book, Place, Row, Sheet, Table, Tables, Value


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
        if key not in known and key != README.lower():
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
    if sheet.refused:
        return Table()
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
    complete = all(c.name in column for c in form.columns if c.needed)
    # Names that could not be read must not make everything that uses them unknown.
    named = bool(rows) and not any(form.columns[0].name in row.faulty for row in rows)
    return Table(rows, known=complete and named)


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
