# SPDX-License-Identifier: MIT
"""From a Scenario and a Policy to a Schedule, better the more time there is."""

import math
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from flyball.core.batch import Doubles
from flyball.core.clock import Clock, SystemClock
from flyball.core.errors import InvariantError
from flyball.core.protocols import Policy, Straying
from flyball.worlds.jobshop.env import SPEC, JobShop
from flyball.worlds.jobshop.scenario import Scenario
from flyball.worlds.jobshop.schedule import Schedule
from flyball.worlds.jobshop.validator import require_valid

SAMPLES = 32
"""Schedules that are drawn side by side."""

LEVELS = (0.1, 0.3, 1.0, 3.0)
"""How far draws stray, as multiples of what the policy itself would do."""

TARGETS = {"weighted_tardiness_h": 1.0, "makespan_h": 1e-3}
"""Weights of the objectives that a plan is chosen by: hours late first, then an early end."""


@dataclass(frozen=True, kw_only=True)
class Plan:
    """The best schedule of a search, with what the search did."""

    schedule: Schedule
    outcome: dict[str, float]  # by KPI, native units
    schedules: int  # how many were made
    elapsed_s: float


def score(outcome: Doubles) -> Doubles:
    """Return what a plan is chosen by, least is best; `outcome` (…, Q) in the order of the spec."""
    weight = np.array([TARGETS.get(kpi.name, 0.0) for kpi in SPEC.kpis])
    total: Doubles = outcome @ weight
    return total


def plan(
    scenario: Scenario,
    policy: Policy,
    time_s: float = 0.0,
    *,
    seed: int = 0,
    clock: Clock | None = None,
    progress: Callable[[float, float], None] | None = None,
) -> Plan:
    """Return the best schedule that the policy finds within `time_s` seconds.

    The greedy schedule comes first, whatever the time; what is left goes into drawing schedules
    that stray from it, each level of straying once, then every other time the level that found the
    best so far. The result has passed the validator.

    Parameters
    ----------
    scenario
        The shop.
    policy
        A rule or a learned policy.
    time_s
        Wall time, at least 0; 0 means the greedy schedule alone.
    seed
        Names the draws.
    clock
        Where the time comes from.
    progress
        Called with the share of the time used, in [0, 1], and the best weighted tardiness, h.

    Raises
    ------
    ScheduleError
        When the schedule breaks a rule of the plant: a fault of Flyball, kept from the user.
    """
    clock = clock or SystemClock()
    start_s = clock.elapsed_s()
    name = getattr(policy, "name", "policy")
    best, best_outcome = _draw(JobShop([scenario], 1), policy, name, None)
    made = 1
    batch_s = clock.elapsed_s() - start_s
    # Side by side, 32 schedules were measured at two to four times the time of one; a batch is
    # begun only if it fits.
    batch_s *= SAMPLES / 6
    levels = LEVELS if isinstance(policy, Straying) else (1.0,)
    reached = dict.fromkeys(levels, math.inf)
    batch = 0
    env: JobShop | None = None
    while clock.elapsed_s() - start_s + batch_s < time_s:
        before_s = clock.elapsed_s()
        level = levels[batch // 2 % len(levels)]
        if batch < len(levels):
            level = levels[batch]
        elif batch % 2:
            level = min(levels, key=lambda own: reached[own])
        drawn = policy.straying(level) if isinstance(policy, Straying) else policy
        env = env or JobShop([scenario], SAMPLES)
        found, outcome = _draw(env, drawn, name, (seed, made))
        batch_s = clock.elapsed_s() - before_s
        made += SAMPLES
        batch += 1
        reached[level] = min(reached[level], float(score(outcome)))
        if score(outcome) < score(best_outcome):
            best, best_outcome = found, outcome
        if progress:
            share = (clock.elapsed_s() - start_s) / time_s
            progress(min(share, 1.0), float(best_outcome[0]))
    require_valid(best)
    return Plan(
        schedule=best,
        outcome={kpi.name: float(best_outcome[q]) for q, kpi in enumerate(SPEC.kpis)},
        schedules=made,
        elapsed_s=clock.elapsed_s() - start_s,
    )


def _draw(
    env: JobShop, policy: Policy, name: str, key: tuple[int, int] | None
) -> tuple[Schedule, Doubles]:
    """Return the best of one schedule a row and its outcome (Q,)."""
    rows, scenario = env.n_envs, env.scenarios[0]
    observation = env.reset(np.arange(rows, dtype=np.int64))
    memory = policy.initial(rows)
    best = math.inf
    found: Schedule | None = None
    best_outcome = np.zeros(len(SPEC.kpis))
    ended = np.zeros(rows, dtype=np.bool_)
    # Rows differ in how often they wait, so in how many decisions they take; every wait is for an
    # event, and there are at most three for each operation and machine.
    limit = 8 * (scenario.n_ops + scenario.n_machines + 1) * (1 + len(scenario.calendars.open_s))
    for step in range(limit):
        draw = None if key is None else (key[0], (key[1] << 32) + step)
        action, _, memory = policy.act(observation, memory, draw)
        result = env.step(action)
        observation = result.observation
        for row in np.flatnonzero(result.terminated & ~ended):
            ended[row] = True
            mine = float(score(result.outcome[row]))
            if mine < best:
                best, best_outcome = mine, result.outcome[row].copy()
                found = env.schedule(int(row), name)
        if ended.all() and found is not None:
            return found, best_outcome
    msg = f"{scenario.name}: no schedule after {limit} decisions"
    raise InvariantError(msg)
