# SPDX-License-Identifier: MIT
from dataclasses import replace

import numpy as np
import pytest

from flyball.core.errors import InvariantError
from flyball.releases.verdicts.assigning import CHAMPION, Assigned, switchback
from flyball.releases.verdicts.blocks import Block, Window, block, joined

DRAWN = Assigned("shift 1", "challenger", {CHAMPION: 0.5, "challenger": 0.5})
WINDOW = Window(starts_s=0.0, ends_s=100.0, washout_s=50.0, least=3)


def make(at_s, late):
    return block(DRAWN, WINDOW, at_s, {"late": late}, stage="50 %")


def test_a_block_is_the_mean_after_the_wash_out():
    found = make([0, 49, 50, 60, 99, 100], [9.0, 9.0, 1.0, 2.0, 3.0, 9.0])

    assert found.outcome == {"late": 2.0}
    assert not found.lost
    assert (found.arm, found.stage, found.ended_s) == ("challenger", "50 %", 100.0)


@pytest.mark.parametrize(
    ("at_s", "late", "why"),
    [
        ([50, 60], [1.0, 2.0], "2 samples of late after wash-out, 3 needed"),
        ([], [], "0 samples of late after wash-out, 3 needed"),
        ([50, 60, 70], [1.0, np.nan, 2.0], "a sample of late is no number"),
        ([50, 60, 70], [1.0, np.inf, 2.0], "a sample of late is no number"),
    ],
)
def test_a_block_without_enough_sound_samples_is_lost_and_says_why(at_s, late, why):
    found = make(at_s, late)

    assert found.lost == why
    assert "late" not in found.outcome


def test_a_bad_sample_in_the_wash_out_costs_nothing():
    assert not make([10, 50, 60, 70], [np.nan, 1.0, 1.0, 1.0]).lost


def test_what_the_caller_knows_of_a_censored_block_comes_first():
    found = block(DRAWN, WINDOW, [], {"late": []}, stage="50 %", lost="a job was left unfinished")

    assert found.lost == "a job was left unfinished"


def halves(n, first, second, lost=""):
    out = []
    for which, figure in ((2 * n, first), (2 * n + 1, second)):
        drawn = switchback(which, "salt", {"challenger": 0.5}, balanced=True)
        each = Block(
            key=drawn.key,
            arm=drawn.arm,
            shares=drawn.shares,
            pair=drawn.pair,
            stage="50 %",
            ended_s=float(which),
            outcome={"late": figure},
            twin={"late": 0.5 * figure},
        )
        out.append(each)
    return [out[0], replace(out[1], lost=lost)]


def test_a_pair_is_half_its_difference_with_the_arm_of_its_first_block():
    first, second = halves(3, 10.0, 4.0)

    (found,) = joined([second, first])

    assert found.outcome == {"late": 3.0}
    assert found.twin == {"late": 1.5}
    assert (found.key, found.arm, found.ended_s) == ("pair 3", first.arm, 7.0)


def test_a_pair_keeps_the_size_of_the_effect_and_loses_the_trend():
    effect, found = 2.0, []
    for n in range(200):
        first, second = halves(n, 1.0 * n, 1.0 * n)
        found += [
            replace(
                each, outcome={"late": each.outcome["late"] + effect * (each.arm == "challenger")}
            )
            for each in (first, second)
        ]

    pairs = joined(found)

    by_arm = {each.arm: each.outcome["late"] for each in pairs}
    assert by_arm["challenger"] - by_arm[CHAMPION] == effect
    assert len({each.outcome["late"] for each in pairs}) == 2


def test_half_a_pair_is_no_evidence():
    first, second = halves(0, 1.0, 2.0)

    assert "other half" in joined([first])[0].lost
    assert joined(halves(0, 1.0, 2.0, lost="cut short"))[0].lost == "cut short"
    assert "arms" in joined([first, replace(second, arm=first.arm)])[0].lost
    with pytest.raises(InvariantError, match="a pair has two"):
        joined([first, second, replace(second, key="another")])
