# SPDX-License-Identifier: MIT
"""One way in for every kind of file that describes a shop."""

from dataclasses import dataclass
from pathlib import Path

from flyball.worlds.jobshop.assembly import scenario
from flyball.worlds.jobshop.findings import Findings
from flyball.worlds.jobshop.scenario import Scenario
from flyball.worlds.jobshop.tables import Book, typed
from flyball.worlds.jobshop.workbook import read_workbook


@dataclass(frozen=True)
class Reading:
    """A Scenario and what is worth knowing about how it was read."""

    scenario: Scenario
    notes: tuple[str, ...]


def read(path: Path | str) -> Scenario:
    """Read a workbook, a folder of CSV files or a public benchmark file.

    Raises
    ------
    ScenarioError
        With every problem of the file at once, each with its cell or line.
    """
    return examine(path).scenario


def examine(path: Path | str) -> Reading:
    """Read a file as `read` does, and say what was skipped, ignored or widened."""
    path = Path(path)
    findings = Findings()
    book = read_workbook(path, findings)
    return _assembled(book, findings)


def _assembled(book: Book, findings: Findings) -> Reading:
    tables = typed(book, findings)
    found = scenario(tables, findings)
    return Reading(found, tuple(findings.notes))
