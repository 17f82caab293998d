# SPDX-License-Identifier: MIT
"""A schedule as plain data for drawing: no colours, no library, JSON can hold it.

Times are whole seconds since the scenario's start. Machines stand in the scenario's order.
"""

from bisect import bisect_right
from collections.abc import Sequence
from datetime import datetime
from typing import NamedTuple

import numpy as np

from flyball.worlds.jobshop.scenario import NO_DUE_S
from flyball.worlds.jobshop.schedule import Schedule

PAST_S = 12 * 3600
"""How much of the past a chart shows at most, s."""


class Bar(NamedTuple):
    """One operation on its machine."""

    machine: int
    job: int
    job_name: str
    operation: str
    setup_start_s: int
    setup_end_s: int  # == setup_start_s where no set-up is needed
    start_s: int
    end_s: int
    late: bool  # its job ends after its due time
    important: bool
    fixed: bool  # running or frozen: nobody may move it


class Span(NamedTuple):
    """A stretch of time on one machine."""

    machine: int
    start_s: int
    end_s: int


class Due(NamedTuple):
    """When a job is due and when it ends; for those that have a due time."""

    job: int
    job_name: str
    due_s: int
    end_s: int
    machine: int  # where its last operation runs
    important: bool


class Gantt(NamedTuple):
    """Everything that a Gantt chart shows."""

    method: str
    start: datetime | None  # local time at 0 s; None: show hours
    now_s: int  # the now line
    from_s: int  # bars of work in progress may begin before it
    to_s: int
    machines: tuple[str, ...]
    bars: tuple[Bar, ...]
    closed: tuple[Span, ...]  # breaks, nights, holidays, maintenance
    pauses: tuple[Span, ...]  # closed time inside a bar or its set-up
    overtime: tuple[Span, ...]
    dues: tuple[Due, ...]


def gantt(schedule: Schedule) -> Gantt:
    """Return what a Gantt chart of the schedule shows."""
    s = schedule.scenario
    last = s.job_op[1:] - 1
    job_end_s = schedule.end_s[last]
    late = job_end_s > s.due_s
    to_s = int(max(1, schedule.end_s.max()))
    # Work in progress may have begun before a weekend; its past would only take room.
    from_s = int(max(min(0, schedule.setup_start_s.min()), -PAST_S))
    shut = closed(schedule, 0, to_s)
    bars = tuple(
        Bar(
            machine=int(schedule.machine[op]),
            job=int(job),
            job_name=s.job_name[job],
            operation=s.op_name[op],
            setup_start_s=int(schedule.setup_start_s[op]),
            setup_end_s=int(schedule.setup_end_s[op]),
            start_s=int(schedule.start_s[op]),
            end_s=int(schedule.end_s[op]),
            late=bool(late[job]),
            important=bool(s.important[job]),
            fixed=bool(s.fixed_machine[op] >= 0),
        )
        for op, job in enumerate(s.op_job.tolist())
    )
    dues = tuple(
        Due(
            job=int(job),
            job_name=s.job_name[job],
            due_s=int(s.due_s[job]),
            end_s=int(job_end_s[job]),
            machine=int(schedule.machine[last[job]]),
            important=bool(s.important[job]),
        )
        for job in np.flatnonzero(s.due_s < NO_DUE_S)
    )
    return Gantt(
        method=schedule.method,
        start=s.start,
        now_s=0,
        from_s=from_s,
        to_s=to_s,
        machines=s.machine_name,
        bars=bars,
        closed=shut,
        pauses=pauses(bars, shut),
        overtime=overtime(schedule, 0, to_s),
        dues=dues,
    )


def closed(schedule: Schedule, from_s: int, to_s: int) -> tuple[Span, ...]:
    """Return when machines do not work between two times, machine by machine."""
    s = schedule.scenario
    c = s.calendars
    spans = []
    for machine, calendar in enumerate(s.machine_calendar.tolist()):
        first, stop = int(c.window[calendar]), int(c.window[calendar + 1])
        at = from_s
        for opens, closes in zip(
            c.open_s[first:stop].tolist(), c.close_s[first:stop].tolist(), strict=True
        ):
            if closes <= at:
                continue
            if opens >= to_s:
                break
            if opens > at:
                spans.append(Span(machine, at, opens))
            at = closes
        if at < to_s:
            spans.append(Span(machine, at, to_s))
    return tuple(spans)


def pauses(bars: Sequence[Bar], shut: Sequence[Span]) -> tuple[Span, ...]:
    """Return the closed time inside set-ups and bars, in the order of the bars."""
    of_machine: dict[int, list[Span]] = {}
    for span in shut:
        of_machine.setdefault(span.machine, []).append(span)
    found = []
    for bar in bars:
        own = of_machine.get(bar.machine, [])
        for start_s, end_s in ((bar.setup_start_s, bar.setup_end_s), (bar.start_s, bar.end_s)):
            first = bisect_right(own, start_s, key=lambda span: span.end_s)
            for span in own[first:]:
                if span.start_s >= end_s:
                    break
                found.append(Span(bar.machine, max(span.start_s, start_s), min(span.end_s, end_s)))
    return tuple(found)


def overtime(schedule: Schedule, from_s: int, to_s: int) -> tuple[Span, ...]:
    """Return when machines may work at extra cost between two times, machine by machine."""
    s = schedule.scenario
    c = s.calendars
    return tuple(
        Span(machine, max(int(c.overtime_open_s[k]), from_s), min(int(c.overtime_close_s[k]), to_s))
        for machine, calendar in enumerate(s.machine_calendar.tolist())
        for k in range(int(c.overtime[calendar]), int(c.overtime[calendar + 1]))
        if c.overtime_open_s[k] < to_s and c.overtime_close_s[k] > from_s
    )
