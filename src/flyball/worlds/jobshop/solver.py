# SPDX-License-Identifier: MIT
"""A strong rival: CP-SAT with honest calendars and set-ups, warm-started with a complete hint.

A shop that is small, or has neither pauses nor set-ups, is one model. A larger one is improved part
by part (`neighbourhood`), as many parts at a time as there are threads, until a part is the whole
and proved or the time is over. The time counts building models. What comes back is re-timed so
that no operation waits without reason.
"""

from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from typing import Any, Literal

import numpy as np

from flyball.core.clock import Clock, SystemClock
from flyball.core.errors import InvariantError
from flyball.optimize import CpAnswer, CpSettings, new_model, run
from flyball.worlds.jobshop.cost import Cost
from flyball.worlds.jobshop.horizon import look_ahead
from flyball.worlds.jobshop.model import ShopModel, Task
from flyball.worlds.jobshop.neighbourhood import Neighbourhoods
from flyball.worlds.jobshop.scenario import Scenario
from flyball.worlds.jobshop.schedule import Schedule
from flyball.worlds.jobshop.timing import list_schedule, retimed
from flyball.worlds.jobshop.validator import require_valid

METHOD = "CP-SAT"

WHOLE_OPS = 30
"""Up to this many free operations everything is one model from the beginning."""

FIRST_PART = 12
"""Operations that move in the first part; parts grow while they are solved in time."""

PART_WORK = 0.15
"""Longest search of one part, in CP-SAT's deterministic time: half a second of a free core."""

PARAMETERS: dict[str, Any] = {
    "cp_model_probing_level": 0,
    "symmetry_level": 0,
    "linearization_level": 0,
}
"""Presolve and relaxation that cost more on these models than they bring within seconds."""

Status = Literal["optimal", "feasible", "hint"]


@dataclass(frozen=True, kw_only=True)
class Solution:
    """What CP-SAT made of a shop."""

    schedule: Schedule
    status: Status
    """*optimal*: proved; *feasible*: better than the hint; *hint*: nothing better in time."""

    objective: float
    """Weighted sum that was minimised, in hours."""

    bound: float
    """No schedule is better than this, h; what every job would cost alone, if nothing better."""

    models: int
    """Models that were solved."""

    build_s: float
    """Wall time to build them, over all threads, s."""

    wall_s: float
    """Wall time in all, s."""


def solve(
    scenario: Scenario,
    *,
    objective: Mapping[str, float],
    time_s: float,
    threads: int = 1,
    hint: Schedule | None = None,
    seed: int = 0,
) -> Solution:
    """Return the best schedule that CP-SAT finds in time.

    Parameters
    ----------
    objective
        Weights by name, of ``weighted_tardiness_h`` and ``makespan_h``.
    time_s
        Wall time for everything: building, searching, re-timing.
    hint
        A valid schedule to start from; first come, first served where there is none.

    Raises
    ------
    ConfigError
        For an objective that is not known, or none at all.
    SolverError
        When OR-Tools is missing or the calendars end before the work does.
    ScheduleError
        When the hint is not valid.
    """
    if hint is not None:
        require_valid(hint)
    new_model()  # loading OR-Tools is not held against it
    clock = SystemClock()
    begun_s = clock.elapsed_s()
    cost = Cost.of(scenario, objective)
    start = list_schedule(scenario) if hint is None else retimed(hint)
    search = _Search(scenario, cost, start, (clock, begun_s + time_s))
    if not search.proved:
        if search.whole:
            search.solve_whole(threads, seed)
        else:
            with ThreadPoolExecutor(threads) as pool:
                list(pool.map(search.improve, [(seed, worker) for worker in range(threads)]))
    best = replace(search.best, method=METHOD)
    require_valid(best)
    better = cost.hours(best) < cost.hours(start)
    return Solution(
        schedule=best,
        status="optimal" if search.proved else "feasible" if better else "hint",
        objective=cost.hours(best),
        bound=cost.hours(best) if search.proved else search.bound,
        models=search.models,
        build_s=search.build_s,
        wall_s=clock.elapsed_s() - begun_s,
    )


