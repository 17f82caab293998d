# SPDX-License-Identifier: MIT
"""The best schedule of a tiny shop by trying every order on every machine, hour by hour.

Slow and obvious on purpose; shares nothing with the sources. All times of the shop are whole hours.
"""

from functools import cache

from flyball.worlds.jobshop.scenario import Scenario
from tests.worlds.jobshop.small_shops import H

END_H = 480


class Exhaustive:
    def __init__(self, scenario: Scenario) -> None:
        self.s = s = scenario
        self.open = []
        for calendar in s.machine_calendar:
            a, b = s.calendars.window[calendar], s.calendars.window[calendar + 1]
            spans = [
                (s.calendars.open_s[w] // H, min(s.calendars.close_s[w] // H, END_H))
                for w in range(a, b)
            ]
            self.open.append([any(x <= hour < y for x, y in spans) for hour in range(END_H)])
        self.fixed = [
            sorted((s.fixed_start_s[op] // H, op) for op in range(s.n_ops)
                   if s.fixed_machine[op] == machine)
            for machine in range(s.n_machines)
        ]  # fmt: skip
        self.work = cache(self._work)

    def _work(self, machine, at, length, may_pause):
        if length == 0:
            return at, at
        for start in range(at, END_H):
            if not self.open[machine][start]:
                continue
            if may_pause:
                left, end = length, start
                while left:
                    left -= self.open[machine][end]
                    end += 1
                return start, end
            if all(self.open[machine][start : start + length]):
                return start, start + length
        raise AssertionError

    def best(self, weigh) -> float:
        """Return the least `weigh(ends in hours)` over all semi-active schedules."""
        s = self.s
        ends = [int(end) // H if m >= 0 else 0
                for end, m in zip(s.fixed_end_s, s.fixed_machine, strict=True)]  # fmt: skip
        heads = []
        for job in range(s.n_jobs):
            op = s.job_op[job]
            while op < s.job_op[job + 1] and s.fixed_machine[op] >= 0:
                op += 1
            heads.append(int(op))
        machines = [(0, int(family), 0) for family in s.machine_family]
        self.least = float("inf")
        self._search(weigh, ends, heads, machines)
        return self.least

    def _search(self, weigh, ends, heads, machines) -> None:
        s = self.s
        if weigh(ends) >= self.least:
            return  # ends only grow
        heads_left = [job for job in range(s.n_jobs) if heads[job] < s.job_op[job + 1]]
        if not heads_left:
            self.least = weigh(ends)
            return
        for job in heads_left:
            op = heads[job]
            ready = s.release_s[job] // H if op == s.job_op[job] else ends[op - 1]
            for pair in range(s.op_pair[op], s.op_pair[op + 1]):
                machine = int(s.pair_machine[pair])
                before = machines[machine]
                for after, end in self._places(op, machine, pair, (before, int(ready))):
                    machines[machine] = after
                    ends[op], heads[job] = end, op + 1
                    self._search(weigh, ends, heads, machines)
                    ends[op], heads[job] = 0, op
                machines[machine] = before

    def _places(self, op, machine, pair, state):
        """Yield the machine's state and the end for every gap between its fixed work."""
        s = self.s
        (free, family, passed), ready = state
        group = s.machine_group[machine]
        pauses = bool(s.setup_interruptible[group])
        fixed = self.fixed[machine]
        length = int(s.pair_duration_s[pair]) // H
        while True:
            change = int(s.setup_s[group, family, s.op_family[op]]) // H
            _, set_up = self.work(machine, free, change, pauses)
            _, end = self.work(machine, max(set_up, ready), length, bool(s.interruptible[op]))
            if passed == len(fixed):
                yield (end, int(s.op_family[op]), passed), end
                return
            start, fixed_op = fixed[passed]
            change = int(s.setup_s[group, s.op_family[op], s.op_family[fixed_op]]) // H
            if self.work(machine, end, change, pauses)[1] <= start:
                yield (end, int(s.op_family[op]), passed), end
            free = max(free, int(s.fixed_end_s[fixed_op]) // H)
            family = int(s.op_family[fixed_op])
            passed += 1
