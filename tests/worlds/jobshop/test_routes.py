# SPDX-License-Identifier: MIT
import pytest

from flyball.worlds.jobshop.findings import Findings
from flyball.worlds.jobshop.routes import in_order
from flyball.worlds.jobshop.tables import Row, Sheet
from tests.worlds.jobshop.tabled import told

SHEET = Sheet("Operations", (), lambda line, _column, name: f"{line} {name}")


def rows(*steps: tuple[str, str]) -> list[Row]:
    return [
        Row(SHEET, line, {}, {"operation": name, "after": after or None})
        for line, (name, after) in enumerate(steps, start=1)
    ]


def order(*steps: tuple[str, str]) -> tuple[list[str], list[tuple[str, str]]]:
    findings = Findings()
    return [row.text("operation") for row in in_order(rows(*steps), findings)], told(findings)


def test_without_the_column_after_rows_follow_each_other() -> None:
    assert order(("a", ""), ("b", ""), ("c", "")) == (["a", "b", "c"], [])


def test_the_column_after_may_name_any_order() -> None:
    assert order(("c", "b"), ("b", "a"), ("a", "-")) == (["a", "b", "c"], [])


def test_names_are_matched_in_any_case() -> None:
    assert order(("b", "A"), ("a", "-")) == (["a", "b"], [])


@pytest.mark.parametrize(
    ("steps", "where", "found"),
    [
        ([("a", ""), ("b", "a"), ("c", "a")], "3 after", "a fork: 'c' and 'b' both follow 'a'"),
        ([("a", ""), ("b", "-")], "2 after", "a fork: 'b' and 'a' both follow the start"),
        ([("a", "b"), ("b", "a")], "1 after", "operation 'a' follows itself in a cycle"),
        ([("a", ""), ("b", "c"), ("c", "b")], "2 after", "operation 'b' follows itself in a cycle"),
        ([("a", ""), ("b", ""), ("c", "a; b")], "3 after", "'a; b' joins 2 branches"),
        ([("a", ""), ("b", "z")], "2 after", "unknown operation 'z'"),
        ([("a", ""), ("A", "")], "2 operation", "operation 'A' stands here again, first in line 1"),
    ],
)
def test_what_is_no_chain_is_told_with_its_line(
    steps: list[tuple[str, str]], where: str, found: str
) -> None:
    assert order(*steps)[1] == [(where, found)]
