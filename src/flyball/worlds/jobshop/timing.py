# SPDX-License-Identifier: MIT
"""Working time on a calendar, and semi-active schedules from sequences, in plain Python.

For solvers and bounds, which need few schedules but any order of work; the simulator has its own
compiled kernels, and the validator its own eyes.
"""

from bisect import bisect_left, bisect_right
from collections.abc import Iterable
from dataclasses import dataclass
from functools import cached_property
from heapq import heapify, heappop, heappush
from itertools import accumulate

import numpy as np

from flyball.core.batch import Ints
from flyball.core.errors import Problem, SolverError
from flyball.worlds.jobshop.scenario import Scenario
from flyball.worlds.jobshop.schedule import Schedule
from flyball.worlds.jobshop.words import machine_name

Span = tuple[int, int]


@dataclass(frozen=True)
class Hours:
    """The windows of one calendar; any unit of time, whole numbers."""

    opens: list[int]
    closes: list[int]

    @cached_property
    def worked(self) -> list[int]:
        """Working time before each window opens, and before the end of all."""
        lengths = (b - a for a, b in zip(self.opens, self.closes, strict=True))
        return list(accumulate(lengths, initial=0))

    def until(self, at: int) -> int:
        """Return the working time before `at`."""
        window = bisect_right(self.opens, at) - 1
        if window < 0:
            return 0
        return self.worked[window] + min(at, self.closes[window]) - self.opens[window]

    def work(self, at: int, length: int, may_pause: bool) -> Span | None:  # noqa: FBT001
        """Return start and end of work that may begin at `at`; None after the last window."""
        if length == 0:
            return at, at
        window = bisect_right(self.closes, at)
        if not may_pause:
            while window < len(self.opens):
                start = max(at, self.opens[window])
                if start + length <= self.closes[window]:
                    return start, start + length
                window += 1
            return None
        if window == len(self.opens):
            return None
        start = max(at, self.opens[window])
        target = self.worked[window] + start - self.opens[window] + length
        last = bisect_left(self.worked, target) - 1
        if last >= len(self.opens):
            return None
        return start, self.opens[last] + target - self.worked[last]

    def latest(self, by: int, length: int, may_pause: bool) -> int | None:  # noqa: FBT001
        """Return the latest time from which work can still end by `by`; None if there is none."""
        if length == 0:
            return by
        if may_pause:
            target = self.until(by) - length
            if target < 0:
                return None
            window = min(bisect_right(self.worked, target) - 1, len(self.opens) - 1)
            return self.opens[window] + target - self.worked[window]
        for opens, closes in zip(reversed(self.opens), reversed(self.closes), strict=True):
            if min(by, closes) - length >= opens:
                return min(by, closes) - length
        return None


def hours_of(scenario: Scenario) -> list[Hours]:
    """Return the calendar of every machine; machines that share one share the object."""
    c = scenario.calendars
    every = [
        Hours(c.open_s[a:b].tolist(), c.close_s[a:b].tolist())
        for a, b in zip(c.window[:-1], c.window[1:], strict=True)
    ]
    return [every[calendar] for calendar in scenario.machine_calendar.tolist()]


class Sequencer:
    """Appends operations to machines, each as early as its machine, job and calendar allow."""

    def __init__(self, scenario: Scenario) -> None:
        self.scenario = s = scenario
        self.hours = hours_of(s)
        self.family = s.machine_family.tolist()
        self.free_s = [0] * s.n_machines
        self.fixed: list[list[int]] = [[] for _ in range(s.n_machines)]
        self.passed = [0] * s.n_machines  # fixed operations that lie behind the last appended one
        self.machine = s.fixed_machine.tolist()
        self.times = np.stack(
            [s.fixed_start_s, s.fixed_start_s, s.fixed_start_s, s.fixed_end_s], axis=1
        ).tolist()  # (O, 4)
        fixed = np.flatnonzero(s.fixed_machine >= 0)
        for op in fixed[np.argsort(s.fixed_start_s[fixed], kind="stable")].tolist():
            self.fixed[s.fixed_machine[op]].append(op)
        # Plain lists: an element of an array costs ten times an element of a list.
        self.setup_s = s.setup_s.tolist()
        self.group = s.machine_group.tolist()
        self.op_family = s.op_family.tolist()
        self.interruptible = s.interruptible.tolist()
        self.setup_pauses = s.setup_interruptible.tolist()

    def ready_s(self, op: int) -> int:
        """Return when the job of `op` reaches it, given that the operation before it is placed."""
        job = self.scenario.op_job[op]
        if op == self.scenario.job_op[job]:
            return int(self.scenario.release_s[job])
        return int(self.times[op - 1][3])

    def try_pair(self, op: int, pair: int, after_fixed: int = 0) -> tuple[list[int], int] | None:
        """Return (set-up start and end, start, end) of `op` by `pair`, and what lies before it.

        None when the calendar ends too early. What lies before it is the number of fixed
        operations of the machine; at least `after_fixed` of them must.
        """
        s = self.scenario
        machine = int(s.pair_machine[pair])
        length_s = int(s.pair_duration_s[pair])
        at_s, family, passed = self.free_s[machine], self.family[machine], self.passed[machine]
        fixed = self.fixed[machine]
        while True:
            if passed >= after_fixed:
                times = self._place(op, (machine, family), at_s, length_s)
                if times is None:
                    return None
                if passed == len(fixed) or self._fits(machine, op, times[3], fixed[passed]):
                    return times, passed
            at_s = max(at_s, self.times[fixed[passed]][3])
            family = self.op_family[fixed[passed]]
            passed += 1

    def append(self, op: int, pair: int, placed: tuple[list[int], int]) -> None:
        """Put `op` where `try_pair` found room."""
        times, passed = placed
        machine = int(self.scenario.pair_machine[pair])
        self.machine[op] = machine
        self.times[op] = times
        self.passed[machine] = passed
        self.free_s[machine] = times[3]
        self.family[machine] = self.op_family[op]

    def schedule(self, method: str) -> Schedule:
        """Return what was appended as a Schedule."""
        times = np.array(self.times, dtype=np.int64)
        return Schedule(
            scenario=self.scenario,
            method=method,
            machine=np.array(self.machine, dtype=np.int32),
            setup_start_s=times[:, 0].copy(),
            setup_end_s=times[:, 1].copy(),
            start_s=times[:, 2].copy(),
            end_s=times[:, 3].copy(),
        )

    def _place(self, op: int, state: tuple[int, int], at_s: int, length_s: int) -> list[int] | None:
        """Return the times of `op` on a (machine, family) that is free from `at_s` for good."""
        machine, family = state
        hours, group, ready_s = self.hours[machine], self.group[machine], self.ready_s(op)
        setup_s = self.setup_s[group][family][self.op_family[op]]
        # The set-up waits for the job if that costs nothing, else it is made ahead.
        setup = hours.work(at_s, setup_s, self.setup_pauses[group])
        if setup is None:
            return None
        span = hours.work(max(setup[1], ready_s), length_s, self.interruptible[op])
        if span is None:
            return None
        if setup_s == 0:
            return [span[0], span[0], *span]
        later = hours.work(max(at_s, ready_s), setup_s, self.setup_pauses[group])
        if later is not None and later[1] <= span[0]:
            setup = later
        return [*setup, *span]

    def _fits(self, machine: int, op: int, end_s: int, fixed_op: int) -> bool:
        group = self.group[machine]
        change_s = self.setup_s[group][self.op_family[op]][self.op_family[fixed_op]]
        change = self.hours[machine].work(end_s, change_s, self.setup_pauses[group])
        return change is not None and change[1] <= self.times[fixed_op][2]


