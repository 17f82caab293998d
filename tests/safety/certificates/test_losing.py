# SPDX-License-Identifier: MIT
"""What wrong measurement costs, on shapes and values that can be worked out by hand."""

from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from flyball.core.envelope import Affine
from flyball.safety.certificates.losing import Losses, simplices
from flyball.safety.certificates.mixing import PolytopeBackup
from flyball.safety.certificates.polytopes import Polytope
from flyball.safety.certificates.rational import exact
from tests.safety.certificates.toys import box_of

SQUARE = np.array([[0, 1], [1, 2], [2, 3], [0, 3]])
"""Corners of a box of facets x <= 1, y <= 1, -x <= 1, -y <= 1."""

CORNERS = np.array([[1.0, 1.0], [-1.0, 1.0], [-1.0, -1.0], [1.0, -1.0]])


def affine(a=((1.0, 0.1), (0.0, 1.0)), b=((0.005,), (0.1,))):
    return Affine(0.1, np.array(a), np.array(b), np.zeros(2), np.zeros(2), exact=True)


def losses(values, error, step=None):
    points = [exact(corner) for corner in CORNERS]
    return Losses(points, SQUARE, np.array(values), step or affine(), np.array(error))


def test_a_square_is_two_triangles_and_a_cube_six_simplices():
    cube = np.array([[i, 2 + j, 4 + k] for i in (0, 1) for j in (0, 1) for k in (0, 1)])

    assert list(simplices(SQUARE)) == [(0, 1, 2), (0, 2, 3)]
    found = list(simplices(cube))
    assert len(found) == 6
    assert all(len(set(each)) == 4 and each[0] == 0 for each in found)


def test_a_value_that_never_changes_costs_nothing_where_a_box_stays_a_box():
    assert losses(np.full((4, 1), 0.7), [0.01, 0.02]).of(exact([1.0, 2.0])) == 0


def test_a_value_that_changes_costs_what_it_changes_within_twice_the_error():
    # From 1 at the right to -1 at the left: by 1 for each unit of x, on both triangles.
    own = losses([[1.0], [-1.0], [-1.0], [1.0]], [0.01, 0.02])

    found = own.of(exact([0.0, 1.0]))

    assert float(found) == pytest.approx(0.1 * 2 * 0.01)


def test_of_two_sound_reckonings_the_smaller_counts():
    steep = losses([[100.0], [-100.0], [-100.0], [100.0]], [0.01, 0.02])

    # |F| |a| 2 e for F = (0, 1)
    assert float(steep.of(exact([0.0, 1.0]))) == pytest.approx(2 * 0.02)


def test_a_turn_costs_what_the_box_around_it_is_wider():
    turn = affine(a=((0.0, 1.0), (-1.0, 0.0)))
    own = losses(np.zeros((4, 1)), [0.01, 0.01], turn)

    assert own.of(exact([1.0, 0.0])) == 0
    shear = affine(a=((1.0, 1.0), (1.0, -1.0)))
    # F = (1, 1): F a = (2, 0), but |F| |a| = (2, 2).
    found = losses(np.zeros((4, 1)), [0.01, 0.01], shear).of(exact([1.0, 1.0]))
    assert float(found) == pytest.approx(2 * 0.01)


def test_without_an_error_nothing_is_lost():
    own = losses([[100.0], [-100.0], [-100.0], [100.0]], [0.0, 0.0])

    assert own.of(exact([3.0, -2.0])) == Fraction(0)


NUMBER = st.floats(-1.0, 1.0, allow_subnormal=False)


@given(
    st.lists(NUMBER, min_size=4, max_size=4),
    st.tuples(NUMBER, NUMBER),
    st.tuples(NUMBER, NUMBER),
    st.tuples(NUMBER, NUMBER),
)
def test_no_two_points_within_twice_the_error_have_values_further_apart_than_is_reckoned(
    values, point, way, normal
):
    error = np.array([0.1, 0.2])
    facets, bounds = box_of([-1.0, -1.0], [1.0, 1.0])
    own = np.array(values)[:, None]
    # Corners of SQUARE in the order of the facets of `box_of`: x <= 1, y <= 1, -x <= 1, -y <= 1.
    backup = PolytopeBackup(
        Polytope(facets, bounds, SQUARE, own), np.array([-1.0]), np.array([1.0])
    )
    other = np.clip(np.array(point) + 2 * error * np.array(way), -1.0, 1.0)
    two = np.array([point, other])
    one, another = backup.value(two, two)[:, 0]
    step = affine(a=((1e3, 0.0), (0.0, 1e3)))  # so that the other reckoning is never the smaller

    most = float(losses(own, error, step).of(exact(normal)))

    pushed = np.array(normal) @ step.b[:, 0]
    assert abs(pushed * (one - another)) <= most + 1e-9
