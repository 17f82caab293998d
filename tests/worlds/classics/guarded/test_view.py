# SPDX-License-Identifier: MIT
import json
import math

import numpy as np
import pytest

from flyball.worlds.classics.guarded import NAMES, make, picture
from tests.worlds.classics.guarded.play import small, wished


@pytest.mark.parametrize("name", NAMES)
def test_a_picture_is_plain_data_and_leaves_the_env_alone(name):
    env = small(name, 3)
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
    for shape in shown.shapes:
        for x, y in shape.points:
            assert shown.low[0] <= x <= shown.high[0] or shape.role in ("cart", "agent", "rod")
            assert math.isfinite(y)
    for key, array in env.snapshot().items():
        np.testing.assert_array_equal(array, before[key])


def drawn(name, real):
    env = make(name, 1)
    env.reset(np.zeros(1, np.int64))
    kept = env.snapshot()
    kept["real"][0, : len(real)] = real
    env.restore(kept)
    return picture(env, 0).shapes


def test_a_rod_that_leans_to_the_right_is_drawn_between_its_limits():
    shapes = drawn("inverted-pendulum", [0.3, 0.0])

    tips = {shape.role: shape.points[1] for shape in shapes}
    assert tips["rod"] == pytest.approx((math.sin(0.3), math.cos(0.3)))
    assert tips["rod"][0] < tips["wall"][0]


def test_levels_are_drawn_at_their_height():
    shapes = drawn("two-tanks", [0.1, 0.4])

    levels = [shape.points[0][1] for shape in shapes if shape.role == "level"]
    assert levels == [0.1, 0.4]


def test_a_robots_body_is_drawn_where_the_wind_has_put_it():
    env = make("crossing-robots", 1, n_robots=2)
    env.reset(np.zeros(1, np.int64))
    kept = env.snapshot()
    kept["real"][0, 8:10] = [0.3, -0.2]
    env.restore(kept)

    body = next(shape for shape in picture(env, 0).shapes if shape.role == "agent")

    assert body.points[0] == pytest.approx(tuple(kept["real"][0, :2] + [0.3, -0.2]))
    assert body.size == 2.5


def test_the_first_row_of_a_board_is_on_top():
    env = make("forbidden-grid", 1, board=("S.X", "..G"))
    env.reset(np.zeros(1, np.int64))

    roles = {shape.role: shape.points[0] for shape in picture(env, 0).shapes}

    assert roles == {"wall": (2.0, 1.0), "goal": (2.0, 0.0), "agent": (0.0, 1.0)}