class _Search:
    """The best schedule so far, and what improves it; threads may share one."""

    def __init__(
        self, scenario: Scenario, cost: Cost, start: Schedule, until: tuple[Clock, float]
    ) -> None:
        self.cost, self.best = cost, start
        self.clock, self.until_s = until
        self.models, self.build_s, self.longest_s = 0, 0.0, 0.0
        horizon = look_ahead(scenario, cost, start)
        self.complete = horizon.complete
        self.bound = horizon.bound_h
        n_free = int(np.count_nonzero(scenario.fixed_machine < 0))
        self.proved = n_free == 0 or horizon.reached
        if self.proved:
            return
        self.parts = Neighbourhoods(scenario, cost, horizon)
        self.n_free = n_free
        self.whole = n_free <= WHOLE_OPS or _light(scenario)

    def solve_whole(self, threads: int, seed: int) -> None:
        """Solve one model of everything."""
        task = self.parts.everything(self.best)
        answer = self._solve(task, (threads, seed), {})
        if answer is not None and self.complete and task.near is None:
            bound = self.cost.bound(answer.bound, task.pieces.unit_s)
            self.bound = max(self.bound, bound)
            self.proved = self.cost.hours(self.best) <= bound + 1e-9 * max(1.0, bound)

    def improve(self, key: tuple[int, int]) -> None:
        """Solve parts until the time is over; `key` seeds what is drawn."""
        rng = np.random.default_rng(key)
        size = float(FIRST_PART)
        while self._left_s() > self.longest_s and not self.proved:
            if size >= self.n_free:
                self.solve_whole(1, int(rng.integers(2**31)))
                return
            task = self.parts.part(self.best, int(size), rng)
            limit = {"max_deterministic_time": PART_WORK}
            answer = self._solve(task, (1, int(rng.integers(2**31))), limit)
            grow = answer is not None and answer.status == "optimal"
            size = size * 1.05 if grow else max(8.0, size * 0.85)

    def _left_s(self) -> float:
        return self.until_s - self.clock.elapsed_s()

    def _solve(self, task: Task, how: tuple[int, int], limit: dict[str, float]) -> CpAnswer | None:
        """Solve a task by (threads, seed) and keep what it finds; None without time for it."""
        begun_s = self.clock.elapsed_s()
        model = ShopModel(task)
        took_s = self.clock.elapsed_s() - begun_s
        self.build_s += took_s
        self.longest_s = max(self.longest_s, took_s)
        left_s = self._left_s()
        if left_s <= 0:
            return None
        settings = CpSettings(time_s=left_s, threads=how[0], seed=how[1])
        answer = run(model.cp, settings, PARAMETERS | limit)
        self.models += 1
        if answer.status == "infeasible":
            msg = "CP-SAT finds no schedule for a shop that has a valid one."
            raise InvariantError(msg)
        if answer.found:
            # Another thread may have gone on meanwhile; the better one stays.
            self.best = min(self.best, _read(model, answer), key=self.cost.total)
        return answer


def _light(scenario: Scenario) -> bool:
    """Return whether a shop has no set-ups and machines that never close."""
    c = scenario.calendars
    always = len(c.open_s) == len(c.window) - 1
    return always and not scenario.setup_s.any()


def _read(model: ShopModel, answer: CpAnswer) -> Schedule:
    """Return the machines and orders of a solution, timed as early as they allow."""
    hint, unit_s = model.task.hint, model.task.pieces.unit_s
    machine, start_s, end_s = hint.machine.copy(), hint.start_s.copy(), hint.end_s.copy()
    for op in model.task.moving:
        start_s[op] = answer.value(model.start[op]) * unit_s
        end_s[op] = answer.value(model.end[op]) * unit_s
    for pair, chosen in model.on.items():
        if answer.value(chosen):
            machine[model.scenario.pair_op[pair]] = model.scenario.pair_machine[pair]
    return retimed(replace(hint, machine=machine, start_s=start_s, end_s=end_s))
