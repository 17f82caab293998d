# SPDX-License-Identifier: MIT
"""The small shop as typed tables, for tests of what is made of them."""

from flyball.core.errors import ScenarioError
from flyball.worlds.jobshop.findings import Findings
from flyball.worlds.jobshop.shop import Shop, shop
from flyball.worlds.jobshop.tables import Book, Place, Sheet, Tables
from flyball.worlds.jobshop.typed import typed
from tests.worlds.jobshop.workbooks import Sheets, small


def book(sheets: Sheets) -> Book:
    """Return rows as a reader would, with places such as ``Jobs 3 due``."""

    def place(sheet: str) -> Place:
        return lambda line, _column, name: f"{sheet} {line} {name}".strip()

    return Book(
        "rows",
        {
            name.lower(): Sheet(name, list(enumerate(rows, start=1)), place(name))
            for name, rows in sheets.items()
        },
        lambda name: name,
    )


def tables(sheets: Sheets | None = None) -> tuple[Tables, Findings]:
    findings = Findings()
    return typed(book(small() if sheets is None else sheets), findings), findings


def plant(sheets: Sheets | None = None) -> tuple[Shop, Tables, Findings]:
    found, findings = tables(sheets)
    return shop(found, findings), found, findings


def told(findings: Findings) -> list[tuple[str, str]]:
    """Return place and finding of every problem so far."""
    try:
        findings.stop_if_any()
    except ScenarioError as error:
        return [(problem.where, problem.found) for problem in error.problems]
    return []
