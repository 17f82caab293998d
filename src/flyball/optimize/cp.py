# SPDX-License-Identifier: MIT
"""Constraint programming by OR-Tools CP-SAT [1]_.

References
----------
.. [1] Perron and Furnon, OR-Tools, https://developers.google.com/optimization.
"""

from __future__ import annotations

from dataclasses import dataclass
from importlib import import_module
from typing import TYPE_CHECKING, Any, Literal

from flyball.core.errors import ConfigError, Problem, SolverError

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from ortools.sat.python.cp_model import CpModel as CpModel
    from ortools.sat.python.cp_model import Domain as Domain
    from ortools.sat.python.cp_model import IntVar as IntVar
    from ortools.sat.python.cp_model import LiteralT as LiteralT

CpStatus = Literal["optimal", "feasible", "infeasible", "unknown"]


@dataclass(frozen=True, kw_only=True)
class CpSettings:
    """How long and how widely to search."""

    time_s: float
    """Wall time of the search, above 0 s."""

    threads: int = 1
    """Parallel workers, at least 1."""

    seed: int = 0
    """Seed of the search; with more than one thread two runs still differ."""

    def __post_init__(self) -> None:
        """Refuse settings that would stop the search before it begins."""
        wrong = [
            Problem(where=f"cp.{name}", found=str(value), allowed=allowed, fix="choose more")
            for name, value, allowed, good in (
                ("time_s", self.time_s, "more than 0 s", self.time_s > 0),
                ("threads", self.threads, "at least 1", self.threads >= 1),
            )
            if not good
        ]
        if wrong:
            raise ConfigError(wrong)


@dataclass(frozen=True, kw_only=True)
class CpAnswer:
    """What a search found."""

    status: CpStatus
    objective: float
    """Value of the best solution, in the model's units; infinite when there is none."""

    bound: float
    """No solution is better than this, in the model's units; minimisation is assumed."""

    value: Callable[[IntVar], int]
    """Value of a variable in the best solution; only for *optimal* and *feasible*."""

    @property
    def found(self) -> bool:
        """Whether there is a solution to read."""
        return self.status in {"optimal", "feasible"}


def _ortools() -> Any:
    try:
        return import_module("ortools.sat.python.cp_model")
    except ImportError:
        problem = Problem(
            where="solver",
            found="OR-Tools is not installed",
            allowed="the extra 'solve'",
            fix="pip install flyball[solve]",
        )
        raise SolverError(problem) from None


def new_model() -> CpModel:
    """Return an empty CP-SAT model.

    Raises
    ------
    SolverError
        When OR-Tools is not installed.
    """
    model: CpModel = _ortools().CpModel()
    return model


def domain(intervals: Sequence[Sequence[int]]) -> Domain:
    """Return the whole numbers of closed intervals [low, high]."""
    found: Domain = _ortools().Domain.from_intervals(intervals)
    return found


def run(model: CpModel, settings: CpSettings, extra: dict[str, Any] | None = None) -> CpAnswer:
    """Search for the least objective of a model.

    Parameters
    ----------
    model
        A model with an objective to minimise, and a hint if there is one.
    settings
        Time, threads and seed.
    extra
        More parameters by their CP-SAT names.

    Raises
    ------
    SolverError
        When OR-Tools is not installed or calls the model malformed.
    """
    cp = _ortools()
    solver = cp.CpSolver()
    solver.parameters.max_time_in_seconds = settings.time_s
    solver.parameters.num_workers = settings.threads
    solver.parameters.random_seed = settings.seed
    for name, value in (extra or {}).items():
        setattr(solver.parameters, name, value)
    code = solver.solve(model)
    names: dict[Any, CpStatus] = {
        cp.OPTIMAL: "optimal",
        cp.FEASIBLE: "feasible",
        cp.INFEASIBLE: "infeasible",
        cp.UNKNOWN: "unknown",
    }
    if code not in names:
        raise SolverError(
            Problem(
                where="solver",
                found=f"CP-SAT refuses the model: {model.validate()[:200]}",
                allowed="a model whose numbers stay below 2**62",
                fix="use shorter times or smaller weights",
            )
        )
    found = names[code] in {"optimal", "feasible"}
    return CpAnswer(
        status=names[code],
        objective=solver.objective_value if found else float("inf"),
        bound=solver.best_objective_bound,
        value=solver.value,
    )
