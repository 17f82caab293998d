# SPDX-License-Identifier: MIT
"""The job shop in slow, obvious Python: lists, loops, and no line in common with the kernels.

Rules: docs/worlds/jobshop.md. Where the rules speak of an instant, an operation of length zero
makes its machine and its job due again *at the same instant*, by an event that is yet to pass.
"""

from dataclasses import dataclass
from statistics import pstdev

from flyball.worlds.jobshop.scenario import Scenario

HOUR = 3600
WAIT = -1


class CalendarOver(Exception):  # noqa: N818  it is an end, not a fault of the twin
    """Work is left but its machine never opens again."""


@dataclass(frozen=True)
class Run:
    """Where and when one operation runs, s."""

    machine: int
    setup_start: int
    setup_end: int
    start: int
    end: int


def spans(first, last, opens, closes):
    return [(int(a), int(b)) for a, b in zip(opens[first:last], closes[first:last], strict=True)]


def overlap(windows, start, end):
    """Return how much of [start, end) lies in the windows."""
    return sum(max(0, min(end, close) - max(start, open_)) for open_, close in windows)


def next_open(windows, time):
    """Return the first open instant from `time` on, or None."""
    return next((max(time, open_) for open_, close in windows if time < close), None)


def work(windows, time, length, pauses):
    """Return start and end of work that may begin at `time`."""
    if length == 0:
        return time, time
    if not pauses:
        for open_, close in windows:
            start = max(open_, time)
            if start < close and start + length <= close:
                return start, start + length
        raise CalendarOver
    start = next_open(windows, time)
    left = length
    for open_, close in windows:
        begin = max(open_, time)
        if begin >= close:
            continue
        if left <= close - begin:
            return start, begin + left
        left -= close - begin
    raise CalendarOver


