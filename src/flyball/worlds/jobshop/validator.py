# SPDX-License-Identifier: MIT
"""The judge of every schedule: plain NumPy, no code in common with the simulator or a solver.

A schedule that `check` finds a fault in is never written. Times are whole seconds since the
scenario's start; messages show them as dates where the scenario has one, in hours otherwise.
"""

from bisect import bisect_right
from collections.abc import Callable, Iterator
from dataclasses import replace
from itertools import pairwise
from typing import NamedTuple

import numpy as np

from flyball.core.batch import Longs
from flyball.core.errors import Problem, ScheduleError
from flyball.worlds.jobshop.scenario import Scenario
from flyball.worlds.jobshop.schedule import Schedule
from flyball.worlds.jobshop.words import (
    family_name,
    length,
    machine_name,
    moment,
    operation_name,
    span_of,
)

KPI_NAMES = (
    "weighted_tardiness_h", "days_late", "late_jobs", "makespan_h", "setup_h", "overtime_h",
    "utilisation_spread",
)  # fmt: skip

SHOWN = 10
"""Problems of one rule that are listed; the last of them counts the rest."""

HOUR_S = 3600
DAY_S = 24 * HOUR_S


def check(schedule: Schedule) -> list[Problem]:
    """Return everything that is wrong with a schedule; empty when it keeps every rule.

    At most `SHOWN` problems of one rule are listed; the last of them says how many more there are.
    """
    problems = list(_shape(schedule))
    if problems:
        return problems
    for rule in (_eligibility, _fixed, _route, _processing, _machines):
        found = list(rule(schedule))
        if len(found) > SHOWN:
            found[SHOWN - 1] = replace(found[SHOWN - 1], more=len(found) - SHOWN)
        problems += found[:SHOWN]
    return problems


def require_valid(schedule: Schedule) -> None:
    """Do nothing for a valid schedule.

    Raises
    ------
    ScheduleError
        With every problem that `check` finds.
    """
    problems = check(schedule)
    if problems:
        raise ScheduleError(problems)


class Hours(NamedTuple):
    """The working windows of one machine as plain numbers: disjoint and in rising order."""

    open_s: list[int]
    close_s: list[int]
    before_s: list[int]  # open time before each window

    @staticmethod
    def of(s: Scenario, machine: int) -> "Hours":
        """Return the windows of a machine."""
        open_s, close_s = _windows(s, machine)
        before_s = np.cumsum(close_s - open_s) - (close_s - open_s)
        return Hours(open_s.tolist(), close_s.tolist(), before_s.tolist())

    def window_at(self, at_s: int) -> int:
        """Return the window that holds a second; -1 where none does."""
        window = bisect_right(self.open_s, at_s) - 1
        return window if window >= 0 and at_s < self.close_s[window] else -1

    def inside(self, from_s: int, to_s: int) -> int:
        """Return the open seconds of [from, to)."""
        return max(0, self._until(to_s) - self._until(from_s))

    def _until(self, at_s: int) -> int:
        window = bisect_right(self.open_s, at_s) - 1
        if window < 0:
            return 0
        return self.before_s[window] + min(at_s, self.close_s[window]) - self.open_s[window]


def _shape(schedule: Schedule) -> Iterator[Problem]:
    n_ops = schedule.scenario.n_ops
    for name in ("machine", "setup_start_s", "setup_end_s", "start_s", "end_s"):
        array = np.asarray(getattr(schedule, name))
        if array.shape != (n_ops,) or array.dtype.kind != "i":
            yield Problem(
                where=f"schedule of {schedule.method}, {name}",
                found=f"{array.dtype} array of shape {array.shape}",
                allowed=f"whole numbers of shape ({n_ops},)",
                fix="give every operation of the scenario one entry",
            )


def _eligibility(schedule: Schedule) -> Iterator[Problem]:
    s = schedule.scenario
    for op in np.flatnonzero(s.fixed_machine < 0).tolist():
        allowed = s.pair_machine[s.op_pair[op] : s.op_pair[op + 1]]
        if schedule.machine[op] not in allowed:
            yield Problem(
                where=operation_name(s, op),
                found=f"runs on {machine_name(s, schedule.machine[op])}",
                allowed="one of " + ", ".join(machine_name(s, m) for m in allowed),
                fix="move it to a machine that can do it",
            )


