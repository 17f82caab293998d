# SPDX-License-Identifier: MIT
import math

import pytest

from flyball.worlds.classics.guarded import envelope, scenario


@pytest.mark.parametrize("n", [2, 40, 300])
def test_a_circle_is_large_enough_for_its_robots(n):
    problem = scenario("crossing-robots", n_robots=n)

    chord = 2.0 * problem.task.size * math.sin(math.pi / n)

    assert chord >= problem.task.apart > 5.0 + 2 * 0.5


def test_two_hundred_robots_cross_in_a_square_kilometre():
    problem = scenario("crossing-robots", n_robots=200, layout="random")

    assert problem.task.size == pytest.approx(1000.0)
    assert problem.n_winds == 400


def test_the_bodies_of_the_envelope_are_those_of_the_plant():
    problem = scenario("crossing-robots", n_robots=3, disturbance_m_per_s2=1.0, tracking_per_s=2.0)

    bodies = envelope(problem).bodies

    assert (bodies.n, bodies.n_dims, bodies.tube) == (3, 2, 0.25)
    assert (bodies.acceleration, bodies.speed, bodies.separation) == (5.0, 12.0, 5.0)
    names = [signal.name for signal in problem.spec.signals]
    assert names[:5] == ["x_0", "y_0", "speed_x_0", "speed_y_0", "x_1"]
    assert envelope(problem).signals == tuple(names)
