# SPDX-License-Identifier: MIT
"""The constraint model of a shop, or of a part of it, for CP-SAT.

Alternatives are literals; work on calendars, paused or not, is made of `pieces`; set-ups hang on
the arcs of a `circuit` through the operations of each machine whose families need any [1]_.
Times are in units of the greatest common divisor of the data.

References
----------
.. [1] Naderi, Ruiz and Roshanaei, "Mixed-integer programming vs constraint programming for shop
   scheduling problems", INFORMS Journal on Computing 35 (2023).
"""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from flyball.optimize import domain, new_model
from flyball.worlds.jobshop.circuit import Circuit, Line, SetUps

if TYPE_CHECKING:
    from collections.abc import Sequence

    from flyball.core.batch import Bools, Longs
    from flyball.optimize import CpModel, IntVar
    from flyball.worlds.jobshop.cost import Cost
    from flyball.worlds.jobshop.pieces import Piece, Pieces
    from flyball.worlds.jobshop.scenario import Scenario
    from flyball.worlds.jobshop.schedule import Schedule


@dataclass(frozen=True, kw_only=True)
class Task:
    """What a model is to decide; all times in units.

    Operations that do not move are settled: they stay as the hint has them.
    """

    scenario: Scenario
    cost: Cost
    pieces: Pieces
    hint: Schedule
    earliest: list[int]  # (O,) start
    latest: list[int]  # (O,) end
    moving: list[int]
    near: int | None  # how far apart in the hint two operations may follow each other; None: any


