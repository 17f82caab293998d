# SPDX-License-Identifier: MIT
"""The constraint model of a shop for CP-SAT: alternatives, honest calendars, family set-ups.

Work of a given length on a given calendar lasts, from start to end, one of few lengths: the work
alone, the work and a lunch break, the work and a night. One literal stands for each, with the
starts that lead to it as its domain; so the model hardly grows with the number of windows. Work
that may not pause has one length only. Set-ups of a machine whose families need any hang on the
arcs of a circuit through its operations [1]_; all other machines need no order.

Times are in units of the greatest common divisor of the data.

References
----------
.. [1] Naderi, Ruiz and Roshanaei, "Mixed-integer programming vs constraint programming for shop
   scheduling problems", INFORMS Journal on Computing 35 (2023).
"""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from flyball.optimize import domain, new_model
from flyball.worlds.jobshop.circuit import Circuit, reach
from flyball.worlds.jobshop.timing import Hours

if TYPE_CHECKING:
    from collections.abc import Sequence

    from ortools.sat.python.cp_model import CpModel, Domain, IntVar

    from flyball.core.batch import Longs
    from flyball.worlds.jobshop.scenario import Scenario
    from flyball.worlds.jobshop.schedule import Schedule


class Piece(NamedTuple):
    """The starts from which work lasts `size` from start to end."""

    size: int
    first: int
    last: int
    starts: Domain | None  # None: every moment


@dataclass(frozen=True, kw_only=True)
class Task:
    """What the model is to decide; all times in units."""

    scenario: Scenario
    hint: Schedule
    unit_s: int
    earliest: list[int]  # (O,) start
    latest: list[int]  # (O,) end
    tardiness: dict[int, int]  # job -> cost of a unit late
    makespan: int  # cost of a unit


