# SPDX-License-Identifier: MIT
import math

import numpy as np
import pytest

from flyball.core.batch import Action
from flyball.worlds.classics.guarded import make, rod
from tests.worlds.classics.guarded.motions import attacks, motion, rod_slope, starts

PLANT = rod.Rod(pull=9.81, inertia=1.0, damping=0.1, torque=7.0, disturbance=0.3, angle=0.6)


@pytest.mark.parametrize("step_s", [0.02, 0.05, 0.1, 0.25, 0.5])
def test_no_motion_leaves_what_is_said_to_be_reachable_nor_comes_nearer_than_the_margin(step_s):
    rng = np.random.default_rng(int(1000 * step_s))
    n = 20_000
    low = rng.uniform(-1, 1, (n, 2)) * [1.0, 6.0]
    high = low + rng.choice([0.0, 1e-9, 0.01, 0.2], (n, 1)) * rng.random((n, 2))
    value = rng.choice([-7.0, 7.0, -20.0, 0.0, 2.0], (n, 1))
    start = starts(rng, low, high)

    out_low, out_high, margin = rod.reach(PLANT, low, high, value, step_s)

    time_s, held = np.full(n, step_s), np.clip(value, -7, 7)
    pushed = attacks(rng, 20 + int(400 * step_s), n, 1, 0.3)
    states = motion(rod_slope, PLANT, start, held, pushed, time_s)
    judged = np.isfinite(margin)
    end = states[-1, judged]
    assert (out_low[judged] <= end).all()
    assert (end <= out_high[judged]).all()
    room = 0.6 - abs(states[:, judged, 0])
    assert (margin[judged] <= room.min(axis=0)).all()
    assert judged.mean() > 0.3
    assert (margin > 0).mean() > 0.05


@pytest.mark.parametrize("step_s", [0.02, 0.1, 0.5])
def test_the_bounds_are_what_the_worst_disturbances_reach(step_s):
    """A box of one point; the corners' own motions, under a disturbance on one side for ever."""
    rng = np.random.default_rng(1)
    n = 500
    start = rng.uniform(-1, 1, (n, 2)) * [0.3, 0.5]
    value, time_s = rng.uniform(-3, 3, (n, 1)), np.full(n, step_s)
    side = np.ones((1000, n, 1))

    low, high, margin = rod.reach(PLANT, start, start, value, step_s)

    above = motion(rod_slope, PLANT, start, value, 0.3 * side, time_s)
    below = motion(rod_slope, PLANT, start, value, -0.3 * side, time_s)
    judged = np.isfinite(margin)
    assert judged.all()
    np.testing.assert_allclose(high, above[-1], atol=2e-8)
    np.testing.assert_allclose(low, below[-1], atol=2e-8)
    room = 0.6 - np.maximum(abs(above[:, :, 0]).max(0), abs(below[:, :, 0]).max(0))
    np.testing.assert_allclose(margin, room, atol=2e-4)


def test_a_rod_that_turns_within_the_step_is_seen_where_it_turns():
    """Up to 0.01 rad above both ends of the step; the bound is 0.0002 rad above that at most."""
    start = np.array([[0.5, 0.4]])

    _, high, margin = rod.reach(PLANT, start, start, np.array([[-7.0]]), 0.4)

    side, time_s = np.full((2000, 1, 1), 0.3), np.full(1, 0.4)
    states = motion(rod_slope, PLANT, start, np.array([[-7.0]]), side, time_s)
    top = states[:, 0, 0].max()
    assert top > max(0.5, high[0, 0]) + 0.01
    assert 0.0 <= (0.6 - top) - margin[0] < 2e-4


def test_a_motion_that_could_lie_down_has_no_margin():
    start = np.array([[1.2, 3.0], [-1.2, -3.0], [0.0, 0.0]])

    low, _, margin = rod.reach(PLANT, start, start, np.zeros((3, 1)), 0.5)

    assert np.isnan(margin).tolist() == [True, True, False]
    assert np.isnan(low).all(axis=1).tolist() == [True, True, False]


@pytest.mark.parametrize("where", ["low", "high", "value", "step"])
@pytest.mark.parametrize("wrong", [np.nan, np.inf, -np.inf])
def test_what_is_not_finite_has_no_margin(where, wrong):
    given = {"low": np.zeros((2, 2)), "high": np.full((2, 2), 0.1), "value": np.zeros((2, 1))}
    step_s = 0.1
    if where == "step":
        step_s = wrong
    else:
        given[where][0, 1 if where != "value" else 0] = wrong

    _, _, margin = rod.reach(PLANT, *given.values(), step_s)

    assert np.isnan(margin[0])
    assert np.isnan(margin[1]) == (where == "step")


