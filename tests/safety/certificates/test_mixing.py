# SPDX-License-Identifier: MIT
"""Mixtures of corners against what they must be, and the backup against attackers."""

from functools import cache

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from flyball.core.envelope import Affine
from flyball.safety.certificates.mixing import PolytopeBackup, mixed
from flyball.safety.certificates.narrowing import Search, proved
from flyball.safety.certificates.polytopes import Plant
from tests.safety.certificates.toys import Carriage, Stepped, attacked, box_of, carriage_search

ONE = np.ones(1)
ERROR = np.array([0.004, 0.006])


@cache
def of_carriage(wind=0.1, share=1.0):
    carriage, error = Carriage(wind=wind), share * ERROR
    search = carriage_search(carriage, 0.1)._replace(error=error)
    plant = Plant(search.within[-1], carriage, error, search.low, search.high)
    return PolytopeBackup(proved(search, plant), search.low, search.high)


@cache
def of_dead_time():
    a = np.array([[1.1, 0.4, 0.0], [0.0, 0.0, 1.0], [0.0, 0.0, 0.0]])
    affine = Affine(
        1.0, a, np.array([[0.0], [0.0], [1.0]]), np.zeros(3), np.array([0.02, 0, 0]), exact=True
    )
    search = Search((affine,), *box_of([-1.0] * 3, [1.0] * 3), -ONE, ONE, np.zeros(3), 0.95)
    model = Stepped(affine, [-1.0] * 3, [1.0] * 3)
    return PolytopeBackup(proved(search, Plant(affine, model, np.zeros(3), -ONE, ONE)), -ONE, ONE)


def states_in(backup, n, rng, *, border=False):
    """Return states of the polytope, mixed of random corners; on its border if asked for."""
    points = rng.dirichlet(np.full(len(backup.points), 0.3), n) @ backup.points
    if border:
        middle = backup.points.mean(0)
        ahead = points - middle
        room = backup.polytope.bounds - backup.polytope.facets @ middle
        speed = ahead @ backup.polytope.facets.T
        points = middle + ahead * np.where(
            speed > 0, room / np.where(speed > 0, speed, 1), np.inf
        ).min(1, keepdims=True)
    return points


@pytest.mark.parametrize("make", [of_carriage, of_dead_time])
@pytest.mark.parametrize("border", [False, True])
def test_shares_are_a_mixture_that_gives_the_point_back(make, border):
    backup = make()
    share = np.empty(len(backup.points))
    for point in states_in(backup, 500, np.random.default_rng(0), border=border):
        found = mixed(
            backup.polytope.facets,
            backup.polytope.bounds,
            backup.points,
            backup.on,
            point.copy(),
            share,
        )

        assert found
        assert (share >= 0.0).all()
        assert share.sum() == pytest.approx(1.0, abs=1e-12)
        assert (share > 0.0).sum() <= len(point) + 1
        np.testing.assert_allclose(share @ backup.points, point, rtol=0, atol=1e-10)


def test_a_corner_has_its_own_value():
    backup = of_carriage()

    found = backup.value(backup.points, backup.points)

    np.testing.assert_allclose(found, backup.polytope.values, atol=1e-6)


def test_the_margin_of_a_box_is_that_of_its_worst_corner():
    backup, rng = of_carriage(), np.random.default_rng(1)
    low = rng.uniform(-1.0, 0.9, (200, 2))
    high = low + rng.uniform(0.0, 0.2, (200, 2))

    found = backup.margin(low, high)

    for row in range(200):
        corners = [[(low, high)[i][row, 0], (low, high)[j][row, 1]] for i in (0, 1) for j in (0, 1)]
        each = backup.polytope.bounds - np.array(corners) @ backup.polytope.facets.T
        assert found[row] == pytest.approx(each.min(), abs=1e-12)
    assert (found < 0).any()
    assert (found > 0).any()


@pytest.mark.parametrize("wrong", [np.nan, np.inf, -np.inf])
def test_what_is_no_number_is_outside_and_gets_no_value(wrong):
    backup = of_carriage()
    low, high = np.array([[0.0, wrong]]), np.array([[0.1, wrong]])

    assert not (backup.margin(low, high) >= 0.0).any()
    assert np.isnan(backup.value(low, high)).all()


def test_a_box_that_is_inside_out_is_outside_and_gets_no_value():
    backup = of_carriage()
    low, high = np.array([[0.1, 0.0]]), np.array([[0.0, 0.1]])

    assert not backup.margin(low, high)[0] >= 0.0
    assert np.isnan(backup.value(low, high)).all()


ANY = arrays(np.float64, (3, 2, 2), elements=st.floats(allow_nan=True, allow_infinity=True))


@settings(deadline=None)
@given(ANY)
def test_whatever_is_asked_the_answer_is_within_the_range_or_none(ends):
    backup = of_carriage()
    low, high = ends[:, 0].copy(), ends[:, 1].copy()

    margin, value = backup.margin(low, high), backup.value(low, high)

    assert (np.isnan(value) | (np.abs(value) <= 1.0)).all()
    assert np.isfinite(value)[margin >= 0.0].all()


def test_a_state_outside_gets_the_value_of_the_nearest_inside():
    backup = of_carriage()

    found = backup.value(np.array([[3.0, 0.0], [-3.0, 0.0]]), np.array([[3.0, 0.0], [-3.0, 0.0]]))

    assert found[0, 0] < 0.0 < found[1, 0]


@pytest.mark.parametrize("border", [False, True])
def test_no_attacker_within_the_bounds_breaks_what_is_proved(border):
    backup = of_carriage()
    start = states_in(backup, 3000, np.random.default_rng(2), border=border)

    worst = attacked(Carriage(), backup, start, ERROR, 0.1, 100, np.random.default_rng(5))

    assert worst <= 0.0


def test_attackers_with_twice_the_disturbance_find_a_breach():
    backup = of_carriage(wind=0.2, share=0.0)
    start = states_in(backup, 3000, np.random.default_rng(2), border=True)

    rng, exact = np.random.default_rng(5), np.zeros(2)
    worst = attacked(Carriage(wind=0.4), backup, start, exact, 0.1, 100, rng)

    assert worst > 0.0
