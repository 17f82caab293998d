# SPDX-License-Identifier: MIT
"""The exact check of a polytope on shapes and plants that can be worked out by hand."""

from dataclasses import replace

import numpy as np
import pytest

from flyball.core.envelope import Affine, Reach
from flyball.safety.certificates.polytopes import (
    Corner,
    Plant,
    Polytope,
    corners,
    facets_of,
    incomplete,
    refuted,
    smallest_margin,
)
from tests.safety.certificates.toys import Stepped, box_of, unstable

ONE = np.ones(1)


def square(meets=((0, 1), (1, 2), (2, 3), (0, 3))):
    facets, bounds = box_of([-1.0, -1.0], [1.0, 1.0])
    return Polytope(facets, bounds, np.array(meets), np.zeros((len(meets), 1)))


def gap(polytope):
    facets = facets_of(polytope)
    found = list(corners(facets, polytope.meets))
    wrong = [each for each in found if not isinstance(each, Corner)]
    return wrong[0] if wrong else incomplete(facets, found)


def interval(most, values=(-1.0, 1.0)):
    return Polytope(
        np.array([[1.0], [-1.0]]),
        np.array([most, most]),
        np.array([[0], [1]]),
        np.array([values]).T,
    )


def plant(affine, model, error=0.0):
    return Plant(affine, model, np.full(len(affine.c), error), -ONE, ONE)


def test_four_corners_are_all_that_a_square_has():
    assert gap(square()) == ""


@pytest.mark.parametrize(
    ("meets", "words"),
    [
        (((0, 1), (1, 2), (2, 3)), "corner (0, 3) is missing"),
        (((0, 1), (1, 2), (2, 3), (0, 3), (1, 0)), "missing or doubled"),
        (((0, 1), (1, 2), (2, 3), (0, 3), (0, 2)), "meet in no point"),
        ((), "missing or doubled"),
    ],
)
def test_a_corner_too_few_or_too_many_is_found(meets, words):
    shape = square(meets) if meets else square()._replace(meets=np.zeros((0, 2), np.int64))

    assert words in gap(shape)


def test_a_point_outside_is_no_corner():
    facets, bounds = box_of([-1.0, -1.0], [1.0, 1.0])
    cut = Polytope(
        np.concatenate((facets, [[1.0, 1.0]])),
        np.append(bounds, 1.5),
        square().meets,
        np.zeros((4, 1)),
    )

    assert "corner (0, 1) is not strictly within facet 4" in gap(cut)


def test_a_strip_without_end_is_no_polytope():
    facets = np.array([[1.0, 0.0], [0.0, 1.0], [0.0, -1.0]])
    strip = Polytope(facets, np.ones(3), np.array([[0, 1], [0, 2]]), np.zeros((2, 1)))

    assert "has no end" in gap(strip)


def test_three_facets_through_one_corner_are_refused():
    facets, bounds = box_of([-1.0, -1.0], [1.0, 1.0])
    touching = Polytope(
        np.concatenate((facets, [[1.0, 1.0]])),
        np.append(bounds, 2.0),
        square().meets,
        np.zeros((4, 1)),
    )

    assert gap(touching) != ""


def test_the_interval_of_an_unstable_plant_is_proved_up_to_its_known_end_and_no_further():
    affine, model, most = unstable()

    assert refuted(interval(most * (1 - 1e-7), (-1.0, 1.0)), plant(affine, model)) == ""
    assert "out of facet" in refuted(interval(most * (1 + 1e-7)), plant(affine, model))


def test_an_error_of_measurement_costs_what_the_value_changes_within_it():
    # The value goes from 1 to -1 over 2 m, so by e / m within e: m / 2 - 0.8 + 2 e / m <= 0.
    affine, model, _ = unstable()
    most = 0.8 + np.sqrt(0.8**2 - 4 * 0.01)

    assert refuted(interval(most * (1 - 1e-6)), plant(affine, model, 0.01)) == ""
    assert "out of facet" in refuted(interval(most * (1 + 1e-6)), plant(affine, model, 0.01))


def test_where_the_value_changes_a_lot_an_error_costs_twice_its_growth_and_no_more():
    # x' = x / 2 + 2 u, u = -0.4 x: within 2 e the value moves x by 1.6 e, and x itself by e. The
    # corner at 1 goes to -0.3, so 0.3 + e <= 1.
    one = np.ones((1, 1))
    affine = Affine(1.0, 0.5 * one, 2.0 * one, np.zeros(1), np.zeros(1), exact=True)
    model = Stepped(affine, [-10.0], [10.0])
    own = interval(1.0, (-0.4, 0.4))

    assert refuted(own, plant(affine, model, 0.69)) == ""
    assert "out of facet" in refuted(own, plant(affine, model, 0.71))