def _fixed(schedule: Schedule) -> Iterator[Problem]:
    s = schedule.scenario
    for op in np.flatnonzero(s.fixed_machine >= 0).tolist():
        got = (schedule.machine[op], schedule.start_s[op], schedule.end_s[op])
        want = (s.fixed_machine[op], s.fixed_start_s[op], s.fixed_end_s[op])
        if got != want:
            yield Problem(
                where=operation_name(s, op),
                found=f"moved to {machine_name(s, got[0])}, {span_of(s, got[1], got[2])}",
                allowed=f"fixed on {machine_name(s, want[0])}, {span_of(s, want[1], want[2])}",
                fix="leave work in progress and frozen work where it is",
            )
        elif schedule.setup_start_s[op] != want[1] or schedule.setup_end_s[op] != want[1]:
            span = span_of(s, schedule.setup_start_s[op], schedule.setup_end_s[op])
            yield Problem(
                where=operation_name(s, op),
                found=f"fixed work with a set-up of its own, {span}",
                allowed="no set-up entry for fixed work",
                fix="set its set-up start and end to its start",
            )


def _route(schedule: Schedule) -> Iterator[Problem]:
    s = schedule.scenario
    for op in np.flatnonzero(s.fixed_machine < 0).tolist():
        job, start_s = s.op_job[op], schedule.start_s[op]
        if op == s.job_op[job]:
            earliest_s, reason = s.release_s[job], "the release of its job"
        else:
            earliest_s, reason = schedule.end_s[op - 1], f"the end of {operation_name(s, op - 1)}"
        if start_s < earliest_s:
            yield Problem(
                where=operation_name(s, op),
                found=f"starts at {moment(s, start_s)}",
                allowed=f"not before {moment(s, earliest_s)}, {reason}",
                fix=f"start it {length(earliest_s - start_s)} later",
            )
        if min(start_s, schedule.setup_start_s[op]) < 0:
            yield Problem(
                where=operation_name(s, op),
                found=f"is planned from {moment(s, min(start_s, schedule.setup_start_s[op]))}",
                allowed=f"not before {moment(s, 0)}, the start of the plan",
                fix="plan it in the future, or freeze it as work in progress",
            )


def _processing(schedule: Schedule) -> Iterator[Problem]:
    s = schedule.scenario
    hours = [Hours.of(s, machine) for machine in range(s.n_machines)]
    for op in np.flatnonzero(s.fixed_machine < 0).tolist():
        machine = int(schedule.machine[op])
        machines = s.pair_machine[s.op_pair[op] : s.op_pair[op + 1]].tolist()
        if machine not in machines:
            continue
        fault = _fault(
            s, hours[machine], (int(schedule.start_s[op]), int(schedule.end_s[op])),
            length_s=int(s.pair_duration_s[s.op_pair[op] + machines.index(machine)]),
            may_pause=bool(s.interruptible[op]),
        )  # fmt: skip
        if fault is not None:
            yield Problem(
                where=f"{operation_name(s, op)} on {machine_name(s, machine)}",
                found=f"processing {fault[0]}",
                allowed=fault[1],
                fix="move it to where the machine is open long enough",
            )


def _machines(schedule: Schedule) -> Iterator[Problem]:
    s = schedule.scenario
    for machine in range(s.n_machines):
        ops = np.flatnonzero(schedule.machine == machine)
        order = np.lexsort(
            (ops, schedule.end_s[ops], schedule.start_s[ops], schedule.setup_start_s[ops])
        )
        ops = ops[order]
        hours = Hours.of(s, machine)
        if len(ops):
            yield from _first(schedule, machine, int(ops[0]), hours)
        last = 0  # position of the operation that has run longest
        for at, (before, after) in enumerate(pairwise(ops.tolist())):
            if schedule.end_s[before] >= schedule.end_s[ops[last]]:
                last = at
            yield from _overlap(schedule, machine, int(ops[last]), after)
            yield from _change(schedule, machine, before, after, hours)