class ShopModel:
    """A CP-SAT model with a complete hint; `start` and `on` are read when it is solved."""

    def __init__(self, task: Task) -> None:
        self.task = task
        self.scenario = s = task.scenario
        self.cp: CpModel = new_model()
        self.pruned = False
        horizon = max(task.latest)
        c = s.calendars
        self.hours = [
            _cut(c.open_s[a:b] // task.unit_s, c.close_s[a:b] // task.unit_s, horizon)
            for a, b in zip(c.window[:-1], c.window[1:], strict=True)
        ]
        self._pieces: dict[tuple[int, int, bool], list[Piece]] = {}
        self._hinted: dict[int, int] = {}
        self._sizes: dict[tuple[int, bool], IntVar] = {}
        self._set_up = [bool(group.any()) for group in s.setup_s]
        self.free = np.flatnonzero(s.fixed_machine < 0).tolist()
        self.start: dict[int, IntVar] = {}
        self.end: dict[int, IntVar] = {}
        self.begin: dict[int, IntVar] = {}  # start with the set-up
        self.on: dict[int, IntVar] = {}  # pair -> whether it is chosen
        self._build()

    def _build(self) -> None:
        for op in self.free:
            self._operation(op)
        self._routes()
        pairs: dict[int, list[int]] = defaultdict(list)
        for op in self.free:
            for pair in range(self.scenario.op_pair[op], self.scenario.op_pair[op + 1]):
                pairs[int(self.scenario.pair_machine[pair])].append(pair)
        ordered = {m: of for m, of in pairs.items() if self._set_up[self.scenario.machine_group[m]]}
        near = reach([len(members) for members in ordered.values()])
        self.pruned = near is not None
        set_ups: dict[tuple[int, int, int, int], list[IntVar]] = defaultdict(list)
        for machine, members in pairs.items():
            self._no_overlap(machine, members)
            if machine in ordered:
                Circuit(self, machine, members, near).build(set_ups)
        for (op, group, calendar, length), arcs in set_ups.items():
            self._set_up_before(op, arcs, self._set_up_pieces(group, calendar, length))
        self._objective()
        self.cp.clear_hints()
        hint = self.cp.proto.solution_hint
        hint.vars.extend(self._hinted.keys())
        hint.values.extend(self._hinted.values())

    # Variables, each with its place in the hint.

    def number(self, low: int, high: int, hint: int) -> IntVar:
        """Return a whole number in [low, high]."""
        var = self.cp.new_int_var(low, high, "")
        self._hinted[var.index] = hint
        return var

    def literal(self, hint: bool) -> IntVar:  # noqa: FBT001
        """Return a decision of yes or no."""
        var = self.cp.new_bool_var("")
        self._hinted[var.index] = int(hint)
        return var

    def hint_of(self, var: IntVar) -> int:
        """Return the value of a variable in the hint."""
        return self._hinted[var.index]

    def hinted(self, times_s: Longs, op: int) -> int:
        """Return a time of the hint in units."""
        return int(times_s[op]) // self.task.unit_s

    # Work on calendars.

    def pieces(self, calendar: int, length: int, may_pause: bool) -> list[Piece]:  # noqa: FBT001
        """Return every length from start to end that work can have, least first."""
        key = (calendar, length, may_pause)
        if key not in self._pieces:
            self._pieces[key] = pieces(self.hours[calendar], length, may_pause)
        return self._pieces[key]

    def _set_up_pieces(self, group: int, calendar: int, length: int) -> list[Piece]:
        return self.pieces(calendar, length, bool(self.scenario.setup_interruptible[group]))

    def _set_up_before(self, op: int, arcs: list[IntVar], found: list[Piece]) -> None:
        """Put a set-up of one length between the machine's freedom and the start of `op`."""
        hint = self.task.hint
        size = self.hinted(hint.setup_end_s, op) - self.hinted(hint.setup_start_s, op)
        chosen = any(self.hint_of(arc) for arc in arcs)
        for piece, literal in zip(
            found, self._one_of(found, arcs, size if chosen else None), strict=True
        ):
            self.cp.add(self.start[op] >= self.begin[op] + piece.size).only_enforce_if(literal)
            self._starts_in(self.begin[op], piece, literal)

    def _starts_in(self, begin: IntVar, piece: Piece, literal: IntVar) -> None:
        if piece.starts is not None:
            self.cp.add_linear_expression_in_domain(begin, piece.starts).only_enforce_if(literal)

    def _operation(self, op: int) -> None:
        s, task = self.scenario, self.task
        low, high = task.earliest[op], task.latest[op]
        hint = task.hint
        self.start[op] = self.number(low, high, self.hinted(hint.start_s, op))
        self.end[op] = self.number(low, high, self.hinted(hint.end_s, op))
        pairs = range(s.op_pair[op], s.op_pair[op + 1])
        for pair in pairs:
            self.on[pair] = self.literal(bool(s.pair_machine[pair] == hint.machine[op]))
        self.cp.add_exactly_one([self.on[pair] for pair in pairs])
        if any(self._set_up[s.machine_group[s.pair_machine[pair]]] for pair in pairs):
            at = (
                hint.setup_start_s
                if hint.setup_end_s[op] > hint.setup_start_s[op]
                else hint.start_s
            )
            self.begin[op] = self.number(0, high, self.hinted(at, op))
            self.cp.add(self.begin[op] <= self.start[op])
        # Machines with the same calendar and speed share their pieces.
        classes: dict[tuple[int, int], list[int]] = defaultdict(list)
        for pair in pairs:
            length = int(s.pair_duration_s[pair]) // task.unit_s
            classes[int(s.machine_calendar[s.pair_machine[pair]]), length].append(pair)
        for (calendar, length), members in classes.items():
            found = [
                piece
                for piece in self.pieces(calendar, length, bool(s.interruptible[op]))
                if piece.last >= low and piece.first + piece.size <= high
            ]
            chosen = bool(np.isin(hint.machine[op], s.pair_machine[members]))
            size = self.hinted(hint.end_s, op) - self.hinted(hint.start_s, op)
            literals = self._one_of(
                found, [self.on[pair] for pair in members], size if chosen else None
            )
            for piece, literal in zip(found, literals, strict=True):
                self.cp.add(self.end[op] == self.start[op] + piece.size).only_enforce_if(literal)
                self._starts_in(self.start[op], piece, literal)

    def _one_of(
        self, found: Sequence[Piece], owners: Sequence[IntVar], size: int | None
    ) -> list[IntVar]:
        """Return a literal for each piece, one of them true if and only if an owner is."""
        if len(found) == 1 and len(owners) == 1:
            return list(owners)
        literals = [self.literal(piece.size == size) for piece in found]
        self.cp.add(sum(literals) == sum(owners))
        return literals

    def _routes(self) -> None:
        s, unit_s = self.scenario, self.task.unit_s
        for op in self.free:
            if op == s.job_op[s.op_job[op]]:
                continue  # `earliest` holds the release
            if op - 1 in self.end:
                self.cp.add(self.start[op] >= self.end[op - 1])
            else:
                self.cp.add(self.start[op] >= -(-int(s.fixed_end_s[op - 1]) // unit_s))

    # Machines.

    def fixed_on(self, machine: int) -> list[int]:
        """Return the fixed operations of a machine that end after the plan begins, in order."""
        s = self.scenario
        ops = np.flatnonzero(s.fixed_machine == machine)
        order = np.lexsort((s.fixed_end_s[ops], s.fixed_start_s[ops]))
        found: list[int] = ops[order].tolist()
        return found

    def _no_overlap(self, machine: int, members: Sequence[int]) -> None:
        s, unit_s = self.scenario, self.task.unit_s
        set_up = self._set_up[s.machine_group[machine]]
        intervals = []
        for pair in members:
            op = int(s.pair_op[pair])
            begin = self.begin[op] if set_up else self.start[op]
            span = (begin, self._size(op, set_up), self.end[op])
            intervals.append(self.cp.new_optional_interval_var(*span, self.on[pair], ""))
        busy = 0  # fixed operations may overlap each other
        for op in self.fixed_on(machine):
            start, end = int(s.fixed_start_s[op]) // unit_s, int(s.fixed_end_s[op]) // unit_s
            start = max(start, busy)
            if end > start:
                intervals.append(self.cp.new_fixed_size_interval_var(start, end - start, ""))
                busy = end
        self.cp.add_no_overlap(intervals)

    def _size(self, op: int, set_up: bool) -> IntVar:  # noqa: FBT001
        key = (op, set_up)
        if key not in self._sizes:
            begin = self.begin[op] if set_up else self.start[op]
            span = self.hint_of(self.end[op]) - self.hint_of(begin)
            self._sizes[key] = self.number(0, self.task.latest[op], span)
            self.cp.add(self._sizes[key] == self.end[op] - begin)
        return self._sizes[key]

    def _objective(self) -> None:
        s, task = self.scenario, self.task
        cost = []
        for job, weight in task.tardiness.items():
            last = int(s.job_op[job + 1]) - 1
            if last not in self.end:
                continue  # fixed: its tardiness is a constant
            due, high = int(s.due_s[job]) // task.unit_s, task.latest[last]
            late = self.number(0, max(0, high - due), max(0, self.hint_of(self.end[last]) - due))
            self.cp.add(late >= self.end[last] - due)
            cost.append(weight * late)
        if task.makespan:
            ends = [self.end[op] for op in self.free]
            fixed = max(0, int(s.fixed_end_s.max()) // task.unit_s)
            latest = max(fixed, *(self.hint_of(end) for end in ends))
            makespan = self.number(fixed, max(fixed, *task.latest), latest)
            for job in range(s.n_jobs):
                last = int(s.job_op[job + 1]) - 1
                if last in self.end:
                    self.cp.add(makespan >= self.end[last])
            cost.append(task.makespan * makespan)
        self.cp.minimize(sum(cost))


def _cut(opens: Longs, closes: Longs, horizon: int) -> Hours:
    """Return the windows that matter up to a horizon."""
    keep = opens < horizon
    return Hours(opens[keep].tolist(), np.minimum(closes[keep], horizon).tolist())


def pieces(hours: Hours, length: int, may_pause: bool) -> list[Piece]:  # noqa: FBT001
    """Return each length from start to end that work of `length` can have, with its starts.

    Parameters
    ----------
    hours
        Windows; no work lasts beyond the last of them.
    length
        Working time, at least 0.
    may_pause
        Whether the work may go on in the next window.
    """
    if length == 0:
        return [Piece(0, 0, 2**60, None)]
    opens = np.array(hours.opens, dtype=np.int64)
    closes = np.array(hours.closes, dtype=np.int64)
    worked = np.array(hours.worked, dtype=np.int64)
    starts: dict[int, list[tuple[int, int]]] = defaultdict(list)
    for crossed in range(len(opens) if may_pause else min(1, len(opens))):
        n = len(opens) - crossed
        # Work from the windows 0..n that ends in the window `crossed` later.
        shift = opens[:n] - worked[:n] - length
        low = np.maximum(opens[:n], worked[crossed : crossed + n] + shift + 1)
        high = np.minimum(closes[:n] - 1, worked[crossed + 1 : crossed + n + 1] + shift)
        gap = opens[crossed:] - worked[crossed:-1] - opens[:n] + worked[:n]
        some = low <= high
        spans = zip(
            (length + gap[some]).tolist(), low[some].tolist(), high[some].tolist(), strict=True
        )
        for size, first, last in spans:
            starts[size].append((first, last))
        if crossed and np.all(worked[crossed : crossed + n] - worked[1 : n + 1] >= length - 1):
            break
    return [
        Piece(size, spans[0][0], spans[-1][1], domain(sorted(spans)))
        for size, spans in sorted((size, sorted(spans)) for size, spans in starts.items())
    ]
