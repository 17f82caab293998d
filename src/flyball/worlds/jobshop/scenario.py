# SPDX-License-Identifier: MIT
"""The fixed data of one flexible job shop, as flat arrays.

J jobs · O operations, job by job in route order · P pairs of an operation and a machine that may
do it, operation by operation · M machines · R machine groups · U set-up families · C calendars ·
W working windows · V overtime windows. Times are whole simulated seconds since `start`.
"""

from dataclasses import dataclass, replace
from datetime import datetime
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from flyball.core.batch import Bools, Doubles, Ints, Longs
from flyball.core.errors import Problem, ScenarioError

NO_DUE_S = 2**53
"""Due time of a job that has none, s."""

FOREVER_S = 2**53
"""End of the last window of a machine that never closes, s."""

IMPORTANT_FACTOR = 3.0
"""What *important* multiplies a job's weight by."""


@dataclass(frozen=True, kw_only=True)
class Calendars:
    """When machines work: per calendar, disjoint windows in rising order that never touch.

    Overtime windows lie inside working windows; work in them costs extra.
    """

    name: tuple[str, ...]  # (C,)
    window: Ints  # (C + 1,) calendar c owns window[c]..window[c + 1]
    open_s: Longs  # (W,)
    close_s: Longs  # (W,)
    overtime: Ints  # (C + 1,)
    overtime_open_s: Longs  # (V,)
    overtime_close_s: Longs  # (V,)


def always_open() -> Calendars:
    """Return the calendar of a machine that never stops."""
    return Calendars(
        name=("always",),
        window=np.array([0, 1], dtype=np.int32),
        open_s=np.array([0], dtype=np.int64),
        close_s=np.array([FOREVER_S], dtype=np.int64),
        overtime=np.zeros(2, dtype=np.int32),
        overtime_open_s=np.zeros(0, dtype=np.int64),
        overtime_close_s=np.zeros(0, dtype=np.int64),
    )


def open_ended(calendars: Calendars) -> Calendars:
    """Return the calendars with their last windows open for ever.

    For drawn scenarios: a policy that is still learning may wait so long that the work outlasts any
    horizon, and its episode must come to an end all the same.
    """
    close_s = calendars.close_s.copy()
    close_s[calendars.window[1:] - 1] = FOREVER_S
    return replace(calendars, close_s=close_s)


