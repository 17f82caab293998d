# SPDX-License-Identifier: MIT
"""How far a search must look: earliest starts, and latest ends that a better schedule can have."""

from dataclasses import dataclass

import numpy as np

from flyball.worlds.jobshop.cost import Cost
from flyball.worlds.jobshop.scenario import FOREVER_S, Scenario
from flyball.worlds.jobshop.schedule import Schedule
from flyball.worlds.jobshop.timing import Hours, hours_of

HOUR_S = 3600

SMALL_OPS = 30
"""Up to this many free operations the horizon is proved; larger shops look less far."""

AHEAD = 1.25
"""A larger shop looks this many times the hint's makespan ahead."""


@dataclass(frozen=True, kw_only=True)
class Horizon:
    """How far a search looks; times in seconds."""

    earliest_s: list[int]  # (O,) start
    latest_s: list[int]  # (O,) end
    complete: bool
    """Whether some optimum is sure to lie in it."""

    bound_h: float
    """What every job alone in the shop would cost, weighted hours."""

    reached: bool
    """Whether the hint costs no more than that."""


def look_ahead(scenario: Scenario, cost: Cost, hint: Schedule) -> Horizon:
    """Return how far a search must look for a schedule that costs no more than the hint.

    Parameters
    ----------
    hint
        A valid, semi-active schedule.
    """
    starts, ends = earliest(scenario)
    latest_s, complete, spare = _latest(scenario, cost, hint, ends)
    return Horizon(
        earliest_s=starts,
        latest_s=latest_s,
        complete=complete,
        bound_h=float((cost.total(hint) - spare) * cost.scale / HOUR_S),
        reached=spare == 0,
    )


def earliest(scenario: Scenario) -> tuple[list[int], list[int]]:
    """Return the earliest start and end of each operation if machines were never busy, s."""
    s = scenario
    hours = hours_of(s)
    starts, ends = s.fixed_start_s.tolist(), s.fixed_end_s.tolist()
    for op in np.flatnonzero(s.fixed_machine < 0).tolist():
        job = s.op_job[op]
        ready_s = int(s.release_s[job]) if op == s.job_op[job] else ends[op - 1]
        spans = [
            span
            for pair in range(s.op_pair[op], s.op_pair[op + 1])
            if (
                span := hours[s.pair_machine[pair]].work(
                    max(0, ready_s), int(s.pair_duration_s[pair]), bool(s.interruptible[op])
                )
            )
        ]
        # The hint ran it somewhere, so there is at least one.
        starts[op] = min(start_s for start_s, _ in spans)
        ends[op] = min(end_s for _, end_s in spans)
    return starts, ends


def _latest(
    s: Scenario, cost: Cost, hint: Schedule, ends: list[int]
) -> tuple[list[int], bool, int]:
    """Return the latest end of each operation (s), whether it is proved, and the cost to spare.

    Each job may be late only by what the hint's cost leaves it when all others are as early as
    can be.
    """
    last = (s.job_op[1:] - 1).tolist()
    least_late = {job: max(0, ends[last[job]] - int(s.due_s[job])) for job in cost.tardiness}
    least_makespan = max(0, *ends)
    spare = cost.total(hint) - cost.makespan * least_makespan
    spare -= sum(weight * least_late[job] for job, weight in cost.tardiness.items())

    sure_s = least_makespan + spare // cost.makespan if cost.makespan else FOREVER_S
    cap_s = int(max(0, *hint.end_s.tolist()) * AHEAD)
    if np.count_nonzero(s.fixed_machine < 0) <= SMALL_OPS:
        sure_s = min(sure_s, _surely_over(s))
        cap_s = max(cap_s, sure_s)
    cap_s = min(cap_s, sure_s)

    latest = [0] * s.n_ops
    complete = True
    for job, op in enumerate(last):
        own_s = FOREVER_S
        if job in cost.tardiness:
            own_s = int(s.due_s[job]) + least_late[job] + spare // cost.tardiness[job]
        complete = complete and (cap_s == sure_s or own_s <= cap_s)
        latest[op] = min(own_s, cap_s)
        for before in range(op - 1, int(s.job_op[job]) - 1, -1):
            latest[before] = latest[before + 1] - int(s.min_duration_s[before + 1])
    return latest, complete, spare


def _surely_over(s: Scenario) -> int:
    """Return a time by which every semi-active schedule is over, s.

    When everything is released and nothing fixed is left, some operation with its set-up can always
    go on; so each takes at most the longest that any would take from there.
    """
    hours = hours_of(s)
    longest_set_up = s.setup_s.max(axis=(1, 2)).tolist()
    over_s = max(0, int(s.release_s.max()), int(s.fixed_end_s.max()))
    free = np.flatnonzero(s.fixed_machine < 0).tolist()
    pairs = [pair for op in free for pair in range(s.op_pair[op], s.op_pair[op + 1])]
    works = {
        (
            int(s.pair_machine[pair]),
            int(s.pair_duration_s[pair]),
            bool(s.interruptible[s.pair_op[pair]]),
        )
        for pair in pairs
    }
    for _ in free:
        ends = [over_s]
        for machine, length_s, may_pause in works:
            group = s.machine_group[machine]
            set_up = hours[machine].work(
                over_s, longest_set_up[group], bool(s.setup_interruptible[group])
            )
            span = set_up and hours[machine].work(set_up[1], length_s, may_pause)
            ends.append(span[1] if span else _closing(hours[machine]))
        over_s = max(ends)
    return over_s


def _closing(hours: Hours) -> int:
    return hours.closes[-1] if hours.closes else 0
