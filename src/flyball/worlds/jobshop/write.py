# SPDX-License-Identifier: MIT
"""A finished schedule as files for people: a workbook and CSV."""

from collections.abc import Sequence
from contextlib import ExitStack
from datetime import datetime, timedelta
from pathlib import Path
from typing import NamedTuple

import numpy as np
from openpyxl import Workbook
from openpyxl.worksheet.worksheet import Worksheet

from flyball.worlds.jobshop.scenario import NO_DUE_S, Scenario
from flyball.worlds.jobshop.schedule import Schedule
from flyball.worlds.jobshop.spreadsheet import head, put, replacing, shape
from flyball.worlds.jobshop.table_csv import write_csv

Cells = list[object]

HOUR_S = 3600
FORMULA_SIGNS = ("=", "+", "-", "@")


class _Sheet(NamedTuple):
    name: str
    header: list[str]
    rows: list[Cells]


def write_schedule(schedule: Schedule, folder: Path | str) -> list[Path]:
    """Write `schedule.xlsx`, `schedule.csv` and `schedule_jobs.csv`; return their paths.

    Parameters
    ----------
    schedule
        A schedule that the validator has passed; this function does not judge.
    folder
        Made where it is missing. Files take the place of older ones only when all are complete.

    Raises
    ------
    OSError
        When the folder cannot be written.
    """
    folder = Path(folder)
    sheets = [
        _Sheet("Schedule", operation_header(schedule.scenario), operation_rows(schedule)),
        _Sheet("Jobs", job_header(schedule.scenario), job_rows(schedule)),
    ]
    paths = [folder / "schedule.xlsx", folder / "schedule.csv", folder / "schedule_jobs.csv"]
    with ExitStack() as stack:
        drafts = [stack.enter_context(replacing(path)) for path in paths]
        _workbook(schedule, sheets).save(drafts[0])
        for draft, sheet in zip(drafts[1:], sheets, strict=True):
            write_csv(draft, [sheet.header, *([_safe(cell) for cell in r] for r in sheet.rows)])
    return paths


def _workbook(schedule: Schedule, sheets: Sequence[_Sheet]) -> Workbook:
    book = Workbook()
    first = book.active
    for number, sheet in enumerate(sheets):
        page = first if number == 0 and isinstance(first, Worksheet) else None
        page = page or book.create_sheet(sheet.name)
        page.title = sheet.name
        head(page, sheet.header)
        for line, row in enumerate(sheet.rows, start=2):
            for column, value in enumerate(row, start=1):
                put(page, line, column, value)
        shape(page)
    about = book.create_sheet("About")
    s = schedule.scenario
    start = f"{s.start:%Y-%m-%d %H:%M}" if s.start else "0 h"
    for line, (key, value) in enumerate(
        [("shop", s.name), ("method", schedule.method), ("start of the plan", start)], start=1
    ):
        put(about, line, 1, key)
        put(about, line, 2, value)
    about.column_dimensions["A"].width = about.column_dimensions["B"].width = 24
    return book


def _safe(cell: object) -> object:
    """Return text so that no spreadsheet takes it for a formula when it opens the CSV."""
    if isinstance(cell, str) and cell.startswith(FORMULA_SIGNS):
        return f"'{cell}"
    return cell


def _moment(scenario: Scenario, at_s: int) -> datetime | float:
    """Return a time as a date, or in hours where the scenario has none."""
    if scenario.start is None:
        return round(at_s / HOUR_S, 4)
    return scenario.start + timedelta(seconds=at_s)


def _unit(scenario: Scenario) -> str:
    return "[h]" if scenario.start is None else "[date, time]"


def operation_header(scenario: Scenario) -> list[str]:
    """Return the header of `operation_rows`."""
    unit = _unit(scenario)
    return [
        "machine", "job", "operation", "customer", "family", f"set-up start {unit}",
        f"start {unit}", f"end {unit}", "work [h]", f"due {unit}", "important", "fixed",
    ]  # fmt: skip


def operation_rows(schedule: Schedule) -> list[Cells]:
    """Return a row for each operation, machine by machine in the order of work."""
    s = schedule.scenario
    rows: list[Cells] = []
    order = np.lexsort((schedule.end_s, schedule.start_s, schedule.machine))
    for op in order.tolist():
        job, machine = int(s.op_job[op]), int(schedule.machine[op])
        starts = [int(schedule.setup_start_s[op]), int(schedule.start_s[op])]
        pairs = slice(int(s.op_pair[op]), int(s.op_pair[op + 1]))
        work = s.pair_duration_s[pairs][s.pair_machine[pairs] == machine]
        is_fixed = bool(s.fixed_machine[op] >= 0)
        rows.append(
            [
                s.machine_name[machine],
                s.job_name[job],
                s.op_name[op],
                s.customer[job],
                s.family_name[s.op_family[op]],
                _moment(s, starts[0]) if schedule.setup_end_s[op] > starts[0] else None,
                _moment(s, starts[1]),
                _moment(s, int(schedule.end_s[op])),
                None if is_fixed or not len(work) else round(int(work[0]) / HOUR_S, 4),
                _due(s, job),
                "yes" if s.important[job] else "no",
                "yes" if is_fixed else "no",
            ]
        )
    return rows


def _due(scenario: Scenario, job: int) -> datetime | float | None:
    due_s = int(scenario.due_s[job])
    return None if due_s == NO_DUE_S else _moment(scenario, due_s)


def job_header(scenario: Scenario) -> list[str]:
    """Return the header of `job_rows`."""
    unit = _unit(scenario)
    return [
        "job", "customer", "important", "weight", f"due {unit}", f"end {unit}",
        "late [h]", "weighted lateness [h]",
    ]  # fmt: skip


def job_rows(schedule: Schedule) -> list[Cells]:
    """Return a row for each job, the costliest lateness first."""
    s = schedule.scenario
    end_s = schedule.end_s[s.job_op[1:] - 1]
    late_h = np.maximum(0, end_s - s.due_s) / HOUR_S
    cost_h = s.full_weight * late_h
    return [
        [
            s.job_name[job],
            s.customer[job],
            "yes" if s.important[job] else "no",
            float(s.weight[job]),
            _due(s, job),
            _moment(s, int(end_s[job])),
            round(float(late_h[job]), 4),
            round(float(cost_h[job]), 4),
        ]
        for job in np.argsort(-cost_h, kind="stable").tolist()
    ]
