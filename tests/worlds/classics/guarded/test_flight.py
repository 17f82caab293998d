# SPDX-License-Identifier: MIT
import numpy as np

from flyball.worlds.classics.guarded import flight, scenario

PROBLEM = scenario("crossing-robots", n_robots=2)


def seen(way, speed, others):
    """Return what one robot sees (1, 1, F)."""
    obs = np.zeros(4 + 4 * 6)
    obs[:2], obs[2:4] = way, speed
    for k, other in enumerate(others):
        obs[4 + 4 * k : 8 + 4 * k] = other
    return obs[None, None]


def test_a_robot_alone_keeps_its_wish():
    wish = np.array([[[3.0, -1.0]]])

    found = flight.keep_apart(PROBLEM, wish, seen((50, 0), (5, 0), []))

    np.testing.assert_array_equal(found, wish)


def test_a_robot_that_closes_in_on_another_brakes_and_one_that_parts_does_not():
    wish = np.array([[[5.0, 0.0]]])

    meets = flight.keep_apart(PROBLEM, wish, seen((50, 0), (8, 0), [(15.0, 0.0, -16.0, 0.0)]))
    parts = flight.keep_apart(PROBLEM, wish, seen((50, 0), (8, 0), [(15.0, 0.0, 16.0, 0.0)]))

    assert meets[0, 0, 0] < 0.0
    np.testing.assert_array_equal(parts, wish)


def test_the_nearest_acceleration_in_all_half_planes_is_found():
    """Against a fine grid of accelerations: none that keeps all barriers is nearer to the wish."""
    rng = np.random.default_rng(0)
    checked = 0
    for _ in range(30):
        others = [
            (*(side * rng.uniform(9, 20, 2)), *rng.uniform(-6, 6, 2))
            for side in rng.choice([-1.0, 1.0], (3, 2))
        ]
        obs, wish = seen((50, 0), (5, 0), others), rng.uniform(-3, 3, (1, 1, 2))
        found = flight.keep_apart(PROBLEM, wish, obs)[0, 0]
        axis = np.linspace(-5, 5, 101)
        grid = np.stack(np.meshgrid(axis, axis), -1).reshape(1, -1, 2)
        many = np.repeat(obs, grid.shape[1], axis=1)
        moved = flight.keep_apart(PROBLEM, grid, many)[0] - grid[0]
        kept = grid[0][np.abs(moved).max(1) < 1e-6]
        if len(kept) and np.hypot(*found) < 4.99:
            nearest = np.hypot(*(kept - wish[0, 0]).T).min()
            assert np.hypot(*(found - wish[0, 0])) <= nearest + 0.15
            checked += 1
    assert checked > 8


def test_an_acceleration_is_never_longer_than_the_robot_can():
    rng = np.random.default_rng(0)
    obs = rng.uniform(-20, 20, (5, 40, 28))

    found = flight.keep_apart(PROBLEM, rng.uniform(-20, 20, (5, 40, 2)), obs)

    assert (np.linalg.norm(found, axis=-1) <= 5.0 + 1e-12).all()


def test_an_acceleration_that_would_pass_the_speed_limit_is_the_one_that_reaches_it():
    push, speed = np.array([[3.0, 0.0], [1.0, 0.0], [5.0, 0.0]]), np.array([[11.8, 0.0]])

    found = flight.slowed(PROBLEM, push, speed * [[1.0], [0.5], [2.0]])

    np.testing.assert_allclose(found, [[0.8, 0.0], [1.0, 0.0], [-5.0, 0.0]], atol=1e-9)


def test_ways_are_leant_to_the_right_only_where_another_is_near_and_ahead():
    way = np.array([[[10.0, 0.0]]])

    ahead = flight.leaning(PROBLEM, way, seen((10, 0), (5, 0), [(12.0, 1.0, 0.0, 0.0)]))
    behind = flight.leaning(PROBLEM, way, seen((10, 0), (5, 0), [(-12.0, 1.0, 0.0, 0.0)]))
    far = flight.leaning(PROBLEM, way, seen((10, 0), (5, 0), [(50.0, 1.0, 0.0, 0.0)]))

    assert ahead[0, 0, 1] < 0.0
    np.testing.assert_array_equal(behind, way)
    np.testing.assert_array_equal(far, way)


def test_a_robot_stops_at_its_goal():
    place, speed = np.array([40.0, -30.0]), np.zeros(2)
    for _ in range(300):
        push = flight.capped(flight.to_goal(PROBLEM, -place, speed), 5.0)
        place, speed = place + 0.1 * (speed + 0.05 * push), speed + 0.1 * push

    assert np.hypot(*place) < 1.0
    assert np.hypot(*speed) < 0.5
