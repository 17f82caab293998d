# SPDX-License-Identifier: MIT
"""The tables in which every reader ends: rows of typed values that know where they came from.

A reader (workbook, CSV folder, database) yields a `Book` of raw `Sheet`s; `typed.typed` holds it
against the forms and yields `Tables`, which `assembly.scenario` turns into a Scenario. Both only
collect what is wrong, so that one reading reports everything.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime

from flyball.core.errors import Problem, nearest
from flyball.worlds.jobshop.cells import Fault, Raw
from flyball.worlds.jobshop.findings import Findings

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
    refused: bool = False
    """Whether its reader has reported it as a whole, so that nothing more is said of it."""


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

    def report_unknown(
        self, findings: Findings, name: str, kind: str, names: Iterable[str], value: str = ""
    ) -> None:
        """Add that field `name` holds, or holds in `value`, a `kind` that is not in `names`.

        Only the first of a column is held against the names, so that a column full of them does
        not take minutes.
        """
        if findings.counted((self.sheet.name.lower(), name, "unknown")):
            return
        value = value or self.text(name)
        known = sorted(set(names))
        shown = ", ".join(known[:12]) + (", ..." if len(known) > 12 else "")
        hint = nearest(value, known)
        fix = hint if hint.startswith("did") else f"choose one of them or add the {kind}"
        found = f"unknown {kind} '{value}'"
        self.report(findings, name, Fault("unknown", found, shown or f"no {kind} is defined", fix))


@dataclass(frozen=True)
class Table:
    """The rows of one form; `known` where all its names are known, so that others can be wrong."""

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
