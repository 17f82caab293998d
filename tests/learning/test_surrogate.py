# SPDX-License-Identifier: MIT
import numpy as np
import pytest
import torch

from flyball.core.spec import Categorical, TanhGaussian
from flyball.learning.nets.net import Net, NetConfig
from flyball.learning.ppo import PPO, PPOConfig
from flyball.learning.surrogate import suits
from flyball.policies import Said
from tests.learning.toys import Chain, Plant, Queue

NETS = [
    NetConfig(hidden=(64, 64), critic_hidden=(64, 64), norm="none"),
    NetConfig(hidden=(7,), critic_hidden=(20, 9), activation="relu", norm="standard"),
]


HEADS = {
    "one choice": (Categorical("a", 4),),
    "two choices": (Categorical("a", 3), Categorical("b", 5)),
    "values": (TanhGaussian("u", "-", -1, 1), TanhGaussian("v", "-", 0, 5)),
    "choice and value": (Categorical("a", 3), TanhGaussian("u", "-", -1, 1)),
}


@pytest.mark.parametrize("entropy", [0.0, 0.05])
@pytest.mark.parametrize("net", NETS, ids=["tanh", "relu"])
@pytest.mark.parametrize("heads", HEADS)
def test_compiled_iterations_end_in_the_weights_of_torch(heads, net, entropy):
    runs = []
    for compiled in (True, False):
        env = Plant(10, HEADS[heads])
        config = PPOConfig(
            n_steps=21, minibatch=90, epochs=2, compiled=compiled, entropy=entropy, target_kl=None
        )
        runs.append(PPO(env, Net(env.spec, net, 0), config))
        figures = [runs[-1].iterate(k, 0.1) for k in range(3)]
    ours, twin = runs

    difference = ours.optimiser.flat.vector - twin.optimiser.flat.vector
    assert float(difference.abs().max()) < 2e-5
    assert abs(figures[-1]["kl"]) < 1.0
    assert ours.surrogate is not None
    assert twin.surrogate is None


@pytest.mark.parametrize("heads", HEADS)
def test_the_figures_of_an_iteration_are_those_of_torch(heads):
    found = []
    for compiled in (True, False):
        env = Plant(10, HEADS[heads])
        config = PPOConfig(n_steps=21, minibatch=70, epochs=2, compiled=compiled, entropy=0.1)
        found.append(PPO(env, Net(env.spec, NETS[0], 0), config).iterate(0, 0.0))

    assert found[0].keys() == found[1].keys()
    for name, value in found[0].items():
        assert value == pytest.approx(found[1][name], rel=1e-3, abs=1e-5), name


def test_what_the_compiled_actor_says_is_what_torch_says():
    env = Plant(10, HEADS["choice and value"])
    run = PPO(env, Net(env.spec, NETS[1], 0), PPOConfig(n_steps=21))
    run.iterate(0, 0.0)
    own = np.random.default_rng(0).normal(size=(200, 5)).astype(np.float32)
    assert run.surrogate is not None

    said = run.surrogate.say(own)

    with torch.no_grad():
        expected = run.net.actor(torch.from_numpy(own), None, None)
    for name in Said._fields:
        np.testing.assert_allclose(getattr(said, name), getattr(expected, name).detach(), atol=1e-5)


def test_networks_with_memory_options_or_wide_layers_are_left_to_torch():
    chain, queue = Chain(1).spec, Queue(1).spec

    assert suits(Net(chain, NetConfig(), 0))
    assert not suits(Net(chain, NetConfig(cell="lstm"), 0))
    assert not suits(Net(chain, NetConfig(hidden=(256, 256)), 0))
    assert not suits(Net(queue, NetConfig(), 0))
