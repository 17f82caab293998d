# SPDX-License-Identifier: MIT
"""Limits are told as people ask for them; the command itself stands in its own test."""

from flyball.cli import stating
from flyball.core.errors import Problem
from flyball.core.limits import Box


def box(name="n", high=1.0, **more):
    return Box(name=name, unit="%", value="v", low=0.0, high=high, **more)


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


def test_what_a_gate_refuses_is_told_with_the_reason_and_the_way_out():
    refused = Problem(where="limit 'well'", found="0 to 0.5", allowed="below 0.4", fix="prove it")

    lines = list(stating.in_words([box("well", source="s", owner="o")], "f", [refused]))

    assert lines[0] == "f: good, BUT REFUSED BY A GATE, 1 limit"
    assert lines[-3:] == [
        "  limit 'well'",
        "      found: 0 to 0.5; allowed: below 0.4",
        "      fix: prove it",
    ]
