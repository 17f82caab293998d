# SPDX-License-Identifier: MIT
"""Shops with a known answer, and what gives it.

One machine: shortest weighted processing time first minimises the weighted completion time [1]_,
earliest due date first the largest lateness [2]_, Moore-Hodgson the number of late jobs [3]_. Two
machines in a row: Johnson's rule minimises the makespan [4]_. Small shops of every kind: CP-SAT,
when it proves its answer.

References
----------
.. [1] Smith, "Various optimizers for single-stage production", Naval Research Logistics 3 (1956).
.. [2] Jackson, "Scheduling a production line to minimize maximum tardiness", UCLA (1955).
.. [3] Moore, "An n job, one machine sequencing algorithm for minimizing the number of late jobs",
   Management Science 15 (1968).
.. [4] Johnson, "Optimal two- and three-stage production schedules with setup times included",
   Naval Research Logistics 1 (1954).
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from heapq import heappop, heappush

import numpy as np

from flyball.core.errors import Problem, ScenarioError, SolverError
from flyball.worlds.jobshop.scenario import NO_DUE_S, Scenario, always_open
from flyball.worlds.jobshop.schedule import Schedule
from flyball.worlds.jobshop.solver import solve
from flyball.worlds.jobshop.timing import from_sequences
from flyball.worlds.jobshop.validator import kpis

HOUR_S = 3600


@dataclass(frozen=True, kw_only=True)
class Known:
    """A shop and a schedule that is proved to be best in one figure."""

    scenario: Scenario
    figure: str
    """A KPI, or ``max_lateness_h``."""

    value: float
    schedule: Schedule
    proof: str


def wspt(scenario: Scenario) -> Schedule:
    """Return the schedule by shortest weighted processing time first.

    Best for weighted completion time: the weighted tardiness where every job is due at 0.
    """
    _need_one_machine(scenario)
    duration_s, weight = scenario.pair_duration_s, scenario.full_weight
    ratio = duration_s / np.where(weight > 0, weight, 1e-300)
    return _in_order(scenario, np.argsort(ratio, kind="stable").tolist(), "WSPT")


def edd(scenario: Scenario) -> Schedule:
    """Return the schedule by earliest due date first: best for the largest lateness."""
    _need_one_machine(scenario)
    return _in_order(scenario, np.argsort(scenario.due_s, kind="stable").tolist(), "EDD")


def moore_hodgson(scenario: Scenario) -> Schedule:
    """Return a schedule with the fewest late jobs; those that are late come last."""
    _need_one_machine(scenario)
    kept: list[tuple[int, int]] = []  # (-duration, job): the longest first
    late: list[int] = []
    end_s = 0
    for job in np.argsort(scenario.due_s, kind="stable").tolist():
        heappush(kept, (-int(scenario.pair_duration_s[job]), job))
        end_s += int(scenario.pair_duration_s[job])
        if end_s > scenario.due_s[job]:
            longest, dropped = heappop(kept)
            late.append(dropped)
            end_s += longest
    on_time = sorted((job for _, job in kept), key=lambda job: (int(scenario.due_s[job]), job))
    return _in_order(scenario, [*on_time, *late], "Moore-Hodgson")


def johnson(scenario: Scenario) -> Schedule:
    """Return the schedule by Johnson's rule: best for the makespan of a two-machine flow shop."""
    s = scenario
    jobs = np.arange(s.n_jobs)
    flow = len(s.pair_machine) == s.n_ops == 2 * s.n_jobs and np.array_equal(
        s.pair_machine, np.tile(s.pair_machine[:2], s.n_jobs)
    )
    _need(s, "every job on the same machine first and on the same other one second", met=flow)
    _need_plain(s)
    first, second = s.pair_duration_s[0::2], s.pair_duration_s[1::2]
    early = jobs[first < second]
    late = jobs[first >= second]
    order = [
        *early[np.argsort(first[early], kind="stable")].tolist(),
        *late[np.argsort(-second[late], kind="stable")].tolist(),
    ]
    ops = [op for job in order for op in (2 * job, 2 * job + 1)]
    return from_sequences(s, s.pair_machine, ops, "Johnson")


def exact(scenario: Scenario, objective: Mapping[str, float], time_s: float) -> Known:
    """Return what CP-SAT proves to be best for one figure.

    Raises
    ------
    SolverError
        When it cannot prove it in time.
    """
    solution = solve(scenario, objective=objective, time_s=time_s)
    if solution.status != "optimal":
        problem = Problem(
            where=scenario.name,
            found=f"best found {solution.objective:g} h, bound {solution.bound:g} h",
            allowed="a proved optimum",
            fix="give it more time or a smaller shop",
        )
        raise SolverError(problem)
    return Known(
        scenario=scenario,
        figure=" + ".join(name for name, weight in objective.items() if weight),
        value=solution.objective,
        schedule=solution.schedule,
        proof="CP-SAT",
    )


def max_lateness_h(schedule: Schedule) -> float:
    """Return how late the latest job is, h; negative when all are early."""
    s = schedule.scenario
    return float((schedule.end_s[s.job_op[1:] - 1] - s.due_s).max()) / HOUR_S


# Scenarios, each drawn by its seed.


def weighted_completion(seed: int, n_jobs: int = 8) -> Known:
    """Return one machine whose jobs are all due at once, weights 1 to 9."""
    rng = np.random.default_rng([seed, 1])
    hours, weight = rng.integers(1, 20, size=n_jobs), rng.integers(1, 10, size=n_jobs)
    s = one_machine(hours.tolist(), [0] * n_jobs, weight.tolist())
    return _known(s, wspt(s), "weighted_tardiness_h")


