# SPDX-License-Identifier: MIT
import numpy as np
import pytest
import torch

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


def imitated(trainer):
    """Return stages whose first has learned, their network, and the figures of that."""
    few = learning.es.ESConfig(pairs=2)
    config = TrainConfig(trainer=trainer, envs=8, threads=1, es=few)
    own = net()
    found = stages(config, own, POOL, [RULES["EDD"]])
    return found, own, [found["imitate"].iterate(k, 0.0) for k in range(12)]


def weights_of(own):
    return torch.cat([p.detach().flatten() for p in own.actor.parameters()])


@pytest.mark.parametrize("trainer", ["es", "improve", "ppo"])
def test_imitation_comes_nearer_to_the_teacher_whatever_improves_on_it_later(trainer):
    start = weights_of(net())

    _, own, seen = imitated(trainer)

    _, alone, expected = imitated("none")
    assert seen == expected
    assert torch.equal(weights_of(own), weights_of(alone))
    assert not torch.allclose(weights_of(own), start)
    assert seen[-1]["cross_entropy_nats"] < 0.6 * seen[0]["cross_entropy_nats"]
    assert seen[-1]["teacher_probability"] > 0.15 + seen[0]["teacher_probability"]


def test_ppo_begins_with_the_weights_that_were_imitated():
    found, own, _ = imitated("ppo")
    before = weights_of(own)

    for k in range(3):
        found["ppo"].iterate(k, 0.9)

    moved = (weights_of(own) - before).abs().sum()
    assert 0 < moved < (before - weights_of(net())).abs().sum()


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
