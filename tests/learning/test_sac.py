# SPDX-License-Identifier: MIT
from dataclasses import replace

import numpy as np
import pytest
import torch

from flyball.core.errors import ConfigError, InvariantError
from flyball.core.spec import Feature, Hybrid
from flyball.learning.nets.net import Net, NetConfig
from flyball.learning.sac import NET, SAC, SACConfig
from flyball.worlds import classics
from tests.learning.steady import PUMP, VALVE, Steady, arms
from tests.learning.toys import Queue

SMALL = NetConfig(
    hidden=(16, 16), critic_hidden=(16, 16), activation="relu", norm="none", deviation="state"
)


def swings(action):
    return np.sin(7.0 * action.value[:, 0, 0]) + action.choice.sum(2)[:, 0]


def valve(n_envs=2):
    return Steady(n_envs, (VALVE, PUMP), swings, n_steps=7)


def choice(n_envs=2):
    def pays(action):
        return action.choice[:, 0, 0] * 0.5

    return Steady(n_envs, (arms(3),), pays, n_steps=7, legal=(True, False, True))


def run(env, net=SMALL, **settings):
    given = {"learning_starts": 10, "capacity": 60, "minibatch": 16, "rate": 3e-3}
    return SAC(env, Net(env.spec, net, 0), SACConfig(**(given | settings)))


VARIANTS = {
    "learned temperature": lambda: run(valve()),
    "fixed temperature": lambda: run(valve(), entropy=0.2),
    "three steps": lambda: run(valve(), n_step=3, gradient_steps=3, train_freq=2),
    "normalised": lambda: run(valve(), replace(SMALL, norm="standard"), norm_updates=15),
    "one row": lambda: run(valve(1)),
    "choice": lambda: run(choice()),
}


@pytest.mark.parametrize("make", VARIANTS.values(), ids=VARIANTS)
def test_a_restored_run_goes_on_bit_for_bit(make):
    run, other = make(), make()
    for k in range(12):
        run.iterate(k, k / 40)
    saved = run.state()
    for k in range(12, 40):
        run.iterate(k, k / 40)

    other.iterate(0, 0.0)
    other.restore(saved)
    for k in range(12, 40):
        other.iterate(k, k / 40)

    first, again = run.state(), other.state()
    assert first.keys() == again.keys()
    for name, array in first.items():
        np.testing.assert_array_equal(again[name], array, err_msg=name)
    assert run.updates > 20


def near_4(action):
    return -(((action.value[:, 0, 0] - 4.0) / 2.0) ** 2)


def test_the_temperature_holds_the_entropy_at_its_target():
    env = Steady(4, (VALVE,), near_4)
    given = {"rate": 2e-2, "entropy_start": 0.1, "gamma": 0.0}
    algorithm = run(env, minibatch=64, gradient_steps=1, capacity=4000, **given)

    seen = [algorithm.iterate(k, 0.0) for k in range(450)]

    entropy = [figures["entropy_nats"] for figures in seen[-100:]]
    assert np.mean(entropy) == pytest.approx(-1.0, abs=0.1)


def test_the_policy_is_uniform_where_nothing_but_entropy_counts():
    algorithm = run(Steady(4, (VALVE,)), entropy=0.3, rate=1e-2, gradient_steps=1)
    with torch.no_grad():
        algorithm.net.actor.last.bias[1] = -2.5

    seen = [algorithm.iterate(k, 0.0) for k in range(250)]

    # The entropy of a uniform action in (-1, 1) is log 2, which no tanh-Gaussian reaches fully.
    entropy = [figures["entropy_nats"] for figures in seen[-100:]]
    assert seen[2]["entropy_nats"] < -0.5
    assert np.mean(entropy) == pytest.approx(np.log(2.0), abs=0.03)


def test_the_entropy_of_a_choice_converges_to_its_share_of_what_is_legal():
    algorithm = run(choice(4), rate=1e-2, minibatch=64, gradient_steps=1, gamma=0.5)

    seen = [algorithm.iterate(k, 0.0) for k in range(400)]

    entropy = [figures["entropy_nats"] for figures in seen[-100:]]
    assert np.mean(entropy) == pytest.approx(0.89 * np.log(2.0), abs=0.03)


def test_an_illegal_action_is_never_taken_nor_stored():
    algorithm = run(choice(8), capacity=400)

    figures = [algorithm.iterate(k, 0.0) for k in range(40)]

    stored = algorithm.replay.sample(np.arange(algorithm.replay.size)).choice
    assert sum(own["illegal"] for own in figures) == 0
    assert set(stored.flatten().tolist()) == {0, 2}


def test_the_order_of_rows_in_a_batch_does_not_matter():
    first, second = run(choice()), run(choice())
    for k in range(10):
        first.iterate(k, 0.0)
        second.iterate(k, 0.0)
    places = first.replay.draw(16, seed=5, update=0)
    rows = first.reader.read(first.replay.sample(places))
    turned = second.reader.read(second.replay.sample(np.ascontiguousarray(places[::-1])))

    first.update(rows)
    second.update(turned)

    state = second.state()
    for name, array in first.state().items():
        np.testing.assert_allclose(state[name], array, rtol=1e-3, atol=1e-5, err_msg=name)


