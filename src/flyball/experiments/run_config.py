# SPDX-License-Identifier: MIT
"""How a run goes, whatever it learns: budget, batch, seed, measuring."""

from dataclasses import dataclass
from typing import Literal

from flyball.core.errors import ConfigError, Problem

USUAL_STEPS = 100_000
"""The budget where none was given."""

BUDGETS = ("steps", "iterations", "budget_s")


@dataclass(frozen=True, kw_only=True)
class RunConfig:
    """How a run goes, whatever it learns: budget, batch, seed, measuring."""

    seed: int = 1
    """Names every random draw of the run, at least 0; episodes that judge never share one."""

    envs: int = 8
    """Parallel copies of the world, at least 1."""

    steps: int | None = None
    """Budget in steps of the world, all copies together; repeatable exactly."""

    iterations: int | None = None
    """Budget in rounds of collecting and learning; repeatable exactly."""

    budget_s: float | None = None
    """Budget in wall time, s; as many rounds as the machine makes of it."""

    threads: int = 1
    """Threads of torch, at least 1; part of what makes a run repeatable."""

    device: Literal["cpu", "cuda", "auto"] = "cpu"
    """Where the learner computes, if its algorithm can use a GPU; auto takes one that is there."""

    validations: int = 20
    """How often the greedy policy is measured over the budget, at least 1."""

    validation_episodes: int = 20
    """Episodes of each measuring, at least 1; never trained on."""

    keep: Literal["best", "last"] = "best"
    """Which weights are exported: those of the best measuring, or the last ones."""

    tensorboard: bool = False
    """Whether figures are also written as TensorBoard scalars, under ``tensorboard/``."""

    def __post_init__(self) -> None:
        given = [name for name in BUDGETS if getattr(self, name) is not None]
        checks = [
            (" and ".join(given), "given together", "one", len(given) <= 1, "leave the others out"),
            ("seed", self.seed, "at least 0", self.seed >= 0, "take 1"),
            *(
                (name, getattr(self, name), "at least 1", getattr(self, name) >= 1, f"take {usual}")
                for name, usual in (
                    ("envs", 8), ("threads", 1), ("validations", 20), ("validation_episodes", 20)
                )
            ),
            *(
                (name, getattr(self, name), "above 0", getattr(self, name) > 0, "take more")
                for name in given
            ),
        ]  # fmt: skip
        wrong = [
            Problem(where=where, found=str(found), allowed=allowed, fix=fix)
            for where, found, allowed, good, fix in checks
            if not good
        ]
        if wrong:
            raise ConfigError(wrong)

    @property
    def budget(self) -> tuple[str, float]:
        """Name and size of the budget that holds."""
        given = [name for name in BUDGETS if getattr(self, name) is not None]
        return (given[0], float(getattr(self, given[0]))) if given else ("steps", USUAL_STEPS)
