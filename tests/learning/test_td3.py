# SPDX-License-Identifier: MIT
from dataclasses import replace

import numpy as np
import pytest
import torch

from flyball.core.errors import ConfigError, InvariantError
from flyball.learning.nets.net import Net, NetConfig
from flyball.learning.sac import NET
from flyball.learning.td3 import TD3, TD3Config
from flyball.worlds import classics
from tests.learning.steady import PUMP, VALVE, Steady, arms
from tests.learning.test_sac import mean_return, swings

SMALL = NetConfig(hidden=(16, 16), critic_hidden=(16, 16), activation="relu", norm="none")


def valve(n_envs=2):
    return Steady(n_envs, (VALVE, PUMP), swings, n_steps=7)


def run(env, net=SMALL, **settings):
    given = {"learning_starts": 10, "capacity": 60, "minibatch": 16, "rate": 3e-3}
    return TD3(env, Net(env.spec, net, 0), TD3Config(**(given | settings)))


VARIANTS = {
    "plain": lambda: run(valve()),
    "three steps": lambda: run(valve(), n_step=3, gradient_steps=3, train_freq=2),
    "normalised": lambda: run(valve(), replace(SMALL, norm="standard"), norm_updates=15),
    "one row": lambda: run(valve(1), policy_delay=3),
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


def stored(algorithm, n=16):
    places = algorithm.replay.draw(n, seed=5, update=0)
    return algorithm.reader.read(algorithm.replay.sample(places))


def test_noise_on_what_follows_is_clipped_and_so_is_the_action():
    algorithm = run(valve(), target_noise=100.0, target_clip=0.5)
    algorithm.iterate(0, 0.0)
    with torch.no_grad():
        algorithm.target_actor.last.bias[0] = 20.0  # at the upper bound already

    action = algorithm.smooth(stored(algorithm))

    assert set(action[:, 0].tolist()) == {0.5, 1.0}
    greedy = torch.tanh(algorithm.target_actor.last.bias[1]).item()
    away = (action[:, 1] - greedy).abs()
    torch.testing.assert_close(away, torch.full_like(away, 0.5), atol=0.02, rtol=0)


def test_what_follows_is_worth_the_smaller_target_estimate_of_the_smoothed_action():
    algorithm = run(valve(), target_noise=0.0, rate=1e-9, learning_starts=0)
    algorithm.iterate(0, 0.0)
    batch = stored(algorithm)

    loss, value = algorithm.update(batch).tolist()

    action = torch.tanh(algorithm.target_actor(batch.next_own, None, None).mean)
    ahead = algorithm.target_critics(torch.cat((batch.next_seen, action), -1))[..., 0].amin(0)
    estimates = algorithm.critics(torch.cat((batch.seen, batch.value), -1))[..., 0]
    error = estimates - (batch.reward + batch.discount * ahead)
    assert loss == pytest.approx(0.5 * error.square().mean(1).sum().item(), rel=1e-4)
    assert value == pytest.approx(estimates[0].mean().item(), rel=1e-4)


def test_the_actor_and_the_targets_move_at_every_second_step_only():
    algorithm = run(valve(), learning_starts=0, gradient_steps=1)
    vectors = [algorithm.actor_adam.flat.vector, *(flat.vector for flat in algorithm.targets)]

    moved = []
    for k in range(4):
        before = [vector.clone() for vector in vectors]
        algorithm.iterate(k, 0.0)
        moved.append([not torch.equal(*pair) for pair in zip(before, vectors, strict=True)])

    assert moved == [[False] * 3, [True] * 3, [False] * 3, [True] * 3]


def test_the_order_of_rows_in_a_batch_does_not_matter():
    first, second = (run(valve(), target_noise=0.0) for _ in range(2))
    for k in range(10):
        first.iterate(k, 0.0)
        second.iterate(k, 0.0)
    rows = stored(first)
    turned = type(rows)(*(part.flip(0) for part in rows))

    first.update(rows)
    second.update(turned)

    state = second.state()
    for name, array in first.state().items():
        np.testing.assert_allclose(state[name], array, rtol=1e-3, atol=1e-5, err_msg=name)


def test_acting_is_noisy_within_the_bounds_and_the_policy_is_not():
    algorithm = run(valve(64), noise=0.5, capacity=64)
    observation = algorithm.env.reset(np.arange(64))

    explored = algorithm._explore(observation, (0, 3)).value[:, 0]
    again = algorithm._explore(observation, (0, 3)).value[:, 0]
    greedy, _, _ = algorithm.policy.act(observation, algorithm.memory, None)

    np.testing.assert_array_equal(explored, again)
    assert (explored >= [2.0, -1.0]).all()
    assert (explored <= [6.0, 3.0]).all()
    np.testing.assert_allclose((explored / 2).std(0), 0.45, atol=0.12)
    assert (greedy.value == greedy.value[0]).all()


@pytest.mark.parametrize(
    ("env", "net"),
    [
        (Steady(2, (arms(2),), legal=(True, True)), SMALL),
        (valve(), replace(SMALL, cell="lstm")),
    ],
    ids=["choice", "memory"],
)
def test_a_world_that_it_cannot_learn_is_refused(env, net):
    with pytest.raises(ConfigError, match=r"td3: .* allowed: TanhGaussian heads, no memory"):
        run(env, net)


@pytest.mark.parametrize(
    ("setting", "said"),
    [
        ({"gamma": 1.5}, r"td3\.gamma.*in \[0, 1\]"),
        ({"policy_delay": 0}, r"td3\.policy_delay: 0; allowed: at least 1"),
        ({"gradient_steps": 0}, r"td3\.gradient_steps: 0; allowed: at least 1, or -1"),
        ({"tau": 2.0}, r"td3\.tau: 2.0; allowed: in \(0, 1\]"),
        ({"rate": 0.0}, r"td3\.rate.*above 0"),
        ({"target_clip": -0.1}, r"td3\.target_clip: -0.1; allowed: at least 0"),
        ({"device": "gpu"}, r"td3\.device: 'gpu'"),
    ],
)
def test_a_setting_out_of_range_is_refused_with_the_range(setting, said):
    with pytest.raises(ConfigError, match=said):
        run(valve(), **setting)


def test_a_gradient_step_before_the_first_transition_is_a_fault():
    with pytest.raises(InvariantError, match="before the first transition"):
        run(valve()).gradient_steps(1)


@pytest.mark.slow
def test_td3_swings_the_pendulum_up_in_20000_steps():
    env = classics.make("pendulum", 1)
    config = TD3Config(rate=1e-3, gamma=0.98, learning_starts=10_000, noise=0.1)
    algorithm = TD3(env, Net(env.spec, replace(NET, deviation="free"), 0), config)

    for k in range(20_000):
        algorithm.iterate(k, k / 20_000)

    # rl-baselines3-zoo: -152 +- 90.
    assert mean_return(algorithm, "pendulum", 200) >= -165
