# SPDX-License-Identifier: MIT
"""A strong rival: the whole shop given to CP-SAT, warm-started with a complete hint.

Calendars, pauses, set-ups and fixed work are modelled as they are (`model`); the time limit counts
building the model. What comes back is re-timed so that no operation waits without reason.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any, Literal

import numpy as np

from flyball.core.clock import SystemClock
from flyball.core.errors import InvariantError
from flyball.optimize import CpAnswer, CpSettings, new_model, run
from flyball.worlds.jobshop.cost import Cost
from flyball.worlds.jobshop.horizon import plan_task
from flyball.worlds.jobshop.model import ShopModel
from flyball.worlds.jobshop.scenario import Scenario
from flyball.worlds.jobshop.schedule import Schedule
from flyball.worlds.jobshop.timing import list_schedule, retimed
from flyball.worlds.jobshop.validator import require_valid

METHOD = "CP-SAT"

PARAMETERS: dict[str, Any] = {"cp_model_probing_level": 0, "symmetry_level": 0}
"""Presolve steps that take longer on a shop of some hundred operations than they save."""

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
    """No schedule is better than this; 0 where the model left something out to stay small."""

    build_s: float
    """Wall time to build the model, s."""

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
    task, complete = plan_task(scenario, cost, start)
    answer, built_s, best = None, begun_s, start
    if np.any(scenario.fixed_machine < 0):
        model = ShopModel(task)
        complete = complete and not model.pruned
        built_s = clock.elapsed_s()
        left_s = time_s - (built_s - begun_s)
        if left_s > 0:
            settings = CpSettings(time_s=left_s, threads=threads, seed=seed)
            answer = run(model.cp, settings, PARAMETERS)
        if answer is not None and answer.found:
            best = min(start, _read(model, answer), key=cost.hours)
    best = replace(best, method=METHOD)
    require_valid(best)
    return Solution(
        schedule=best,
        status=_status(answer, complete, cost.hours(best) < cost.hours(start)),
        objective=cost.hours(best),
        bound=cost.bound(answer.bound, task.unit_s) if answer is not None and complete else 0.0,
        build_s=built_s - begun_s,
        wall_s=clock.elapsed_s() - begun_s,
    )


def _status(answer: CpAnswer | None, complete: bool, better: bool) -> Status:  # noqa: FBT001
    if answer is not None and answer.status == "infeasible":
        msg = "CP-SAT finds no schedule for a shop that has a valid one."
        raise InvariantError(msg)
    if answer is not None and answer.status == "optimal" and complete:
        return "optimal"
    return "feasible" if better else "hint"


def _read(model: ShopModel, answer: CpAnswer) -> Schedule:
    """Return the machines and orders of a solution, timed as early as they allow."""
    s, unit_s = model.scenario, model.task.unit_s
    machine, start_s, end_s = s.fixed_machine.copy(), s.fixed_start_s.copy(), s.fixed_end_s.copy()
    for op in model.free:
        start_s[op] = answer.value(model.start[op]) * unit_s
        end_s[op] = answer.value(model.end[op]) * unit_s
    for pair, chosen in model.on.items():
        if answer.value(chosen):
            machine[s.pair_op[pair]] = s.pair_machine[pair]
    return retimed(
        replace(
            model.task.hint,
            machine=machine,
            setup_start_s=start_s,
            setup_end_s=start_s,
            start_s=start_s,
            end_s=end_s,
        )
    )
