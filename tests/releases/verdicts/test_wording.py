# SPDX-License-Identifier: MIT
from dataclasses import replace

import pytest

from flyball.releases.verdicts.judging import judge
from flyball.releases.verdicts.wording import breached, figure
from tests.releases.verdicts.plants import PLAN, run


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (0.0, "0"),
        (0.12345, "0.123"),
        (-0.3, "-0.3"),
        (12.34, "12.3"),
        (99.0, "99"),
        (1234.5, "1,234"),
        (0.0001234, "0.000123"),
        (1.2e-9, "1.2e-09"),
        (float("inf"), "unknown"),
        (float("nan"), "unknown"),
    ],
)
def test_figures_are_written_as_people_read_them(value, text):
    assert figure(value) == text


def test_one_breach_is_once():
    assert "tripped once" in breached(1, 0)
    assert "tripped 3 times in the challenger's blocks; 2 allowed" in breached(3, 2)


def test_a_hold_says_what_is_missing_in_the_metrics_unit():
    early = judge(run(10, seed=1), PLAN).reason
    late = judge(run(130, effect=0.15, seed=2), PLAN).reason

    assert early == "Hold: 10 of 40 blocks of stage 10 %. Nothing bounds late yet."
    assert late.startswith("Hold: not proven after 130 blocks, ")
    assert "In late the challenger is between" in late
    assert "less than 0.3 h worse must be proven" in late


def test_a_stage_that_has_its_blocks_says_so_and_what_is_proven_too():
    reason = judge(run(85, effect=-3.0, seed=6)[:80], PLAN).reason

    assert reason == (
        "Hold: stage 25 % has its 40 blocks, the next may begin. "
        "All that is asked for is proven so far."
    )


def test_a_challenger_that_hardly_decided_is_held_with_how_often():
    plan = replace(PLAN, exposed=80)

    reason = judge(run(150, effect=-2.0, seed=3), plan).reason

    assert "of 80 blocks with the challenger" in reason


def test_lost_blocks_alone_are_no_evidence_and_say_why():
    blocks = [replace(each, lost="the line stood") for each in run(3, seed=4)]

    assert judge(blocks, PLAN).reason == (
        "Hold: no evidence yet; 3 blocks lost, mostly because the line stood."
    )


def test_better_and_worse_follow_the_sense_of_the_metric():
    made = replace(PLAN, primary=replace(PLAN.primary, sense="max"))

    reason = judge(run(200, effect=-3.0, seed=5), made).reason

    assert reason.startswith("Roll back: in late the challenger is about ")
    assert "h worse, at least" in reason
