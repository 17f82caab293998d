# SPDX-License-Identifier: MIT
from collections.abc import Iterator

import pytest

from flyball.core.errors import ScenarioError
from flyball.worlds.jobshop.cells import Fault
from flyball.worlds.jobshop.findings import Findings
from flyball.worlds.jobshop.tables import Row, Sheet, Table, Tables
from tests.worlds.jobshop.tabled import told
from tests.worlds.jobshop.workbooks import at

SHEET = Sheet("Jobs", (), lambda line, column, name: f"{line}/{column}/{name}")
ROW = Row(
    SHEET,
    7,
    {"job": 1, "due": 4},
    {"job": "A", "due": at(3), "weight": 2.5, "important": True, "release": None},
)


def test_a_row_gives_each_value_by_its_kind() -> None:
    assert ROW.text("job") == "A"
    assert ROW.number("weight") == 2.5
    assert ROW.flag("important") is True
    assert ROW.moment("due") == at(3)


def test_what_a_row_does_not_hold_is_the_default_of_its_kind() -> None:
    assert ROW.text("remark") == ""
    assert ROW.number("release", 3.0) == 3.0
    assert ROW.flag("job", default=True) is True
    assert ROW.moment("release") is None
    assert (ROW.has("due"), ROW.has("release"), ROW.has("remark")) == (True, False, False)


def test_a_row_knows_the_place_of_each_field_and_of_the_line() -> None:
    assert ROW.where("due") == "7/4/due"
    assert ROW.where("remark") == "7/0/remark"


def test_reports_of_a_row_are_grouped_by_column_and_kind() -> None:
    findings = Findings()
    for kind in ("late", "late", "early"):
        ROW.report(findings, "due", Fault(kind, f"too {kind}", "in time", "move it"))

    assert told(findings) == [("7/4/due", "too late"), ("7/4/due", "too early")]


def test_a_table_that_is_missing_is_empty_and_unknown() -> None:
    tables = Tables("x", {"jobs": Table([ROW], known=True)})

    assert tables["operations"] == Table((), known=False)
    assert tables.plant is None


def test_only_the_first_unknown_name_of_a_column_is_held_against_the_names() -> None:
    findings = Findings()
    asked = []

    def names() -> Iterator[str]:
        asked.append(1)
        yield from ("A1", "B1")

    for _ in range(3):
        ROW.report_unknown(findings, "job", "job", names())

    assert len(asked) == 1
    assert told(findings) == [("7/1/job", "unknown job 'A'")]
    with pytest.raises(ScenarioError, match=r"did you mean 'A1'.*2 more like it"):
        findings.stop_if_any()
