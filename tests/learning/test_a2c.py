# SPDX-License-Identifier: MIT
import numpy as np
import pytest
import torch

from flyball.core.clock import SystemClock
from flyball.core.errors import ConfigError
from flyball.learning.a2c import A2C, A2CConfig
from flyball.learning.nets.flat import RMSprop
from flyball.learning.nets.net import Net, NetConfig
from flyball.learning.nets.rows import inputs_of
from flyball.learning.ppo import PPO, PPOConfig
from flyball.learning.training import Budget, train
from tests.learning.toys import Chain

SMALL = NetConfig(hidden=(16, 16), norm="none")


def test_ppo_with_one_epoch_one_block_and_no_clip_takes_the_step_of_a2c():
    nets = [Net(Chain(8).spec, SMALL, seed=0) for _ in range(2)]
    a2c = A2C(Chain(8), nets[0], A2CConfig(n_steps=8))
    ppo = PPO(
        Chain(8),
        nets[1],
        PPOConfig(
            n_steps=8,
            epochs=1,
            minibatch=64,
            lam=1.0,
            clip=0.999,
            standardise=False,
            scale_rewards=False,
            rate=7e-4,
            compiled=False,
            target_kl=None,
        ),
    )
    ppo.optimiser = RMSprop([nets[1].actor, nets[1].critic], 7e-4)

    a2c.iterate(0, 0.0)
    ppo.iterate(0, 0.0)

    for own, same in zip(nets[0].parameters(), nets[1].parameters(), strict=True):
        torch.testing.assert_close(own, same, rtol=0, atol=1e-6)


def test_a2c_finds_policy_and_value_of_a_two_state_chain():
    env = Chain(16)
    net = Net(env.spec, SMALL, seed=0)
    algorithm = A2C(env, net, A2CConfig(n_steps=10, gamma=0.9, rate=3e-3, lam=0.9))

    train(algorithm, Budget(iterations=700), SystemClock())

    observation = env.reset(np.arange(16))
    with torch.inference_mode():
        value = net.value(net.normalise(inputs_of(observation))).numpy()
    choice = algorithm.policy.act(observation, algorithm.policy.initial(16), None)[0].choice
    np.testing.assert_allclose(value[:2], [9.0, 10.0], atol=0.5)
    assert choice[:2, 0, 0].tolist() == [1, 0]


@pytest.mark.parametrize("cell", ["none", "lstm"])
def test_a_restored_run_goes_on_bit_for_bit(cell):
    config = NetConfig(hidden=(8,), norm="standard", cell=cell, cell_size=4)
    runs = [
        A2C(Chain(4), Net(Chain(4).spec, config, seed), A2CConfig(n_steps=5)) for seed in (0, 1)
    ]
    for k in range(3):
        runs[0].iterate(k, 0.0)
    runs[1].restore(runs[0].state())

    for run in runs:
        for k in range(3, 6):
            run.iterate(k, 0.5)

    states = [run.state() for run in runs]
    assert states[0].keys() == states[1].keys()
    for name, array in states[0].items():
        np.testing.assert_array_equal(array, states[1][name], err_msg=name)


def test_a_setting_out_of_range_is_refused_with_the_range():
    with pytest.raises(ConfigError, match=r"a2c\.gamma: 2; allowed: in \[0, 1\]"):
        A2CConfig(gamma=2)
