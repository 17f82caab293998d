# SPDX-License-Identifier: MIT
import json
import math

import numpy as np
import pytest

from flyball.worlds.classics import make, picture
from flyball.worlds.classics.catalogue import NAMES
from tests.worlds.classics.play import wished


@pytest.mark.parametrize("name", NAMES)
def test_a_picture_is_plain_data_and_leaves_the_env_alone(name):
    env = make(name, 3)
    env.reset(np.arange(3))
    rng = np.random.default_rng(0)
    for _ in range(4):
        env.step(wished(env, rng))
    before = env.snapshot()

    shown = picture(env, 1)

    assert json.loads(json.dumps(shown))[0] == name
    assert (shown.step, shown.episode) == (env.state.t[1], env.state.episode[1])
    assert shown.total == env.state.total[1]
    assert shown.low[0] < shown.high[0]
    assert shown.low[1] < shown.high[1]
    assert shown.shapes
    for key, array in env.snapshot().items():
        np.testing.assert_array_equal(array, before[key])


@pytest.mark.parametrize("name", ["gridworld", "four-rooms", "deep-sea-treasure", "foraging"])
def test_what_stands_on_a_board_lies_inside_the_picture(name):
    env = make(name, 2)
    env.reset(np.arange(2))

    shown = picture(env, 0)

    for shape in shown.shapes:
        ((x, y),) = shape.points
        assert shown.low[0] < x < shown.high[0]
        assert shown.low[1] < y < shown.high[1]


def put(name, real):
    env = make(name, 1)
    env.reset(np.zeros(1, np.int64))
    env.restore(env.snapshot() | {"real": np.array([real], float)})
    return {shape.role: shape for shape in picture(env, 0).shapes}


def test_a_pole_that_leans_to_the_right_is_drawn_to_the_right():
    tip = put("cartpole", [0.5, 0, 0.2, 0])["pole"].points[1]

    assert tip == pytest.approx((0.5 + math.sin(0.2), math.cos(0.2)))


def test_an_acrobot_at_rest_hangs_and_a_pendulum_at_zero_stands():
    hand = put("acrobot", [0, 0, 0, 0])["links"].points[2]
    tip = put("pendulum", [0, 0, 0, 0])["rod"].points[1]

    assert hand == pytest.approx((0, -2))
    assert tip == pytest.approx((0, 1))


def test_the_first_row_of_a_board_is_on_top():
    env = make("gridworld", 1, size=4)
    env.reset(np.zeros(1, np.int64))

    roles = {shape.role: shape.points[0] for shape in picture(env, 0).shapes}

    assert roles == {"goal": (3.0, 0.0), "agent": (0.0, 3.0)}


def test_the_landmark_that_the_listener_must_reach_is_marked():
    env = make("speaker-listener", 1)
    env.reset(np.zeros(1, np.int64))

    roles = [shape.role for shape in picture(env, 0).shapes]

    assert roles.count("goal") == 1
    assert roles.index("goal") == env.state.whole[0, 0]
    assert roles.count("landmark") == 2
