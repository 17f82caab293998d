# SPDX-License-Identifier: MIT
"""What an order book says about the orders of other days."""

from typing import NamedTuple

import numpy as np

from flyball.core.batch import Bools, Doubles, Longs
from flyball.worlds.jobshop import additions
from flyball.worlds.jobshop.calendar import DAY_S
from flyball.worlds.jobshop.scenario import FOREVER_S, NO_DUE_S, Scenario

CLOCKS = 3
"""A book whose due times have at most this many times of day is one of dates."""

MAX_SHIFT_DAYS = 182


class Fit(NamedTuple):
    """Figures of one order book of J jobs and O operations on M machines."""

    unit_s: int  # all working times are multiples of it
    deviation: Doubles  # (O,) log of the working time less the cell's mean log
    scatter: Doubles  # (O,) standard deviation of `deviation` in the operation's cell
    together: float  # correlation of deviations within a job, 0 to 1
    most: Doubles  # (O,) factor up to which the operation surely fits into the shifts
    work_s: Doubles  # (J,) working time, at least 1 s
    power: float  # an allowance grows with work to this power, 0 to 1
    allowance_scatter: float  # standard deviation of log allowances around that power
    release_days: Doubles  # (J,) working days from t = 0
    due_days: Doubles  # (J,)
    by_day: bool  # due times are dates
    working: Bools  # (days,) days from t = 0 on which about as many machines work as on the first
    busy_share: float  # share of machines with work in progress
    ops_of_machine: tuple[Longs, ...]  # (M,) operations that each machine may do
    shift_days: Longs  # days by which the start may move


def fit(s: Scenario) -> Fit:
    """Return the figures of the scenario's order book."""
    deviation, scatter = _deviations(s)
    work_s = np.maximum(1.0, np.add.reduceat(s.mean_duration_s, s.job_op[:-1]))
    working = _working(s)
    release_days = to_days(np.maximum(0, s.release_s), working)
    due_days = to_days(s.due_s, working)
    power, allowance_scatter = _allowance(due_days - release_days, s.due_s < NO_DUE_S, work_s)
    machines = s.pair_machine
    return Fit(
        unit_s=max(1, int(np.gcd.reduce(s.pair_duration_s))),
        deviation=deviation,
        scatter=scatter,
        together=_together(s, deviation / np.maximum(scatter, 1e-9)),
        most=_most(s),
        work_s=work_s,
        power=power,
        allowance_scatter=allowance_scatter,
        release_days=release_days,
        due_days=due_days,
        by_day=_by_day(s),
        working=working,
        busy_share=len(np.unique(s.fixed_machine[s.fixed_machine >= 0])) / s.n_machines,
        ops_of_machine=tuple(
            s.pair_op[machines == machine].astype(np.int64) for machine in range(s.n_machines)
        ),
        shift_days=_shift_days(s, working),
    )


def _deviations(s: Scenario) -> tuple[Doubles, Doubles]:
    """Return log times about their cell's mean, and their standard deviation in the cell, (O,)."""
    cell = s.machine_cell[s.pair_machine[s.op_pair[:-1]]]
    log = np.log(np.maximum(s.mean_duration_s, 1.0))
    count = np.maximum(1, np.bincount(cell))
    mean = np.bincount(cell, weights=log) / count
    deviation = log - mean[cell]
    scatter = np.sqrt(np.bincount(cell, weights=deviation**2) / count)
    return deviation, scatter[cell]


def _together(s: Scenario, standard: Doubles) -> float:
    """Return the correlation of standardised deviations of two operations of one job, in [0, 1]."""
    sums = np.add.reduceat(standard, s.job_op[:-1])
    squares = np.add.reduceat(standard**2, s.job_op[:-1])
    sizes = np.diff(s.job_op)
    pairs = float((sizes * (sizes - 1)).sum())
    if pairs == 0:
        return 0.0
    return float(np.clip((sums**2 - squares).sum() / pairs, 0, 1))