def _first(schedule: Schedule, machine: int, op: int, hours: Hours) -> Iterator[Problem]:
    s = schedule.scenario
    if s.fixed_machine[op] < 0:
        yield from _setup(schedule, machine, op, int(s.machine_family[machine]), hours)


def _overlap(schedule: Schedule, machine: int, before: int, after: int) -> Iterator[Problem]:
    s = schedule.scenario
    if s.fixed_machine[before] >= 0 and s.fixed_machine[after] >= 0:
        return  # the plant decided that
    end_s, start_s = schedule.end_s[before], schedule.setup_start_s[after]
    if start_s < end_s:
        yield Problem(
            where=machine_name(s, machine),
            found=f"{operation_name(s, after)} begins at {moment(s, start_s)} while "
            f"{operation_name(s, before)} runs until {moment(s, end_s)}",
            allowed="one operation or set-up at a time",
            fix=f"begin it {length(end_s - start_s)} later or on another machine",
        )


def _change(
    schedule: Schedule, machine: int, before: int, after: int, hours: Hours
) -> Iterator[Problem]:
    s = schedule.scenario
    family = int(s.op_family[before])
    if s.fixed_machine[after] < 0:
        yield from _setup(schedule, machine, after, family, hours)
        return
    if s.fixed_machine[before] >= 0:
        return  # between two fixed operations the plant decided
    group = s.machine_group[machine]
    need_s = int(s.setup_s[group, family, s.op_family[after]])
    span = (int(schedule.end_s[before]), int(schedule.start_s[after]))
    if need_s and _longest(s, machine, span, bool(s.setup_interruptible[group])) < need_s:
        yield Problem(
            where=machine_name(s, machine),
            found=f"no room for a set-up between {operation_name(s, before)}, which ends at "
            f"{moment(s, span[0])}, and the fixed {operation_name(s, after)}, which starts at "
            f"{moment(s, span[1])}",
            allowed=f"{length(need_s)} of working time for the set-up",
            fix="end the first earlier or run it elsewhere",
        )


def _setup(
    schedule: Schedule, machine: int, op: int, family: int, hours: Hours
) -> Iterator[Problem]:
    s = schedule.scenario
    group, to = s.machine_group[machine], int(s.op_family[op])
    need_s = int(s.setup_s[group, family, to])  # -1, nothing, is the last row
    start_s, end_s = int(schedule.setup_start_s[op]), int(schedule.setup_end_s[op])
    where = f"{operation_name(s, op)} on {machine_name(s, machine)}"
    what = f"set-up from {family_name(s, family)} to {family_name(s, to)}"
    if need_s == 0:
        if not start_s == end_s == schedule.start_s[op]:
            yield Problem(
                where=where,
                found=f"a {what}, {span_of(s, start_s, end_s)}",
                allowed="none, it needs no time: set-up start and end equal the start",
                fix="remove the set-up",
            )
        return
    fault = _fault(
        s, hours, (start_s, end_s),
        length_s=need_s, may_pause=bool(s.setup_interruptible[group]),
    )  # fmt: skip
    if fault is not None:
        yield Problem(
            where=where,
            found=f"{what} {fault[0]}",
            allowed=fault[1],
            fix="give the set-up its whole time while the machine is open",
        )
    if end_s > schedule.start_s[op]:
        yield Problem(
            where=where,
            found=f"processing starts at {moment(s, schedule.start_s[op])}",
            allowed=f"not before {moment(s, end_s)}, the end of its {what}",
            fix="start it after its set-up",
        )


def _windows(s: Scenario, machine: int) -> tuple[Longs, Longs]:
    first, last = s.calendars.window[s.machine_calendar[machine] :][:2]
    return s.calendars.open_s[first:last], s.calendars.close_s[first:last]


def _open_s(s: Scenario, machine: int, span: tuple[int, int]) -> Longs:
    """Return the seconds of [from, to) in each window of the machine."""
    open_s, close_s = _windows(s, machine)
    inside: Longs = np.minimum(close_s, span[1]) - np.maximum(open_s, span[0])
    return np.maximum(inside, 0)


def _longest(s: Scenario, machine: int, span: tuple[int, int], may_pause: bool) -> int:  # noqa: FBT001
    """Return the longest work that fits into [from, to)."""
    inside = _open_s(s, machine, span)
    return int(inside.sum() if may_pause else inside.max(initial=0))


