# SPDX-License-Identifier: MIT
"""From the sheets Jobs and Operations to jobs with their routes."""

import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from itertools import chain

from flyball.core.errors import Problem, nearest
from flyball.worlds.jobshop.cells import Fault, tidy
from flyball.worlds.jobshop.findings import Findings
from flyball.worlds.jobshop.routes import in_order
from flyball.worlds.jobshop.scenario import NO_DUE_S
from flyball.worlds.jobshop.shop import Shop, twice
from flyball.worlds.jobshop.tables import Row, Tables

MAX_YEARS = 10
"""How far from the start of the plan a date may lie."""

YEAR_S = 366 * 86_400


@dataclass(frozen=True)
class Operation:
    """One step of a route. `pairs` are (machine, working seconds), in the order written."""

    row: Row
    name: str
    pairs: tuple[tuple[int, int], ...]
    family: str
    interruptible: bool
    status: str
    machine: int = -1  # of running and frozen work
    start_s: int = 0
    remaining_s: int = 0


@dataclass
class Job:
    """One order with its route."""

    row: Row
    name: str
    customer: str
    release_s: int
    due_s: int
    weight: float
    important: bool
    route: list[Operation] = field(default_factory=list)


def orders(tables: Tables, plant: Shop, findings: Findings) -> list[Job]:
    """Return the jobs with their routes; what is wrong goes into `findings`."""
    jobs = _jobs(tables, plant, findings)
    rows: dict[str, list[Row]] = {}
    for row in tables["operations"].rows:
        name = row.text("job")
        if name and name.lower() not in jobs and tables["jobs"].known:
            row.report_unknown(findings, "job", "job", (job.name for job in jobs.values()))
        elif name:
            rows.setdefault(name.lower(), []).append(row)
    for key, job in jobs.items():
        if key in rows:
            for row in in_order(rows[key], findings):
                operation = _operation(row, plant, tables, findings)
                job.route.append(operation)
        elif tables["operations"].known:
            fix = "add its operations or delete the job"
            fault = Fault(
                "empty", f"job '{job.name}' has no operation", "at least one operation", fix
            )
            job.row.report(findings, "job", fault)
    return list(jobs.values())


def _jobs(tables: Tables, plant: Shop, findings: Findings) -> dict[str, Job]:
    jobs: dict[str, Job] = {}
    for row in tables["jobs"].rows:
        name = row.text("job")
        if name.lower() in jobs:
            row.report(findings, "job", twice("job", name, jobs[name.lower()].row))
        elif name:
            release_s, due_s = _dates(row, plant, findings)
            jobs[name.lower()] = Job(
                row=row,
                name=name,
                customer=row.text("customer"),
                release_s=release_s,
                due_s=due_s,
                weight=row.number("weight", 1.0),
                important=row.flag("important"),
            )
    return jobs


def _dates(row: Row, plant: Shop, findings: Findings) -> tuple[int, int]:
    release_s = moment_s(row, "release", plant, findings)
    due_s = moment_s(row, "due", plant, findings)
    if release_s is not None and due_s is not None and due_s < release_s:
        found = f"due {row.moment('due')} before release {row.moment('release')}"
        fix = "correct one of the two dates"
        row.report(findings, "due", Fault("order", found, "a due date after the release", fix))
    return max(release_s or 0, 0), NO_DUE_S if due_s is None else due_s


def moment_s(row: Row, name: str, plant: Shop, findings: Findings) -> int | None:
    """Return a date of a row in seconds since the start, None where it is blank or faulty."""
    moment = row.moment(name)
    if moment is None:
        return None
    seconds = plant.seconds(moment, at_end_of_day=name == "due")
    if plant.start is not None and abs(seconds) > MAX_YEARS * YEAR_S:
        allowed = f"a date within {MAX_YEARS} years of the start of the plan"
        row.report(findings, name, Fault("far", f"{moment}", allowed, "correct the year"))
        return None
    return seconds


def _operation(row: Row, plant: Shop, tables: Tables, findings: Findings) -> Operation:
    family = row.text("family")
    if family in ("*", "-"):
        fault = Fault("sign", f"'{family}' as family", "the name of a family", "name it")
        row.report(findings, "family", fault)
    speeds = _machines(row, plant, tables, findings)
    minutes = row.number("minutes")
    pairs = tuple((machine, _duration_s(minutes, speed)) for machine, speed in speeds.items())
    status = row.text("status") or "open"
    machine, start_s, remaining_s = -1, 0, 0
    if status in ("running", "frozen"):
        machine = _on_machine(row, speeds, plant, findings)
        start_s = _starts(row, status, plant, findings)
        remaining_s = dict(pairs).get(machine, 0)
    if status == "running":
        remaining_s = _remaining(row, findings)
    return Operation(
        row=row,
        name=row.text("operation"),
        pairs=pairs,
        family=family,
        interruptible=row.flag("interruptible", default=True),
        status=status,
        machine=machine,
        start_s=start_s,
        remaining_s=remaining_s,
    )


