# SPDX-License-Identifier: MIT
"""When each machine works, laid out far enough for all the work, and whether the work fits."""

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import timedelta

from flyball.worlds.jobshop.calendar import (
    DAY_S,
    WEEK_S,
    Span,
    Windows,
    laid_out,
    typical_week,
    weeks_of,
)
from flyball.worlds.jobshop.cells import Fault
from flyball.worlds.jobshop.findings import Findings
from flyball.worlds.jobshop.forms import MAX_HORIZON_DAYS
from flyball.worlds.jobshop.orders import Job, Operation
from flyball.worlds.jobshop.scenario import FOREVER_S, NO_DUE_S
from flyball.worlds.jobshop.shop import Shop

SPARE_WEEKS = 12
"""How far calendars reach beyond the last date and the work in any case."""

SPARE_FACTOR = 4
"""How many times the estimated time for the work they reach."""


@dataclass
class Openings:
    """The calendars of the machines and the window lengths of their weeks."""

    windows: list[Windows] = field(default_factory=list)
    name: list[str] = field(default_factory=list)
    machine_calendar: list[int] = field(default_factory=list)
    week: list[list[int]] = field(default_factory=list)  # by machine, from `typical_week`
    setup_pauses: list[bool] = field(default_factory=list)  # by machine

    def of(self, machine: int) -> tuple[Span, ...]:
        """Return the windows of a machine."""
        return self.windows[self.machine_calendar[machine]].open

    def fits(self, machine: int, work_s: int) -> bool:
        """Whether work that may not pause fits into a window that comes every week."""
        return work_s <= max(self.week[machine], default=0)

    def able(self, operation: Operation) -> tuple[tuple[int, int], ...]:
        """Return the pairs of an operation without machines whose windows are too short."""
        if operation.interruptible or operation.machine >= 0:
            return operation.pairs
        return tuple(pair for pair in operation.pairs if self.fits(*pair))


def openings(plant: Shop, jobs: Sequence[Job], findings: Findings) -> Openings:
    """Return the calendars of all machines, laid out far enough for the work.

    Calendars that never open and work that fits no window go into `findings`.
    """
    working = Openings()
    for machine in plant.machines:
        pattern = plant.pattern.get(machine.calendar)
        week = typical_week(pattern) if pattern else [FOREVER_S]
        working.week.append(week)
        pauses = machine.group < 0 or plant.setup_may_pause[machine.group]
        working.setup_pauses.append(pauses)
        if not week:
            found = f"calendar '{machine.calendar}' never opens"
            fix = "add a row of kind work to Shifts"
            fault = Fault("closed", found, "a calendar with working time", fix)
            machine.row.report(findings, "calendar", fault)
    _check_windows(plant, jobs, working, findings)
    _check_setups(plant, working, findings)
    horizon_s = _horizon_s(plant, jobs, working, findings)
    _lay_out(plant, working, horizon_s, findings)
    return working


def _check_windows(plant: Shop, jobs: Sequence[Job], working: Openings, findings: Findings) -> None:
    """Report operations that may not pause and are longer than every window."""
    dropped = 0
    for operation in (op for job in jobs for op in job.route):
        able = working.able(operation)
        dropped += len(operation.pairs) - len(able)
        if able or not operation.pairs or not all(working.week[m] for m, _ in operation.pairs):
            continue
        longest, machine = max((max(working.week[m]), m) for m, _ in operation.pairs)
        shortest = min(duration for _, duration in operation.pairs)
        found = f"{shortest / 3600:.2f} h in one piece"
        name = plant.machines[machine].name
        allowed = f"at most {longest / 3600:.2f} h, the longest window (machine {name})"
        fix = "set interruptible to yes, split the operation or lengthen a shift"
        operation.row.report(findings, "minutes", Fault("window", found, allowed, fix))
    if dropped:
        findings.note(
            f"{dropped} alternatives were left out: work in one piece is longer than every "
            "window of their machine"
        )


