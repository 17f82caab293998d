# SPDX-License-Identifier: MIT
import math

import numpy as np
import pytest

from flyball.core.batch import Action
from flyball.worlds.classics.guarded import make, swarm


def acted(value):
    return Action(np.zeros((*value.shape[:2], 0), np.int32), value)


def twin_bodies(plant, start, value, wind, step_s, n_fine):
    """Return the bodies' places (T, N, 2) at many times of a step, and the state after it.

    The reference by its formula, the error by many small Runge-Kutta steps of its equation.
    """
    n = plant.n
    reference, error = start[: 4 * n].reshape(n, 4), start[4 * n : 8 * n].reshape(n, 4)
    length = np.hypot(*value.T)
    value = value * (plant.acceleration / np.maximum(length, plant.acceleration))[:, None]
    places, time_s, h = [], 0.0, step_s / len(wind) / n_fine
    for gust in wind.reshape(len(wind), n, 2):
        push = plant.wind_bound * gust / np.maximum(1.0, np.hypot(*gust.T))[:, None]

        def slope(state, push=push):
            e, de = state[:, :2], state[:, 2:]
            return np.hstack([de, push - 2 * plant.rate * de - plant.rate**2 * e])

        for _ in range(n_fine):
            k_1 = slope(error)
            k_2 = slope(error + h / 2 * k_1)
            k_3 = slope(error + h / 2 * k_2)
            k_4 = slope(error + h * k_3)
            error = error + h / 6 * (k_1 + 2 * k_2 + 2 * k_3 + k_4)
            time_s += h
            where = reference[:, :2] + time_s * reference[:, 2:] + 0.5 * time_s**2 * value
            places.append(where + error[:, :2])
    moved = reference[:, :2] + step_s * reference[:, 2:] + 0.5 * step_s**2 * value
    return np.array(places), np.hstack([moved, reference[:, 2:] + step_s * value]), error


def least_distance(places):
    """Return the least distance of two bodies at the given times."""
    n = places.shape[1]
    pairs = [(i, j) for i in range(n) for j in range(i)]
    return min(np.hypot(*(places[:, i] - places[:, j]).T).min() for i, j in pairs)


@pytest.mark.parametrize("step_s", [0.02, 0.1, 0.5])
def test_every_step_is_that_of_the_plain_twin(step_s):
    env = make("crossing-robots", 2, n_robots=5, size_m=12.0, separation_m=2.0, step_s=step_s)
    env.reset(np.array([3, 4]))
    plant, rng = env.scenario.plant, np.random.default_rng(0)
    near = np.full(2, np.inf)
    for _ in range(12):
        before = env.state.real.copy()
        value = rng.uniform(-6, 6, (2, 5, 2))
        wind = rng.choice([-1.0, 1.0, 0.3], (2, env.scenario.n_changes, 10))
        env.disturb(wind)

        step = env.step(acted(value))

        held = np.clip(value, -5, 5)
        for row in range(2):
            places, reference, error = twin_bodies(
                plant, before[row], held[row], wind[row], step_s, 10
            )
            found = env.state.real[row]
            np.testing.assert_allclose(found[:20].reshape(5, 4), reference, rtol=1e-12)
            np.testing.assert_allclose(found[20:40].reshape(5, 4), error, rtol=0, atol=1e-9)
            least = least_distance(places)
            near[row] = min(near[row], least)
            assert env.state.sums[row, swarm.SEPARATION] <= near[row] + 1e-9
            assert env.state.sums[row, swarm.SEPARATION] >= near[row] - 1.5e-3
            assert (step.cost[row, 0] > 0) == (least < 2.0) or abs(least - 2.0) < 1e-3
            goal = found[40:50].reshape(5, 2)
            ways = [
                np.hypot(*(goal - at[:, :2]).T)
                for at in (before[row, :20].reshape(5, 4), reference)
            ]
            np.testing.assert_allclose(step.reward[row, :, 0], ways[0] - ways[1], atol=1e-9)


def test_bodies_that_pass_between_two_samples_are_seen_to_meet():
    """Head on at 24 m/s, 2.4 m past each other in a tenth of a second; and side by side."""
    env = make("crossing-robots", 2, n_robots=2, size_m=60.0)
    env.reset(np.zeros(2, np.int64))
    kept = env.snapshot()
    kept["real"][:, :8] = [-1.0, 0.0, 12.0, 0.0, 1.4, 0.0, -12.0, 0.0]
    kept["real"][1, 5] = 5.1
    env.restore(kept)
    env.disturb(np.zeros((2, 10, 4)))

    step = env.step(acted(np.zeros((2, 2, 2))))

    assert step.cost[:, 0].tolist() == [0.1, 0.0]
    assert env.state.sums[0, swarm.SEPARATION] < 1e-3
    np.testing.assert_allclose(env.state.sums[1, swarm.SEPARATION], 5.1, atol=1e-3)