def list_schedule(scenario: Scenario) -> Schedule:
    """Return a schedule by first come, first served, each on the machine that ends it soonest.

    Ties go to the earlier due date. It is a start for searches, not a rival.

    Raises
    ------
    SolverError
        When the calendars end before the work does.
    """
    s = scenario
    shop = Sequencer(s)
    first = [_first_free(s, job) for job in range(s.n_jobs)]
    waiting = [
        (shop.ready_s(op), int(s.due_s[job]), job, op)
        for job, op in enumerate(first)
        if op < s.job_op[job + 1]
    ]
    heapify(waiting)
    while waiting:
        _, due_s, job, op = heappop(waiting)
        found = [
            (placed[0][3], pair, placed)
            for pair in range(s.op_pair[op], s.op_pair[op + 1])
            if (placed := shop.try_pair(op, pair)) is not None
        ]
        if not found:
            raise _calendar_over(s, op)
        end_s, pair, placed = min(found)
        shop.append(op, pair, placed)
        if op + 1 < s.job_op[job + 1]:
            heappush(waiting, (end_s, due_s, job, op + 1))
    return shop.schedule("first come, first served")


def retimed(schedule: Schedule) -> Schedule:
    """Return the semi-active schedule of the same machines and orders: nothing ends later.

    No operation can start earlier without changing the order on a machine. A valid schedule stays
    valid: working time is monotone, so starting earlier never means ending later.
    """
    s = schedule.scenario
    shop = Sequencer(s)
    free = np.flatnonzero(s.fixed_machine < 0)
    order = np.lexsort((free, schedule.end_s[free], schedule.start_s[free]))
    for op in free[order].tolist():
        machine = int(schedule.machine[op])
        pair = _pair_on(s, op, machine)
        before = sum(
            schedule.start_s[fixed] < schedule.start_s[op]
            or (schedule.end_s[fixed] <= schedule.start_s[op])
            for fixed in shop.fixed[machine]
        )
        placed = shop.try_pair(op, pair, after_fixed=int(before))
        if placed is None:
            raise _calendar_over(s, op)
        shop.append(op, pair, placed)
    return shop.schedule(schedule.method)


def from_sequences(
    scenario: Scenario, machine: Ints, order: Iterable[int], method: str
) -> Schedule:
    """Return the semi-active schedule of given machines (O,) and one order of all free operations.

    The order must keep every job's route; on each machine it is the order of work.
    """
    shop = Sequencer(scenario)
    for op in order:
        pair = _pair_on(scenario, op, int(machine[op]))
        placed = shop.try_pair(op, pair)
        if placed is None:
            raise _calendar_over(scenario, op)
        shop.append(op, pair, placed)
    return shop.schedule(method)


def _first_free(scenario: Scenario, job: int) -> int:
    ops = range(scenario.job_op[job], scenario.job_op[job + 1])
    return next((op for op in ops if scenario.fixed_machine[op] < 0), ops.stop)


def _pair_on(scenario: Scenario, op: int, machine: int) -> int:
    pairs = range(scenario.op_pair[op], scenario.op_pair[op + 1])
    return next(pair for pair in pairs if scenario.pair_machine[pair] == machine)


def _calendar_over(scenario: Scenario, op: int) -> SolverError:
    machines = scenario.pair_machine[scenario.op_pair[op] : scenario.op_pair[op + 1]]
    return SolverError(
        Problem(
            where=f"{scenario.name}, " + machine_name(scenario, int(machines[0])),
            found="its calendar ends before its work",
            allowed="a calendar that is long enough for the whole order book",
            fix="lengthen the calendar or take jobs out",
        )
    )
