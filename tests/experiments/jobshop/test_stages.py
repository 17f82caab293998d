# SPDX-License-Identifier: MIT
import numpy as np
import pytest

from flyball import learning
from flyball.experiments.jobshop.config import TrainConfig
from flyball.experiments.jobshop.pool import Pool
from flyball.experiments.jobshop.rules import cost_weights
from flyball.experiments.jobshop.stages import stages
from flyball.worlds.jobshop import RULES, WORLD, outcomes
from tests.experiments.jobshop.small_runs import small_plant

DAYS = tuple(WORLD.days(small_plant(), 1, range(4), held_out=False))
POOL = Pool(DAYS, DAYS, DAYS, DAYS)


def net() -> learning.Net:
    return learning.Net(WORLD.spec, learning.NetConfig(hidden=(8, 8)), 1)


@pytest.mark.parametrize(
    ("trainer", "names"),
    [
        ("none", ["imitate"]),
        ("es", ["imitate", "es"]),
        ("improve", ["imitate", "improve"]),
        ("ppo", ["imitate", "ppo"]),
    ],
)
def test_imitation_comes_first_and_the_trainer_after_it(trainer, names):
    few = learning.es.ESConfig(pairs=2)
    config = TrainConfig(trainer=trainer, envs=8, threads=1, es=few)

    found = stages(config, net(), POOL, [RULES["EDD"]])

    assert list(found) == names
    assert [each.name for each in found.values()] == names


def test_what_improves_has_the_seed_of_the_run_and_what_each_hour_costs():
    config = TrainConfig(trainer="ppo", envs=8, seed=9)

    own = stages(config, net(), POOL, [RULES["EDD"]])["ppo"].config

    assert (own.seed, own.weights) == (9, dict(config.objective))


def test_the_teacher_of_a_shop_is_the_rule_that_costs_least_there():
    rules = [RULES["EDD"], RULES["SPT"]]

    imitate = stages(TrainConfig(trainer="none", envs=8), net(), POOL, rules)["imitate"]

    weights = cost_weights(TrainConfig().objective)
    hours = np.stack([outcomes(DAYS, rule) @ weights for rule in rules])
    for day, name in enumerate(imitate.best(np.arange(len(DAYS)))):
        own = [rule.name for rule in rules].index(name)
        assert hours[own, day] == hours[:, day].min()