class Shop:
    """One episode. `candidates()` are what the asked cell may do, `assign(i)` does one of them."""

    def __init__(self, scenario: Scenario) -> None:
        self.s = s = scenario
        self.jobs = [list(range(s.job_op[j], s.job_op[j + 1])) for j in range(s.n_jobs)]
        self.pairs = [list(range(s.op_pair[o], s.op_pair[o + 1])) for o in range(s.n_ops)]
        c = s.calendars
        self.windows, self.overtime = [], []
        for n in s.machine_calendar:
            self.windows.append(spans(c.window[n], c.window[n + 1], c.open_s, c.close_s))
            self.overtime.append(
                spans(c.overtime[n], c.overtime[n + 1], c.overtime_open_s, c.overtime_close_s)
            )
        self.cells = self._cells()
        self.runs: dict[int, Run] = {}
        self.rewards: list[list[float]] = []
        self.now = 0
        self.asked = -1

        # Jobs: what comes next, since when it may start, and where the job is.
        self.next_op = [ops[0] for ops in self.jobs]
        self.ready = [max(0, int(s.release_s[j])) for j in range(s.n_jobs)]
        self.queues: list[list[int]] = [[] for _ in self.cells]
        self.transit = set()
        self.waiting = [False for _ in self.cells]

        # Machines: until when they are busy, what they are set up for, which fixed work is to come.
        self.free = [0] * s.n_machines
        self.family = [int(f) for f in s.machine_family]
        self.coming: list[list[int]] = [[] for _ in range(s.n_machines)]
        self.idle = [False] * s.n_machines
        self._enter_fixed_work()
        self.unpaid = [self._late_h(), self._makespan_h(), 0.0, self._overtime_h()]
        self._pass_events()
        self._seek()

    def _cells(self):
        """Return sets of machines that share operations, by lowest machine."""
        s = self.s
        cells = [{m} for m in range(s.n_machines)]
        for op in range(s.n_ops):
            together = {int(s.pair_machine[p]) for p in self.pairs[op]}
            touched = [cell for cell in cells if cell & together]
            cells = [cell for cell in cells if not cell & together] + [set().union(*touched)]
        return sorted(cells, key=min)

    def cell_of(self, op):
        machine = int(self.s.pair_machine[self.pairs[op][0]])
        return next(n for n, cell in enumerate(self.cells) if machine in cell)

    def _enter_fixed_work(self):
        s = self.s
        for op in range(s.n_ops):
            if s.fixed_machine[op] >= 0:
                machine, start = int(s.fixed_machine[op]), int(s.fixed_start_s[op])
                self.runs[op] = Run(machine, start, start, start, int(s.fixed_end_s[op]))
                self.coming[machine].append(op)
        for coming in self.coming:
            coming.sort(key=lambda op: self.runs[op].start)
        for job, ops in enumerate(self.jobs):
            left = [op for op in ops if op not in self.runs]
            for op in ops:
                if op in self.runs:
                    self.ready[job] = max(self.ready[job], self.runs[op].end)
            self.next_op[job] = left[0] if left else None
            if left:
                self.transit.add(job)

    # Figures of what is known so far, in native units.

    def _late_h(self):
        """Return the bound of weighted tardiness: no free operation can end before its bound."""
        total = 0.0
        for job, ops in enumerate(self.jobs):
            end = self.runs[ops[-1]].end if ops[-1] in self.runs else self._earliest_end(job)
            late = max(0, end - int(self.s.due_s[job]))
            total += float(self.s.weight[job]) * (3 if self.s.important[job] else 1) * late / HOUR
        return total

    def _earliest_end(self, job):
        end = self.ready[job]
        for op in self.jobs[job]:
            if op not in self.runs:
                end += min(int(self.s.pair_duration_s[p]) for p in self.pairs[op])
        return end

    def _makespan_h(self):
        return max([0, *(run.end for run in self.runs.values())]) / HOUR

    def _setup_h(self):
        return sum(
            overlap(self.windows[run.machine], run.setup_start, run.setup_end)
            for op, run in self.runs.items()
            if self.s.fixed_machine[op] < 0
        ) / HOUR  # fmt: skip

    def _overtime_h(self):
        total = 0
        for run in self.runs.values():
            for start, end in ((run.setup_start, run.setup_end), (run.start, run.end)):
                total += overlap(self.overtime[run.machine], max(0, start), end)
        return total / HOUR

    def kpis(self):
        """Return the seven figures of a finished episode, in the order of the spec."""
        late = [
            max(0, self.runs[ops[-1]].end - int(self.s.due_s[job]))
            for job, ops in enumerate(self.jobs)
        ]
        end = max([0, *(run.end for run in self.runs.values())])
        shares = []
        for machine, windows in enumerate(self.windows):
            busy = 0
            for run in self.runs.values():
                if run.machine == machine:
                    busy += overlap(windows, max(0, run.setup_start), run.setup_end)
                    busy += overlap(windows, max(0, run.start), run.end)
            if overlap(windows, 0, end):
                shares.append(100 * busy / overlap(windows, 0, end))
        return [
            self._late_h(), sum(late) / (24 * HOUR), float(sum(each > 0 for each in late)),
            end / HOUR, self._setup_h(), self._overtime_h(), pstdev(shares) if shares else 0.0,
        ]  # fmt: skip

    # Machines.

    def _available(self, machine):
        """Return from when the machine is free, open and not in fixed work; None for never."""
        time = next_open(self.windows[machine], max(self.now, self.free[machine]))
        for op in self.coming[machine]:
            if time is not None and self.runs[op].start <= time:
                time = next_open(self.windows[machine], max(time, self.runs[op].end))
        return time

    def setup(self, machine, family, op):
        table = self.s.setup_s[self.s.machine_group[machine]]
        return int(table[family if family >= 0 else len(table) - 1][self.s.op_family[op]])

    def place(self, pair):
        """Return the Run of a pair from now on, and the fixed work that comes after it."""
        s = self.s
        machine, op = int(s.pair_machine[pair]), int(s.pair_op[pair])
        windows = self.windows[machine]
        pauses = bool(s.setup_interruptible[s.machine_group[machine]])
        coming, family, time = list(self.coming[machine]), self.family[machine], self.now
        while True:
            length = self.setup(machine, family, op)
            setup_start, setup_end = work(windows, time, length, pauses)
            start, end = work(
                windows, setup_end, int(s.pair_duration_s[pair]), bool(s.interruptible[op])
            )
            if length == 0:
                setup_start = setup_end = start
            run = Run(machine, setup_start, setup_end, start, end)
            if not coming:
                return run, coming
            change = self.setup(machine, int(s.op_family[op]), coming[0])
            try:
                if work(windows, end, change, pauses)[1] <= self.runs[coming[0]].start:
                    return run, coming
            except CalendarOver:
                pass
            fixed = coming.pop(0)
            family, time = int(s.op_family[fixed]), max(time, self.runs[fixed].end)

    # Events.

    def _pass_events(self):
        for machine in range(self.s.n_machines):
            coming = self.coming[machine]
            while coming and self.free[machine] <= self.now >= self.runs[coming[0]].start:
                op = coming.pop(0)
                self.free[machine] = max(self.free[machine], self.runs[op].end)
                self.family[machine] = int(self.s.op_family[op])
            was_idle = self.idle[machine]
            self.idle[machine] = self._available(machine) == self.now
            if self.idle[machine] and not was_idle:
                self._wake(next(n for n, cell in enumerate(self.cells) if machine in cell))
        for job in sorted(self.transit, key=lambda job: (self.ready[job], job)):
            if self.ready[job] <= self.now:
                self.transit.remove(job)
                self.queues[self.cell_of(self.next_op[job])].append(job)
                self._wake(self.cell_of(self.next_op[job]))

    def _wake(self, cell):
        self.waiting[cell] = False

    def _events(self, cells):
        """Return the times of the known events of some cells."""
        machines = [m for cell in cells for m in self.cells[cell] if not self.idle[m]]
        times = [self._available(machine) for machine in machines]
        times += [
            self.ready[job] for job in self.transit if self.cell_of(self.next_op[job]) in cells
        ]
        return [time for time in times if time is not None]

    def _seek(self):
        while not self.finished:
            for cell in range(len(self.cells)):
                if not self.waiting[cell] and self._possible(cell):
                    self.asked = cell
                    return
            events = self._events(range(len(self.cells)))
            if not events:
                raise CalendarOver
            self.now = min(events)
            self._pass_events()

    def _possible(self, cell):
        return [
            pair
            for job in self.queues[cell]
            for pair in self.pairs[self.next_op[job]]
            if self.idle[int(self.s.pair_machine[pair])]
        ]

    # The face.

    @property
    def finished(self):
        return len(self.runs) == self.s.n_ops

    @property
    def schedule(self):
        """Return (machine, set-up start, set-up end, start, end) of each operation."""
        runs = [self.runs[op] for op in range(self.s.n_ops)]
        return [(r.machine, r.setup_start, r.setup_end, r.start, r.end) for r in runs]

    def candidates(self):
        """Return pairs of the asked cell in queue order, then WAIT where it is legal."""
        return self._possible(self.asked) + ([WAIT] if self._events([self.asked]) else [])

    def assign(self, index):
        candidates = self.candidates()
        pair = candidates[index] if 0 <= index < len(candidates) else candidates[0]
        before = [self._late_h(), self._makespan_h(), self._setup_h(), self._overtime_h()]
        if pair == WAIT:
            self.waiting[self.asked] = True
        else:
            self._start(pair)
        after = [self._late_h(), self._makespan_h(), self._setup_h(), self._overtime_h()]
        self.rewards.append([b - a + u for a, b, u in zip(before, after, self.unpaid, strict=True)])
        self.unpaid = [0.0] * 4
        self._seek()

    def _start(self, pair):
        op = int(self.s.pair_op[pair])
        job = int(self.s.op_job[op])
        run, self.coming[int(self.s.pair_machine[pair])] = self.place(pair)
        self.runs[op] = run
        self.free[run.machine], self.family[run.machine] = run.end, int(self.s.op_family[op])
        self.idle[run.machine] = False
        self.queues[self.asked].remove(job)
        self.ready[job] = run.end
        self.next_op[job] = op + 1 if op + 1 in self.jobs[job] else None
        if self.next_op[job] is not None:
            self.transit.add(job)
