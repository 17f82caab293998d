# SPDX-License-Identifier: MIT
"""Limits of a site beside those of a plant; the command that tells them stands in its own test."""

import pytest

from flyball.core.errors import ConfigError
from flyball.core.limits import Barrier, Box, Clamp, Linear, Rate
from flyball.experiments import site

TANKS = site.surroundings("classics/two-tanks")


def box(name="n", high=1.0, **more):
    return Box(name=name, unit="%", value="v", low=0.0, high=high, **more)


def test_a_limit_that_a_file_and_a_plant_state_alike_stands_once():
    own = (box("a"), box("b"))

    found = site.together((box("b"), box("a", high=0.5)), own)

    assert found == (box("b"), box("a", high=0.5), box("a"))


def test_barriers_are_checked_with_the_plant_that_predicts_their_signals():
    known = site.surroundings("classics/double-integrator")
    ahead = Barrier(name="n", unit="m", signals={"position": 1.0}, bound=3.0)

    site.check([ahead], known, "f")

    with pytest.raises(ConfigError, match="f: limit 'n'"):
        site.check([ahead], known._replace(plant=None), "f")


def test_no_action_is_found_among_sums_too():
    known = site.surroundings("classics/double-integrator")
    sums = [
        Linear(name=name, unit="m/s2", values={"acceleration": weight}, bound=-0.5)
        for name, weight in (("up", -1.0), ("down", 1.0))
    ]

    with pytest.raises(ConfigError, match="f: limit 'up' and limit 'down': no action keeps them"):
        site.check([box_of_rail(), *sums], known, "f")


def box_of_rail():
    return Box(name="fine", unit="m/s2", value="acceleration", low=-1.0, high=1.0)


def refused(*limits, known=TANKS):
    return [str(each) for each in site.unproved(site.together(limits, known.limits), known)]


def test_a_plant_s_own_limits_are_proved_and_a_clamp_needs_no_proof():
    clamp = Clamp(name="shift", unit="l/s", value="first_flow", low=0.0, high=0.1)

    assert refused() == []
    assert refused(clamp) == []


def test_a_hard_limit_that_no_proof_knows_is_named_with_the_reason():
    slow = Rate(name="surge", unit="l/s", value="first_flow", fall=0.1, rise=0.1, each="second")
    narrow = Box(name="pipe", unit="l/s", value="first_flow", low=0.0, high=0.2)

    found = refused(slow, narrow)

    assert len(found) == 2
    assert "limit 'surge': a backup that does not know of this kind of limit" in found[0]
    assert "limit 'pipe': 0 to 0.25; allowed: first_flow stays between 0 and 0.2 l/s" in found[1]


def test_where_a_plant_states_nothing_there_is_no_gate_to_refuse_anything():
    pole = site.surroundings("classics/pendulum")
    (value,) = pole.values
    half = Box(name="half", unit=value.unit, value=value.name, low=0.0, high=value.high)

    assert refused(half, known=pole) == []
