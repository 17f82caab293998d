# SPDX-License-Identifier: MIT
import numpy as np
import pytest

from flyball.core.batch import Action
from flyball.worlds.classics import make, policies
from flyball.worlds.classics.pilots import PILOTS, cartpole_gain, hill_map, next_car, sighted
from tests.worlds.classics.play import mean_outcome, needs_compiler, wished


def numeric(step, x, u, h=1e-6):
    """Return the Jacobians of a step at (x, u)."""
    a = np.stack([(step(x + h * e, u) - step(x - h * e, u)) / (2 * h) for e in np.eye(4)], axis=1)
    return a, (step(x, u + h) - step(x, u - h)) / (2 * h)


def cart(x, force):
    """Return the next state of the cart-pole for any force, in plain Python."""
    sin, cos = np.sin(x[2]), np.cos(x[2])
    push = (force + 0.05 * x[3] ** 2 * sin) / 1.1
    turn = (9.8 * sin - cos * push) / (0.5 * (4 / 3 - 0.1 * cos**2 / 1.1))
    return x + 0.02 * np.array([x[1], push - 0.05 * turn * cos / 1.1, x[3], turn])


def test_the_regulator_makes_the_true_cart_pole_stable_with_a_force_of_any_size():
    a, b = numeric(cart, np.zeros(4), 0.0)

    closed = a - np.outer(b, cartpole_gain())

    assert np.abs(np.linalg.eigvals(a)).max() > 1.05
    assert np.abs(np.linalg.eigvals(closed)).max() < 1


def test_the_car_of_the_map_is_the_car_of_the_kernel():
    env = make("mountain-car", 200)
    env.reset(np.arange(200))
    rng = np.random.default_rng(0)
    real = rng.uniform([-1.2, -0.07, 0, 0], [0.6, 0.07, 0, 0], (200, 4))
    env.restore(env.snapshot() | {"real": real})
    push = rng.integers(0, 3, 200)

    step = env.step(Action(push[:, None, None].astype(np.int32), np.zeros((200, 1, 0))))

    pairs = [next_car(real[k, 0], real[k, 1], int(push[k])) for k in range(200)]
    running = ~step.terminated
    np.testing.assert_allclose(env.state.real[running, :2], np.array(pairs)[running], atol=1e-12)


@needs_compiler
def test_the_map_of_the_hill_foretells_how_long_its_pilot_takes():
    starts = np.stack([np.linspace(-0.6, -0.4, 100), np.zeros(100)], axis=1)
    field = hill_map()
    foretold = min(
        field._left(*next_car(*starts.T, push), *field._corners(*next_car(*starts.T, push))).mean()
        for push in range(3)
    )

    found, _ = mean_outcome("mountain-car", policies("mountain-car")["dynamic programming"])

    assert found[1] == pytest.approx(1 + foretold, abs=5)


@pytest.mark.parametrize(
    ("name", "columns", "lag", "atol"),
    [
        ("pendulum", [2], 0, 1e-4),
        ("mountain-car-continuous", [1], 0, 1e-6),
        ("cartpole", [1, 3], 1, 1e-3),
    ],
)
def test_velocities_come_back_from_differences(name, columns, lag, atol):
    """The cart-pole's Euler step moves with the velocity before the push, so one step late."""
    env = make(name, 5)
    before = env.reset(np.arange(5)).obs[:, 0].astype(float)
    rng = np.random.default_rng(0)
    compared = 0
    for _ in range(30):
        step = env.step(wished(env, rng))
        now = step.observation.obs[:, 0].astype(float)
        going = ~(step.terminated | step.truncated)

        found = sighted(name, now, before, step.observation.start)

        # The left end of the track stops the car at once, which no difference of places shows.
        free = going & (now[:, 0] > -1.2) if name.startswith("mountain") else going
        want = before if lag else now
        np.testing.assert_allclose(found[free][:, columns], want[free][:, columns], atol=atol)
        assert not found[~going][:, columns].any()
        compared += int(free.sum())
        before = now
    assert compared > 100


def test_the_acrobats_mean_spin_comes_back_from_differences():
    env = make("acrobot", 5)
    before = env.reset(np.arange(5)).obs[:, 0].astype(float)
    rng = np.random.default_rng(0)
    for _ in range(20):
        now = env.step(wished(env, rng)).observation.obs[:, 0].astype(float)

        found = sighted("acrobot", now, before, np.zeros(5, bool))

        mean = (now[:, 4:] + before[:, 4:]) / 2
        assert np.abs(found[:, 4:] - mean).max() < 0.5
        before = now


TARGETS = {
    "regulator": 500,
    "energy": -84,
    "swing-up": -160,
    "bang-bang": {"mountain-car": -121, "mountain-car-continuous": 98.3},
    "dynamic programming": -101,
}
"""What each pilot is better than: about the published results of learned policies, or above."""


@needs_compiler
@pytest.mark.parametrize("name", PILOTS)
@pytest.mark.parametrize("blind", [False, True])
def test_pilots_fly_as_well_as_published_policies(name, blind):
    if blind and name == "mountain-car":
        pytest.skip("there is no version of the mountain car without velocity")
    for key in PILOTS[name]:
        problem = name + "-no-velocity" * blind
        target = TARGETS[key]
        target = target[name] if isinstance(target, dict) else target

        found, illegal = mean_outcome(problem, policies(problem)[key], n_envs=300)

        assert found[0] >= target - 3 * blind * (name == "acrobot")
        assert illegal == 0
