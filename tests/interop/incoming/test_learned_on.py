# SPDX-License-Identifier: MIT
"""Our algorithms learn on environments that nobody here wrote, and go on exactly."""

import gymnasium
import numpy as np
import pytest
import torch

from flyball.interop import from_gymnasium, from_parallel, from_vector
from flyball.learning import NetConfig, recipe
from tests.interop.incoming.foreign import Pack


@pytest.fixture(autouse=True)
def one_thread():
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


def ppo(env, **settings):
    chosen = recipe("ppo")
    config = chosen.config(n_steps=64, minibatch=256, epochs=6, rate=1e-3, gamma=0.98, **settings)
    return chosen.make(env, NetConfig(), config)


@pytest.mark.parametrize(
    "make",
    [
        lambda: from_gymnasium("CartPole-v1", 4),
        lambda: from_gymnasium("Pendulum-v1", 2),
        lambda: from_vector(gymnasium.make_vec("CartPole-v1", num_envs=4)),
        lambda: from_parallel(Pack, 3),
    ],
    ids=["cartpole", "pendulum", "next-step", "agents"],
)
def test_a_run_goes_on_from_its_state_bit_for_bit(make):
    first, other = ppo(make()), ppo(make())
    for iteration in range(2):
        first.iterate(iteration, 0.1 * iteration)

    other.restore(first.state())

    for iteration in (2, 3):
        assert first.iterate(iteration, 0.5) == other.iterate(iteration, 0.5)
    after, again = first.state(), other.state()
    for name in after:
        if name != "env.envs":  # equal states may be pickled in another order
            np.testing.assert_array_equal(after[name], again[name], err_msg=name)


@pytest.mark.parametrize(
    "make",
    [
        lambda: from_gymnasium("CartPole-v1", 8),
        lambda: from_vector(gymnasium.make_vec("CartPole-v1", num_envs=8)),
    ],
    ids=["single", "next-step"],
)
def test_ppo_learns_to_balance_gymnasiums_pole(make):
    algorithm = ppo(make(), lam=0.9, seed=1)
    lengths = [algorithm.iterate(k, k / 40).get("length_steps", np.nan) for k in range(40)]

    # Random play lasts 22 steps.
    assert np.nanmean(lengths[:2]) < 40
    assert np.nanmean(lengths[-10:]) > 100