def test_twice_the_disturbance_is_refused():
    _, _, most = unstable()
    affine, model, _ = unstable(wind=0.4)

    assert "out of facet" in refuted(interval(most * 0.99), plant(affine, model))


def test_a_facet_moved_outwards_is_refused():
    affine, model, most = unstable()
    loose = interval(most * 0.99)._replace(bounds=np.array([most * 0.99, most * 1.02]))

    assert refuted(loose, plant(affine, model)) != ""


def test_values_beyond_their_range_are_refused():
    affine, model, most = unstable()

    assert "out of its range" in refuted(interval(most, (-1.5, 1.5)), plant(affine, model))


def test_a_limit_that_breaks_on_the_way_is_found():
    affine, _, most = unstable()
    tight = Stepped(affine, [-1.0], [10.0])

    assert "can break within the step" in refuted(interval(most * 0.99), plant(affine, tight))
    assert smallest_margin(interval(most * 0.99), plant(affine, tight)) < 0.0


def test_a_margin_that_is_no_number_is_a_breach():
    affine, model, most = unstable()

    class Blind:
        def reach(self, low, high, *_):
            return Reach(low, high, np.full(len(low), np.nan))

    assert "can break within the step" in refuted(interval(most * 0.99), plant(affine, Blind()))
    assert refuted(interval(most * 0.99), plant(affine, model)) == ""


@pytest.mark.parametrize("wind", [0.1, 0.3])
def test_models_that_disagree_are_refused_whichever_goes_further(wind):
    affine, _, most = unstable(wind=0.2)
    _, other, _ = unstable(wind=wind)

    assert "disagree" in refuted(interval(most * 0.9), plant(affine, other))


def test_a_delay_outside_of_the_state_is_refused():
    affine, model, most = unstable()
    late = replace(affine, delay=1)

    assert "delay" in refuted(interval(most * 0.9), plant(late, model))


def test_what_follows_is_looked_at_as_a_box():
    # x' = (x + y, y - x) / 4 turns a box of error e; the box around it is wider than itself.
    a = np.array([[0.25, 0.25], [-0.25, 0.25]])
    affine = Affine(1.0, a, np.zeros((2, 1)), np.zeros(2), np.zeros(2), exact=True)
    model = Stepped(affine, [-9.0, -9.0], [9.0, 9.0])
    facets = np.array([[1.0, 1.0], [-1.0, -1.0], [1.0, -1.0], [-1.0, 1.0]])
    diamond = Polytope(
        facets, np.ones(4), np.array([[0, 2], [0, 3], [1, 2], [1, 3]]), np.zeros((4, 1))
    )

    # From a corner |x| + |y| = 1/2 is reached, and the box has e / 2 more than its image.
    assert refuted(diamond, plant(affine, model, 0.99)) == ""
    assert "out of facet" in refuted(diamond, plant(affine, model, 1.01))


def test_a_plant_that_does_not_say_that_it_is_linear_is_refused():
    affine, model, most = unstable()

    found = refuted(interval(most * 0.9), plant(replace(affine, exact=False), model))

    assert found == "a linear step that may only enclose the plant"


class Bent(Stepped):
    """Says what a linear plant says at the ends of the interval, and bends in between."""

    def __init__(self, affine, most, *, margin, place):
        super().__init__(affine, [-10.0], [10.0])
        self.most, self.own = most, (margin, place)

    def reach(self, low, high, value, step_s):
        found = super().reach(low, high, value, step_s)
        inside = np.maximum(0.0, 1.0 - (0.5 * (low + high)[:, 0] / self.most) ** 2)
        margin, place = self.own
        off = place * inside[:, None]
        return Reach(found.low - off, found.high + off, found.margin - margin * inside)


@pytest.mark.parametrize(
    ("margin", "place", "words"),
    [
        (0.0, 0.0, ""),
        (0.0, 0.5, "the two models of the step disagree"),
        (1.0, 0.0, "margins between the corners are smaller"),
    ],
)
def test_what_bends_between_the_corners_is_refused_though_it_says_that_it_is_linear(
    margin, place, words
):
    affine, _, most = unstable()
    bent = Bent(affine, 0.9 * most, margin=margin, place=place)

    found = refuted(interval(most * 0.9), plant(affine, bent))

    assert found.startswith(words)
    assert bool(found) == bool(words)
