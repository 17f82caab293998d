# SPDX-License-Identifier: MIT
"""Barriers on a tank with a dead time, against the plain recursion and the worst case."""

import numpy as np
import pytest

from flyball.core.envelope import Affine
from flyball.core.limits import Barrier
from flyball.safety.barriers import ahead_of, predict, row_of

NAMES = ("level", "flow")
AFFINE = Affine(
    step_s=60.0,
    a=np.array([[1.0, 0.3], [0.0, 0.8]]),
    b=np.array([[0.05], [0.2]]),
    c=np.array([-0.1, 0.02]),
    spread=np.array([0.03, 0.01]),
    delay=3,
)
LIMIT = Barrier(name="full", unit="m", bound=4.0, signals={"level": 1.0, "flow": 0.2}, gamma=0.4)


def step(x, u, w):
    return AFFINE.a @ x + AFFINE.b @ u + AFFINE.c + w


def h(x):
    return LIMIT.bound - LIMIT.signals["level"] * x[0] - LIMIT.signals["flow"] * x[1]


@pytest.mark.parametrize("seed", range(5))
def test_the_row_is_the_worst_case_of_the_barrier_exactly(seed):
    rng = np.random.default_rng(seed)
    weight, by, bound = row_of(LIMIT, AFFINE, NAMES)
    x, u = rng.normal(size=2), rng.normal(size=1)
    corners = [AFFINE.spread * np.array([i, j]) for i in (-1, 1) for j in (-1, 1)]

    worst = min(h(step(x, u, w)) - (1.0 - LIMIT.gamma) * h(x) for w in corners)

    assert bound - by @ x - weight @ u == pytest.approx(worst, abs=1e-12)


@pytest.mark.parametrize("seed", range(5))
def test_the_state_after_the_dead_time_lies_within_the_predicted_error(seed):
    rng = np.random.default_rng(seed)
    ahead = ahead_of(AFFINE, (0, 1))
    queue, error = rng.normal(size=(3, 1)), np.array([0.02, 0.05])
    x = rng.normal(size=2)
    found = predict(*ahead[1:], np.array([x, error]), queue)

    for _ in range(200):
        true = x + error * rng.choice([-1, 1], 2)
        for own in queue:
            true = step(true, own, AFFINE.spread * rng.choice([-1, 1], 2))
        assert (np.abs(true - found[0]) <= found[1] + 1e-12).all()
    middle = x
    for own in queue:
        middle = step(middle, own, np.zeros(2))
    np.testing.assert_allclose(found[0], middle, atol=1e-12)


def test_without_dead_time_the_prediction_is_the_measurement():
    affine = Affine(60.0, AFFINE.a, AFFINE.b, AFFINE.c, AFFINE.spread)
    known = np.array([[1.0, 2.0], [0.1, 0.2]])

    found = predict(*ahead_of(affine, (0, 1))[1:], known, np.zeros((0, 1)))

    np.testing.assert_array_equal(found, known)
