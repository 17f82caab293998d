# SPDX-License-Identifier: MIT
"""Work that must not move: what runs now and what has been frozen."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta
from itertools import pairwise

from flyball.worlds.jobshop.calendar import finish, window_at
from flyball.worlds.jobshop.cells import Fault
from flyball.worlds.jobshop.findings import Findings
from flyball.worlds.jobshop.openings import Openings
from flyball.worlds.jobshop.orders import Job, Operation
from flyball.worlds.jobshop.shop import Shop


@dataclass(frozen=True)
class Fixed:
    """Machine, start and end of one operation; start is negative where it began before now."""

    machine: int
    start_s: int
    end_s: int


def fixed_work(
    plant: Shop, jobs: Sequence[Job], working: Openings, findings: Findings
) -> dict[int, Fixed]:
    """Return running and frozen work by the identity of its operation.

    Work that overlaps on a machine, starts before the operation before it has ended, before the
    release of its job or while its machine is closed goes into `findings`.
    """
    fixed: dict[int, Fixed] = {}
    busy: dict[int, list[tuple[Fixed, Operation]]] = {}
    for job in jobs:
        for operation in job.route:
            if operation.machine < 0 or not operation.row.has("starts"):
                continue
            work = _work(operation, plant, working, findings)
            if work is not None:
                fixed[id(operation)] = work
                busy.setdefault(work.machine, []).append((work, operation))
        _check_route(job, plant, fixed, findings)
    for machine, pieces in busy.items():
        pieces.sort(key=lambda piece: (piece[0].start_s, piece[0].end_s))
        for (early, first), (late, second) in pairwise(pieces):
            if late.start_s < early.end_s:
                name = plant.machines[machine].name
                until = _clock(plant, early.end_s)
                found = f"overlaps '{first.name}' of line {first.row.line} on '{name}'"
                allowed = f"a start at or after {until}"
                fix = "correct one of the two times or machines"
                second.row.report(findings, "starts", Fault("overlap", found, allowed, fix))
    return fixed


def _clock(plant: Shop, seconds: int) -> str:
    if plant.start is None:
        return f"{seconds} s"
    return f"{plant.start + timedelta(seconds=seconds):%Y-%m-%d %H:%M}"


def _work(operation: Operation, plant: Shop, working: Openings, findings: Findings) -> Fixed | None:
    spans = working.of(operation.machine)
    name = plant.machines[operation.machine].name
    start_s, work_s = operation.start_s, operation.remaining_s
    if operation.status == "frozen" and start_s < 0:
        return None  # reported when it was read
    if operation.status == "running":
        end_s = finish(spans, 0, work_s)
    else:
        window = window_at(spans, start_s)
        if window is None and work_s > 0:
            found = f"machine '{name}' is closed at {_clock(plant, start_s)}"
            fix = "correct the start, the machine or the status"
            fault = Fault("closed", found, "a start inside its calendar", fix)
            operation.row.report(findings, "starts", fault)
            return None
        end_s = finish(spans, start_s, work_s)
        if window and not operation.interruptible and end_s > window[1]:
            found = f"{work_s / 3600:.2f} h in one piece from {_clock(plant, start_s)}"
            allowed = f"work until {_clock(plant, window[1])}, when machine '{name}' closes"
            fix = "correct the start or set interruptible to yes"
            operation.row.report(findings, "starts", Fault("window", found, allowed, fix))
    if end_s < 0:
        found = f"work that machine '{name}' cannot end within its calendar"
        fix = "correct the calendar or the start"
        operation.row.report(findings, "starts", Fault("late", found, "an earlier start", fix))
        return None
    return Fixed(operation.machine, start_s, end_s)


def _check_route(job: Job, plant: Shop, fixed: dict[int, Fixed], findings: Findings) -> None:
    last: Fixed | None = None
    for operation in job.route:
        work = fixed.get(id(operation))
        if work is None:
            return
        if last is None and operation.status == "frozen" and work.start_s < job.release_s:
            found = f"frozen before the release of job '{job.name}'"
            allowed = f"a start at or after {_clock(plant, job.release_s)}"
            fix = "correct the start or the release"
            operation.row.report(findings, "starts", Fault("release", found, allowed, fix))
        if last is not None and work.start_s < last.end_s:
            found = "frozen before the operation before it has ended"
            allowed = f"a start at or after {_clock(plant, last.end_s)}"
            fix = "correct the start"
            operation.row.report(findings, "starts", Fault("route", found, allowed, fix))
        last = work
