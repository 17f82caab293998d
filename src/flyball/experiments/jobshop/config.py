# SPDX-License-Identifier: MIT
"""What an experiment is made of, and what every part defaults to: the one home of each setting."""

import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

from flyball import learning
from flyball.core.errors import ConfigError, Problem, nearest
from flyball.worlds.jobshop import WORLD

Trainer = Literal["none", "improve", "es", "ppo"]


@dataclass(frozen=True, kw_only=True)
class PoolConfig:
    """Which shops a policy trains on."""

    days: int = 160
    """Days of the plant with orders drawn from its own order book; 0 without a plant."""

    generated: int = 16
    """Generated shops of all kinds beside them."""

    generated_alone: int = 96
    """Generated shops where there is no plant."""

    validation: int = 24
    """Further days of the training stream on which progress is measured and the best is kept."""

    tuning: int = 16
    """Shops of the pool on which the rules are tuned, at least 4."""

    def __post_init__(self) -> None:
        least = min(self.days, self.generated)
        wrong = [
            Problem(where=f"pool.{name}", found=str(value), allowed=allowed, fix=fix)
            for name, value, allowed, fix, good in (
                (
                    "days, generated",
                    f"{self.days}, {self.generated}",
                    "at least 0, not both 0",
                    "160 and 16 are usual",
                    least >= 0 and self.days + self.generated > 0,
                ),
                (
                    "generated_alone",
                    self.generated_alone,
                    "at least 4",
                    "96 is usual",
                    self.generated_alone >= 4,
                ),
                ("validation", self.validation, "at least 2", "24 is usual", self.validation >= 2),
                ("tuning", self.tuning, "at least 4", "16 is usual", self.tuning >= 4),
            )
            if not good
        ]
        if wrong:
            raise ConfigError(wrong)


@dataclass(frozen=True, kw_only=True)
class PhaseConfig:
    """How the budget is shared out."""

    tune_share: float = 0.2
    """Share of the budget for tuning the rules, in [0, 1]; what they get is what rivals get."""

    tune_at_most_s: float = 120.0
    """Time for tuning, never more than this, s; none where the budget is given in iterations."""

    imitate_share: float = 0.1
    """Share of the training time for imitating the best rule of each shop, in [0, 1]."""

    imitate_iterations: int = 20
    """The same where the budget is given in iterations (those are of improvement)."""

    validate_every_s: float = 8.0
    """About how often the greedy policy is measured on the validation days, s."""

    validate_every: int = 5
    """The same in iterations, where the budget is given in iterations."""

    def __post_init__(self) -> None:
        if not (0 <= self.imitate_share <= 1 and 0 <= self.tune_share <= 1):
            raise ConfigError(
                Problem(
                    where="phase.imitate_share, tune_share",
                    found=f"{self.imitate_share}, {self.tune_share}",
                    allowed="in [0, 1]",
                    fix="0.4 and 0.2 are usual",
                )
            )

    def tune_s(self, budget_s: float | None) -> float:
        """Return the time for tuning within a budget, s; infinite where that is in iterations."""
        if budget_s is None:
            return math.inf
        return min(self.tune_at_most_s, self.tune_share * budget_s)


@dataclass(frozen=True, kw_only=True)
class TrainConfig:
    """Settings of a training run; `configs/<world>/` holds examples as TOML."""

    seed: int = 1
    """Names every random draw of the run; held-out days never share a draw with it."""

    trainer: Trainer = "es"
    """Algorithm that improves the imitated policy; *none* stops after imitation."""

    envs: int = 64
    """Parallel copies, at least 1."""

    threads: int = 2
    """Threads of torch, at least 1; part of what makes a run repeatable."""

    tensorboard: bool = False
    """Whether figures are also written as TensorBoard scalars, under ``tensorboard/``."""

    objective: Mapping[str, float] = field(
        default_factory=lambda: {"weighted_tardiness_h": 1.0, "makespan_h": 1e-3}
    )
    """What an hour of each objective costs."""

    pool: PoolConfig = field(default_factory=PoolConfig)
    phase: PhaseConfig = field(default_factory=PhaseConfig)
    net: learning.NetConfig = field(
        default_factory=lambda: learning.NetConfig(hidden=(), critic_hidden=(32, 32), norm="log")
    )
    imitate: learning.imitate.ImitateConfig = field(
        default_factory=lambda: learning.imitate.ImitateConfig(rate=1e-2, minibatch=512)
    )
    improve: learning.improve.ImproveConfig = field(default_factory=learning.improve.ImproveConfig)
    es: learning.es.ESConfig = field(default_factory=learning.es.ESConfig)
    ppo: learning.ppo.PPOConfig = field(
        default_factory=lambda: learning.ppo.PPOConfig(epochs=3, minibatch=4096)
    )

    def __post_init__(self) -> None:
        if self.envs < 1 or self.threads < 1:
            raise ConfigError(
                Problem(
                    where="envs, threads",
                    found=f"{self.envs}, {self.threads}",
                    allowed="at least 1 of each",
                    fix="64 and 2 are usual",
                )
            )
        known = [objective.name for objective in WORLD.spec.objectives]
        unknown = [
            Problem(
                where="[objective]",
                found=f"'{name}'",
                allowed=", ".join(known),
                fix=nearest(name, known),
            )
            for name in self.objective
            if name not in known
        ]
        if unknown:
            raise ConfigError(unknown)
