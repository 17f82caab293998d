# SPDX-License-Identifier: MIT
"""Plays a pool of scenarios to the end with random choices."""

import numpy as np

from flyball.core.batch import Action
from flyball.worlds.jobshop.env import JobShop


def play(scenarios):
    """Return the schedule and the outcome of each scenario's first episode."""
    n = len(scenarios)
    env = JobShop(scenarios, n)
    observation = env.reset(np.arange(n))
    rng = np.random.default_rng(0)
    schedules = [None] * n
    outcomes = np.zeros((n, len(env.spec.kpis)))
    while any(schedule is None for schedule in schedules):
        sizes = np.diff(observation.options.offset)
        choice = (rng.random(n) * sizes).astype(np.int32)
        step = env.step(Action(choice[:, None, None], np.zeros((n, 1, 0))))
        for row in np.flatnonzero(step.terminated):
            if schedules[row] is None:
                schedules[row] = env.schedule(int(row), "random")
                outcomes[row] = step.outcome[row]
        observation = step.observation
    return schedules, outcomes
