# SPDX-License-Identifier: MIT
import pytest

from flyball.core.errors import Problem, ScenarioError
from flyball.worlds.jobshop.findings import Findings


def problem(where: str) -> Problem:
    return Problem(where=where, found="3", allowed="2", fix="write 2")


def test_the_like_of_a_problem_is_counted_and_the_first_is_shown() -> None:
    findings = Findings()
    for where in ("A1", "A2", "A3"):
        findings.add(problem(where), ("Jobs", "due"))
    findings.add(problem("B1"), ("Jobs", "weight"))

    with pytest.raises(ScenarioError) as caught:
        findings.stop_if_any()

    assert [(p.where, p.more) for p in caught.value.problems] == [("A1", 2), ("B1", 0)]


def test_problems_without_a_group_stay_apart() -> None:
    findings = Findings()

    findings.add(problem("A1"))
    findings.add(problem("A1"))

    assert len(findings) == 2


def test_notes_are_kept_once_and_stop_nothing() -> None:
    findings = Findings()
    findings.note("sheet 'x' was skipped")
    findings.note("sheet 'x' was skipped")

    findings.stop_if_any()

    assert findings.notes == ["sheet 'x' was skipped"]