class ShopModel:
    """A CP-SAT model with a complete hint; `start` and `on` are read when it is solved."""

    def __init__(self, task: Task) -> None:
        self.task = task
        self.scenario = s = task.scenario
        self.cp: CpModel = new_model()
        self._hinted: dict[int, int] = {}
        self._sizes: dict[tuple[int, bool], IntVar] = {}
        changing: Bools = np.asarray(s.setup_s.any(axis=(1, 2)))
        self._set_up = changing[s.machine_group].tolist()  # (M,)
        self.start: dict[int, IntVar] = {}
        self.end: dict[int, IntVar] = {}
        self.begin: dict[int, IntVar] = {}  # start with the set-up
        self.lowest_begin: dict[int, int] = {}
        self.on: dict[int, IntVar] = {}  # pair -> whether it is chosen
        self._build()

    def _build(self) -> None:
        for op in self.task.moving:
            self._operation(op)
        self._routes()
        set_ups: SetUps = {}
        for line in self._lines():
            self._no_overlap(line)
            if self._set_up[line.machine]:
                Circuit(self, line, set_ups).build()
        for (op, group, calendar, length), arcs in set_ups.items():
            may_pause = bool(self.scenario.setup_interruptible[group])
            self._set_up_before(op, arcs, self.task.pieces.of(calendar, length, may_pause))
        self._objective()
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
        return int(times_s[op]) // self.task.pieces.unit_s

    # Operations.

    def _operation(self, op: int) -> None:
        s, task = self.scenario, self.task
        low, high = task.earliest[op], task.latest[op]
        self.start[op] = self.number(low, high, self.hinted(task.hint.start_s, op))
        self.end[op] = self.number(low, high, self.hinted(task.hint.end_s, op))
        chosen = int(task.hint.machine[op])
        pairs = range(s.op_pair[op], s.op_pair[op + 1])
        machines = s.pair_machine[pairs.start : pairs.stop].tolist()
        for pair, machine in zip(pairs, machines, strict=True):
            self.on[pair] = self.literal(machine == chosen)
        self.cp.add_exactly_one([self.on[pair] for pair in pairs])
        if any(self._set_up[machine] for machine in machines):
            begin = self.hinted(task.hint.setup_start_s, op)
            self.lowest_begin[op] = min(begin, self._ahead(op, machines))
            self.begin[op] = self.number(self.lowest_begin[op], high, begin)
            self.cp.add(self.begin[op] <= self.start[op])
        # Machines with the same calendar and speed share their pieces.
        classes: dict[tuple[int, int], list[int]] = defaultdict(list)
        hinted_class = None
        for pair, machine in zip(pairs, machines, strict=True):
            length = int(s.pair_duration_s[pair]) // task.pieces.unit_s
            key = (int(s.machine_calendar[machine]), length)
            classes[key].append(pair)
            if machine == chosen:
                hinted_class = key
        for key, members in classes.items():
            self._work(op, key, [self.on[pair] for pair in members], key == hinted_class)

    def _ahead(self, op: int, machines: list[int]) -> int:
        """Return from when the set-up of `op` can be of use: just before it, however long it is."""
        s, pieces = self.scenario, self.task.pieces
        family, first = s.op_family[op], self.task.earliest[op]
        begins = [
            pieces.hours[s.machine_calendar[machine]].latest(
                first,
                int(s.setup_s[group, :, family].max()) // pieces.unit_s,
                bool(s.setup_interruptible[group]),
            )
            for machine in machines
            if self._set_up[machine] and (group := s.machine_group[machine]) >= 0
        ]
        return min(begin or 0 for begin in begins)

    def _work(
        self,
        op: int,
        key: tuple[int, int],
        owners: list[IntVar],
        chosen: bool,  # noqa: FBT001
    ) -> None:
        """Tie the end of `op` to its start on machines of one (calendar, length)."""
        low, high = self.task.earliest[op], self.task.latest[op]
        found = [
            piece
            for piece in self.task.pieces.of(*key, bool(self.scenario.interruptible[op]))
            if piece.last >= low and piece.first + piece.size <= high
        ]
        size = self.hint_of(self.end[op]) - self.hint_of(self.start[op])
        literals = self._one_of(found, owners, size if chosen else None)
        for piece, literal in zip(found, literals, strict=True):
            self.cp.add(self.end[op] == self.start[op] + piece.size).only_enforce_if(literal)
            self._starts_in(self.start[op], piece, literal, (low, high))

    def _set_up_before(self, op: int, arcs: list[IntVar], found: list[Piece]) -> None:
        """Put a set-up of one length between the machine's freedom and the start of `op`."""
        hint, high = self.task.hint, self.task.latest[op]
        low = self.lowest_begin[op]
        found = [piece for piece in found if piece.last >= low and piece.first + piece.size <= high]
        size = self.hinted(hint.setup_end_s, op) - self.hinted(hint.setup_start_s, op)
        chosen = any(self.hint_of(arc) for arc in arcs)
        literals = self._one_of(found, arcs, size if chosen else None)
        for piece, literal in zip(found, literals, strict=True):
            self.cp.add(self.start[op] >= self.begin[op] + piece.size).only_enforce_if(literal)
            self._starts_in(self.begin[op], piece, literal, (low, high))

    def _starts_in(
        self, begin: IntVar, piece: Piece, literal: IntVar, span: tuple[int, int]
    ) -> None:
        if piece.starts is not None:
            starts = piece.starts.intersection_with(domain([span]))
            if starts.is_empty():
                self.cp.add_bool_or(~literal)
                return
            self.cp.add_linear_expression_in_domain(begin, starts).only_enforce_if(literal)

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
        for op in self.task.moving:  # next to settled operations, earliest and latest say enough
            if op - 1 in self.end and op > self.scenario.job_op[self.scenario.op_job[op]]:
                self.cp.add(self.start[op] >= self.end[op - 1])

    # Machines.

    def _lines(self) -> list[Line]:
        """Return what is to be decided on each machine that something may move to."""
        s, hint, unit_s = self.scenario, self.task.hint, self.task.pieces.unit_s
        pairs: dict[int, dict[int, int]] = defaultdict(dict)
        for pair in self.on:
            pairs[int(s.pair_machine[pair])][int(s.pair_op[pair])] = pair
        lines = []
        for machine, of in sorted(pairs.items()):
            first = min(self.task.earliest[op] for op in of) * unit_s
            last = max(self.task.latest[op] for op in of) * unit_s
            settled = self._settled(machine)
            past = [op for op in settled if hint.end_s[op] <= first and hint.start_s[op] < first]
            chain = settled[len(past) :]
            after = sum(hint.start_s[op] < last for op in chain)
            movers = sorted(of, key=lambda op: int(hint.start_s[op]))
            lines.append(
                Line(
                    machine=machine,
                    family=int(s.op_family[past[-1]] if past else s.machine_family[machine]),
                    free_from=max((int(hint.end_s[op]) // unit_s for op in past), default=0),
                    pairs=of,
                    # Of what comes later, the first limits the set-up before it.
                    chain=chain[: after + 1],
                    rank={op: rank for rank, op in enumerate(movers)},
                )
            )
        return lines

    def _settled(self, machine: int) -> list[int]:
        hint = self.task.hint
        ops = np.flatnonzero(hint.machine == machine)
        order = np.lexsort((ops, hint.end_s[ops], hint.start_s[ops]))
        return [op for op in ops[order].tolist() if op not in self.start]

    def _no_overlap(self, line: Line) -> None:
        unit_s, hint = self.task.pieces.unit_s, self.task.hint
        set_up = self._set_up[line.machine]
        intervals = []
        for op, pair in line.pairs.items():
            begin = self.begin[op] if set_up else self.start[op]
            span = (begin, self._size(op, set_up), self.end[op])
            intervals.append(self.cp.new_optional_interval_var(*span, self.on[pair], ""))
        busy = max(0, line.free_from)
        spans = [(0, busy)]
        for op in line.chain:  # fixed operations may overlap each other
            start, end = (max(busy, int(at[op]) // unit_s) for at in (hint.start_s, hint.end_s))
            spans.append((start, end - start))
            busy = max(busy, end)
        # Even work without length parts what comes before it from what comes after.
        intervals += [self.cp.new_fixed_size_interval_var(*span, "") for span in spans]
        self.cp.add_no_overlap(intervals)

    def _size(self, op: int, set_up: bool) -> IntVar:  # noqa: FBT001
        key = (op, set_up)
        if key not in self._sizes:
            begin = self.begin[op] if set_up else self.start[op]
            span = self.hint_of(self.end[op]) - self.hint_of(begin)
            self._sizes[key] = self.number(0, self.task.latest[op], span)
            self.cp.add(self._sizes[key] == self.end[op] - begin)
        return self._sizes[key]

    # What counts.

    def _objective(self) -> None:
        s, cost = self.scenario, self.task.cost
        total = []
        for job, weight in cost.tardiness.items():
            last = int(s.job_op[job + 1]) - 1
            if last not in self.end:
                continue  # settled: its tardiness is a constant
            due, high = int(s.due_s[job]) // self.task.pieces.unit_s, self.task.latest[last]
            if high <= due:
                continue
            late = self.number(0, high - due, max(0, self.hint_of(self.end[last]) - due))
            self.cp.add(late >= self.end[last] - due)
            total.append(weight * late)
        if cost.makespan:
            total.append(cost.makespan * self._makespan())
        self.cp.minimize(sum(total))

    def _makespan(self) -> IntVar:
        s, hint = self.scenario, self.task.hint
        lasts = (s.job_op[1:] - 1).tolist()
        least = max([0, *(self.hinted(hint.end_s, op) for op in range(s.n_ops)
                          if op not in self.end)])  # fmt: skip
        most = max(self.hinted(hint.end_s, op) for op in range(s.n_ops))
        high = max([least, *(self.task.latest[op] for op in lasts if op in self.end)])
        makespan = self.number(least, high, max(0, most))
        for op in lasts:
            if op in self.end:
                self.cp.add(makespan >= self.end[op])
        return makespan
