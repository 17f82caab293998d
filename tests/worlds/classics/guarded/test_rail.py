# SPDX-License-Identifier: MIT
import numpy as np
import pytest

from flyball.core.batch import Action
from flyball.worlds.classics.guarded import make, rail
from tests.worlds.classics.guarded.motions import attacks, motion, rail_slope, starts

PLANT = rail.Rail(acceleration=1.5, disturbance=0.2, wall=5.0, speed=2.0)


@pytest.mark.parametrize("step_s", [0.02, 0.05, 0.1, 0.25, 0.5])
def test_no_motion_leaves_what_is_said_to_be_reachable_nor_comes_nearer_than_the_margin(step_s):
    rng = np.random.default_rng(int(1000 * step_s))
    n = 20_000
    low = rng.uniform(-1, 1, (n, 2)) * [5.5, 2.5]
    high = low + rng.choice([0.0, 1e-9, 0.01, 0.5], (n, 1)) * rng.random((n, 2))
    value = rng.choice([-1.5, 1.5, -3.0, 0.0, 0.7], (n, 1))
    start = starts(rng, low, high)

    out_low, out_high, margin = rail.reach(PLANT, low, high, value, step_s)

    time_s, held = np.full(n, step_s), np.clip(value, -1.5, 1.5)
    states = motion(rail_slope, PLANT, start, held, attacks(rng, 50, n, 1, 0.2), time_s)
    assert (out_low <= states[-1]).all()
    assert (states[-1] <= out_high).all()
    room = np.array([5.0, 2.0]) - abs(states)
    assert (margin <= room.min(axis=(0, 2))).all()
    assert (margin > 0).mean() > 0.3


def test_the_bounds_are_what_the_worst_disturbances_reach():
    low, high = np.array([[1.0, 0.5]]), np.array([[1.1, 0.6]])

    out_low, out_high, margin = rail.reach(PLANT, low, high, np.array([[1.0]]), 0.5)

    np.testing.assert_allclose(out_high[0], [1.1 + 0.3 + 0.15, 1.2], atol=1e-11)
    np.testing.assert_allclose(out_low[0], [1.0 + 0.25 + 0.1, 0.9], atol=1e-11)
    np.testing.assert_allclose(margin, 0.8, atol=1e-11)


def test_a_carriage_that_turns_within_the_step_is_seen_where_it_turns():
    """It brakes with 1.3 net from 0.65 m/s: 0.1625 m, after half a second of one."""
    start = np.array([[4.8, 0.65]])

    _, _, margin = rail.reach(PLANT, start, start, np.array([[-1.5]]), 1.0)

    np.testing.assert_allclose(margin, 0.2 - 0.1625, atol=1e-11)


@pytest.mark.parametrize("where", ["low", "high", "value", "step"])
@pytest.mark.parametrize("wrong", [np.nan, np.inf, -np.inf])
def test_what_is_not_finite_has_no_margin(where, wrong):
    given = {"low": np.zeros((2, 2)), "high": np.ones((2, 2)), "value": np.zeros((2, 1))}
    step_s = 0.1
    if where == "step":
        step_s = wrong
    else:
        given[where][0, 0] = wrong

    _, _, margin = rail.reach(PLANT, *given.values(), step_s)

    assert np.isnan(margin[0])
    assert np.isnan(margin[1]) == (where == "step")


def test_a_box_inside_out_and_time_that_runs_backwards_have_no_margin():
    low, high, value = np.ones((1, 2)), np.zeros((1, 2)), np.zeros((1, 1))

    inside_out = rail.reach(PLANT, low, high, value, 0.1)[2]
    backwards = rail.reach(PLANT, high, low, value, -0.1)[2]

    assert np.isnan([inside_out, backwards]).all()


def played(env, real, value, wind):
    """Play one step from given states and return it."""
    kept = env.snapshot()
    kept["real"][:, :2] = real
    env.restore(kept)
    env.disturb(wind)
    return env.step(Action(np.zeros((len(real), 1, 0), np.int32), value[:, None, :]))


