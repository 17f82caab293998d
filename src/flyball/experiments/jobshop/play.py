# SPDX-License-Identifier: MIT
"""Schedules of a method on many shops, each judged by the validator before it counts."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

from flyball.core.batch import Action, Floats, Longs, Observation
from flyball.core.clock import Clock, SystemClock
from flyball.core.errors import InvariantError, ScheduleError
from flyball.core.protocols import Policy
from flyball.core.random import uniform
from flyball.worlds.jobshop import RULES, WORLD, Scenario, Schedule


class Judged(NamedTuple):
    """A schedule that kept every rule, with the validator's figures."""

    schedule: Schedule
    kpi: dict[str, float]
    spent_s: float  # wall time to make it


def judged(schedule: Schedule, spent_s: float) -> Judged:
    """Return a schedule with the validator's figures.

    Raises
    ------
    ScheduleError
        When it breaks a rule of the plant.
    """
    problems = WORLD.check(schedule)
    if problems:
        raise ScheduleError(problems)
    return Judged(schedule, WORLD.kpis(schedule), spent_s)


def greedy(
    scenarios: Sequence[Scenario], policy: Policy, name: str, clock: Clock, *, batch: int = 16
) -> list[Judged]:
    """Return the greedy schedule of each scenario; the result does not depend on `batch`.

    Parameters
    ----------
    scenarios
        At least one.
    policy
        A rule or a learned policy; one whose act depends on the row must be played with batch 1.
    name
        Who made the schedules, as reports print it.
    batch
        Scenarios that are played side by side, at least 1.
    """
    found: list[Judged] = []
    for first in range(0, len(scenarios), batch):
        part = scenarios[first : first + batch]
        began_s = clock.elapsed_s()
        schedules = _play(part, policy, name)
        spent_s = (clock.elapsed_s() - began_s) / len(part)
        found += [judged(schedule, spent_s) for schedule in schedules]
    return found


def _play(scenarios: Sequence[Scenario], policy: Policy, name: str) -> list[Schedule]:
    """Return the first schedule of every row, row by scenario."""
    rows = len(scenarios)
    env = WORLD.make_env(scenarios, rows)
    observation = env.reset(np.arange(rows, dtype=np.int64))
    memory = policy.initial(rows)
    schedules: dict[int, Schedule] = {}
    while len(schedules) < rows:
        action, _, memory = policy.act(observation, memory, None)
        step = env.step(action)
        observation = step.observation
        for row in np.flatnonzero(step.terminated):
            schedule = env.schedule(int(row), name) if row not in schedules else None
            if schedule is not None:
                schedules[int(row)] = schedule
    if any(schedules[row].scenario is not scenarios[row] for row in range(rows)):
        msg = "a row of the Env played another scenario than the one of its number"
        raise InvariantError(msg)
    return [schedules[row] for row in range(rows)]


def warm_up(clock: Clock | None = None) -> float:
    """Compile the simulator and the rules, or load them from the cache; return the wall time, s.

    The first time on a machine takes less than a minute, later ones a second.
    """
    clock = clock or SystemClock()
    began_s = clock.elapsed_s()
    shop = WORLD.generated(0, 0)
    greedy([shop], RULES["ATCS"], "ATCS", clock)
    return clock.elapsed_s() - began_s


@dataclass(frozen=True)
class Dice:
    """Any candidate with equal chance, drawn by (seed, decision); for one row.

    Waiting is left out unless it is alone. It stands in every table as the floor.
    """

    seed: int
    name: str = "random"

    def initial(self, n_envs: int) -> Floats:
        """Return the number of decisions so far, shape (B, 1)."""
        return np.zeros((n_envs, 1), dtype=np.float32)

    def act(
        self, observation: Observation, memory: Floats, key: tuple[int, int] | None
    ) -> tuple[Action, Floats, Floats]:
        """Choose by chance; the key is not used."""
        del key
        offset: Longs = observation.options.offset
        rows = len(offset) - 1
        choice = np.zeros((rows, 1, 1), dtype=np.int32)
        for row in range(rows):
            own = observation.options.id[offset[row] : offset[row + 1]]
            free = np.flatnonzero(own >= 0)
            if len(free):
                draw = float(uniform(self.seed, int(memory[row, 0]), row))
                choice[row] = free[int(draw * len(free))]
        log_prob = np.zeros((rows, 1), dtype=np.float32)
        return Action(choice, np.zeros((rows, 1, 0))), log_prob, memory + 1.0
