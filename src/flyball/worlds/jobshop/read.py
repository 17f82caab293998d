# SPDX-License-Identifier: MIT
"""One way in for every kind of file that describes a shop."""

from dataclasses import dataclass
from pathlib import Path

from flyball.core.errors import Problem, ScenarioError
from flyball.worlds.jobshop.assembly import scenario
from flyball.worlds.jobshop.findings import Findings
from flyball.worlds.jobshop.formats import read_benchmark
from flyball.worlds.jobshop.scenario import Scenario
from flyball.worlds.jobshop.table_csv import read_folder
from flyball.worlds.jobshop.tables import Book
from flyball.worlds.jobshop.typed import typed
from flyball.worlds.jobshop.workbook import read_workbook

WORKBOOKS = frozenset({".xlsx", ".xlsm", ".xls", ".xlsb", ".ods"})
"""Endings that are read as a workbook; all but the first are refused with what to do."""

TEXTS = frozenset({".txt", ".fjs", ".jsp", ".jss", ".dat", ""})
KINDS = "a workbook (.xlsx), a folder of .csv files, or a jsp, fjsp or fjsp_sdst text file"


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
    """Read a file as `read` does, and say what was skipped, ignored or widened.

    Raises
    ------
    ScenarioError
        With every problem of the file at once, each with its cell or line.
    """
    path = Path(path)
    findings = Findings()
    try:
        return _examined(path, findings)
    except OSError as error:
        found = f"cannot be read ({error.strerror or error})"
        raise _refused(path, found, "check the path and your rights") from error


def assembled(book: Book, findings: Findings) -> Reading:
    """Turn what any reader has found into a Scenario.

    Raises
    ------
    ScenarioError
        With every problem of the book at once.
    """
    found = scenario(typed(book, findings), findings)
    return Reading(found, tuple(findings.notes))


def _examined(path: Path, findings: Findings) -> Reading:
    if not path.exists():
        raise _refused(path, "no such file or folder", "check the path")
    if path.is_dir():
        return assembled(read_folder(path, findings), findings)
    if not path.is_file():  # a pipe would be waited for
        raise _refused(path, "neither a file nor a folder", "write it to a file first")
    suffix = path.suffix.lower()
    if suffix == ".csv":
        raise _refused(path, "one CSV file alone", f"name its folder: {path.parent}")
    with path.open("rb") as stream:
        is_zip = stream.read(2) == b"PK"
    if suffix in WORKBOOKS or is_zip:
        return assembled(read_workbook(path, findings), findings)
    if suffix in TEXTS:
        return Reading(read_benchmark(path, findings), tuple(findings.notes))
    fix = "flyball template jobshop orders.xlsx writes an example"
    raise _refused(path, f"a file of unknown kind '{suffix}'", fix)


def _refused(path: Path, found: str, fix: str) -> ScenarioError:
    where = path.name or str(path)
    return ScenarioError(Problem(where=where, found=found, allowed=KINDS, fix=fix))
