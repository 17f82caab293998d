# SPDX-License-Identifier: MIT
import numpy as np
import pytest

from flyball.core.batch import Action
from flyball.worlds.classics.guarded import make, scenario, tanks
from tests.worlds.classics.guarded.motions import attacks, motion, starts, tanks_slope

PLANT = scenario("two-tanks").plant


@pytest.mark.parametrize("step_s", [0.02, 0.05, 0.1, 0.25, 0.5])
def test_no_motion_leaves_what_is_said_to_be_reachable_nor_comes_nearer_than_the_margin(step_s):
    """A third of the boxes begin near the bottom, where the root is steep."""
    rng = np.random.default_rng(int(1000 * step_s))
    n = 20_000
    low = rng.uniform(-0.005, 0.62, (n, 2)) * rng.choice([1.0, 1.0, 0.05], (n, 1))
    high = np.maximum(0.0, low) + rng.choice([0.0, 1e-9, 0.004, 0.1], (n, 1)) * rng.random((n, 2))
    value = rng.choice([0.0, 0.25, -1.0, 0.1, 9.0], (n, 2))
    start = starts(rng, np.maximum(0.0, low), high)

    out_low, out_high, margin = tanks.reach(PLANT, low, high, value, step_s)

    time_s, held = np.full(n, step_s), np.clip(value, 0, 0.25)
    pushed = attacks(rng, 50 + int(200 * step_s), n, 2, PLANT.disturbance)
    states = np.maximum(0.0, motion(tanks_slope, PLANT, start, held, pushed, time_s))
    assert np.isfinite(margin).all()
    assert (out_low <= states[-1]).all()
    assert (states[-1] <= out_high).all()
    room = np.minimum(0.5 - states, states - 0.05)
    assert (margin <= room.min(axis=(0, 2))).all()
    assert (margin > 0).mean() > 0.2


@pytest.mark.parametrize("step_s", [0.02, 0.1, 0.5])
def test_the_bounds_are_what_the_worst_disturbances_reach(step_s):
    rng = np.random.default_rng(1)
    n = 500
    start, time_s = rng.uniform(0.05, 0.5, (n, 2)), np.full(n, step_s)
    value, side = rng.uniform(0, 0.25, (n, 2)), np.full((200, n, 2), PLANT.disturbance)

    low, high, margin = tanks.reach(PLANT, start, start, value, step_s)

    above = motion(tanks_slope, PLANT, start, value, side, time_s)
    below = motion(tanks_slope, PLANT, start, value, -side, time_s)
    np.testing.assert_allclose(high, above[-1], atol=1e-8)
    np.testing.assert_allclose(low, below[-1], atol=1e-8)
    room = np.minimum(0.5 - above.max(axis=(0, 2)), below.min(axis=(0, 2)) - 0.05)
    np.testing.assert_allclose(margin, room, atol=2e-5)


@pytest.mark.parametrize("where", ["low", "high", "value", "step"])
@pytest.mark.parametrize("wrong", [np.nan, np.inf, -np.inf])
def test_what_is_not_finite_has_no_margin(where, wrong):
    given = {"low": np.full((2, 2), 0.1), "high": np.full((2, 2), 0.2), "value": np.zeros((2, 2))}
    step_s = 0.1
    if where == "step":
        step_s = wrong
    else:
        given[where][0, 1] = wrong

    _, _, margin = tanks.reach(PLANT, *given.values(), step_s)

    assert np.isnan(margin[0])
    assert np.isnan(margin[1]) == (where == "step")


