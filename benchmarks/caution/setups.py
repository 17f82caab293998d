# SPDX-License-Identifier: MIT
"""Which plant is learned in which way, and everything that a run's result depends on.

Settings are those of the recipes. The only others are the limits of CPO and PPO-Lagrangian: the
plants allow no breach at all, which leaves no mean to trade with, so a small one is stated.
"""

import hashlib
from dataclasses import dataclass
from typing import Any

from flyball.worlds.classics import guarded

PLANTS = ("double-integrator", "inverted-pendulum", "two-tanks")
"""Limits cost return, the task needs its limit kept, and levels that are slow to learn."""

WAYS = {
    "ppo": "ppo",
    "ppo-lagrangian": "ppo_lagrangian",
    "cpo": "cpo",
    "ppo-shield": "ppo",
    "rule": "",
    "greedy": "",
}
"""Ways to a policy, and the algorithm of each; the strongest rule and *greedy* learn nothing."""

STEPS, ENVS, SEEDS = 100_000, 16, 3

EPISODES, FIRST_EPISODE = 128, 10_000
"""Of judging. Rows of a training have the seeds from 1,000,003 times its own on: all others."""

TOLERATED = 1.0 / 60.0
"""Share of an episode's time that CPO and PPO-Lagrangian may break each limit in, on average."""


@dataclass(frozen=True, kw_only=True)
class Setup:
    """One way on one plant."""

    plant: str
    way: str
    steps: int = STEPS

    @property
    def name(self) -> str:
        """Name of its files."""
        return self.plant

    @property
    def seeds(self) -> int:
        """Number of runs; their seeds are 1, 2, ..."""
        return SEEDS if self.learned else 1

    @property
    def learned(self) -> bool:
        """Whether there is something to train."""
        return bool(WAYS[self.way])

    @property
    def shielded(self) -> bool:
        """Whether the training is behind the Shield."""
        return self.way == "ppo-shield"

    @property
    def limits(self) -> dict[str, float]:
        """Largest mean cost of an episode by cost, s; empty where the way takes none."""
        if self.way not in ("ppo-lagrangian", "cpo"):
            return {}
        problem = guarded.scenario(self.plant)
        most = round(TOLERATED * problem.time_limit * problem.step_s, 3)
        return {cost.name: most for cost in problem.spec.costs}

    @property
    def settings(self) -> dict[str, Any]:
        """Settings of the algorithm, but for its seed, that are not its recipe's."""
        return {"limits": self.limits} if self.limits else {}

    def content(self) -> str:
        """Return the hash of what a run's result depends on, other than code."""
        steps = self.steps if self.learned else 0
        said = (self.plant, self.way, steps, ENVS, self.limits, EPISODES, FIRST_EPISODE)
        return hashlib.sha256(repr(said).encode()).hexdigest()[:16]


SETUPS = tuple(Setup(plant=plant, way=way) for plant in PLANTS for way in WAYS)
