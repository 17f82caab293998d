# SPDX-License-Identifier: MIT
"""What a search minimises: a weighted sum of tardiness and makespan, in whole numbers."""

from collections.abc import Mapping
from dataclasses import dataclass
from fractions import Fraction
from math import gcd, lcm

import numpy as np

from flyball.core.errors import ConfigError, Problem, nearest
from flyball.worlds.jobshop.scenario import NO_DUE_S, Scenario
from flyball.worlds.jobshop.schedule import Schedule

HOUR_S = 3600
OBJECTIVES = ("weighted_tardiness_h", "makespan_h")

LARGEST_DENOMINATOR = 1000
"""Weights are rounded to fractions of this before they become whole numbers."""


@dataclass(frozen=True, kw_only=True)
class Cost:
    """Whole costs of a second late or longer; `scale` costs make an hour's worth of one unit."""

    scenario: Scenario
    tardiness: dict[int, int]  # job -> cost; only jobs that can cost something
    makespan: int
    scale: Fraction

    @classmethod
    def of(cls, scenario: Scenario, objective: Mapping[str, float]) -> "Cost":
        """Return the cost of an objective, weights by name.

        Raises
        ------
        ConfigError
            For a name that is not known, a negative weight, or no positive weight.
        """
        _check(objective)
        late = objective.get("weighted_tardiness_h", 0.0)
        weights = {
            job: _fraction(late * weight)
            for job, weight in enumerate(scenario.full_weight.tolist())
            if scenario.due_s[job] < NO_DUE_S
        }
        makespan = _fraction(objective.get("makespan_h", 0.0))
        all_of = [weight for weight in (*weights.values(), makespan) if weight > 0]
        if not all_of:
            return cls(scenario=scenario, tardiness={}, makespan=1, scale=Fraction(0))
        times = lcm(*(weight.denominator for weight in all_of))
        divisor = gcd(*(int(weight * times) for weight in all_of))
        scale = Fraction(times, divisor)
        return cls(
            scenario=scenario,
            tardiness={job: int(weight * scale) for job, weight in weights.items() if weight > 0},
            makespan=int(makespan * scale),
            scale=1 / scale,
        )

    def total(self, schedule: Schedule) -> int:
        """Return the cost of a schedule, times in seconds."""
        s = self.scenario
        ends = schedule.end_s[s.job_op[1:] - 1]
        late_s = np.maximum(0, ends - s.due_s).tolist()
        tardiness: int = sum(weight * late_s[job] for job, weight in self.tardiness.items())
        return tardiness + self.makespan * max(0, int(schedule.end_s.max()))

    def fixed(self) -> int:
        """Return the cost of the jobs whose last operation is fixed, which no search changes."""
        s = self.scenario
        last = s.job_op[1:] - 1
        late_s = np.maximum(0, s.fixed_end_s[last] - s.due_s).tolist()
        return sum(
            weight * late_s[job]
            for job, weight in self.tardiness.items()
            if s.fixed_machine[last[job]] >= 0
        )

    def hours(self, schedule: Schedule) -> float:
        """Return the cost of a schedule in weighted hours."""
        return float(self.total(schedule) * self.scale / HOUR_S)

    def bound(self, units: float, unit_s: int) -> float:
        """Return a bound on what a search decides, in units of `unit_s`, as weighted hours."""
        return max(0.0, (units * unit_s + self.fixed()) * float(self.scale) / HOUR_S)


def _check(objective: Mapping[str, float]) -> None:
    problems = [
        Problem(
            where=f"objective '{name}'",
            found=f"weight {weight}",
            allowed="a known objective with a weight of at least 0",
            fix=nearest(name, OBJECTIVES) if name not in OBJECTIVES else "use a positive weight",
        )
        for name, weight in objective.items()
        if name not in OBJECTIVES or not 0 <= weight < float("inf")
    ]
    if not problems and not any(objective.values()):
        problems.append(
            Problem(
                where="objective",
                found="no weight above 0",
                allowed="a positive weight for " + " or ".join(OBJECTIVES),
                fix="weigh what matters",
            )
        )
    if problems:
        raise ConfigError(problems)


def _fraction(weight: float) -> Fraction:
    return Fraction(weight).limit_denominator(LARGEST_DENOMINATOR)