@pytest.mark.parametrize("attack", ["still", "resonant", "random", "turning"])
def test_no_wind_drives_a_body_out_of_its_tube_and_a_steady_one_gets_to_its_wall(attack):
    env = make("crossing-robots", 1, n_robots=2, disturbance_m_per_s2=3.0, tracking_per_s=1.5)
    env.reset(np.zeros(1, np.int64))
    tube, rng = 3.0 / 1.5**2, np.random.default_rng(0)
    farthest = 0.0
    for k in range(300):
        time_s = 0.1 * k + np.linspace(0, 0.1, 10, endpoint=False)
        wind = {
            "still": np.tile([1.0, 0.0, 0.6, 0.8], (10, 1)),
            "resonant": np.sign(np.sin(np.outer(time_s, [1.5, 1.0, 2.0, 0.5]))),
            "random": rng.uniform(-1, 1, (10, 4)),
            "turning": np.stack([f(s * time_s) for s in (0.3, 1.5) for f in (np.cos, np.sin)], 1),
        }[attack]
        env.disturb(wind[None])
        env.step(acted(np.zeros((1, 2, 2))))
        error = env.state.real[0, 8:16].reshape(2, 4)
        farthest = max(farthest, np.hypot(error[:, 0], error[:, 1]).max())

    assert farthest <= tube * (1 + 1e-12)
    if attack == "still":
        assert farthest > 0.999 * tube


@pytest.mark.parametrize(("layout", "n"), [("circle", 40), ("random", 200), ("circle", 2)])
def test_robots_start_apart_and_at_rest_and_their_goals_lie_apart(layout, n):
    env = make("crossing-robots", 2, n_robots=n, layout=layout)

    env.reset(np.array([7, 8]))

    for row in env.state.real:
        starts, goals = row[: 4 * n].reshape(n, 4), row[8 * n : 10 * n].reshape(n, 2)
        assert not starts[:, 2:].any()
        for places in (starts[None, :, :2], goals[None]):
            assert least_distance(places) >= env.scenario.task.apart - 1e-9
        if layout == "circle":
            np.testing.assert_allclose(goals, -starts[:, :2])
    assert not np.array_equal(*env.state.real)


def test_an_acceleration_is_cut_to_its_circle_and_that_is_what_was_applied():
    env = make("crossing-robots", 1, n_robots=2)
    env.reset(np.zeros(1, np.int64))

    step = env.step(acted(np.array([[[4.0, 4.0], [3.0, -4.0]]])))

    np.testing.assert_allclose(step.applied.value[0, 0], 5.0 / math.sqrt(2.0))
    assert step.applied.value[0, 1].tolist() == [3.0, -4.0]
    assert step.illegal.sum() == 0


def test_an_episode_ends_when_all_are_there_and_tells_who_reached_and_who_is_stuck():
    env = make("crossing-robots", 2, n_robots=2, episode_s=12.0)
    env.reset(np.zeros(2, np.int64))
    kept = env.snapshot()
    kept["real"][0, [0, 1, 4, 5]] = kept["real"][0, 16:20]
    kept["real"][1, [0, 1]] = kept["real"][1, 16:18]
    kept["real"][1, 4:6] = 0.0
    env.restore(kept)

    first = env.step(acted(np.zeros((2, 2, 2))))

    assert first.terminated.tolist() == [True, False]
    assert first.outcome[0, 5] == 1.0
    for _ in range(119):
        last = env.step(acted(np.zeros((2, 2, 2))))
    assert last.truncated[1]
    assert last.outcome[1, [5, 7]].tolist() == [0.5, 1.0]
    np.testing.assert_allclose(last.outcome[1, 6], 60.0, atol=1.0)


def test_a_speed_beyond_its_limit_costs_and_rounding_does_not():
    env = make("crossing-robots", 3, n_robots=2)
    env.reset(np.zeros(3, np.int64))
    kept = env.snapshot()
    kept["real"][:, 2] = [11.9, 12.0 * (1 + 1e-9), 12.1]
    env.restore(kept)

    step = env.step(acted(np.zeros((3, 2, 2))))

    assert step.cost[:, 1].tolist() == [0.0, 0.0, 0.1]


def test_a_robot_sees_the_nearest_others_first():
    env = make("crossing-robots", 1, n_robots=9)
    seen = env.reset(np.array([5])).obs[0]

    places = env.state.real[0, :36].reshape(9, 4)
    for i in range(9):
        away = np.delete(places - places[i], i, axis=0)
        order = np.argsort(np.hypot(away[:, 0], away[:, 1]), kind="stable")[:6]
        ways = np.hypot(away[order, 0], away[order, 1])
        found = seen[i, 4:].reshape(6, 4)
        np.testing.assert_allclose(np.hypot(found[:, 0], found[:, 1]), ways, rtol=1e-6)
    np.testing.assert_allclose(seen[:, :2], -2 * places[:, :2], rtol=1e-6)
