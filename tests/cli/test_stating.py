# SPDX-License-Identifier: MIT
"""Limits are told as people ask for them; the command itself stands in its own test."""

import pytest

from flyball.cli import stating
from flyball.core.errors import ConfigError
from flyball.core.limits import Barrier, Box, Linear


def box(name="n", high=1.0, **more):
    return Box(name=name, unit="%", value="v", low=0.0, high=high, **more)


def test_a_limit_that_a_file_and_a_plant_state_alike_stands_once():
    own = (box("a"), box("b"))

    found = stating.together((box("b"), box("a", high=0.5)), own)

    assert found == (box("b"), box("a", high=0.5), box("a"))


def test_only_severities_that_occur_are_told_and_who_is_missing_is_named():
    soft = box("s", severity="soft", price=2.0, source="study", owner="me")

    lines = list(stating.in_words([soft, box("bare")], "f"))

    assert lines == [
        "f: good, 2 limits",
        "\nhard: never broken",
        "  bare",
        "      v stays between 0 and 1 %",
        "\nsoft: broken at a price, and counted",
        "  s",
        "      v stays between 0 and 1 %",
        "      price 2 for each %",
        "      study; owner me",
        "\nnote: without source or owner: bare",
    ]


def test_barriers_are_checked_with_the_plant_that_predicts_their_signals():
    known = stating.surroundings("classics/double-integrator")
    ahead = Barrier(name="n", unit="m", signals={"position": 1.0}, bound=3.0)

    stating.check([ahead], known, "f")

    with pytest.raises(ConfigError, match="f: limit 'n'"):
        stating.check([ahead], known._replace(plant=None), "f")


def test_no_action_is_found_among_sums_too():
    known = stating.surroundings("classics/double-integrator")
    sums = [
        Linear(name=name, unit="m/s2", values={"acceleration": weight}, bound=-0.5)
        for name, weight in (("up", -1.0), ("down", 1.0))
    ]

    with pytest.raises(ConfigError, match="f: limit 'up' and limit 'down': no action keeps them"):
        stating.check([box_of_rail(), *sums], known, "f")


def box_of_rail():
    return Box(name="fine", unit="m/s2", value="acceleration", low=-1.0, high=1.0)
