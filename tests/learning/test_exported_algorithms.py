# SPDX-License-Identifier: MIT
"""Every algorithm's network becomes a bundle that acts in a world as the algorithm's own policy."""

import numpy as np
import pytest

from flyball.core.spec import Hybrid
from flyball.learning.a2c import A2C, A2CConfig
from flyball.learning.acting.greedy import spec_seen
from flyball.learning.acting.policy import NetPolicy
from flyball.learning.bundle import export, memory_of
from flyball.learning.dqn import DQN, DQNConfig, value_net
from flyball.learning.es import ES, ESConfig
from flyball.learning.improve import Improve, ImproveConfig
from flyball.learning.maddpg import MADDPG, MADDPGConfig
from flyball.learning.nets.net import Net, NetConfig
from flyball.learning.ppo import PPO, PPOConfig
from flyball.learning.qmix import QMIX, QMIXConfig
from flyball.learning.sac import SAC, SACConfig
from flyball.learning.td3 import TD3, TD3Config
from flyball.policies import load
from flyball.worlds import classics
from tests.learning.squad import Squad
from tests.learning.steady import PUMP, VALVE, Steady, arms
from tests.learning.toys import Queue

N_ENVS = 16
REMEMBERING = NetConfig(hidden=(16,), cell="lstm", cell_size=8)
SMALL = NetConfig(hidden=(32,))
VALUES = (VALVE, PUMP)
MODE = Hybrid("mode", 2, ((), ("valve",)))


def plant(*heads, legal=()):
    return Steady(N_ENVS, heads, legal=legal)


def net_of(env, config=SMALL):
    return Net(env.spec, config, 0)


def ppo(env, config=SMALL):
    return PPO(env, net_of(env, config), PPOConfig(n_steps=16, minibatch=64, norm_iterations=2))


def a2c(env, config=SMALL):
    return A2C(env, net_of(env, config), A2CConfig(n_steps=8))


def dqn(env, **settings):
    net = value_net(env.spec, SMALL, 0)
    return DQN(env, net, DQNConfig(learning_starts=32, gradient_steps=8, rate=1e-2, **settings))


def sac(env):
    return SAC(env, net_of(env, NetConfig(deviation="state")), SACConfig(learning_starts=32))


def td3(env):
    return TD3(env, net_of(env), TD3Config(learning_starts=32))


def maddpg(env, **settings):
    quick = {"learning_starts": 64, "minibatch": 64, "updates": 4}
    return MADDPG(env, net_of(env), MADDPGConfig(**quick, **settings))


def qmix(env, config=SMALL, **settings):
    quick = {"learning_starts": 16, "batch": 8, "updates": 4, "rate": 1e-2}
    own = QMIXConfig(**quick, **settings)
    return QMIX(env, Net(spec_seen(env.spec, last_action=own.last_action), config, 0), own)


def improve(env):
    return Improve(env, net_of(env, NetConfig()), ImproveConfig(group=4))


def es(env):
    return ES([env], net_of(env, NetConfig()), ESConfig(pairs=2))


def classic(name):
    return classics.make(name, N_ENVS)


RUNS = {
    "ppo, options": lambda: ppo(Queue(N_ENVS), NetConfig()),
    "ppo, hybrid": lambda: ppo(plant(MODE, VALVE, PUMP, legal=(True, True))),
    "ppo, memory": lambda: ppo(classic("cartpole-no-velocity"), REMEMBERING),
    "ppo, team with memory": lambda: ppo(Squad(N_ENVS, n_values=2), REMEMBERING),
    "a2c, masked": lambda: a2c(classic("masked-multi")),
    "dqn": lambda: dqn(classic("cartpole"), double=True, prioritised=True),
    "dqn, duelling": lambda: dqn(classic("masked-multi"), duelling=True),
    "dqn, team": lambda: dqn(classic("spread")),
    "sac, values": lambda: sac(plant(*VALUES)),
    "sac, masked choice": lambda: sac(plant(arms(3), legal=(True, True, False))),
    "td3": lambda: td3(plant(*VALUES)),
    "maddpg": lambda: maddpg(Squad(N_ENVS, n_values=2)),
    "maddpg, separate": lambda: maddpg(Squad(N_ENVS, n_values=2), share=False),
    "qmix": lambda: qmix(Squad(N_ENVS)),
    "qmix, memory and last action": lambda: qmix(Squad(N_ENVS), REMEMBERING, last_action=True),
    "vdn, last action": lambda: qmix(classic("speaker-listener"), mixer="vdn", last_action=True),
    "improve": lambda: improve(Queue(N_ENVS)),
    "es": lambda: es(Queue(N_ENVS)),
}


@pytest.mark.parametrize("make", RUNS.values(), ids=RUNS)
def test_a_bundle_acts_in_the_world_as_what_was_learned(make, tmp_path):
    run = make()
    for iteration in range(3):
        run.iterate(iteration, iteration / 3)
    env = run.envs[0] if isinstance(run, ES) else run.env
    own = NetPolicy(run.net) if isinstance(run, ES) else run.policy

    manifest = export(run.net, env.spec, tmp_path / "p", algorithm=run.name, settings={}, facts={})

    assert manifest.facts["parity"]["states"] >= 10_000
    assert manifest.identity["memory"] == memory_of(run.net, env.spec).width
    policy = load(tmp_path / "p", env.spec)
    memory, theirs = policy.initial(N_ENVS), own.initial(N_ENVS)
    seen, agreed = env.reset(np.arange(N_ENVS)), []
    for _ in range(60):
        found, _, memory = policy.act(seen, memory, None)
        expected, _, theirs = own.act(seen, theirs, None)
        agreed.append((found.choice == expected.choice).all())
        if agreed[-1]:
            np.testing.assert_allclose(memory, theirs, atol=1e-4)
        np.testing.assert_allclose(found.value, expected.value, atol=1e-4)
        seen = env.step(expected).observation
        memory = theirs.copy()  # so that one near tie does not part them for good
    assert np.mean(agreed) > 0.95