def test_a_series_is_that_of_the_motion():
    """Its sum equals a motion in two thousand pieces; its bound is above the next coefficient."""
    terms, bound = np.empty((3, rod.ORDER + 1)), np.empty((3, rod.ORDER + 1))
    rod.series(PLANT, 0.3, -1.2, 2.0, terms)

    powers = 0.02 ** np.arange(rod.ORDER + 1)

    found = (terms[0] @ powers, terms[0, 1:] @ (np.arange(1, rod.ORDER + 1) * powers[:-1]))
    start, value = np.array([[0.3, -1.2]]), np.array([[2.0]])
    end = motion(rod_slope, PLANT, start, value, np.zeros((2000, 1, 1)), np.array([0.02]))[-1, 0]
    np.testing.assert_allclose(found, end, rtol=0, atol=1e-13)
    assert rod.remainder(PLANT, 1.6, 2.0, bound) > 0.0
    assert (bound[0, 1:] >= abs(terms[0, 1:])).all()
    assert math.isclose(bound[0, 1], 1.6)


def played(env, real, value, wind):
    """Play one step from given states and return it."""
    kept = env.snapshot()
    kept["real"][:, :2] = real
    env.restore(kept)
    env.disturb(wind)
    return env.step(Action(np.zeros((len(real), 1, 0), np.int32), value[:, None, :]))


@pytest.mark.parametrize("step_s", [0.02, 0.1, 0.5])
def test_the_simulated_rod_is_its_twin_and_stays_within_what_is_reachable(step_s):
    """The twin takes ten times as many steps; COVER stands for what they differ by."""
    n, rng = 1000, np.random.default_rng(0)
    env = make("inverted-pendulum", n, step_s=step_s)
    env.reset(np.arange(n))
    pieces = env.scenario.n_changes
    start = rng.uniform(-1, 1, (n, 2)) * [0.7, 3.0]
    aim = env.state.real[:, 2].copy()
    value, wind = rng.uniform(-9, 9, (n, 1)), attacks(rng, pieces, n, 1, 1.0)

    step = played(env, start, value, wind.transpose(1, 0, 2))

    held = np.clip(value, -7, 7)
    fine = np.repeat(0.3 * wind, 50, axis=0)
    states = motion(rod_slope, PLANT, start, held, fine, np.full(n, step_s))
    end, stays = env.state.real[:, :2], ~step.terminated
    np.testing.assert_allclose(end[stays], states[-1, stays], rtol=0, atol=0.3 * rod.COVER)
    low, high, margin = rod.reach(PLANT, start, start, value, step_s)
    judged = np.isfinite(margin)
    assert (low[judged] <= end[judged]).all()
    assert (end[judged] <= high[judged]).all()
    assert not step.cost[margin >= 0].any()
    room = 0.6 - abs(states[:, :, 0]).max(0)
    sure = abs(room) > 1e-6
    assert ((step.cost[:, 0] > 0) == (room < 0))[sure].all()
    assert (step.terminated == (abs(states[:, :, 0]).max(0) > math.pi / 2)).all()
    off, effort = (end[:, 0] - aim) / 0.6, held[:, 0] / 7
    earned = step_s * np.maximum(0, 1 - off**2 - 0.01 * effort**2)
    np.testing.assert_allclose(step.reward[stays, 0, 0], earned[stays], atol=1e-9)


def test_aims_stand_for_two_seconds_at_any_length_of_the_step():
    found = []
    for step_s in (0.1, 0.5):
        env = make("inverted-pendulum", 3, step_s=step_s)
        env.reset(np.arange(3))
        aims = []
        for k in range(round(4.0 / step_s)):
            at = k * step_s
            if at in (0.0, 1.5, 2.0, 3.5):
                aims.append(env.state.real[:, 2].copy())
            played(
                env, np.zeros((3, 2)), np.zeros((3, 1)), np.zeros((3, env.scenario.n_changes, 1))
            )
        found.append(np.array(aims))

    np.testing.assert_array_equal(found[0], found[1])
    np.testing.assert_array_equal(found[0][0], found[0][1])
    assert (found[0][1] != found[0][2]).all()
    assert (abs(found[0]) <= 0.36).all()
