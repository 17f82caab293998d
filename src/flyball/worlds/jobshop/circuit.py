# SPDX-License-Identifier: MIT
"""The order of work on one machine whose families need set-ups, as a circuit of arcs.

The circuit leaves a depot (the machine as it stands), visits every operation that the machine is
chosen for and every settled one, and comes back. The arc into an operation decides its set-up.
Settled operations form a chain in time; those that move may stand between any two.
"""

from __future__ import annotations

from itertools import pairwise
from typing import TYPE_CHECKING, NamedTuple, Protocol

import numpy as np

if TYPE_CHECKING:
    from flyball.optimize import CpModel, IntVar, LiteralT
    from flyball.worlds.jobshop.pieces import Pieces
    from flyball.worlds.jobshop.scenario import Scenario
    from flyball.worlds.jobshop.schedule import Schedule

DEPOT = -1

SetUps = dict[tuple[int, int, int, int], list["IntVar"]]
"""(operation, group, calendar, length) -> arcs that need this set-up."""


class Task(Protocol):
    """What is to be decided, as a circuit needs it; times in units."""

    @property
    def hint(self) -> Schedule: ...  # noqa: D102

    @property
    def pieces(self) -> Pieces: ...  # noqa: D102

    @property
    def earliest(self) -> list[int]: ...  # noqa: D102

    @property
    def latest(self) -> list[int]: ...  # noqa: D102

    @property
    def near(self) -> int | None: ...  # noqa: D102


class Shop(Protocol):
    """The model of the shop, as a circuit needs it."""

    cp: CpModel
    scenario: Scenario
    start: dict[int, IntVar]
    end: dict[int, IntVar]
    begin: dict[int, IntVar]
    on: dict[int, IntVar]

    @property
    def task(self) -> Task: ...  # noqa: D102

    def literal(self, hint: bool) -> IntVar: ...  # noqa: D102, FBT001


class Line(NamedTuple):
    """What is to be decided on one machine."""

    machine: int
    family: int  # what it is set up for before the first of the chain
    free_from: int  # when it is free before the first of the chain
    pairs: dict[int, int]  # moving operation -> its pair on this machine
    chain: list[int]  # settled operations in order
    rank: dict[int, int]  # place of a moving operation in the hint's order of starts


class Circuit:
    """Builds the circuit of one machine into the model of the shop."""

    def __init__(self, shop: Shop, line: Line, set_ups: SetUps) -> None:
        s, task = shop.scenario, shop.task
        self.shop, self.line, self.set_ups = shop, line, set_ups
        self.group = int(s.machine_group[line.machine])
        self.calendar = int(s.machine_calendar[line.machine])
        self.setup = (s.setup_s[self.group] // task.pieces.unit_s).tolist()  # (U + 1, U)
        nodes = [DEPOT, *line.chain, *line.pairs]
        self.node = {op: node for node, op in enumerate(nodes)}
        self.family = {op: int(s.op_family[op]) for op in nodes[1:]} | {DEPOT: line.family}
        self.hinted = self._hinted_arcs()
        self.arcs: list[tuple[int, int, LiteralT]] = []
        self.rooms: dict[tuple[int, int], int] = {}

    def build(self) -> None:
        """Add the circuit; note which arcs need which set-up."""
        for before, after in pairwise([DEPOT, *self.line.chain, DEPOT]):
            if DEPOT in {before, after} or self._bears(before, after):
                self._arc(before, after)
        for op, pair in self.line.pairs.items():
            self.arcs.append((self.node[op], self.node[op], ~self.shop.on[pair]))
            for other in (DEPOT, *self.line.chain):
                self._arc(other, op)
                self._arc(op, other)
            for other in self.line.pairs:
                if other != op:
                    self._arc(op, other)
        self.shop.cp.add_circuit(self.arcs)

    def _hinted_arcs(self) -> set[tuple[int, int]]:
        hint = self.shop.task.hint
        ops = np.array(
            [op for op in self.node if op != DEPOT and hint.machine[op] == self.line.machine],
            dtype=np.int64,
        )
        order = np.lexsort((ops, hint.end_s[ops], hint.start_s[ops], hint.setup_start_s[ops]))
        return set(pairwise([DEPOT, *ops[order].tolist(), DEPOT]))

    def _arc(self, before: int, after: int) -> None:
        """Let `after` follow `before`, if it can, with its set-up and in its time."""
        if not self._possible(before, after):
            return
        arc = self.shop.literal((before, after) in self.hinted)
        self.arcs.append((self.node[before], self.node[after], arc))
        if after in self.line.pairs:
            length = self.setup[self.family[before]][self.family[after]]
            if length:
                key = (after, self.group, self.calendar, length)
                self.set_ups.setdefault(key, []).append(arc)
            begin = self.shop.begin[after]
            if before in self.line.pairs:
                self.shop.cp.add(self.shop.end[before] <= begin).only_enforce_if(arc)
            else:
                self.shop.cp.add(begin >= self._free_from(before)).only_enforce_if(arc)
        elif before in self.line.pairs and after != DEPOT:
            latest = self._room(before, after)
            self.shop.cp.add(self.shop.end[before] <= latest).only_enforce_if(arc)

    def _free_from(self, settled: int) -> int:
        if settled == DEPOT:
            return self.line.free_from
        return int(self.shop.task.hint.end_s[settled]) // self.shop.task.pieces.unit_s

    def _room(self, before: int, settled: int) -> int:
        """Return by when `before` must end for the set-up of settled work; -1 if it never can."""
        key = (self.family[before], settled)
        if key in self.rooms:
            return self.rooms[key]
        s, pieces = self.shop.scenario, self.shop.task.pieces
        latest = pieces.hours[self.calendar].latest(
            int(self.shop.task.hint.start_s[settled]) // pieces.unit_s,
            self.setup[self.family[before]][self.family[settled]],
            bool(s.setup_interruptible[self.group]),
        )
        self.rooms[key] = -1 if latest is None else latest
        return self.rooms[key]

    def _bears(self, before: int, after: int) -> bool:
        """Return whether two settled operations can follow each other with nothing between."""
        fixed = self.shop.scenario.fixed_machine
        if (before, after) in self.hinted or (fixed[before] >= 0 and fixed[after] >= 0):
            return True
        return self._room(before, after) >= self._free_from(before)

    def _possible(self, before: int, after: int) -> bool:
        """Return whether one can follow the other directly, by time, route and nearness."""
        task, moves = self.shop.task, self.line.pairs
        if (before, after) in self.hinted or (before not in moves and after not in moves):
            return True
        if before in moves and after in moves:
            length = self.setup[self.family[before]][self.family[after]]
            in_time = task.earliest[before] + length <= task.latest[after]
            return in_time and self._near(before, after)
        if before not in moves:
            return self._free_from(before) <= task.latest[after]
        if after != DEPOT:
            return self._room(before, after) > task.earliest[before]
        return not self.line.chain or task.latest[before] > self._free_from(self.line.chain[-1])

    def _near(self, before: int, after: int) -> bool:
        job, rank, near = self.shop.scenario.op_job, self.line.rank, self.shop.task.near
        if job[before] == job[after] and before > after:
            return False
        return near is None or abs(rank[before] - rank[after]) <= near
