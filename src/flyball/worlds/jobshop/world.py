# SPDX-License-Identifier: MIT
"""The job shop as the rooms above see it: one object with everything that is done to a shop."""

from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from flyball.core.errors import Problem
from flyball.core.spec import Spec
from flyball.worlds.jobshop.days import Days
from flyball.worlds.jobshop.env import SPEC, JobShop
from flyball.worlds.jobshop.generator import mixture
from flyball.worlds.jobshop.limits import LIMITS, Limit
from flyball.worlds.jobshop.plan import TARGETS
from flyball.worlds.jobshop.read import Reading, examine
from flyball.worlds.jobshop.scenario import NO_DUE_S, Scenario
from flyball.worlds.jobshop.schedule import Schedule
from flyball.worlds.jobshop.solver import Solution, solve
from flyball.worlds.jobshop.template import template
from flyball.worlds.jobshop.validator import check, kpis
from flyball.worlds.jobshop.view import Gantt, gantt
from flyball.worlds.jobshop.write import write_schedule

if TYPE_CHECKING:
    from flyball.worlds.jobshop.draws import Stream


class ShopWorld:
    """Reading, drawing, solving, judging, showing and writing; no state of its own."""

    name = "jobshop"
    title = "production scheduling"

    @property
    def spec(self) -> Spec:
        """Names and units of everything that crosses the contract."""
        return SPEC

    @property
    def limits(self) -> tuple[Limit, ...]:
        """Every hard limit in words."""
        return LIMITS

    @property
    def targets(self) -> Mapping[str, float]:
        """Weights of the objectives that a plan is chosen by."""
        return TARGETS

    def read(self, path: Path) -> Scenario:
        """Read a workbook, CSV folder or public file; raise ScenarioError with every problem."""
        return examine(path).scenario

    def examine(self, path: Path) -> Reading:
        """Read, and say what was skipped, ignored or widened."""
        return examine(path)

    def template(self, path: Path) -> None:
        """Write the example workbook, which is itself valid input."""
        template(path)

    def write(self, schedule: Schedule, folder: Path) -> list[Path]:
        """Write a valid schedule as workbook and CSV; return the paths."""
        return write_schedule(schedule, folder)

    def make_env(self, scenarios: Sequence[Scenario], n_envs: int) -> JobShop:
        """Return an Env whose rows draw from `scenarios`."""
        return JobShop(scenarios, n_envs)

    def check(self, schedule: Schedule) -> list[Problem]:
        """Return everything that is wrong with a schedule."""
        return check(schedule)

    def kpis(self, schedule: Schedule) -> dict[str, float]:
        """Return the validator's figures of a schedule, by name."""
        return kpis(schedule)

    def gantt(self, schedule: Schedule) -> Gantt:
        """Return what a Gantt chart of the schedule shows."""
        return gantt(schedule)

    def generated(self, seed: int, number: int, *, held_out: bool = False) -> Scenario:
        """Return a generated shop of the training stream, or of the one for judging."""
        return mixture(seed, number, "evaluate" if held_out else "train")

    def days(
        self, plant: Scenario, seed: int, numbers: Iterable[int], *, held_out: bool
    ) -> list[Scenario]:
        """Return days of a plant with new orders drawn from its own order book."""
        days = Days(plant)
        stream: Stream = "evaluate" if held_out else "train"
        return [days.draw(seed, number, stream) for number in numbers]

    @property
    def no_due_s(self) -> int:
        """Due time that stands for none, s."""
        return NO_DUE_S

    def has_dues(self, scenario: Scenario) -> bool:
        """Return whether any job has a due time."""
        return bool(np.any(scenario.due_s < NO_DUE_S))

    def solve(
        self,
        scenario: Scenario,
        objective: Mapping[str, float],
        time_s: float,
        *,
        threads: int,
        hint: Schedule | None,
    ) -> Solution:
        """Return what CP-SAT makes of a shop in `time_s`, model building included."""
        return solve(scenario, objective=objective, time_s=time_s, threads=threads, hint=hint)


WORLD = ShopWorld()
"""The one of it that there is."""
