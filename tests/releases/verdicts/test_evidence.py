# SPDX-License-Identifier: MIT
import math
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from flyball.core.errors import InvariantError
from flyball.releases.verdicts.assigning import CHAMPION
from flyball.releases.verdicts.evidence import evidence
from tests.releases.verdicts.plants import LATE, PLAN, run


def lost_of(**changes):
    """Return evidence of twenty blocks of which the last is changed."""
    blocks = run(20, seed=1)
    return evidence([*blocks[:-1], replace(blocks[-1], **changes)], PLAN, "challenger")


@pytest.mark.parametrize(
    ("changes", "why"),
    [
        ({"lost": "cut short"}, "cut short"),
        ({"outcome": {}}, "late was not measured"),
        ({"outcome": {"late": math.nan}}, "late is no number"),
        ({"outcome": {"late": math.inf}}, "late is no number"),
        ({"outcome": {"late": 1e200}}, "late is no number"),
        ({"ended_s": math.nan}, "nobody knows when it ended"),
        ({"shares": {CHAMPION: 0.9, "challenger": 0.9}}, "no probabilities"),
        ({"shares": {CHAMPION: math.nan, "challenger": 0.9}}, "no probabilities"),
        ({"shares": {CHAMPION: 2.0, "challenger": -1.0}}, "no probabilities"),
        ({"shares": {}}, "no probabilities"),
        ({"arm": "challenger", "shares": {CHAMPION: 1.0}}, "no chance"),
    ],
)
def test_a_block_that_is_no_evidence_is_lost_and_says_why(changes, why):
    found = lost_of(**changes)

    assert (found.n_blocks, found.lost) == (19, 1)
    assert why in found.why_lost


def test_a_block_without_a_lot_is_neither_evidence_nor_lost():
    found = lost_of(arm=CHAMPION, shares={CHAMPION: 1.0})

    assert (found.n_blocks, found.lost, found.without_lot) == (19, 0, 1)


def test_two_blocks_of_one_key_are_refused():
    blocks = run(5)

    with pytest.raises(InvariantError, match="1 keys have more than one block, first shift 3"):
        evidence([*blocks, replace(blocks[3], ended_s=0.0)], PLAN, "challenger")


@given(st.permutations(range(12)))
def test_the_order_in_which_blocks_are_told_does_not_matter(order):
    blocks = run(12, seed=2)

    found = evidence([blocks[n] for n in order], PLAN, "challenger")

    straight = evidence(blocks, PLAN, "challenger")
    np.testing.assert_array_equal(found.ended_s, straight.ended_s)
    np.testing.assert_array_equal(found.figures[0].worse, straight.figures[0].worse)


def test_more_is_worse_whichever_way_the_metric_is_better():
    blocks = run(20, seed=3)
    made = replace(PLAN, primary=replace(LATE, sense="max"))
    turned = [replace(each, outcome={"late": -each.outcome["late"]}) for each in blocks]

    one, two = evidence(blocks, PLAN, "challenger"), evidence(turned, made, "challenger")

    np.testing.assert_allclose(one.figures[0].worse, two.figures[0].worse)


def test_of_two_challengers_each_is_compared_with_the_champion_alone():
    blocks = [
        replace(each, shares={CHAMPION: 0.5, "challenger": 0.3, "challenger_b": 0.2})
        for each in run(40, seed=4)
    ]
    blocks = [
        replace(each, arm="challenger_b") if n % 5 == 0 else each for n, each in enumerate(blocks)
    ]

    found = evidence(blocks, PLAN, "challenger")

    assert found.n_blocks == 32
    np.testing.assert_allclose(found.share, 0.3 / 0.8)


def test_a_twin_that_was_silent_for_a_block_repeats_itself():
    blocks = run(6, seed=5, twin=True)
    blocks[3] = replace(blocks[3], twin={})
    blocks[4] = replace(blocks[4], twin={"late": math.nan})

    twin = evidence(blocks, PLAN, "challenger").figures[0].twin

    assert twin[2] == twin[3] == twin[4] != twin[5]


def test_the_lost_share_counts_the_challengers_blocks_up_to_each_end():
    blocks = [
        replace(
            each, arm="challenger" if n % 2 else CHAMPION, lost="cut short" if n in (3, 4) else ""
        )
        for n, each in enumerate(run(8, seed=6))
    ]

    found = evidence(blocks, PLAN, "challenger")

    # Ends 0 1 2 5 6 7 count; the challenger's are 1, 5 and 7, and its lost one ended at 3.
    np.testing.assert_allclose(found.lost_share, [0, 0, 0, 1 / 3, 1 / 3, 1 / 4])
