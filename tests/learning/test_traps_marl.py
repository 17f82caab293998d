# SPDX-License-Identifier: MIT
"""Faults of popular codes for many agents that ours must not have, each as something measured."""

import itertools

import numpy as np
import pytest
import torch
from torch import nn

from flyball.learning.maddpg import MADDPG, MADDPGConfig
from flyball.learning.nets.mixers import Monotonic
from flyball.learning.nets.net import Net, NetConfig
from flyball.learning.qmix import QMIX, QMIXConfig
from flyball.worlds import classics
from tests.learning.squad import mean_return

CLIMBING = np.array([[11.0, -30.0, 0.0], [-30.0, 7.0, 0.0], [0.0, 6.0, 5.0]])


def learned_table(**settings):
    """Return what QMIX says that each joint action of one-step climbing is worth, (3, 3)."""
    env = classics.make("matrix", 32, game="climbing", steps=1)
    net = Net(env.spec, NetConfig(hidden=(32,), norm="none", activation="relu"), 0)
    config = QMIXConfig(
        n_steps=8, updates=8, batch=128, rate=5e-3, epsilon_end=1.0, norm_updates=0, **settings
    )
    algorithm = QMIX(env, net, config)
    for iteration in range(40):
        algorithm.iterate(iteration, 0.0)
    observation = env.reset(np.zeros(32, np.int64))
    q, _ = algorithm.policy.values(observation, algorithm.policy.initial(32))
    joint = torch.tensor(list(itertools.product(range(3), repeat=2)))
    chosen = torch.from_numpy(q[:2]).gather(1, joint.T).T
    state = torch.from_numpy(observation.state[:1]).expand(9, -1)
    with torch.no_grad():
        value = algorithm.mixer(chosen, state)
    return value.view(3, 3).numpy() * algorithm.moments.scale


def test_qmix_cannot_represent_climbing_whose_best_cell_no_monotone_mixer_reaches():
    table = learned_table()

    assert np.abs(table - CLIMBING).max() > 5.0
    assert table.argmax() != 0


def test_the_same_mixer_without_its_absolute_weights_would_represent_climbing(monkeypatch):
    # So the test above would notice their absence.
    def free(self, q, state):
        to_1, to_2, bias, to_value = self.first(state).split(self.parts, -1)
        weight = self.weight_1(torch.relu(to_1)).view(-1, *self.shape)
        hidden = nn.functional.elu((q[:, :, None] * weight).sum(1) + bias)
        last = self.weight_2(torch.relu(to_2))
        return (hidden * last).sum(-1, keepdim=True) + self.value(torch.relu(to_value))

    monkeypatch.setattr(Monotonic, "forward", free)

    table = learned_table()

    assert np.abs(table - CLIMBING).max() < 3.0
    assert table.argmax() == 0


@pytest.mark.parametrize("mixer", ["qmix", "vdn", "none"])
def test_value_learners_stop_at_the_safe_50_of_the_penalty_game(mixer):
    game = {"game": "penalty", "penalty": 25.0}
    env = classics.make("matrix", 32, **game)
    net = Net(env.spec, NetConfig(hidden=(32,), norm="none", activation="relu"), 0)
    config = QMIXConfig(
        mixer=mixer, n_steps=25, updates=8, batch=16, rate=2e-3, epsilon_end=1.0, target_every=10
    )
    algorithm = QMIX(env, net, config)

    for iteration in range(20):
        algorithm.iterate(iteration, 0.0)

    one = classics.make("matrix", 1, **game)
    assert mean_return(one, algorithm.policy, np.zeros(1, np.int64)) == 50.0


@pytest.mark.slow
def test_what_speaker_and_listener_learned_is_worth_nothing_once_the_channel_is_cut():
    held_out = np.arange(90_000, 90_256)
    returns = {}
    for channel in ("open", "cut"):
        env = classics.make("speaker-listener", 32, channel=channel)
        net = Net(
            env.spec,
            NetConfig(hidden=(64, 64), critic_hidden=(64, 64), norm="standard", activation="relu"),
            0,
        )
        algorithm = MADDPG(env, net, MADDPGConfig(minibatch=512))
        for iteration in range(250):
            algorithm.iterate(iteration, 0.0)
        for at_test in ("open", "cut"):
            trial = classics.make("speaker-listener", 256, channel=at_test)
            returns[channel, at_test] = mean_return(trial, algorithm.policy, held_out)

    # Without words nobody can know the goal, so that the best is to wait in the middle.
    deaf = returns["cut", "cut"]
    assert returns["open", "open"] > 0.7 * deaf
    assert returns["open", "cut"] < deaf