def _most(s: Scenario) -> Doubles:
    """Return up to which factor each operation stays within what its machines do in the book.

    Work that may not pause must fit into a shift; what the book has does.
    """
    stiff = ~s.interruptible[s.pair_op]
    limit = np.zeros(s.n_machines, dtype=np.int64)
    np.maximum.at(limit, s.pair_machine[stiff], s.pair_duration_s[stiff])
    room = limit[s.pair_machine] / np.maximum(1, s.pair_duration_s)
    most = np.minimum.reduceat(np.where(stiff, room, np.inf), s.op_pair[:-1])
    return np.maximum(1.0, most)


def _allowance(allowance_days: Doubles, dated: Bools, work_s: Doubles) -> tuple[float, float]:
    """Return power and scatter of log allowances over log work by least squares."""
    usable = dated & (allowance_days > 0)
    if usable.sum() < 3:
        return 0.0, 0.0
    x = np.log(work_s[usable])
    y = np.log(allowance_days[usable])
    x, y = x - x.mean(), y - y.mean()
    power = float(np.clip((x @ y) / max(float(x @ x), 1e-9), 0, 1))
    return power, float((y - power * x).std())


def _by_day(s: Scenario) -> bool:
    """Return whether due times are dates: all on a few times of day."""
    due_s = s.due_s[s.due_s < NO_DUE_S]
    return s.start is not None and 0 < len(np.unique(due_s % DAY_S)) <= CLOCKS


def to_days(time_s: Longs, working: Bools) -> Doubles:
    """Return times in working days from t = 0: days that do not count take none.

    A day begins at the time of day of t = 0. Before t = 0 and after the last day of `working` all
    days count.
    """
    before = np.concatenate([[0], np.cumsum(working)])
    day = np.clip(time_s // DAY_S, 0, len(working))
    counts = np.append(working, True)[day]
    rest_s = time_s - day * DAY_S
    # A time on a day that does not count is the beginning of the next that does.
    found: Doubles = before[day] + np.where(counts, rest_s / DAY_S, 0.0)
    return found


def from_days(days: Doubles, working: Bools) -> Longs:
    """Return the times (s) that lie so many working days after t = 0; undoes `to_days`."""
    counted = np.flatnonzero(working)
    whole = np.clip(np.floor(days).astype(np.int64), 0, len(counted))
    day = np.append(counted, len(working))[whole]
    return (day * DAY_S + np.rint((days - whole) * DAY_S)).astype(np.int64)


def open_at(s: Scenario, time_s: int) -> Bools:
    """Return which machines are open at an instant, shape (M,)."""
    c = s.calendars
    number = np.repeat(np.arange(len(c.name)), np.diff(c.window))
    inside = (c.open_s <= time_s) & (time_s < c.close_s)
    is_open = np.bincount(number[inside], minlength=len(c.name)) > 0
    return is_open[s.machine_calendar]


def _horizon_days(s: Scenario) -> int:
    """Return the days for which calendars are laid out; 0 when machines never close."""
    c = s.calendars
    first, last = c.window[:-1], c.window[1:] - 1
    endless = (c.close_s[last] >= FOREVER_S) & (last > first)
    # A last window without end is what comes after the calendar that was laid out.
    ends_s = np.where(endless, c.open_s[last], c.close_s[last])[np.unique(s.machine_calendar)]
    horizon_s = int(ends_s.min())
    return 0 if horizon_s >= FOREVER_S // 2 else horizon_s // DAY_S


def _working(s: Scenario) -> Bools:
    """Return on which days of the horizon the plant works: most machines of the first day do."""
    hour_s = 3600
    wanted = 0.8 * open_at(s, hour_s).mean()
    days = range(_horizon_days(s))
    return np.array([open_at(s, day * DAY_S + hour_s).mean() >= wanted for day in days], dtype=bool)


def _shift_days(s: Scenario, working: Bools) -> Longs:
    """Return by how many whole days the start may move: to working days, on which plans are made.

    At least half of the calendars and four makespans must be left.
    """
    horizon_days = len(working)
    needed = max(horizon_days // 2, int(4 * additions.makespan_s(s) / DAY_S))
    last = min(MAX_SHIFT_DAYS, max(0, horizon_days - needed))
    days = np.flatnonzero(working[: last + 1])
    return days if len(days) else np.zeros(1, dtype=np.int64)
