# SPDX-License-Identifier: MIT
"""Against Gymnasium's own classes, each step from the same state: the plain twins of this file."""

import math

import numpy as np
import pytest

from flyball.core.batch import Action
from flyball.worlds.classics import control, make

gymnasium = pytest.importorskip("gymnasium", reason="gymnasium is not installed")

IDS = {
    "cartpole": "CartPole-v1",
    "acrobot": "Acrobot-v1",
    "pendulum": "Pendulum-v1",
    "mountain-car": "MountainCar-v0",
    "mountain-car-continuous": "MountainCarContinuous-v0",
}
N_REAL = {"cartpole": 4, "acrobot": 4}
HIDDEN = {"cartpole": [1, 3], "acrobot": [4, 5], "pendulum": [2], "mountain-car-continuous": [1]}


def theirs_and_spec(name):
    env = gymnasium.make(IDS[name])
    unwrapped = env.unwrapped
    unwrapped.reset(seed=0)
    return unwrapped, env.spec


def put(theirs, name, real):
    """Give their environment our state, in the precision that theirs would have."""
    state = real[: N_REAL.get(name, 2)].copy()
    if name == "mountain-car-continuous":
        state = state.astype(np.float32)
        np.testing.assert_array_equal(state, real[:2])  # ours is rounded as theirs
    theirs.state = state
    if name == "cartpole":
        theirs.steps_beyond_terminated = None


def wishes(name, rng, n_rows):
    """Return choices and values, one kind of them empty, that swing now and then."""
    if name in ("pendulum", "mountain-car-continuous"):
        limit = 2.0 if name == "pendulum" else 1.0
        return np.zeros((n_rows, 1, 0), np.int32), rng.uniform(-limit, limit, (n_rows, 1, 1))
    n = 2 if name == "cartpole" else 3
    return rng.integers(0, n, (n_rows, 1, 1)).astype(np.int32), np.zeros((n_rows, 1, 0))


@pytest.mark.parametrize("name", IDS)
def test_every_step_is_gymnasiums(name):
    """1,200 steps, half of them from states drawn from the whole range, so that limits bind."""
    theirs, _ = theirs_and_spec(name)
    env = make(name, 4)
    env.reset(np.arange(4))
    rng = np.random.default_rng(0)
    ends = 0
    for k in range(300):
        if k % 2:
            env.restore(env.snapshot() | {"real": anywhere(name, rng, 4)})
        before = env.state.real.copy()
        choice, value = wishes(name, rng, 4)

        step = env.step(Action(choice, value))

        for row in range(4):
            put(theirs, name, before[row])
            move = int(choice[row, 0, 0]) if choice.size else value[row, 0]
            seen, reward, terminated, _, _ = theirs.step(move)
            ended = step.terminated[row] or step.truncated[row]
            last = step.final if ended else step.observation
            np.testing.assert_allclose(last.obs[row, 0], seen, rtol=2e-7, atol=1e-12)
            np.testing.assert_allclose(step.reward[row, 0, 0], reward, rtol=1e-12, atol=1e-12)
            assert step.terminated[row] == terminated
            if not ended:
                state = np.asarray(theirs.state, np.float64)
                ours = env.state.real[row, : len(state)]
                np.testing.assert_allclose(ours, state, rtol=1e-12, atol=1e-12)
            ends += terminated
    assert ends > 10 or name == "pendulum"


def anywhere(name, rng, n_rows):
    """Return states from the whole range, at the limits now and then."""
    high = {
        "cartpole": [2.5, 4.0, 0.22, 4.0],
        "acrobot": [math.pi, math.pi, 4 * math.pi, 9 * math.pi],
        "pendulum": [20.0, 8.0, 0, 0],
        "mountain-car": [0.9, 0.07, 0, 0],
        "mountain-car-continuous": [0.9, 0.07, 0, 0],
    }[name]
    real = rng.uniform(-1, 1, (n_rows, 4)) * high
    if name.startswith("mountain-car"):
        real[:, 0] = np.clip(real[:, 0] - 0.3, -1.2, 0.6)
    return real.astype(np.float32).astype(np.float64)


@pytest.mark.parametrize("name", IDS)
def test_spaces_and_time_limits_are_gymnasiums(name):
    theirs, spec = theirs_and_spec(name)
    env = make(name, 1)
    (kind,) = env.spec.kinds

    low = [feature.low for feature in kind.features]
    high = [feature.high for feature in kind.features]

    np.testing.assert_allclose(low, theirs.observation_space.low, rtol=1e-6)
    np.testing.assert_allclose(high, theirs.observation_space.high, rtol=1e-6)
    assert env.scenario.time_limit == spec.max_episode_steps
    (head,) = kind.heads
    if hasattr(head, "n"):
        assert head.n == theirs.action_space.n
    else:
        assert (head.low, head.high) == (theirs.action_space.low, theirs.action_space.high)


@pytest.mark.parametrize("name", IDS)
def test_first_states_lie_where_gymnasiums_do(name):
    theirs, _ = theirs_and_spec(name)
    sample = np.array([theirs.reset(seed=seed)[0] for seed in range(2000)])
    env = make(name, 2000)

    ours = env.reset(np.arange(2000)).obs[:, 0]

    np.testing.assert_allclose(ours.mean(0), sample.mean(0), atol=4 * sample.std(0).max() / 30)
    np.testing.assert_allclose(ours.std(0), sample.std(0), rtol=0.1, atol=1e-6)
    np.testing.assert_allclose(ours.min(0), sample.min(0), rtol=0.1, atol=0.03)
    np.testing.assert_allclose(ours.max(0), sample.max(0), rtol=0.1, atol=0.03)


@pytest.mark.parametrize("name", HIDDEN)
def test_the_versions_without_velocities_differ_in_what_is_seen_only(name):
    rng = np.random.default_rng(0)
    open_, blind = make(name, 3), make(name + "-no-velocity", 3)
    open_.reset(np.arange(3))
    blind.reset(np.arange(3))
    for _ in range(60):
        choice, value = wishes(name, rng, 3)

        full = open_.step(Action(choice, value))
        part = blind.step(Action(choice, value))

        mask = np.ones(full.observation.obs.shape[2])
        mask[HIDDEN[name]] = 0
        np.testing.assert_array_equal(part.observation.obs, full.observation.obs * mask)
        np.testing.assert_array_equal(part.reward, full.reward)
        np.testing.assert_array_equal(part.terminated, full.terminated)


def test_the_pole_falls_beyond_twelve_degrees():
    env = make("cartpole", 2)
    env.reset(np.arange(2))
    angle = control.POLE_LIMIT_RAD
    real = np.array([[0.0, 0.0, angle * 1.001, 0.0], [0.0, 0.0, angle * 0.98, 0.0]])
    env.restore(env.snapshot() | {"real": real})

    step = env.step(Action(np.ones((2, 1, 1), np.int32), np.zeros((2, 1, 0))))

    assert step.terminated.tolist() == [True, False]