def test_a_series_is_that_of_the_motion_and_its_bounds_are_above():
    terms, bound = np.empty((4, tanks.ORDER + 1)), np.empty((4, tanks.ORDER + 2))
    tanks.series(PLANT, 0.2, 0.3, tanks.Inflow(0.02, -0.01), terms)

    powers = 0.1 ** np.arange(tanks.ORDER + 1)

    value = np.array([[0.1, -0.05]])
    still, start = np.zeros((200, 1, 2)), np.array([[0.2, 0.3]])
    end = motion(tanks_slope, PLANT, start, value, still, np.array([0.1]))[-1, 0]
    np.testing.assert_allclose(terms[:2] @ powers, end, rtol=0, atol=1e-13)
    root = terms[2:, : tanks.ORDER] @ powers[: tanks.ORDER]
    np.testing.assert_allclose(root**2, end, rtol=0, atol=1e-8)
    tanks.remainder(PLANT, (0.19, 0.29), (0.04, 0.04), bound)
    assert (bound[:2, 1:-1] >= abs(terms[:2, 1:])).all()
    assert (bound[2:, 1:-2] >= abs(terms[2:, 1:-1])).all()


def played(env, real, value, wind):
    """Play one step from given levels and return it."""
    kept = env.snapshot()
    kept["real"][:, :2] = real
    env.restore(kept)
    env.disturb(wind)
    return env.step(Action(np.zeros((len(real), 1, 0), np.int32), value[:, None, :]))


@pytest.mark.parametrize("step_s", [0.02, 0.1, 0.5])
def test_the_simulated_tanks_are_their_twin_and_stay_within_what_is_reachable(step_s):
    n, rng = 2000, np.random.default_rng(0)
    env = make("two-tanks", n, step_s=step_s)
    env.reset(np.arange(n))
    pieces = env.scenario.n_changes
    start = rng.uniform(0.03, 0.6, (n, 2))
    aim = env.state.real[:, 2:].copy()
    value, wind = rng.uniform(-0.1, 0.35, (n, 2)), attacks(rng, pieces, n, 2, 1.0)

    step = played(env, start, value, wind.transpose(1, 0, 2))

    held = np.clip(value, 0, 0.25)
    fine = np.repeat(PLANT.disturbance * wind, 10, axis=0)
    states = motion(tanks_slope, PLANT, start, held, fine, np.full(n, step_s))
    end, stays = env.state.real[:, :2], ~step.terminated
    np.testing.assert_allclose(end[stays], states[-1, stays], rtol=0, atol=0.1 * tanks.COVER)
    low, high, margin = tanks.reach(PLANT, start, start, value, step_s)
    assert (low <= states[-1]).all()
    assert (low[stays] <= end[stays]).all()
    assert (end[stays] <= high[stays]).all()
    assert not step.cost[margin >= 0].any()
    room = np.stack([states.min((0, 2)) - 0.05, 0.5 - states.max((0, 2))], axis=1)
    sure = abs(room) > 1e-5
    assert ((step.cost > 0) == (room < 0))[sure].all()
    assert (step.terminated == (states.max((0, 2)) > 0.6)).all()
    off = abs(end - aim).sum(1) / 0.045
    earned = step_s * np.maximum(0, 1 - off)
    np.testing.assert_allclose(step.reward[stays, 0, 0], earned[stays], atol=1e-9)


def test_an_empty_tank_stays_empty_and_not_less():
    env = make("two-tanks", 1)
    env.reset(np.zeros(1, np.int64))

    for _ in range(20):
        step = played(env, env.state.real[:, :2] * 0.01, np.zeros((1, 2)), -np.ones((1, 50, 2)))

    assert env.state.real[0, :2].tolist() == [0.0, 0.0]
    assert step.cost.tolist() == [[0.5, 0.0]]


def test_aims_can_be_held_by_the_pumps():
    env = make("two-tanks", 500)
    env.reset(np.arange(500))

    aims = env.state.real[:, 2:]

    out = np.stack([PLANT.first, PLANT.second])[None] * np.sqrt(aims)
    flow = np.stack([out[:, 0], out[:, 1] - out[:, 0]], axis=1) / PLANT.fill
    assert (flow >= 0).all()
    assert (flow <= 0.25).all()
    assert (aims >= 0.05).all()
    assert (aims <= 0.5).all()
    assert aims.std(0).min() > 0.05