def _check_setups(plant: Shop, working: Openings, findings: Findings) -> None:
    """Report set-ups that may not pause and are longer than every window of a machine."""
    for row in plant.setups:
        group = plant.group.get(row.text("group").lower(), -1)
        if group < 0 or plant.setup_may_pause[group]:
            continue
        members = [each for each in plant.members.get(group, []) if working.week[each]]
        weeks = [max(working.week[machine]) for machine in members]
        seconds = int(row.number("minutes") * 60 + 0.5)
        if weeks and seconds > min(weeks):
            found = f"a set-up of {seconds / 3600:.2f} h in one piece"
            allowed = f"at most {min(weeks) / 3600:.2f} h, the longest window in the group"
            fix = "set setup_may_pause of the group to yes or shorten the set-up"
            row.report(findings, "minutes", Fault("window", found, allowed, fix))


def _horizon_s(plant: Shop, jobs: Sequence[Job], working: Openings, findings: Findings) -> int:
    """Return how far calendars must reach: the last date, then several times the work."""
    latest = [0]
    for job in jobs:
        latest += [job.release_s, *(op.start_s for op in job.route)]
        latest += [job.due_s] if job.due_s != NO_DUE_S else []
    for spans in plant.maintenance.values():
        latest += [end for _, end in spans if end < MAX_HORIZON_DAYS * DAY_S]
    weeks = _weeks_of_work(plant, jobs, working)
    needed_s = max(latest) + round((SPARE_FACTOR * weeks + SPARE_WEEKS) * WEEK_S)
    needed_days = -(-needed_s // DAY_S)
    if needed_days > MAX_HORIZON_DAYS:
        days = MAX_HORIZON_DAYS
        findings.note(f"calendars end after {days} days; the work may need {needed_days}")
        needed_days = days
    if 0 < plant.horizon_days < needed_days:
        findings.note(f"horizon widened from {plant.horizon_days} to {needed_days} days")
    return max(plant.horizon_days, needed_days) * DAY_S


def _weeks_of_work(plant: Shop, jobs: Sequence[Job], working: Openings) -> float:
    """Return the weeks of the busiest machine plus those of the longest job."""
    longest_setup = _longest_setup_s(plant)
    known: dict[tuple[int, int, bool], float] = {}
    load: defaultdict[int, float] = defaultdict(float)
    chain = 0.0
    for job in jobs:
        length = 0.0
        for op in job.route:
            pairs = working.able(op)
            takes = [0.0]
            for machine, duration in pairs:
                key = machine, duration, op.interruptible
                if key not in known:
                    week, setup_s = working.week[machine], longest_setup[machine]
                    pauses = working.setup_pauses[machine]
                    known[key] = weeks_of(week, duration, interruptible=op.interruptible)
                    known[key] += weeks_of(week, setup_s, interruptible=pauses)
                takes.append(known[key])
                load[machine] += known[key] / len(pairs)
            length += max(takes)
        chain = max(chain, length)
    total = max(load.values(), default=0.0) + chain
    return min(total, MAX_HORIZON_DAYS / 7)


def _longest_setup_s(plant: Shop) -> list[int]:
    longest = [0] * len(plant.group_name)
    for row in plant.setups:
        group = plant.group.get(row.text("group").lower(), -1)
        if group >= 0:
            longest[group] = max(longest[group], int(row.number("minutes") * 60 + 0.5))
    return [longest[m.group] if m.group >= 0 else 0 for m in plant.machines]


def _lay_out(plant: Shop, working: Openings, horizon_s: int, findings: Findings) -> None:
    """Fill in the windows; machines with the same calendar and maintenance share them."""
    if plant.start is None:
        return
    number: dict[tuple[str, tuple[Span, ...]], int] = {}
    for index, machine in enumerate(plant.machines):
        pattern = plant.pattern.get(machine.calendar) or plant.pattern["always"]
        closed = tuple(sorted(plant.maintenance.get(index, [])))
        key = machine.calendar, closed
        if key not in number:
            number[key] = len(working.windows)
            working.windows.append(laid_out(pattern, plant.start, horizon_s, closed))
            working.name.append(
                f"{machine.calendar} ({machine.name})" if closed else machine.calendar
            )
        working.machine_calendar.append(number[key])
        if not working.windows[number[key]].open and working.week[index]:
            end = plant.start + timedelta(seconds=horizon_s)
            found = f"machine '{machine.name}' never opens before {end:%Y-%m-%d}"
            fix = "correct its maintenance or the holidays of its calendar"
            fault = Fault("closed", found, "working time", fix)
            machine.row.report(findings, "calendar", fault)
