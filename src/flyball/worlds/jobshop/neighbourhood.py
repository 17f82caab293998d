# SPDX-License-Identifier: MIT
"""Which part of a shop a search rearranges while all else keeps its place.

CP-SAT is strong on some dozen operations and slow on many hundreds; so large shops are improved
part by part, each part around a job that costs much [1]_.

References
----------
.. [1] Godard, Laborie and Nuijten, "Randomized large neighborhood search for cumulative
   scheduling", ICAPS 2005.
"""

import numpy as np

from flyball.core.batch import Bools, Doubles, Longs
from flyball.worlds.jobshop.cost import Cost
from flyball.worlds.jobshop.horizon import Horizon
from flyball.worlds.jobshop.model import Task
from flyball.worlds.jobshop.pieces import Pieces
from flyball.worlds.jobshop.scenario import Scenario
from flyball.worlds.jobshop.schedule import Schedule

ARC_LIMIT = 60_000
"""Arcs of a model of everything; beyond it an operation may only follow its nearest ones."""

WHOLE_JOBS = 0.5
"""Share of the parts made of whole jobs, so that no settled operation behind them is in the way."""

SLACK = 0.25
"""How far from its place in the hint what moves may go at most, as a share of the makespan."""


class Neighbourhoods:
    """Cuts tasks out of one shop."""

    def __init__(self, scenario: Scenario, cost: Cost, horizon: Horizon) -> None:
        self.scenario, self.cost, self.horizon = scenario, cost, horizon
        self.pieces = Pieces(scenario, max(horizon.latest_s))
        unit_s = self.pieces.unit_s
        self.earliest = [-(-start_s // unit_s) for start_s in horizon.earliest_s]
        self.latest = [end_s // unit_s for end_s in horizon.latest_s]
        self.free: Longs = np.flatnonzero(scenario.fixed_machine < 0).astype(np.int64)
        self._can: Bools = np.zeros((scenario.n_ops, scenario.n_machines), dtype=np.bool_)
        self._can[scenario.pair_op, scenario.pair_machine] = True

    def everything(self, hint: Schedule) -> Task:
        """Return the task in which every free operation moves."""
        s = self.scenario
        groups = s.machine_group[s.pair_machine[np.isin(s.pair_op, self.free)]]
        changing: Bools = np.asarray(s.setup_s.any(axis=(1, 2)))
        machines = s.pair_machine[np.isin(s.pair_op, self.free)][changing[groups]]
        sizes = np.bincount(machines, minlength=s.n_machines)
        arcs = int((sizes.astype(np.int64) ** 2).sum())
        near = None if arcs <= ARC_LIMIT else max(5, ARC_LIMIT // (2 * int(sizes.sum())))
        return Task(
            scenario=s, cost=self.cost, pieces=self.pieces, hint=hint, earliest=self.earliest,
            latest=self.latest, moving=self.free.tolist(), near=near,
        )  # fmt: skip

    def part(self, hint: Schedule, size: int, rng: np.random.Generator) -> Task:
        """Return the task in which about `size` operations around a costly job move."""
        s, unit_s = self.scenario, self.pieces.unit_s
        moving = np.sort(self._around(hint, size, rng)).tolist()
        moves = set(moving)
        earliest, latest = self.earliest.copy(), self.latest.copy()
        slack = int(hint.end_s.max() * SLACK * rng.uniform(0.2, 1.0)) // unit_s
        for op in moving:
            job = s.op_job[op]
            latest[op] = min(latest[op], int(hint.end_s[op]) // unit_s + slack)
            earliest[op] = max(earliest[op], int(hint.start_s[op]) // unit_s - slack)
            if op > s.job_op[job] and op - 1 not in moves:
                earliest[op] = max(earliest[op], int(hint.end_s[op - 1]) // unit_s)
            if op + 1 < s.job_op[job + 1] and op + 1 not in moves:
                latest[op] = min(latest[op], int(hint.start_s[op + 1]) // unit_s)
        return Task(
            scenario=s, cost=self.cost, pieces=self.pieces, hint=hint, earliest=earliest,
            latest=latest, moving=moving, near=None,
        )  # fmt: skip

    def _around(self, hint: Schedule, size: int, rng: np.random.Generator) -> Longs:
        """Return free operations that compete with those of a costly job, nearest first."""
        s, free = self.scenario, self.free
        job = int(rng.choice(s.n_jobs, p=self._blame(hint)))
        centres = free[s.op_job[free] == job]
        if len(centres) > 2 and rng.random() < 0.5:
            centres = rng.choice(centres, size=2, replace=False)
        # In its way is what runs soon before it on a machine it could use.
        after_s = hint.start_s[centres][:, None] - hint.start_s[free][None, :]
        distance = np.where(after_s >= 0, after_s, -2.0 * after_s)
        share = self._can[centres].astype(np.int32) @ self._can[free].T.astype(np.int32) > 0
        distance = np.where(share, distance, 3 * distance + 4 * s.mean_duration_s.mean())
        nearest = distance.min(axis=0) * rng.uniform(0.5, 1.5, size=len(free))
        if rng.random() < WHOLE_JOBS:
            soonest = np.full(s.n_jobs, np.inf)
            np.minimum.at(soonest, s.op_job[free], nearest)
            soonest[job] = 0.0
            by_job = np.lexsort((np.arange(len(free)), s.op_job[free], soonest[s.op_job[free]]))
            jobs = s.op_job[free[by_job[:size]]]
            return free[np.isin(s.op_job[free], jobs)]
        found: Longs = free[np.argsort(nearest, kind="stable")[:size]]
        return found

    def _blame(self, hint: Schedule) -> Doubles:
        """Return how much of the cost each job causes, as probabilities of jobs with free work."""
        s = self.scenario
        ends = hint.end_s[s.job_op[1:] - 1]
        blame = np.zeros(s.n_jobs)
        for job, weight in self.cost.tardiness.items():
            blame[job] = weight * max(0, int(ends[job] - s.due_s[job]))
        if self.cost.makespan:
            blame += self.cost.makespan * np.maximum(0, ends - 0.9 * ends.max())
        movable = np.isin(np.arange(s.n_jobs), s.op_job[self.free])
        # Rarely any job, since a late one may be blocked from far away.
        blame = np.sqrt(blame) + 0.003 * np.sqrt(blame).max() + 1e-9
        blame *= movable
        probabilities: Doubles = blame / blame.sum()
        return probabilities