def _duration_s(minutes: float, speed: float) -> int:
    """Return working time in whole seconds, rounded up; what floats add to it is not a second."""
    return math.ceil(round(minutes * 60 / speed, 6))


def _machines(row: Row, plant: Shop, tables: Tables, findings: Findings) -> dict[int, float]:
    """Return the speed of each machine that may do the operation, in the order written."""
    speeds: dict[int, float] = {}
    if not (tables["machines"].known and tables["groups"].known and row.has("machines")):
        return speeds
    for part in row.text("machines").split(";"):
        name, sign, factor = (word.strip() for word in part.partition("@"))
        if not name:
            continue
        members = _members(name, row, plant, findings)
        speed = _factor(factor, row, findings) if sign else None
        for machine in members:
            if machine in speeds:
                found = f"machine '{plant.machines[machine].name}' twice in one operation"
                fault = Fault("twice", found, "each machine once", "delete one of the two")
                row.report(findings, "machines", fault)
            speeds[machine] = plant.machines[machine].speed if speed is None else speed
    if not speeds and not tidy(row.text("machines")).strip("; "):
        fault = Fault("none", "no machine", "a group or machines", "name a machine for it")
        row.report(findings, "machines", fault)
    return speeds


def _members(name: str, row: Row, plant: Shop, findings: Findings) -> list[int]:
    if name.lower() in plant.machine:
        return [plant.machine[name.lower()]]
    group = plant.group.get(name.lower())
    if group is not None:
        members = plant.members.get(group, [])
        if not members:
            fault = Fault(
                "no member",
                f"group '{name}' has no machine",
                "a group with machines",
                "add a machine to the group or name another one",
            )
            row.report(findings, "machines", fault)
        return members
    names = chain(plant.group_name, (each.name for each in plant.machines))
    row.report_unknown(findings, "machines", "machine or group", names, name)
    return []


def _factor(text: str, row: Row, findings: Findings) -> float:
    try:
        factor = float(text)
    except ValueError:
        factor = math.nan
    if 0.01 <= factor <= 100:
        return factor
    fix = "write M2 @0.8 for a machine at 0.8 of nominal speed"
    fault = Fault("factor", f"speed factor '{text}'", "a number from 0.01 to 100 after @", fix)
    row.report(findings, "machines", fault)
    return 1.0


def _on_machine(row: Row, speeds: Mapping[int, float], plant: Shop, findings: Findings) -> int:
    name = row.text("on_machine")
    machine = plant.machine.get(name.lower(), -1)
    if "on_machine" in row.faulty or not plant.machines:
        return machine
    names = [plant.machines[each].name for each in speeds]
    if not name:
        found = f"{row.text('status')} work without a machine"
        fix = "name the machine it is on"
        row.report(findings, "on_machine", Fault("blank", found, ", ".join(names), fix))
    elif machine < 0:
        row.report_unknown(findings, "on_machine", "machine", names)
    elif speeds and machine not in speeds:
        found = f"machine '{name}' is not among those that may do the operation"
        hint = nearest(name, names)
        fix = f"{hint} Or add it to the column machines"
        row.report(findings, "on_machine", Fault("not able", found, ", ".join(names), fix))
    return machine


def _starts(row: Row, status: str, plant: Shop, findings: Findings) -> int:
    start_s = moment_s(row, "starts", plant, findings)
    if start_s is None:
        if not row.has("starts") and "starts" not in row.faulty:
            fix = "fill in when it starts"
            fault = Fault("blank", f"{status} work without a start", "a date and time", fix)
            row.report(findings, "starts", fault)
        return 0
    if plant.start is not None and (start_s > 0 if status == "running" else start_s < 0):
        allowed = "running work starts at or before the start of the plan, frozen work after it"
        fix = "correct the time or the status"
        found = f"{status} work that starts at {row.moment('starts')}"
        row.report(findings, "starts", Fault("order", found, allowed, fix))
    return start_s


def _remaining(row: Row, findings: Findings) -> int:
    name = "remaining_minutes"
    if name in row.faulty:
        return 0
    if row.number(name) <= 0:
        found = "running work without working time that is left"
        fix = "fill in the minutes, or set the status to finished"
        row.report(findings, name, Fault("blank", found, "more than 0 min", fix))
    return _duration_s(row.number(name), 1.0)


def check_order_of_status(job: Job, findings: Findings) -> None:
    """Report work that has begun before its predecessor has: finished, running, frozen, open."""
    rank = {"finished": 0, "running": 1, "frozen": 2, "open": 3}
    for early, late in zip(job.route, job.route[1:], strict=False):
        if rank[early.status] > rank[late.status] or early.status == late.status == "running":
            found = (
                f"'{late.name}' is {late.status} while '{early.name}' before it is {early.status}"
            )
            findings.add(
                Problem(
                    where=late.row.where("status"),
                    found=found,
                    allowed="finished, then one running, then frozen, then open",
                    fix="correct one of the two",
                ),
                (late.row.sheet.name.lower(), "status", "order"),
            )
