# SPDX-License-Identifier: MIT
"""The shops that a policy trains on, and the days that it is judged on: never the same."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from flyball.core.errors import Problem, RunError
from flyball.experiments import runs
from flyball.worlds.jobshop import WORLD, Scenario

if TYPE_CHECKING:
    from flyball.experiments.jobshop.config import TrainConfig


LESSONS = 32
"""Days of the plant that are imitated on; a rule is learned from few."""


@dataclass(frozen=True)
class Pool:
    """Shops of the training stream."""

    training: tuple[Scenario, ...]
    """Those that are imitated on: some of the plant's days, and generated shops of every kind."""

    validation: tuple[Scenario, ...]
    tuning: tuple[Scenario, ...]
    own: tuple[Scenario, ...]
    """Those that are improved on: the plant's days; without a plant every training shop."""


def read_plant(path: Path | None) -> Scenario | None:
    """Return the plant of a file, or None where there is no file."""
    return None if path is None else WORLD.read(path)


def training_pool(plant: Scenario | None, config: "TrainConfig") -> Pool:
    """Return the shops of the training stream.

    With a plant: its days with new orders, and generated shops of every kind so that the policy
    has seen more than one plant. Without one: generated shops alone. Validation and tuning shops
    come from the same stream; validation shops are never trained on.
    """
    sizes, seed = config.pool, config.seed
    if plant is None:
        n = sizes.generated_alone
        shops = [WORLD.generated(seed, k) for k in range(n + sizes.validation)]
        return Pool(
            tuple(shops[:n]), tuple(shops[n:]), tuple(shops[: sizes.tuning]), tuple(shops[:n])
        )
    days = WORLD.days(plant, seed, range(sizes.days + sizes.validation), held_out=False)
    own = days[: sizes.days]
    generated = [WORLD.generated(seed, k) for k in range(sizes.generated)]
    tuning = own[: sizes.tuning] or generated[: sizes.tuning]
    return Pool(
        tuple(own[:LESSONS] + generated),
        tuple(days[sizes.days :]),
        tuple(tuning),
        tuple(own or generated),
    )


def held_out(plant: Scenario | None, seed: int, n_days: int) -> list[Scenario]:
    """Return days that no training can have met: of the plant, or generated shops without one."""
    if plant is None:
        return [WORLD.generated(seed, k, held_out=True) for k in range(n_days)]
    return WORLD.days(plant, seed, range(n_days), held_out=True)


def plant_of(manifest: Mapping[str, Any]) -> Path | None:
    """Return the plant's file of a run; None where it trained on generated shops.

    Raises
    ------
    RunError
        When the file is gone or was changed since the run began.
    """
    if not manifest["plant"]:
        return None
    plant = Path(manifest["plant"])
    if not plant.exists() or runs.hash_of(plant) != manifest["plant_hash"]:
        raise RunError(
            Problem(
                where=str(plant),
                found="was changed since the run began" if plant.exists() else "is gone",
                allowed="the very file that the run was started with",
                fix="put it back, or train a new run",
            )
        )
    return plant
