# SPDX-License-Identifier: MIT
"""The algorithms of a run in order: imitate the best rule of each shop, then improve on it."""

from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from flyball import learning
from flyball.core.batch import Doubles
from flyball.experiments.jobshop.config import TrainConfig
from flyball.experiments.jobshop.pool import Pool
from flyball.experiments.jobshop.rules import N_LEADING, cost_weights
from flyball.experiments.jobshop.watched import Algorithm
from flyball.worlds.jobshop import WORLD, Rule, Scenario, outcomes


def stages(
    config: TrainConfig, net: learning.Net, pool: Pool, rules: Sequence[Rule]
) -> dict[str, Algorithm]:
    """Return the algorithms of a run in order, by stage."""
    rules = rules[:N_LEADING]
    teachers = {rule.name: rule for rule in rules}
    table = np.stack([_cost(pool, rule, config) for rule in rules])  # (rule, scenario)
    best = [rules[k].name for k in table.argmin(axis=0)]
    n = len(pool.training)
    imitation = replace(config.imitate, seed=config.seed, scenarios=None)
    found: dict[str, Algorithm] = {
        "imitate": learning.imitate.Imitate(
            WORLD.make_env(pool.training, max(1, config.envs // 4)),
            net,
            imitation,
            teachers,
            lambda seeds: [best[int(seed) % n] for seed in seeds],
        )
    }
    return found | improver(config, net, pool.own)


def _cost(pool: Pool, rule: Rule, config: TrainConfig) -> Doubles:
    """Return what a rule's schedule of each training shop costs, shape (N,)."""
    cost: Doubles = outcomes(pool.training, rule) @ cost_weights(config.objective)
    return cost


def improver(
    config: TrainConfig, net: learning.Net, shops: Sequence[Scenario]
) -> dict[str, Algorithm]:
    """Return the algorithm that improves the imitated policy, by its name; none for *none*.

    Raises
    ------
    ConfigError
        When its settings do not fit the number of parallel copies.
    """
    weights = dict(config.objective)
    if config.trainer == "improve":
        relative = replace(config.improve, seed=config.seed, weights=weights)
        env = WORLD.make_env(shops, config.envs)
        return {"improve": learning.improve.Improve(env, net, relative)}
    if config.trainer == "es":
        evolution = replace(config.es, seed=config.seed, weights=weights)
        parts = config.threads if config.envs % config.threads == 0 else 1
        envs = [WORLD.make_env(shops, config.envs // parts) for _ in range(parts)]
        return {"es": learning.es.ES(envs, net, evolution)}
    if config.trainer == "ppo":
        proximal = replace(config.ppo, seed=config.seed, weights=weights)
        return {"ppo": learning.ppo.PPO(WORLD.make_env(shops, config.envs), net, proximal)}
    return {}
