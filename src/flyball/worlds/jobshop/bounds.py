# SPDX-License-Identifier: MIT
"""Figures that no schedule of a shop can be better than, and the published ones."""

import csv
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from flyball.core.batch import Longs
from flyball.core.errors import Problem, ScenarioError
from flyball.worlds.jobshop.horizon import earliest
from flyball.worlds.jobshop.scenario import FOREVER_S, NO_DUE_S, Scenario
from flyball.worlds.jobshop.timing import Hours, hours_of

HOUR_S = 3600


@dataclass(frozen=True)
class Published:
    """What is known of a public instance; one time unit of it counts as one hour."""

    lower_h: float
    best_h: float

    @property
    def closed(self) -> bool:
        """Whether the best known makespan is proved to be the optimum."""
        return self.lower_h == self.best_h


def makespan_bound_h(scenario: Scenario) -> float:
    """Return a makespan that no schedule is shorter than, h.

    The longest of: every job alone in the shop; and for every set of machines that some operation
    is bound to, the work that only they can do, begun when its first operation can begin, spread
    over all of them without loss, and followed by the shortest rest of a job behind it. Calendars
    count; set-ups do not.
    """
    s = scenario
    starts, ends = earliest(s)
    tails_s = _tails(s)
    bound_s = max(0, *ends)
    hours = hours_of(s)
    free = np.flatnonzero(s.fixed_machine < 0).tolist()
    can = {op: frozenset(s.pair_machine[s.op_pair[op] : s.op_pair[op + 1]].tolist()) for op in free}
    for machines in set(can.values()) | {frozenset(range(s.n_machines))}:
        ops = sorted((op for op in free if can[op] <= machines), key=lambda op: -starts[op])
        work_s, tail_s = 0, FOREVER_S
        # Those that begin latest alone, then with the next, and so on: each set of them bounds.
        for op in ops:
            work_s += int(s.min_duration_s[op])
            tail_s = min(tail_s, int(tails_s[op]))
            hopeful = starts[op] + work_s // len(machines) + tail_s > bound_s
            if hopeful or len(machines) == 1 or op == ops[-1]:
                shared = [hours[machine] for machine in sorted(machines)]
                bound_s = max(bound_s, _spread(shared, starts[op], work_s) + tail_s)
    return bound_s / HOUR_S


def tardiness_bound_h(scenario: Scenario) -> float:
    """Return a weighted tardiness that no schedule is below, h: every job alone in the shop."""
    s = scenario
    _, ends = earliest(s)
    last = np.asarray(ends, dtype=np.int64)[s.job_op[1:] - 1]
    late_s = np.where(s.due_s < NO_DUE_S, np.maximum(0, last - s.due_s), 0)
    return float(s.full_weight @ late_s) / HOUR_S


def published(path: Path) -> dict[str, Published]:
    """Return the bounds of public instances by name, from a file in ScheduleOpt's columns.

    Parameters
    ----------
    path
        CSV with a column ``instance`` or ``path``, and ``lb_best`` and ``ub_best``.

    Raises
    ------
    ScenarioError
        When the file is missing or lacks a column.
    """
    try:
        with path.open(newline="", encoding="utf-8") as file:
            rows = list(csv.DictReader(file))
        return {
            row.get("instance") or row["path"]: Published(
                float(row["lb_best"]), float(row["ub_best"])
            )
            for row in rows
        }
    except (OSError, KeyError, ValueError) as fault:
        problem = Problem(
            where=str(path),
            found=f"no bounds: {fault}",
            allowed="CSV with instance or path, lb_best and ub_best",
            fix="give the bounds file of the public instances",
        )
        raise ScenarioError(problem) from None


def _tails(s: Scenario) -> Longs:
    """Return the least work behind each operation in its job, s."""
    least = np.cumsum(s.min_duration_s)
    tails: Longs = least[s.job_op[1:] - 1][s.op_job] - least
    return tails


def _spread(machines: list[Hours], from_s: int, work_s: int) -> int:
    """Return by when machines, all of them at work from `from_s`, have done the work."""
    low, high = from_s, from_s + work_s
    before_s = sum(hours.until(from_s) for hours in machines)

    def worked_s(by_s: int) -> int:
        return sum(hours.until(by_s) for hours in machines) - before_s

    while worked_s(high) < work_s and high < FOREVER_S:
        low, high = high, from_s + 2 * (high - from_s)
    while low < high:
        middle = (low + high) // 2
        if worked_s(middle) < work_s:
            low = middle + 1
        else:
            high = middle
    return low