@dataclass(frozen=True, kw_only=True)
class Scenario:
    """One shop with its order book (an *instance* in the words of operations research).

    Raises
    ------
    ScenarioError
        When the arrays contradict each other; readers find what users can cause before this.
    """

    name: str
    start: datetime | None  # local time at t = 0; None for benchmark files

    job_name: tuple[str, ...]  # (J,)
    customer: tuple[str, ...]  # (J,) empty where unknown
    job_op: Ints  # (J + 1,) job j owns operations job_op[j]..job_op[j + 1], in route order
    release_s: Longs  # (J,)
    due_s: Longs  # (J,) NO_DUE_S where there is none
    weight: Doubles  # (J,) cost of an hour late, before `important`
    important: Bools  # (J,)

    op_name: tuple[str, ...]  # (O,)
    op_family: Ints  # (O,) set-up family
    interruptible: Bools  # (O,) may pause while its machine is closed
    op_pair: Ints  # (O + 1,) operation o owns pairs op_pair[o]..op_pair[o + 1]
    pair_machine: Ints  # (P,)
    pair_duration_s: Longs  # (P,) working time on that machine, speed included
    fixed_machine: Ints  # (O,) machine of work in progress or frozen work; -1 where free
    fixed_start_s: Longs  # (O,) start of fixed work; may be negative; 0 where free
    fixed_end_s: Longs  # (O,) end of fixed work; 0 where free

    machine_name: tuple[str, ...]  # (M,)
    machine_group: Ints  # (M,)
    machine_calendar: Ints  # (M,)
    machine_family: Ints  # (M,) family it is set up for at t = 0; -1 for none
    group_name: tuple[str, ...]  # (R,)
    family_name: tuple[str, ...]  # (U,)
    setup_s: Longs  # (R, U + 1, U) from (last row: from nothing) to, working time
    setup_interruptible: Bools  # (R,) a set-up may pause while its machine is closed
    calendars: Calendars

    def __post_init__(self) -> None:
        """Check that the arrays fit each other."""
        sizes = {
            "job_op": (self.job_op.shape, (self.n_jobs + 1,)),
            "op_pair": (self.op_pair.shape, (self.n_ops + 1,)),
            "setup_s": (
                self.setup_s.shape,
                (len(self.group_name), len(self.family_name) + 1, len(self.family_name)),
            ),
            "machine_group": (self.machine_group.shape, (self.n_machines,)),
            "fixed_machine": (self.fixed_machine.shape, (self.n_ops,)),
        }
        problems = [
            Problem(where=f"{self.name} {key}", found=f"shape {got}", allowed=f"{want}", fix="mend")
            for key, (got, want) in sizes.items()
            if got != want
        ]
        if self.n_jobs == 0 or np.any(np.diff(self.job_op) < 1):
            problems.append(
                Problem(
                    where=self.name,
                    found="no job, or a job without operations",
                    allowed="at least one operation in every job",
                    fix="remove the job or add its operations",
                )
            )
        if np.any(np.diff(self.op_pair) < 1):
            problems.append(
                Problem(
                    where=self.name,
                    found="an operation that no machine can do",
                    allowed="at least one machine for every operation",
                    fix="name a machine for it",
                )
            )
        if problems:
            raise ScenarioError(problems)

    @property
    def n_jobs(self) -> int:
        """J, the number of jobs."""
        return len(self.job_name)

    @property
    def n_ops(self) -> int:
        """O, the number of operations."""
        return len(self.op_name)

    @property
    def n_machines(self) -> int:
        """M, the number of machines."""
        return len(self.machine_name)

    @cached_property
    def op_job(self) -> Ints:
        """Job of each operation, shape (O,)."""
        return np.repeat(np.arange(self.n_jobs, dtype=np.int32), np.diff(self.job_op))

    @cached_property
    def pair_op(self) -> Ints:
        """Operation of each pair, shape (P,)."""
        return np.repeat(np.arange(self.n_ops, dtype=np.int32), np.diff(self.op_pair))

    @cached_property
    def mean_duration_s(self) -> Doubles:
        """Mean working time of each operation over its machines, shape (O,), s."""
        total = np.add.reduceat(self.pair_duration_s.astype(np.float64), self.op_pair[:-1])
        return total / np.diff(self.op_pair)

    @cached_property
    def min_duration_s(self) -> Longs:
        """Least working time of each operation over its machines, shape (O,), s."""
        least: Longs = np.minimum.reduceat(self.pair_duration_s, self.op_pair[:-1])
        return least

    @cached_property
    def full_weight(self) -> Doubles:
        """Cost of an hour late with *important* counted in, shape (J,)."""
        return self.weight * np.where(self.important, IMPORTANT_FACTOR, 1.0)

    @cached_property
    def machine_cell(self) -> Ints:
        """Deciding group of each machine, shape (M,), numbered by lowest machine.

        Machines that share an operation belong together, directly or through others.
        """
        root = np.arange(self.n_machines)

        def find(machine: int) -> int:
            while root[machine] != machine:
                root[machine] = root[root[machine]]
                machine = int(root[machine])
            return machine

        for op in range(self.n_ops):
            machines = self.pair_machine[self.op_pair[op] : self.op_pair[op + 1]]
            first = find(int(machines[0]))
            for machine in machines[1:]:
                other = find(int(machine))
                first, other = min(first, other), max(first, other)
                root[other] = first
        roots = [find(machine) for machine in range(self.n_machines)]
        number = {machine: cell for cell, machine in enumerate(sorted(set(roots)))}
        return np.array([number[machine] for machine in roots], dtype=np.int32)

    @cached_property
    def arrays(self) -> tuple[NDArray[np.generic], ...]:
        """Every array that decides the dynamics, for hashing and for comparing."""
        c = self.calendars
        return (
            self.job_op, self.release_s, self.due_s, self.weight, self.important,
            self.op_family, self.interruptible, self.op_pair, self.pair_machine,
            self.pair_duration_s, self.fixed_machine, self.fixed_start_s, self.fixed_end_s,
            self.machine_group, self.machine_calendar, self.machine_family, self.setup_s,
            self.setup_interruptible, c.window, c.open_s, c.close_s, c.overtime,
            c.overtime_open_s, c.overtime_close_s,
        )  # fmt: skip