def test_every_transition_brings_one_gradient_step_however_many_rows_there_are():
    algorithm = run(valve(8), learning_starts=0)

    algorithm.iterate(0, 0.0)

    assert algorithm.updates == 8


def test_the_critics_stand_still_while_the_actor_descends_on_them():
    algorithm = run(valve(), learning_starts=0, tau=1.0)
    algorithm.iterate(0, 0.0)
    grads = []
    step = algorithm.critic_adam.step
    algorithm.critic_adam.step = lambda: (
        grads.append(algorithm.critic_adam.flat.gradient.clone()),
        step(),
    )

    algorithm.gradient_steps(1)

    torch.testing.assert_close(algorithm.critic_adam.flat.gradient, grads[0], rtol=0, atol=0)
    torch.testing.assert_close(
        algorithm.target_flat.vector, algorithm.critic_adam.flat.vector, rtol=0, atol=0
    )


def test_a_critic_may_see_the_privileged_state():
    env = valve()
    env.spec = replace(env.spec, state=(Feature("level", "m", 0, 1),))
    observe = env._observe

    def with_state():
        now = observe()
        now.state = np.full((env.n_envs, 1), 0.25, np.float32)
        return now

    env._observe = with_state
    algorithm = run(env, learning_starts=0)

    algorithm.iterate(0, 0.0)

    assert algorithm.critics.weights[0].shape[1] == 2 + 1 + 2


@pytest.mark.parametrize(
    ("env", "net"),
    [
        (Steady(2, (Hybrid("mode", 2, ((), ("valve",))), VALVE)), SMALL),
        (Steady(2, (arms(2), arms(3)), legal=(True,) * 5), SMALL),
        (Queue(2), NetConfig()),
        (valve(), replace(SMALL, cell="lstm")),
    ],
    ids=["hybrid", "two choices", "options", "memory"],
)
def test_a_world_that_it_cannot_learn_is_refused(env, net):
    with pytest.raises(ConfigError, match="TanhGaussian heads, or one Categorical, no memory"):
        run(env, net)


@pytest.mark.parametrize(
    ("setting", "said"),
    [
        ({"gamma": 1.5}, r"sac\.gamma.*in \[0, 1\]"),
        ({"minibatch": 0}, r"sac\.minibatch.*at least 1"),
        ({"gradient_steps": 0}, r"sac\.gradient_steps: 0; allowed: at least 1, or -1"),
        ({"tau": 0.0}, r"sac\.tau: 0.0; allowed: in \(0, 1\]"),
        ({"rate": 0.0}, r"sac\.rate.*above 0"),
        ({"entropy": -0.1}, r"sac\.entropy: -0.1; allowed: auto, or at least 0"),
        ({"entropy": "none"}, r"sac\.entropy: none; allowed: auto, or at least 0"),
        ({"device": "gpu"}, r"sac\.device: 'gpu'"),
    ],
)
def test_a_setting_out_of_range_is_refused_with_the_range(setting, said):
    with pytest.raises(ConfigError, match=said):
        run(valve(), **setting)


def test_a_gradient_step_before_the_first_transition_is_a_fault():
    with pytest.raises(InvariantError, match="before the first transition"):
        run(valve()).gradient_steps(1)


def test_the_published_settings_of_mountain_car_can_be_stated():
    env = classics.make("mountain-car-continuous", 1)
    net = replace(NET, hidden=(64, 64), critic_hidden=(64, 64))
    config = SACConfig(
        rate=3e-4,
        capacity=50_000,
        minibatch=512,
        entropy=0.1,
        train_freq=32,
        gradient_steps=32,
        gamma=0.9999,
        tau=0.01,
        learning_starts=0,
    )
    algorithm = SAC(env, Net(env.spec, net, 0), config)

    figures = algorithm.iterate(0, 0.0)

    assert algorithm.updates == 32
    assert figures["alpha"] == pytest.approx(0.1)
    assert figures["steps"] == 32


def mean_return(algorithm, name, steps):
    """One greedy episode from each of a hundred starts that training never meets."""
    env = classics.make(name, 100)
    observation, memory = env.reset(np.arange(10_000, 10_100)), algorithm.policy.initial(100)
    total = np.zeros(100)
    for _ in range(steps):
        action, _, memory = algorithm.policy.act(observation, memory, None)
        step = env.step(action)
        total += step.reward[:, 0, 0]
        observation = step.observation
    return total.mean()


@pytest.mark.slow
def test_sac_swings_the_pendulum_up_in_20000_steps():
    env = classics.make("pendulum", 1)
    algorithm = SAC(env, Net(env.spec, NET, 0), SACConfig(rate=1e-3))

    for k in range(20_000):
        algorithm.iterate(k, k / 20_000)

    # rl-baselines3-zoo: -157 +- 89; rlox: an interquartile mean of -152.
    assert mean_return(algorithm, "pendulum", 200) >= -165
