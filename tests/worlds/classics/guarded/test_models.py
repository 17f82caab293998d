# SPDX-License-Identifier: MIT
"""What a model is to `safety`; the bounds themselves are tested with each plant."""

import dataclasses

import numpy as np
import pytest

from flyball.worlds.classics.guarded import envelope, scenario

NAMES = ("double-integrator", "inverted-pendulum", "two-tanks")
INSIDE = {"two-tanks": 0.3}


@pytest.mark.parametrize("name", NAMES)
def test_no_time_changes_nothing_and_more_disturbance_reaches_further(name):
    problem = scenario(name)
    model = envelope(problem).model
    at = np.full((1, 2), INSIDE.get(name, 0.05))
    value = np.zeros((1, problem.rules.low.shape[1]))
    wilder = problem.plant._replace(disturbance=2.0 * problem.plant.disturbance)

    now, then = model.reach(at, at, value, 0.0), model.reach(at, at, value, 0.1)
    wild = dataclasses.replace(model, plant=wilder).reach(at, at, value, 0.1)

    np.testing.assert_allclose(now.low, at, atol=1e-8)
    np.testing.assert_allclose(now.high, at, atol=1e-8)
    assert (wild.low < then.low).all()
    assert (wild.high > then.high).all()
    assert wild.margin < then.margin < now.margin


@pytest.mark.parametrize("name", NAMES)
def test_boxes_within_boxes_reach_within_and_keep_at_least_the_margin(name):
    problem = scenario(name)
    model, rng = envelope(problem).model, np.random.default_rng(0)
    rules = problem.rules
    middle = INSIDE.get(name, 0.0) + rng.uniform(-0.2, 0.2, (500, 2))
    value = rng.uniform(rules.low[0], rules.high[0], (500, rules.low.shape[1]))

    wide = model.reach(middle - 0.02, middle + 0.02, value, 0.2)
    narrow = model.reach(middle - 0.01, middle + 0.015, value, 0.2)

    assert (wide.low <= narrow.low).all()
    assert (narrow.high <= wide.high).all()
    assert (wide.margin <= narrow.margin + 1e-4).all()


def test_a_value_beyond_its_range_counts_as_the_nearest_bound():
    for name in NAMES:
        problem = scenario(name)
        model, at = envelope(problem).model, np.full((1, 2), INSIDE.get(name, 0.0))

        bound, beyond = (model.reach(at, at, k * problem.rules.high, 0.1) for k in (1.0, 5.0))

        for one, two in zip(bound, beyond, strict=True):
            np.testing.assert_array_equal(one, two)


@pytest.mark.parametrize("name", NAMES)
def test_the_form_for_compiled_code_says_the_same_bit_for_bit(name):
    problem = scenario(name)
    model, rng = envelope(problem).model, np.random.default_rng(2)
    middle = INSIDE.get(name, 0.0) + rng.uniform(-0.2, 0.2, (50, 2))
    value = rng.uniform(
        problem.rules.low[0], problem.rules.high[0], (50, problem.rules.low.shape[1])
    )
    function, numbers = model.inner_reach

    found = function(type(numbers)(*numbers), middle - 0.01, middle + 0.01, value, 0.2)

    assert type(found) is tuple
    for one, two in zip(found, model.reach(middle - 0.01, middle + 0.01, value, 0.2), strict=True):
        np.testing.assert_array_equal(one, two)
