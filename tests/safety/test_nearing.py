# SPDX-License-Identifier: MIT
import numpy as np
import pytest

from flyball.core.envelope import Bodies
from flyball.safety.nearing import Nearing

BODIES = Bodies(n=5, n_dims=2, acceleration=5.0, speed=12.0, separation=5.0, tube=0.2)


def barrier(p, v, braking, least=5.4):
    """Return h of two bodies at distance p (2,) with relative speed v (2,)."""
    gap = np.linalg.norm(p)
    return np.sqrt(2 * 2 * braking * (gap - least)) + p @ v / gap


@pytest.mark.parametrize("seed", range(20))
def test_on_the_border_of_its_rows_a_pair_uses_its_barrier_up_at_the_stated_rate(seed):
    rng = np.random.default_rng(seed)
    bodies = Bodies(n=2, n_dims=2, acceleration=5.0, speed=12.0, separation=5.0, tube=0.2)
    near = Nearing(bodies, n_envs=1, gamma=1.5, share=0.6)
    place, speed = rng.normal(0, 15, (2, 2)), rng.normal(0, 3, (2, 2))
    if np.linalg.norm(place[0] - place[1]) < 6.0:
        place[1] += 20.0
    rows = near(np.concatenate((place, speed), 1).reshape(1, -1))
    # Accelerations that both lie exactly on their row.
    push = np.array([rows.row[i, 0] * rows.bound[i, 0] for i in range(2)])
    p, v, a, dt = place[0] - place[1], speed[0] - speed[1], push[0] - push[1], 1e-6

    h = [barrier(p + v * t + 0.5 * a * t * t, v + a * t, 3.0) for t in (-dt, 0.0, dt)]

    assert (h[2] - h[0]) / (2 * dt) == pytest.approx(-1.5 * h[1], rel=1e-4, abs=1e-4)


def test_the_nearest_neighbours_are_looked_at():
    near = Nearing(BODIES, n_envs=1, n_near=2)
    place = np.array([[0, 0], [10, 0], [0, 20], [300, 0], [0, 400]], float)
    rows = near(np.concatenate((place, np.zeros((5, 2))), 1).reshape(1, -1))

    np.testing.assert_allclose(rows.row[0], [[1.0, 0.0], [0.0, 1.0]], atol=1e-12)
    assert np.isfinite(rows.bound).all()


def test_what_is_no_number_gives_no_row():
    near = Nearing(BODIES, n_envs=1)

    rows = near(np.full((1, 20), np.nan))

    assert (rows.bound == np.inf).all()
    assert not rows.row.any()