def _fault(
    s: Scenario, hours: Hours, span: tuple[int, int], *, length_s: int, may_pause: bool
) -> tuple[str, str] | None:
    """Return what is found and what is allowed if work does not fill [from, to) by the rules."""
    start_s, end_s = span
    by_clock = length_s == 0 or not may_pause
    took_s = end_s - start_s if by_clock else hours.inside(start_s, end_s)
    if took_s != length_s:
        unit = "" if by_clock else " of working time"
        return f"takes {length(took_s)}{unit}, {span_of(s, *span)}", f"{length(length_s)}{unit}"
    if length_s == 0:
        return None
    first = hours.window_at(start_s)
    if not may_pause and (first < 0 or end_s > hours.close_s[first]):
        return f"runs through closed time, {span_of(s, *span)}", "open time only, it may not pause"
    if first < 0:
        return f"starts at {moment(s, start_s)} while the machine is closed", "a start in open time"
    if hours.window_at(end_s - 1) < 0:  # whole seconds: the last one lies in open time
        return f"ends at {moment(s, end_s)} while the machine is closed", "an end in open time"
    return None


def kpis(schedule: Schedule) -> dict[str, float]:
    """Return the figures people read, by the names of `KPI_NAMES`, each in the unit it is named by.

    `utilisation_spread` is the standard deviation over the machines of work by open time until the
    makespan, in percentage points; a machine that is never open until then is left out.
    """
    s = schedule.scenario
    late_s = np.maximum(0, schedule.end_s[s.job_op[1:] - 1] - s.due_s)
    makespan_s = max(0, int(schedule.end_s.max()))
    free = s.fixed_machine < 0
    setup_s = _per_op(schedule, _windows, schedule.setup_start_s, schedule.setup_end_s)
    work_s = _per_op(schedule, _windows, schedule.start_s, schedule.end_s)
    overtime_s = _per_op(schedule, _overtime, schedule.start_s, schedule.end_s)
    overtime_s += _per_op(schedule, _overtime, schedule.setup_start_s, schedule.setup_end_s)
    busy_s = np.bincount(schedule.machine, weights=setup_s + work_s, minlength=s.n_machines)
    open_s = np.array(
        [_open_s(s, m, (0, makespan_s)).sum() for m in range(s.n_machines)], dtype=np.float64
    )
    used = busy_s[open_s > 0] / open_s[open_s > 0]
    return {
        "weighted_tardiness_h": float(s.full_weight @ late_s) / HOUR_S,
        "days_late": float(late_s.sum()) / DAY_S,
        "late_jobs": float(np.count_nonzero(late_s)),
        "makespan_h": makespan_s / HOUR_S,
        "setup_h": float(setup_s[free].sum()) / HOUR_S,
        "overtime_h": float(overtime_s.sum()) / HOUR_S,
        "utilisation_spread": float(100 * used.std()) if len(used) else 0.0,
    }


def _per_op(
    schedule: Schedule,
    windows: Callable[[Scenario, int], tuple[Longs, Longs]],
    from_s: Longs,
    to_s: Longs,
) -> Longs:
    """Return the seconds of each operation's [from, to) in windows, cut at the start of the plan.

    Parameters
    ----------
    schedule
        Supplies the machine of each operation.
    windows
        Of a scenario's machine: when they open and when they close, s.
    from_s, to_s
        (O,)
    """
    total = np.zeros(len(schedule.machine), dtype=np.int64)
    for machine in range(schedule.scenario.n_machines):
        ops = np.flatnonzero(schedule.machine == machine)
        open_s, close_s = windows(schedule.scenario, machine)
        first = np.maximum(0, from_s[ops])[:, None]
        inside = np.minimum(close_s, to_s[ops][:, None]) - np.maximum(open_s, first)
        total[ops] = np.maximum(inside, 0).sum(axis=1)
    return total


def _overtime(s: Scenario, machine: int) -> tuple[Longs, Longs]:
    c = s.calendars
    first, last = c.overtime[s.machine_calendar[machine] :][:2]
    return c.overtime_open_s[first:last], c.overtime_close_s[first:last]
