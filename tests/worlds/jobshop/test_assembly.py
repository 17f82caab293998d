# SPDX-License-Identifier: MIT
from typing import Any

import numpy as np
import pytest

from flyball.core.errors import ScenarioError
from flyball.worlds.jobshop.assembly import scenario
from flyball.worlds.jobshop.scenario import Scenario
from tests.worlds.jobshop.tabled import tables
from tests.worlds.jobshop.workbooks import START, Sheets, at, put, small

H = 3600


def built(sheets: Sheets | None = None) -> Scenario:
    return scenario(*tables(sheets))


def test_the_small_shop_has_the_arrays_that_its_cells_say() -> None:
    s = built()

    wanted: dict[str, Any] = {
        "name": "Small shop",
        "start": START,
        "job_name": ("A", "B", "C"),
        "customer": ("Anker", "Birk", "Cord"),
        "job_op": [0, 2, 4, 5],
        "release_s": [0, 0, 0],
        "due_s": [56 * H, 80 * H, 104 * H],
        "weight": [1, 2, 1],
        "important": [False, True, False],
        "op_name": ("10", "20", "10", "20", "10"),
        "op_family": [2, 0, 2, 1, 2],
        "interruptible": [True, False, True, False, True],
        "op_pair": [0, 2, 3, 5, 6, 8],
        "pair_machine": [0, 1, 2, 0, 1, 2, 0, 1],
        "pair_duration_s": [3600, 4500, 5400, 2730, 5460, 1800, 7200, 9000],
        "fixed_machine": [-1] * 5,
        "machine_name": ("C1", "C2", "P1"),
        "machine_group": [0, 0, 1],
        "machine_calendar": [0, 1, 1],
        "machine_family": [-1, -1, 0],
        "group_name": ("Cut", "Paint"),
        "family_name": ("red", "blue", "(none)"),
        "setup_interruptible": [False, False],
    }
    for name, value in wanted.items():
        got = getattr(s, name)
        assert got.tolist() == value if isinstance(got, np.ndarray) else got == value, name
    assert s.setup_s[1, :2, :2].tolist() == [[0, 1800], [3600, 0]]


def test_finished_operations_and_finished_jobs_drop_out() -> None:
    sheets = small()
    put(sheets, "Operations!H2", "finished")
    put(sheets, "Operations!H6", "finished")
    found, findings = tables(sheets)

    s = scenario(found, findings)

    assert s.job_name == ("A", "B")
    assert s.op_name == ("20", "10", "20")
    assert findings.notes == ["1 finished jobs were left out"]


def test_frozen_work_is_fixed_with_its_end() -> None:
    sheets = small()
    for cell, value in {"H2": "frozen", "I2": "C1", "J2": at(2, 7)}.items():
        put(sheets, f"Operations!{cell}", value)

    s = built(sheets)

    assert (s.fixed_machine[0], s.fixed_start_s[0], s.fixed_end_s[0]) == (0, H, 2 * H)


def test_everything_wrong_is_raised_at_once_and_in_the_order_of_the_sheets() -> None:
    sheets = small()
    put(sheets, "Machines!C2", "dayy")
    put(sheets, "Operations!D6", "Cutt")
    put(sheets, "Jobs!G2", "perhaps")

    with pytest.raises(ScenarioError) as caught:
        built(sheets)

    assert [problem.where for problem in caught.value.problems] == [
        "Jobs 2 important", "Machines 2 calendar", "Operations 6 machines",
    ]  # fmt: skip


def test_a_shop_without_a_start_is_told_so_without_a_traceback() -> None:
    sheets = small()
    sheets["Plant"].pop()

    with pytest.raises(ScenarioError, match="no key 'start'"):
        built(sheets)


def test_an_order_book_that_is_all_finished_is_refused() -> None:
    sheets = small()
    for line in range(2, 7):
        put(sheets, f"Operations!H{line}", "finished")

    with pytest.raises(ScenarioError, match=r"Operations 2 status: every operation is finished"):
        built(sheets)
