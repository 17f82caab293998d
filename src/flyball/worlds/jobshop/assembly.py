# SPDX-License-Identifier: MIT
"""The one way from tables to a Scenario: everything is checked, then everything is built."""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from flyball.worlds.jobshop.calendar import packed
from flyball.worlds.jobshop.cells import Fault
from flyball.worlds.jobshop.families import Families, families
from flyball.worlds.jobshop.findings import Findings
from flyball.worlds.jobshop.fixed import Fixed, fixed_work
from flyball.worlds.jobshop.openings import Openings, openings
from flyball.worlds.jobshop.orders import Job, check_order_of_status, orders
from flyball.worlds.jobshop.scenario import Scenario
from flyball.worlds.jobshop.shop import Shop, setup_matrix, shop
from flyball.worlds.jobshop.tables import Tables


def scenario(tables: Tables, findings: Findings | None = None) -> Scenario:
    """Turn tables into a Scenario.

    Parameters
    ----------
    tables
        From `typed.typed`.
    findings
        What reading has found so far; notes are added to it.

    Raises
    ------
    ScenarioError
        With every problem of the file, those of reading included.
    """
    findings = Findings() if findings is None else findings
    plant = shop(tables, findings)
    jobs = orders(tables, plant, findings)
    for job in jobs:
        check_order_of_status(job, findings)
    jobs = _unfinished(tables, jobs, findings)
    kinds = families(tables, plant, jobs, findings)
    if plant.start is None:
        findings.stop_if_any()
    working = openings(plant, jobs, findings)
    fixed = fixed_work(plant, jobs, working, findings)
    findings.stop_if_any()
    return _build(tables, plant, jobs, _Parts(kinds, working, fixed))


class _Parts(NamedTuple):
    """What the checks worked out and the arrays need."""

    kinds: Families
    working: Openings
    fixed: dict[int, Fixed]


def _unfinished(tables: Tables, jobs: Sequence[Job], findings: Findings) -> list[Job]:
    """Drop finished operations, and jobs that have no others."""
    left: list[Job] = []
    for job in jobs:
        had = len(job.route)
        job.route = [op for op in job.route if op.status != "finished"]
        if job.route or not had:
            left.append(job)
    if jobs and not left:
        rows = tables["operations"].rows
        fix = "set the status of what is still to be made to open"
        fault = Fault("finished", "every operation is finished", "work that is open", fix)
        rows[0].report(findings, "status", fault)
    elif len(left) < len(jobs):
        findings.note(f"{len(jobs) - len(left)} finished jobs were left out")
    return left


def _build(tables: Tables, plant: Shop, jobs: Sequence[Job], parts: _Parts) -> Scenario:
    ops = [op for job in jobs for op in job.route]
    pairs = [parts.working.able(op) for op in ops]
    fixed = [parts.fixed.get(id(op), Fixed(-1, 0, 0)) for op in ops]
    number = parts.kinds.number
    setup_s, may_pause = setup_matrix(plant, number)
    row = tables.plant
    return Scenario(
        name=(row.text("name") if row else "") or tables.name,
        start=plant.start,
        job_name=tuple(job.name for job in jobs),
        customer=tuple(job.customer for job in jobs),
        job_op=np.cumsum([0, *(len(job.route) for job in jobs)], dtype=np.int32),
        release_s=np.array([job.release_s for job in jobs], dtype=np.int64),
        due_s=np.array([job.due_s for job in jobs], dtype=np.int64),
        weight=np.array([job.weight for job in jobs], dtype=np.float64),
        important=np.array([job.important for job in jobs], dtype=np.bool_),
        op_name=tuple(op.name for op in ops),
        op_family=np.array([parts.kinds.of(op.family) for op in ops], dtype=np.int32),
        interruptible=np.array([op.interruptible for op in ops], dtype=np.bool_),
        op_pair=np.cumsum([0, *(len(each) for each in pairs)], dtype=np.int32),
        pair_machine=np.array([p[0] for each in pairs for p in each], dtype=np.int32),
        pair_duration_s=np.array([p[1] for each in pairs for p in each], dtype=np.int64),
        fixed_machine=np.array([each.machine for each in fixed], dtype=np.int32),
        fixed_start_s=np.array([each.start_s for each in fixed], dtype=np.int64),
        fixed_end_s=np.array([each.end_s for each in fixed], dtype=np.int64),
        machine_name=tuple(machine.name for machine in plant.machines),
        machine_group=np.array([machine.group for machine in plant.machines], dtype=np.int32),
        machine_calendar=np.array(parts.working.machine_calendar, dtype=np.int32),
        machine_family=np.array(
            [parts.kinds.of(m.set_up_for) if m.set_up_for else -1 for m in plant.machines],
            dtype=np.int32,
        ),
        group_name=tuple(plant.group_name),
        family_name=tuple(parts.kinds.name),
        setup_s=setup_s,
        setup_interruptible=may_pause,
        calendars=packed(parts.working.windows, parts.working.name),
    )
