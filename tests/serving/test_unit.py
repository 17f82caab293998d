# SPDX-License-Identifier: MIT
"""One unit: what a request may be, and what is remembered between two of them."""

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from flyball.core.decision import Arm, Request
from flyball.serving.lineup import Lineup
from flyball.serving.reply import hash_of
from flyball.serving.unit import Unit, faults, in_force, misnamed
from tests.serving.stand import SPEC, Counting, Stand

SITE = Stand().site
HASH = hash_of(SPEC)


def request(**parts):
    given = {"decision_id": "d", "unit": "u", "at_s": 1.0, "obs": [0.5], "signals": [0.5]}
    return Request(**{**given, **parts})


def unit():
    return Unit("u", SITE, Stand().server._keeper())


def lineup(champion, challenger=None, share=0.0):
    own = () if challenger is None else (challenger,)
    return Lineup(
        fallback=Counting("rule"), champion=champion, challengers=own, shares=(share,) * len(own)
    )


def test_a_request_that_says_the_least_and_one_that_says_everything_are_both_good():
    full = request(age_s=[0.0], quality=[True], start=True, block="b", applied=[None], spec=HASH)

    assert faults(request(), SITE, HASH) == []
    assert faults(full, SITE, HASH) == []


@pytest.mark.parametrize(
    ("part", "value"),
    [
        ("obs", []), ("obs", [0.0, 1.0]), ("signals", []), ("signals", [None, None]),
        ("age_s", [0.0, 0.0]), ("quality", [True, True]), ("mask", [True]), ("applied", [0.0, 0.0]),
        ("decision_id", ""), ("unit", "a\nb"), ("unit", "u" * 129), ("block", "\x00"),
        ("at_s", float("nan")), ("at_s", float("inf")), ("spec", "0" * 64),
    ],
)  # fmt: skip
def test_each_part_that_cannot_be_is_named(part, value):
    (problem,) = faults(request(**{part: value}), SITE, HASH)

    assert problem.where == f"request {part}"
    assert problem.found
    assert problem.allowed
    assert problem.fix


@given(st.text(max_size=140))
def test_a_name_is_1_to_128_printable_characters(text):
    good = 1 <= len(text) <= 128 and text.isprintable()

    assert (misnamed("unit", text) == []) == good


def test_what_was_not_measured_is_no_number_and_what_is_not_said_is_good():
    own = unit()

    own.see(request(signals=[None], age_s=[3.0], quality=[False]))
    assert np.isnan(own.observation.signals[0, 0])
    assert (own.observation.age_s[0, 0], own.observation.quality[0, 0]) == (3.0, False)
    own.see(request(signals=[2.0]))

    assert own.observation.signals[0, 0] == 2.0
    assert (own.observation.age_s[0, 0], own.observation.quality[0, 0]) == (0.0, True)


def test_what_no_float32_can_hold_is_infinite_to_a_policy():
    own = unit()

    own.see(request(obs=[-1e300]))

    assert own.observation.obs[0, 0, 0] == -np.inf


def test_every_pilot_has_its_own_memory_and_a_new_episode_begins_without():
    own, first, second = unit(), Counting("p1"), Counting("p2")
    own.see(request())
    own.begin(request(), lineup(first, second))
    for pilot in (first, first, second, first):
        own.propose(pilot)

    own.begin(request(), lineup(first, second))
    own.propose(first)

    assert (first.asked, second.asked) == ([1, 2, 3, 1], [1])


def test_a_block_without_a_name_is_the_episode_of_the_unit():
    own = unit()

    own.begin(request(), lineup(Counting("p")))
    assert own.block == "u 1"
    own.begin(request(block="shift 7"), lineup(Counting("p")))
    assert own.block == "shift 7"
    own.begin(request(), lineup(Counting("p")))

    assert own.block == "u 3"


def test_whoever_left_the_field_leaves_the_block_and_spoils_it():
    own, champion, challenger = unit(), Counting("p"), Counting("q")
    own.begin(request(), lineup(champion, challenger, 1.0))
    assert own.arm == Arm.CHALLENGER

    own.settle(lineup(champion))

    assert (own.arm, own.pilot, own.tally.switched) == (Arm.CHAMPION, champion, True)


def test_whoever_was_promoted_keeps_the_block_and_it_stays_evidence():
    own, champion, challenger = unit(), Counting("p"), Counting("q")
    own.begin(request(), lineup(champion, challenger, 1.0))

    own.settle(lineup(challenger))

    assert (own.arm, own.pilot, own.tally.switched) == (Arm.CHAMPION, challenger, False)


def test_a_swap_that_leaves_the_pilot_where_it_was_changes_nothing():
    own, champion = unit(), Counting("p")
    own.begin(request(), lineup(champion))

    own.settle(replace(lineup(champion), generation=9))

    assert (own.arm, own.pilot, own.tally.switched) == (Arm.CHAMPION, champion, False)


def test_what_is_in_force_is_what_was_applied_last_whatever_number_it_was():
    assert in_force(None) is None
    assert in_force({"applied": [0.1, -0.0]}).tolist() == [0.1, -0.0]
    assert np.isnan(in_force({"applied": ["nan"]})).all()
