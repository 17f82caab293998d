# SPDX-License-Identifier: MIT
import dataclasses

import pytest

from flyball.core.errors import ConfigError
from flyball.core.spec import AgentKind, Categorical, Feature, Objective, Spec, TanhGaussian
from flyball.learning.catalogue import ALGORITHMS, recipe
from flyball.learning.nets.net import NetConfig
from tests.learning.squad import Squad
from tests.learning.tolls import Tolls
from tests.learning.toys import Chain, Plant

X = (Feature("x", "-", 0, 1),)
GAIN = (Objective("gain", "eur", "max"),)
VALVE = Spec("tank", 1, (AgentKind("valve", 1, X, (TanhGaussian("open", "%", 0, 100),)),), GAIN, ())
TEAM = Spec("team", 1, (AgentKind("robot", 3, X, (Categorical("move", 5),)),), GAIN, ())


@pytest.mark.parametrize("name", ALGORITHMS)
def test_every_algorithm_tells_its_settings_with_a_seed_among_them(name):
    found = recipe(name)

    assert found.name == name
    assert "seed" in {field.name for field in dataclasses.fields(found.config)}
    assert found.title.endswith(".")


@pytest.mark.parametrize("name", [name for name, own in ALGORITHMS.items() if not own.many])
def test_every_algorithm_for_one_agent_runs_a_round_on_a_world_it_says_it_learns(name):
    found = recipe(name)
    if found.refusal(Chain(1).spec) is not None:
        pytest.skip(f"{name} does not learn categorical heads")

    run = found.make(Chain(4), NetConfig(hidden=(8,), norm="none"), found.config())

    assert run.iterate(0, 0.0)["decisions"] > 0
    assert run.name == name


@pytest.mark.parametrize(
    ("name", "net", "message"),
    [
        ("maddpg", {"critic": "own"}, r"net\.critic: 'own'; .*maddpg does not.*maddpg\.critic"),
        ("maddpg", {"log_std": -1.0}, r"net\.log_std: -1\.0; .*set maddpg\.noise"),
        ("qmix", {"critic": "own"}, r"net\.critic: 'own'; .*qmix does not"),
        ("td3", {"log_std": -1.0}, r"net\.log_std: -1\.0; .*set td3\.noise"),
    ],
)
def test_a_setting_of_the_network_that_would_do_nothing_is_refused(name, net, message):
    found = recipe(name)

    with pytest.raises(ConfigError, match=message):
        found.make(Squad(2), NetConfig(**net), found.config())


@pytest.mark.parametrize("deviation", ["free", "state"])
def test_soft_actor_critic_has_the_deviation_that_was_asked_for(deviation):
    net = NetConfig(hidden=(8,), critic_hidden=(8,), deviation=deviation, log_std=-1.0)
    found = recipe("sac")
    settings = found.config(learning_starts=8, capacity=100, minibatch=8, train_freq=8)

    run = found.make(Plant(4, (TanhGaussian("open", "%", 0, 100),)), net, settings)
    first, second = run.iterate(0, 0.0), run.iterate(1, 0.5)

    assert run.net.actor.free == (deviation == "free")
    assert "critic_loss" in first | second


def test_an_unknown_algorithm_is_refused_with_the_nearest_name():
    with pytest.raises(ConfigError, match=r"algorithm: 'pppo'; allowed: .*fix: .*ppo"):
        recipe("pppo")


def test_a_world_that_an_algorithm_cannot_learn_is_refused_with_those_that_can():
    discrete = [name for name, own in ALGORITHMS.items() if own.refusal(VALVE) is not None]
    for name in discrete:
        with pytest.raises(ConfigError, match=r"world tank: .* allowed: .*ppo"):
            recipe(name, VALVE)


def test_an_algorithm_for_many_agents_is_refused_for_one():
    for own in ALGORITHMS.values():
        assert own.many == (own.refusal(Chain(1).spec) is not None and own.refusal(TEAM) is None)


@pytest.mark.parametrize("name", [name for name, own in ALGORITHMS.items() if own.costs])
def test_an_algorithm_for_limits_runs_a_round_where_there_are_costs_and_is_refused_elsewhere(name):
    found = recipe(name, Tolls(1).spec)

    run = found.make(Tolls(4), NetConfig(hidden=(8,), norm="none"), found.config(n_steps=16))

    assert run.iterate(0, 0.0)["limit.toll_0"] == 3.0
    with pytest.raises(ConfigError, match=rf"{name} keeps limits of costs, .* fix: take ppo"):
        recipe(name, Chain(1).spec)
    with pytest.raises(ConfigError, match=rf"{name} limits: 'wall'; allowed: toll_0"):
        found.make(Tolls(4), NetConfig(), found.config(limits={"wall": 1.0}))
