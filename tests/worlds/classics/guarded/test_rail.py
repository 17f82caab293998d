# SPDX-License-Identifier: MIT
import numpy as np
import pytest

from flyball.worlds.classics.guarded import rail
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
