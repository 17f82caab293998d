# SPDX-License-Identifier: MIT
"""Every fault a planner can put into a workbook gives its cell, the reason and the fix."""

from datetime import time
from hashlib import sha256
from pathlib import Path

import pytest

from flyball.core.errors import ScenarioError
from flyball.worlds.jobshop.read import read
from tests.worlds.jobshop.broken_cases import CASES, SEVERAL, Case
from tests.worlds.jobshop.workbooks import put, save, small


def snapshot(folder: Path) -> dict[str, str]:
    """Return every file below a folder with the hash of what stands in it."""
    return {
        str(path.relative_to(folder)): sha256(path.read_bytes()).hexdigest()
        for path in folder.rglob("*")
        if path.is_file()
    }


def refused(path: Path) -> ScenarioError:
    """Read a file that must be refused, and must leave everything as it was."""
    before = snapshot(path.parent)

    with pytest.raises(ScenarioError) as caught:
        read(path)

    assert snapshot(path.parent) == before
    return caught.value


def broken(case: Case, folder: Path) -> Path:
    sheets = small()
    if case.change is not None:
        case.change(sheets)
    for address, value in case.cells.items():
        put(sheets, address, value)
    return save(folder / "orders.xlsx", sheets)


@pytest.mark.parametrize("case", [*CASES, SEVERAL], ids=lambda case: case.name)
def test_a_broken_workbook_gives_cell_reason_and_fix_and_nothing_else(
    case: Case, tmp_path: Path
) -> None:
    path = broken(case, tmp_path)

    problems = {problem.where: problem for problem in refused(path).problems}

    assert sorted(problems) == sorted(f"orders.xlsx {want.where}" for want in case.wants)
    for want in case.wants:
        problem = problems[f"orders.xlsx {want.where}"]
        assert want.found in problem.found
        assert want.fix in problem.fix
        assert problem.allowed
        assert problem.more == want.more


def test_there_are_at_least_sixty_broken_workbooks_and_no_two_alike() -> None:
    assert len({case.name for case in CASES}) == len(CASES) >= 60


def test_the_workbook_that_all_of_them_start_from_is_valid(tmp_path: Path) -> None:
    scenario = read(save(tmp_path / "orders.xlsx", small()))

    assert (scenario.n_jobs, scenario.n_ops, scenario.n_machines) == (3, 5, 3)


def test_the_same_fault_down_a_column_is_one_problem_with_its_count(tmp_path: Path) -> None:
    sheets = small()
    for line in range(2, 7):
        put(sheets, f"Operations!E{line}", "1,5")
    put(sheets, "Operations!E4", "abc")
    path = save(tmp_path / "orders.xlsx", sheets)

    problems = refused(path).problems

    assert [(problem.where, problem.more) for problem in problems] == [
        ("orders.xlsx Operations!E2", 3),
        ("orders.xlsx Operations!E4", 0),
    ]
    assert "(3 more like it)" in str(problems[0])


def test_times_of_day_may_be_cells_of_their_kind(tmp_path: Path) -> None:
    sheets = small()
    put(sheets, "Shifts!C2", time(7, 0))
    path = save(tmp_path / "orders.xlsx", sheets)

    scenario = read(path)

    assert scenario.calendars.open_s[0] == 3600
