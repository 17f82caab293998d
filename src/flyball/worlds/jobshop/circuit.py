# SPDX-License-Identifier: MIT
"""The order of work on one machine whose families need set-ups, as a circuit of arcs.

The circuit leaves a depot (the machine as it is at the start), visits every operation that the
machine is chosen for and every fixed operation in its order, and comes back. The arc into an
operation decides its set-up.
"""

from __future__ import annotations

from itertools import pairwise
from typing import TYPE_CHECKING, NamedTuple, Protocol

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Sequence

    from ortools.sat.python.cp_model import CpModel, IntVar, LiteralT

    from flyball.worlds.jobshop.scenario import Scenario
    from flyball.worlds.jobshop.schedule import Schedule
    from flyball.worlds.jobshop.timing import Hours

ARC_LIMIT = 60_000
"""Arcs of all circuits together; beyond it an operation may only follow its nearest ones."""


class Task(Protocol):
    """What is to be decided, as a circuit needs it; times in units."""

    @property
    def hint(self) -> Schedule: ...  # noqa: D102

    @property
    def unit_s(self) -> int: ...  # noqa: D102

    @property
    def earliest(self) -> list[int]: ...  # noqa: D102

    @property
    def latest(self) -> list[int]: ...  # noqa: D102


class Shop(Protocol):
    """The model of the shop, as a circuit needs it."""

    cp: CpModel
    scenario: Scenario
    hours: list[Hours]  # (C,)
    start: dict[int, IntVar]
    end: dict[int, IntVar]
    begin: dict[int, IntVar]
    on: dict[int, IntVar]

    @property
    def task(self) -> Task: ...  # noqa: D102

    def literal(self, hint: bool) -> IntVar: ...  # noqa: D102, FBT001

    def fixed_on(self, machine: int) -> list[int]: ...  # noqa: D102


DEPOT = -1

SetUps = dict[tuple[int, int, int, int], list["IntVar"]]
"""(operation, group, calendar, length) -> arcs that need this set-up."""


def reach(sizes: Sequence[int]) -> int | None:
    """Return how far apart in the hint two operations may be to follow each other; None: any."""
    if sum(size * size for size in sizes) <= ARC_LIMIT:
        return None
    return max(5, ARC_LIMIT // (2 * sum(sizes)))


class Member(NamedTuple):
    """A free operation that the machine may do."""

    node: int
    op: int
    rank: int  # place in the hint's order of starts
    on: IntVar


class Circuit:
    """Builds the circuit of one machine into the model of the shop."""

    def __init__(self, shop: Shop, machine: int, pairs: Sequence[int], near: int | None) -> None:
        s = shop.scenario
        self.shop, self.machine, self.near = shop, machine, near
        self.group = int(s.machine_group[machine])
        self.calendar = int(s.machine_calendar[machine])
        self.setup = s.setup_s[self.group] // shop.task.unit_s  # (U + 1, U)
        ops = [int(s.pair_op[pair]) for pair in pairs]
        rank = np.argsort(np.argsort(shop.task.hint.start_s[ops], kind="stable"))
        self.members = [
            Member(node, op, int(rank[node - 1]), shop.on[pair])
            for node, (op, pair) in enumerate(zip(ops, pairs, strict=True), start=1)
        ]
        self.fixed = shop.fixed_on(machine)
        self.node = {DEPOT: 0} | {member.op: member.node for member in self.members}
        for op in self.fixed:
            self.node[op] = len(self.node)
        self.family = {op: int(s.op_family[op]) for op in self.node if op != DEPOT}
        self.family[DEPOT] = int(s.machine_family[machine])
        self.hinted = self._hinted_arcs()
        self.arcs: list[tuple[int, int, LiteralT]] = []

    def build(self, set_ups: SetUps) -> None:
        """Add the circuit; note in `set_ups` which arcs need which set-up."""
        for member in self.members:
            self.arcs.append((member.node, member.node, ~member.on))
            self._into(DEPOT, member, set_ups)
            self._arc(member.op, DEPOT)
        self._fixed_work(set_ups)
        for before in self.members:
            for after in self.members:
                if before is not after and self._possible(before, after):
                    arc = self._into(before.op, after, set_ups)
                    self.shop.cp.add(
                        self.shop.end[before.op] <= self.shop.begin[after.op]
                    ).only_enforce_if(arc)
        self.shop.cp.add_circuit(self.arcs)

    def _hinted_arcs(self) -> set[tuple[int, int]]:
        hint = self.shop.task.hint
        ops = np.flatnonzero(hint.machine == self.machine)
        order = np.lexsort((ops, hint.end_s[ops], hint.start_s[ops], hint.setup_start_s[ops]))
        visits = [DEPOT, *ops[order].tolist(), DEPOT]
        return set(pairwise(visits))

    def _arc(self, before: int, after: int) -> IntVar:
        arc = self.shop.literal((before, after) in self.hinted)
        self.arcs.append((self.node[before], self.node[after], arc))
        return arc

    def _into(self, before: int, after: Member, set_ups: SetUps) -> IntVar:
        arc = self._arc(before, after.op)
        length = int(self.setup[self.family[before], self.family[after.op]])
        if length:
            set_ups[after.op, self.group, self.calendar, length].append(arc)
        return arc

    def _fixed_work(self, set_ups: SetUps) -> None:
        shop, s = self.shop, self.shop.scenario
        for before, after in pairwise([DEPOT, *self.fixed, DEPOT]):
            self._arc(before, after)  # without fixed work: the machine stays idle
        hours = shop.hours[self.calendar]
        pauses = bool(s.setup_interruptible[self.group])
        for op in self.fixed:
            start = int(s.fixed_start_s[op]) // shop.task.unit_s
            end = int(s.fixed_end_s[op]) // shop.task.unit_s
            for member in self.members:
                change = int(self.setup[self.family[member.op], self.family[op]])
                latest = hours.latest(start, change, pauses)
                if latest is not None and latest >= shop.task.earliest[member.op]:
                    arc = self._arc(member.op, op)
                    shop.cp.add(shop.end[member.op] <= latest).only_enforce_if(arc)
                arc = self._into(op, member, set_ups)
                shop.cp.add(shop.begin[member.op] >= end).only_enforce_if(arc)

    def _possible(self, before: Member, after: Member) -> bool:
        """Return whether one can follow the other directly, by route, time and nearness."""
        s, task = self.shop.scenario, self.shop.task
        if (before.op, after.op) in self.hinted:
            return True
        if s.op_job[before.op] == s.op_job[after.op] and before.op > after.op:
            return False
        if self.near is not None and abs(before.rank - after.rank) > self.near:
            return False
        length = int(self.setup[self.family[before.op], self.family[after.op]])
        return task.earliest[before.op] + length <= task.latest[after.op]