@pytest.mark.parametrize("step_s", [0.02, 0.1, 0.5])
def test_the_simulated_carriage_is_its_twin_and_stays_within_what_is_reachable(step_s):
    n, rng = 5000, np.random.default_rng(0)
    env = make("double-integrator", n, step_s=step_s)
    env.reset(np.arange(n))
    pieces = env.scenario.n_changes
    start = rng.uniform(-1, 1, (n, 2)) * [5.2, 2.2]
    target = env.state.real[:, 2].copy()
    value, wind = rng.uniform(-2, 2, (n, 1)), attacks(rng, pieces, n, 1, 1.0)

    step = played(env, start, value, wind.transpose(1, 0, 2))

    held = np.clip(value, -1.5, 1.5)
    fine = np.repeat(0.2 * wind, 40, axis=0)
    states = motion(rail_slope, PLANT, start, held, fine, np.full(n, step_s))
    low, high, margin = rail.reach(PLANT, start, start, value, step_s)
    end, stays = env.state.real[:, :2], ~step.terminated
    np.testing.assert_allclose(end[stays], states[-1, stays], rtol=0, atol=1e-11)
    assert (low <= end).all()
    assert (end <= high).all()
    room = np.array([5.0, 2.0]) - abs(states).max(0)
    for limit in range(2):
        sure = abs(room[:, limit]) > 1e-4
        assert ((step.cost[:, limit] > 0) == (room[:, limit] < 0))[sure].all()
    assert not step.cost[margin >= 0].any()
    near = (states[:, :, 0].min(0) - 0.1 <= target) & (target <= states[:, :, 0].max(0) + 0.1)
    way = np.maximum(0, abs(start[:, 0] - target) - 0.1)
    left = np.where(near, 0, np.maximum(0, abs(end[:, 0] - target) - 0.1))
    np.testing.assert_allclose(step.reward[:, 0, 0], way - left, atol=1e-5)


def test_a_wall_that_is_touched_between_two_samples_costs():
    """It turns 0.01 m behind the wall and is back before the step ends."""
    env = make("double-integrator", 1, step_s=0.5)
    env.reset(np.zeros(1, np.int64))
    start = np.array([[4.95, np.sqrt(2 * 1.5 * 0.06)]])

    step = played(env, start, np.array([[-1.5]]), np.zeros((1, 50, 1)))

    assert env.state.real[0, 0] < 5.0
    assert step.cost.tolist() == [[0.5, 0.0]]
    np.testing.assert_allclose(env.state.sums[0, :2], [0.5, 0.01 / 5], atol=1e-12)


def test_targets_lie_near_the_walls_and_change_sides():
    env = make("double-integrator", 50)
    env.reset(np.arange(50))
    sides = []
    for _ in range(4):
        target = env.state.real[:, 2].copy()
        sides.append(np.sign(target))
        assert (abs(target) >= 4.0).all()
        assert (abs(target) <= 4.75).all()
        start = np.stack([target, np.zeros(50)], axis=1)
        played(env, start, np.zeros((50, 1)), np.zeros((50, 10, 1)))

    assert (np.array(sides[1:]) == -np.array(sides[:-1])).all()
    assert len({side[0] for side in np.array(sides).T}) == 2
    assert env.state.whole[:, 0].tolist() == [4] * 50


def test_a_carriage_off_its_rail_ends_the_episode():
    env = make("double-integrator", 2)
    env.reset(np.zeros(2, np.int64))

    step = played(env, np.array([[9.9, 2.0], [9.7, 2.0]]), np.zeros((2, 1)), np.zeros((2, 10, 1)))

    assert step.terminated.tolist() == [True, False]
    assert step.outcome[0, :2].tolist() == [step.reward[0, 0, 0], 1.0]
    assert step.outcome[0, 3] > 1.0
