# SPDX-License-Identifier: MIT
from copy import deepcopy

import numpy as np
import pytest
import torch

from flyball.core.errors import ConfigError
from flyball.core.spec import TanhGaussian
from flyball.learning.a2c import A2C, A2CConfig
from flyball.learning.catalogue import ALGORITHMS
from flyball.learning.devices import Pupil, device_of
from flyball.learning.nets.net import Net, NetConfig
from flyball.learning.ppo import PPO, PPOConfig
from tests.learning.toys import Chain, Plant, Queue

GPU = torch.cuda.is_available()


def test_auto_is_a_gpu_only_where_there_is_one():
    assert device_of("auto", "ppo.device").type == ("cuda" if GPU else "cpu")
    assert device_of("cpu", "ppo.device").type == "cpu"


@pytest.mark.skipif(GPU, reason="there is a GPU here")
def test_a_gpu_that_is_not_there_is_refused_with_what_is():
    with pytest.raises(ConfigError, match=r"ppo\.device: 'cuda'; allowed: cpu or auto"):
        PPO(Chain(2), Net(Chain(2).spec, NetConfig(), 0), PPOConfig(device="cuda"))


def test_a_network_over_options_learns_on_the_processor_even_where_there_is_a_gpu(monkeypatch):
    monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
    env = Queue(2)
    net = Net(env.spec, NetConfig(), 0)

    assert PPO(env, net, PPOConfig(device="auto")).pupil.net is net
    assert A2C(env, net, A2CConfig(device="auto")).pupil.net is net
    with pytest.raises(ConfigError, match=r"ppo\.device: 'cuda'; allowed: cpu or auto: .*options"):
        PPO(env, net, PPOConfig(device="cuda"))


def test_on_the_processor_the_network_that_acts_is_the_one_that_learns():
    net = Net(Chain(2).spec, NetConfig(), 0)

    pupil = Pupil(net, torch.device("cpu"))

    assert pupil.net is net


def test_weights_and_statistics_go_to_a_copy_and_come_back():
    net = Net(Chain(2).spec, NetConfig(), 0)
    pupil = Pupil(net, torch.device("meta"))
    pupil.net = Net(Chain(2).spec, NetConfig(), 1)  # a copy elsewhere, as far as it can tell
    with torch.no_grad():
        net.obs_norm.mean.add_(3.0)

    pupil.fetch()
    with torch.no_grad():
        pupil.net.critic.last.bias.add_(5.0)
    pupil.bring()

    assert net.critic.last.bias.item() == 5.0
    for own, same in zip(net.state_dict().values(), pupil.net.state_dict().values(), strict=True):
        assert torch.equal(own, same)


NAMES = ("ppo", "a2c", "dqn", "sac", "td3", "qmix", "maddpg")


class Apart(Pupil):
    """A pupil that is a copy everywhere, as on a GPU."""

    def __init__(self, net, device):
        super().__init__(net, device)
        self.net = deepcopy(net)


def made(name, device="cpu"):
    """Return a short run of an algorithm on a chain."""
    own = {
        "ppo": {"compiled": False},
        "a2c": {},
        "dqn": {"learning_starts": 8, "prioritised": True},
        "sac": {"learning_starts": 8, "minibatch": 8},
        "td3": {"learning_starts": 8, "minibatch": 8},
        "qmix": {"learning_starts": 2, "batch": 2, "n_steps": 8, "target_every": 2},
        "maddpg": {"learning_starts": 8, "minibatch": 8, "n_steps": 8, "updates": 2},
    }
    recipe = ALGORITHMS[name]
    net = NetConfig(hidden=(8,), critic_hidden=(8,))
    env = Plant(4, (TanhGaussian("open", "%", 0, 100),)) if name == "td3" else Chain(4)
    return recipe.make(env, net, recipe.config(seed=3, device=device, **own[name]))


@pytest.mark.parametrize("name", NAMES)
def test_a_copy_elsewhere_learns_the_same_and_goes_on_from_a_checkpoint(name, monkeypatch):
    here = made(name)
    for iteration in range(6):
        here.iterate(iteration, iteration / 6)
    monkeypatch.setattr(f"flyball.learning.{name}.Pupil", Apart)
    apart, resumed = made(name), made(name)
    for iteration in range(6):
        if iteration == 3:
            resumed.restore(apart.state())
        for run in (apart, resumed)[: 1 + (iteration >= 3)]:
            run.iterate(iteration, iteration / 6)

    expected = here.state()
    for run in (apart, resumed):
        for key, array in run.state().items():
            np.testing.assert_array_equal(array, expected[key], err_msg=key)


@pytest.mark.skipif(not GPU, reason="no GPU here")
@pytest.mark.parametrize("name", NAMES)
def test_a_gpu_learns_what_the_processor_learns(name):
    runs = [made(name, device) for device in ("cpu", "cuda")]
    for run in runs:
        for iteration in range(3):
            run.iterate(iteration, iteration / 3)

    for own, twin in zip(*(run.net.parameters() for run in runs), strict=True):
        torch.testing.assert_close(own, twin, rtol=0, atol=1e-4)


@pytest.mark.skipif(not GPU, reason="no GPU here")
@pytest.mark.parametrize("cell", ["none", "lstm"])
def test_a_gpu_learns_what_the_processor_learns_to_rounding(cell):
    config = NetConfig(hidden=(8,), norm="standard", cell=cell, cell_size=4)
    runs = []
    for device in ("cpu", "cuda"):
        net = Net(Chain(4).spec, config, 0)
        run = PPO(Chain(4), net, PPOConfig(n_steps=16, device=device, compiled=False))
        run.iterate(0, 0.0)
        runs.append(net)
    for own, twin in zip(*(net.parameters() for net in runs), strict=True):
        torch.testing.assert_close(own, twin, rtol=0, atol=1e-4)
