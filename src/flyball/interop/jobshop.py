# SPDX-License-Identifier: MIT
"""The job shop under the id ``flyball/JobShop-v0``, with settings that plain keywords can give."""

from collections.abc import Mapping, Sequence
from functools import cache
from typing import TypedDict, Unpack

import numpy as np

from flyball.interop.settings import AdapterConfig, Layout, require_known
from flyball.interop.single import SingleEnv
from flyball.interop.vector import BatchVectorEnv
from flyball.worlds.jobshop import WORLD, JobShop, Scenario

MAX_CAP = 128
"""Slots that are stated for a shop of any size, unless asked otherwise."""

SMALL_OPS = 100
SMALL_CAP = 32
DRAWN = 64


class Settings(TypedDict, total=False):
    """Keywords of `gymnasium.make` and `make_vec` for this id."""

    scenarios: Sequence[Scenario]
    """The pool of shops; without it, generated ones of every kind, at most 100 operations."""

    cap: int
    """Slots; without it, the most candidates that the pool can show, at most 128."""

    weights: Mapping[str, float]
    """Of the objectives; without it, those that `flyball schedule` chooses plans by."""

    keep_by: str | None
    layout: Layout
    compress: bool
    render_mode: str | None


def most_candidates(scenario: Scenario) -> int:
    """Return a bound on the candidates of one decision, waiting included.

    At most every job that visits a cell queues there at once, each with the operation that has
    the most machines.
    """
    machines = np.diff(scenario.op_pair)
    cell = scenario.machine_cell[scenario.pair_machine[scenario.op_pair[:-1]]]
    most = np.zeros((scenario.n_jobs, int(cell.max()) + 1), dtype=np.int64)
    np.maximum.at(most, (scenario.op_job, cell), machines)
    return int(most.sum(axis=0).max()) + 1


@cache
def small_shops() -> tuple[Scenario, ...]:
    """Return generated shops that an untuned network of any library can bear."""
    drawn = (WORLD.generated(0, number) for number in range(DRAWN))
    return tuple(
        shop for shop in drawn if shop.n_ops <= SMALL_OPS and most_candidates(shop) <= SMALL_CAP
    )


def adapter_config(scenarios: Sequence[Scenario], settings: Settings) -> AdapterConfig:
    """Return the adapter's settings for a pool; where slots are short, the best by ATC stay.

    Raises
    ------
    ConfigError
        When a keyword is unknown or its value is not allowed.
    """
    require_known("keywords", settings, list(Settings.__annotations__))
    bound = min(max(most_candidates(each) for each in scenarios), MAX_CAP)
    return AdapterConfig(
        cap=settings.get("cap", bound),
        weights=settings.get("weights", WORLD.targets),
        keep_by=settings.get("keep_by", "atc_gap"),
        layout=settings.get("layout", "flat"),
        compress=settings.get("compress", True),
    )


def jobshop_env(**settings: Unpack[Settings]) -> SingleEnv:
    """Return one job shop; this is what `gymnasium.make` calls."""
    scenarios = settings.get("scenarios") or small_shops()
    config = adapter_config(scenarios, settings)
    return SingleEnv(JobShop(scenarios, 1), config, render_mode=settings.get("render_mode"))


def jobshop_vector_env(num_envs: int, **settings: Unpack[Settings]) -> BatchVectorEnv:
    """Return a batch of job shops; this is what `gymnasium.make_vec` calls."""
    scenarios = settings.get("scenarios") or small_shops()
    env = JobShop(scenarios, num_envs)
    config = adapter_config(scenarios, settings)
    return BatchVectorEnv(env, config, render_mode=settings.get("render_mode"))