def largest_lateness(seed: int, n_jobs: int = 8) -> Known:
    """Return one machine whose jobs are due at different times."""
    s = _due_at_random(np.random.default_rng([seed, 2]), n_jobs)
    schedule = edd(s)
    return Known(
        scenario=s, figure="max_lateness_h", value=max_lateness_h(schedule), schedule=schedule,
        proof="EDD",
    )  # fmt: skip


def late_jobs(seed: int, n_jobs: int = 8) -> Known:
    """Return one machine on which some jobs must be late."""
    s = _due_at_random(np.random.default_rng([seed, 3]), n_jobs)
    return _known(s, moore_hodgson(s), "late_jobs")


def two_machine_flow(seed: int, n_jobs: int = 8) -> Known:
    """Return two machines that every job visits in the same order."""
    rng = np.random.default_rng([seed, 4])
    hours = rng.integers(1, 20, size=2 * n_jobs).tolist()
    s = _shop(f"two machines, {n_jobs} jobs", [0, 1] * n_jobs, hours)
    return _known(s, johnson(s), "makespan_h")


KNOWN: dict[str, Callable[[int], Known]] = {
    "weighted completion, one machine": weighted_completion,
    "largest lateness, one machine": largest_lateness,
    "late jobs, one machine": late_jobs,
    "makespan, two machines in a row": two_machine_flow,
}
"""Generators of shops whose optimum needs no solver, by name."""


def one_machine(hours: Sequence[int], due_h: Sequence[int], weight: Sequence[float]) -> Scenario:
    """Return one machine that never closes, with a job for each length."""
    return replace(
        _shop(f"one machine, {len(hours)} jobs", [0] * len(hours), hours),
        due_s=np.array(due_h, dtype=np.int64) * HOUR_S,
        weight=np.array(weight, dtype=np.float64),
    )


def _due_at_random(rng: np.random.Generator, n_jobs: int) -> Scenario:
    hours = rng.integers(1, 20, size=n_jobs)
    due_h = rng.integers(1, int(hours.sum()), size=n_jobs)
    return one_machine(hours.tolist(), due_h.tolist(), [1.0] * n_jobs)


def _known(scenario: Scenario, schedule: Schedule, figure: str) -> Known:
    return Known(
        scenario=scenario,
        figure=figure,
        value=kpis(schedule)[figure],
        schedule=schedule,
        proof=schedule.method,
    )


def _shop(name: str, machines: Sequence[int], hours: Sequence[int]) -> Scenario:
    """Return a shop of jobs that visit every machine once, in the order given."""
    n_ops, n_machines = len(machines), max(machines) + 1
    n_jobs = n_ops // n_machines
    return Scenario(
        name=name,
        start=None,
        job_name=tuple(f"J{job + 1}" for job in range(n_jobs)),
        customer=("",) * n_jobs,
        job_op=np.arange(n_jobs + 1, dtype=np.int32) * np.int32(n_machines),
        release_s=np.zeros(n_jobs, dtype=np.int64),
        due_s=np.full(n_jobs, NO_DUE_S, dtype=np.int64),
        weight=np.ones(n_jobs),
        important=np.zeros(n_jobs, dtype=np.bool_),
        op_name=tuple(str(op % n_machines + 1) for op in range(n_ops)),
        op_family=np.zeros(n_ops, dtype=np.int32),
        interruptible=np.zeros(n_ops, dtype=np.bool_),
        op_pair=np.arange(n_ops + 1, dtype=np.int32),
        pair_machine=np.array(machines, dtype=np.int32),
        pair_duration_s=np.array(hours, dtype=np.int64) * HOUR_S,
        fixed_machine=np.full(n_ops, -1, dtype=np.int32),
        fixed_start_s=np.zeros(n_ops, dtype=np.int64),
        fixed_end_s=np.zeros(n_ops, dtype=np.int64),
        machine_name=tuple(f"M{machine + 1}" for machine in range(n_machines)),
        machine_group=np.zeros(n_machines, dtype=np.int32),
        machine_calendar=np.zeros(n_machines, dtype=np.int32),
        machine_family=np.full(n_machines, -1, dtype=np.int32),
        group_name=("all",),
        family_name=("plain",),
        setup_s=np.zeros((1, 2, 1), dtype=np.int64),
        setup_interruptible=np.zeros(1, dtype=np.bool_),
        calendars=always_open(),
    )


def _in_order(scenario: Scenario, jobs: Sequence[int], method: str) -> Schedule:
    return from_sequences(scenario, scenario.pair_machine, jobs, method)


def _need_one_machine(s: Scenario) -> None:
    _need(
        s, "one operation a job, all on one machine",
        met=len(s.pair_machine) == s.n_ops == s.n_jobs and len(set(s.pair_machine.tolist())) == 1,
    )  # fmt: skip
    _need_plain(s)


def _need_plain(s: Scenario) -> None:
    c = s.calendars
    always = all(
        c.window[calendar + 1] - c.window[calendar] == 1 and c.open_s[c.window[calendar]] <= 0
        for calendar in s.machine_calendar.tolist()
    )
    _need(s, "machines that never close", met=always)
    _need(s, "no set-ups", met=not s.setup_s.any())
    _need(s, "every job released at 0", met=not s.release_s.any())
    _need(s, "no fixed work", met=bool(np.all(s.fixed_machine < 0)))


def _need(scenario: Scenario, allowed: str, *, met: bool) -> None:
    if not met:
        raise ScenarioError(
            Problem(
                where=scenario.name,
                found="a shop that this rule is not proved for",
                allowed=allowed,
                fix="use `exact`",
            )
        )
