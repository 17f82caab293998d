# SPDX-License-Identifier: MIT
import math
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from flyball.releases.verdicts.assigning import CHAMPION, switchback
from flyball.releases.verdicts.blocks import Block
from flyball.releases.verdicts.drift import Usual
from flyball.releases.verdicts.forecasting import centred
from flyball.releases.verdicts.judging import CODES, first_call, judge, paths
from flyball.releases.verdicts.plan import INTERVENTIONS, Metric, Plan, Rung
from flyball.releases.verdicts.verdict import Decision
from tests.releases.verdicts.plants import LATE, PLAN, matrices, run, stage

ENERGY = Metric(name="energy", unit="kWh", sense="min", margin=5.0, harm=2.0)


def with_metric(blocks, name, figure):
    """Return blocks with a second metric; `figure(block, draw)` gives it."""
    rng = np.random.default_rng(99)
    return [
        replace(each, outcome={**each.outcome, name: figure(each, rng.standard_normal())})
        for each in blocks
    ]


def test_a_better_challenger_is_promoted_with_figures_and_units():
    verdict = judge(run(200, effect=-1.0, seed=1), PLAN)

    assert verdict.decision is Decision.PROMOTE
    assert "surely less than 0.3 h worse, the margin" in verdict.reason
    assert "99 % confidence at any time" in verdict.reason
    (late,) = verdict.findings
    assert late.least < -1.0 < late.most < LATE.margin
    assert late.worse == pytest.approx(-1.0, abs=0.5)
    assert late.log_e_safe >= math.log(100.0)


def test_a_harmful_challenger_is_rolled_back_long_before_the_ramp_ends():
    verdict = judge(run(200, effect=3.0, seed=2), PLAN)

    assert verdict.decision is Decision.ROLL_BACK
    assert verdict.blocks < 80
    assert "at least" in verdict.reason
    assert verdict.findings[0].least > 0.0
    assert not verdict.advance


def test_a_challenger_worse_by_the_margin_is_not_promoted():
    decisions = [
        judge(run(150, effect=LATE.margin, seed=seed), PLAN).decision for seed in range(25)
    ]

    assert Decision.PROMOTE not in decisions


def test_without_data_it_is_hold():
    verdict = judge([], PLAN)

    assert verdict.decision is Decision.HOLD
    assert verdict.reason == "Hold: no evidence yet; no block has ended."


def test_a_promotion_waits_for_the_blocks_of_every_stage():
    blocks = run(200, effect=-3.0, seed=3)

    held, promoted = judge(blocks[:99], PLAN), judge(blocks, PLAN)

    assert held.decision is Decision.HOLD
    assert "19 of 20 blocks of stage 50 %" in held.reason
    assert (promoted.decision, promoted.blocks) == (Decision.PROMOTE, 100)


def test_asking_after_every_block_gives_the_verdict_of_asking_once():
    blocks = run(160, effect=-0.3, seed=4)
    whole = judge(blocks, PLAN)

    decisions = [judge(blocks[:n], PLAN) for n in range(1, 161, 8)]

    for n, found in zip(range(1, 161, 8), decisions, strict=True):
        expected = whole.decision if n >= whole.blocks else Decision.HOLD
        assert found.decision is expected
        shown = min(len(found.path), len(whole.path))
        ends = [(a.worse, a.log_e_harm, a.log_e_safe) for a in found.path[:shown]]
        wants = [(a.worse, a.log_e_harm, a.log_e_safe) for a in whole.path[:shown]]
        np.testing.assert_allclose(ends, wants, atol=1e-6)


def test_where_on_the_ramp_a_block_stands_is_told_by_its_share_not_by_a_name():
    blocks = [replace(each, stage="canary") for each in run(200, effect=-3.0, seed=3)]
    shy = [replace(each, shares={CHAMPION: 0.95, "challenger": 0.05}) for each in run(99, seed=3)]

    assert (judge(blocks, PLAN).decision, judge(blocks, PLAN).blocks) == (Decision.PROMOTE, 100)
    assert "less than the 10 % of the first stage" in judge(shy, PLAN).reason


def test_a_block_that_an_early_stage_lost_is_made_good_by_a_later_one():
    blocks = run(200, effect=-3.0, seed=3)
    champion = next(n for n, each in enumerate(blocks) if each.arm == CHAMPION)
    blocks[champion] = replace(blocks[champion], lost="the line stood")

    early, later = judge(blocks[:100], PLAN), judge(blocks[:101], PLAN)

    assert "99 of the 100 blocks of all stages" in early.reason
    assert later.decision is Decision.PROMOTE


def test_the_stage_may_advance_once_it_has_its_blocks():
    blocks = run(120, seed=5, noise=3.0)

    assert not judge(blocks[:39], PLAN).advance
    assert judge(blocks[:40], PLAN).advance
    assert not judge(blocks[:41], PLAN).advance
    assert judge(blocks[:80], PLAN).advance


def test_time_over_is_hold_and_never_promotes():
    plan = replace(PLAN, most=120)
    verdict = judge(run(400, effect=0.2, seed=6, noise=2.0), plan)

    assert verdict.decision is Decision.HOLD
    assert verdict.blocks == 120
    assert "not decided after 120 blocks" in verdict.reason
    assert not verdict.advance


def test_what_comes_after_the_last_planned_block_changes_nothing():
    early, late = run(120, effect=0.2, seed=7, noise=2.0), run(400, effect=-9.0, seed=7)
    plan = replace(PLAN, most=120)

    one, two = judge([*early, *late[120:]], plan), judge(early, plan)

    assert (one.decision, one.blocks, one.reason) == (two.decision, two.blocks, two.reason)


def test_a_hard_guard_needs_no_statistics():
    blocks = run(3, seed=8)
    blocks[1] = replace(blocks[1], arm="challenger", breaches=1)

    verdict = judge(blocks, PLAN)

    assert verdict.decision is Decision.ROLL_BACK
    assert "hard guard tripped once" in verdict.reason
    assert judge(blocks, replace(PLAN, breaches=1)).decision is Decision.HOLD


def test_breaches_of_the_champion_do_not_count_against_the_challenger():
    blocks = [replace(each, breaches=each.arm == CHAMPION) for each in run(50, seed=9)]

    assert judge(blocks, PLAN).decision is Decision.HOLD


def test_a_shield_that_hides_a_bad_policy_is_found_out():
    blocks = with_metric(
        run(200, effect=-1.0, seed=10),
        "interventions",
        lambda each, draw: 0.02 + 0.004 * abs(draw) + 0.3 * (each.arm == "challenger"),
    )

    verdict = judge(blocks, replace(PLAN, guards=(INTERVENTIONS,)))

    assert verdict.decision is Decision.ROLL_BACK
    assert "in interventions the challenger is about 0.285 share of decisions" in verdict.reason
    assert "0.02 share of decisions allowed" in verdict.reason


def test_a_guard_within_its_allowance_does_not_end_the_trial():
    plan = replace(PLAN, guards=(ENERGY,))
    blocks = with_metric(
        run(200, effect=-1.0, seed=11),
        "energy",
        lambda each, draw: 100.0 + draw + 1.0 * (each.arm == "challenger"),
    )

    assert judge(blocks, plan).decision is Decision.PROMOTE


def test_a_guard_that_is_not_proven_holds_a_promotion():
    plan = replace(PLAN, guards=(ENERGY,))
    blocks = with_metric(
        run(200, effect=-1.0, seed=12),
        "energy",
        lambda _, draw: 100.0 + 30.0 * draw,
    )

    verdict = judge(blocks, plan)

    assert verdict.decision is Decision.HOLD
    assert "In energy the challenger is between" in verdict.reason


def test_a_guard_that_nobody_measured_makes_no_evidence():
    verdict = judge(run(200, effect=-1.0, seed=13), Plan(primary=LATE))

    assert verdict.decision is Decision.HOLD
    assert verdict.lost == 200
    assert "interventions was not measured" in verdict.reason


def test_both_arms_getting_worse_together_is_the_plant():
    usual = Usual(level=100.0, spread=0.5, tolerance=0.5, blocks_between_alarms=1000.0)
    plan = replace(PLAN, usual=usual)
    blocks = [
        replace(each, outcome={"late": each.outcome["late"] - 0.01 * n + 4.0 * (n >= 60)})
        for n, each in enumerate(run(200, effect=-0.6, seed=14))
    ]

    verdict = judge(blocks, plan)

    assert judge(blocks, PLAN).decision is Decision.PROMOTE
    assert verdict.decision is Decision.HOLD
    assert "the plant changed" in verdict.reason
    assert verdict.alarms == (
        "the plant changed: late of the champion's own blocks is no longer what it was",
    )
    assert not verdict.advance


def test_harm_is_rolled_back_even_while_the_plant_changes():
    usual = Usual(level=90.0, spread=0.5, tolerance=0.5, blocks_between_alarms=1000.0)

    verdict = judge(run(200, effect=3.0, seed=15), replace(PLAN, usual=usual))

    assert verdict.decision is Decision.ROLL_BACK
    assert verdict.alarms


def test_beside_the_twin_a_plant_that_does_what_its_twin_says_has_not_changed():
    usual = Usual(level=100.0, spread=0.5, tolerance=0.5, blocks_between_alarms=1000.0)
    blocks = [
        replace(
            each,
            outcome={"late": each.outcome["late"] - 0.01 * n + 4.0 * (n >= 60)},
            twin={"late": 4.0 * (n >= 60)},
        )
        for n, each in enumerate(run(200, effect=-0.6, seed=16))
    ]

    verdict = judge(blocks, replace(PLAN, usual=usual, beside_twin=True))

    assert verdict.decision is Decision.PROMOTE
    assert not verdict.alarms


def test_a_challenger_whose_bad_blocks_get_lost_is_not_promoted():
    blocks = run(300, effect=-1.0, seed=17)
    ours = [n for n, each in enumerate(blocks) if each.arm == "challenger"]
    for n in ours[::4]:
        blocks[n] = replace(blocks[n], lost="it crashed")

    verdict = judge(blocks, PLAN)

    assert verdict.decision is Decision.HOLD
    assert "of the challenger's blocks are lost, 10 % allowed, mostly because it crashed" in (
        verdict.reason
    )


def test_a_few_very_bad_blocks_among_good_ones_are_not_overlooked():
    rng = np.random.default_rng(18)
    blocks = run(400, effect=-0.2, seed=18)
    ours = [n for n, each in enumerate(blocks) if each.arm == "challenger"]
    for n in rng.choice(ours, len(ours) // 10, replace=False):
        blocks[n] = replace(blocks[n], outcome={"late": blocks[n].outcome["late"] + 40.0})

    assert judge(blocks, PLAN).decision is not Decision.PROMOTE


@pytest.mark.parametrize("arm", [CHAMPION, "challenger"])
def test_a_sensor_that_failed_once_hides_no_harm_and_promotes_nobody(arm):
    harmful, better = run(200, effect=2.0, seed=25), run(400, effect=-1.0, seed=25)
    when = next(n for n, each in enumerate(harmful) if n > 5 and each.arm == arm)
    harmful[when] = replace(harmful[when], outcome={"late": -1e6})
    better[when] = replace(better[when], outcome={"late": 1e6})

    verdict = judge(better, PLAN)

    assert judge(harmful, PLAN).decision is Decision.ROLL_BACK
    assert verdict.decision is Decision.HOLD
    assert "a few that are far off spoil its plain mean" in verdict.reason
    better[when] = replace(better[when], lost="the sensor failed")
    assert judge(better, PLAN).decision is Decision.PROMOTE


def test_the_twin_saves_blocks():
    with_twin, without = 0, 0
    for seed in range(4):
        blocks = run(400, effect=0.8, seed=seed, twin=True)
        with_twin += judge(blocks, PLAN).exposed
        without += judge([replace(each, twin={}) for each in blocks], PLAN).exposed

    assert with_twin < 0.7 * without


def test_a_balanced_switchback_is_judged_by_its_pairs():
    rng = np.random.default_rng(19)
    plan = replace(PLAN, ramp=(Rung(stage="switch", share=0.5, blocks=20),))
    blocks = []
    for n in range(160):
        drawn = switchback(n, "salt", {"challenger": 0.5}, balanced=True)
        figure = 0.3 * n + 0.4 * rng.standard_normal() + 2.0 * (drawn.arm == "challenger")
        blocks.append(
            Block(
                key=drawn.key,
                arm=drawn.arm,
                shares=drawn.shares,
                pair=drawn.pair,
                stage="switch",
                ended_s=float(n),
                outcome={"late": figure},
            )
        )

    verdict = judge(blocks, plan)

    assert verdict.decision is Decision.ROLL_BACK
    assert verdict.findings[0].worse == pytest.approx(2.0, abs=0.6)
    assert verdict.exposed == verdict.blocks


def test_planned_looks_decide_at_looks_only():
    plan = replace(PLAN, looks=(100, 200, 300), most=300)
    blocks = run(300, effect=3.0, seed=20)

    assert judge(blocks[:99], plan).decision is Decision.HOLD
    assert (judge(blocks, plan).decision, judge(blocks, plan).blocks) == (Decision.ROLL_BACK, 100)


NASTY = st.one_of(
    st.floats(allow_nan=True, allow_infinity=True),
    st.floats(0.1, 0.9),
    st.sampled_from([0.0, 1e308, -1e308, 1e-320, math.nan]),
)


@settings(max_examples=60, deadline=None)
@given(
    figures=st.lists(NASTY, min_size=1, max_size=8),
    shares=st.lists(NASTY, min_size=1, max_size=8),
    ends=st.lists(NASTY, min_size=1, max_size=8),
)
def test_nothing_bad_that_comes_in_is_ever_promoted(figures, shares, ends):
    plan = replace(PLAN, exposed=0, ramp=(Rung(stage="10 %", share=0.1, blocks=0),))
    blocks = [
        replace(
            each,
            ended_s=ends[n % len(ends)],
            shares={
                CHAMPION: 1.0 - shares[n % len(shares)],
                "challenger": shares[n % len(shares)],
            },
            outcome={"late": figures[n % len(figures)]},
        )
        for n, each in enumerate(run(30, seed=21))
    ]

    verdict = judge(blocks, plan)

    sound = [each for each in blocks if 0.0 < each.shares["challenger"] < 1.0]
    if verdict.decision is Decision.PROMOTE:
        assert len(sound) >= 4
    if not sound:
        assert verdict.decision is Decision.HOLD


@pytest.mark.parametrize("share", [0.0, 1.0])
def test_arms_that_were_chosen_and_not_drawn_prove_nothing(share):
    arm = "challenger" if share else CHAMPION
    blocks = [
        replace(
            each,
            arm=arm if n % 2 else CHAMPION,
            shares={CHAMPION: 1.0 - share, "challenger": share}
            if n % 2
            else {CHAMPION: 1.0, "challenger": 0.0},
            outcome={"late": -9.0 * (n % 2)},
        )
        for n, each in enumerate(run(300, seed=22))
    ]

    verdict = judge(blocks, PLAN)

    assert verdict.decision is Decision.HOLD
    assert "not drawn by lot" in verdict.reason


@settings(max_examples=10, deadline=None)
@given(scale=st.floats(1e-6, 1e6), offset=st.floats(-1e3, 1e3), seed=st.integers(0, 1000))
def test_unit_and_zero_of_the_metric_do_not_change_the_verdict(scale, offset, seed):
    blocks = run(120, effect=-0.6, seed=seed)
    moved = [
        replace(each, outcome={"late": scale * (each.outcome["late"] + offset)}) for each in blocks
    ]

    one = judge(blocks, PLAN)
    two = judge(moved, replace(PLAN, primary=replace(LATE, margin=scale * LATE.margin)))

    assert (one.decision, one.blocks) == (two.decision, two.blocks)
    assert two.findings[0].worse == pytest.approx(scale * one.findings[0].worse, rel=1e-3)


def test_a_smaller_alpha_never_decides_sooner():
    for seed in range(4):
        blocks = run(180, effect=(-0.5, 0.9)[seed % 2], seed=seed)
        ends = [judge(blocks, replace(PLAN, alpha=alpha)) for alpha in (0.1, 0.01, 0.001)]
        decided = [found.blocks if found.decision is not Decision.HOLD else 999 for found in ends]

        assert decided == sorted(decided)


def test_releases_side_by_side_are_judged_as_each_alone():
    outcome, arm, share = matrices(23, 6, 150, effect=0.9)
    plan = replace(PLAN, alpha=0.05)
    found = paths(centred(outcome, arm, share, np.zeros_like(outcome)), LATE, plan)
    ready = np.arange(150) >= 99

    code, after = first_call([found], np.broadcast_to(ready, arm.shape))

    for row in range(6):
        blocks = [
            Block(
                key=f"{t}",
                arm="challenger" if arm[row, t] else CHAMPION,
                shares={CHAMPION: 1.0 - share[row, t], "challenger": share[row, t]},
                stage=stage(t)[0],
                ended_s=float(t),
                outcome={"late": outcome[row, t]},
            )
            for t in range(150)
        ]
        alone = judge(blocks, plan)
        assert (alone.decision, alone.blocks) == (CODES[code[row]], after[row])
        log_e = [moment.log_e_harm for moment in alone.path]
        np.testing.assert_allclose(log_e, found.log_e_harm[row, : len(log_e)], atol=1e-6)


@pytest.mark.parametrize("noise", ["normal", "heavy"])
def test_false_rollbacks_and_wrong_promotions_are_as_rare_as_said(noise):
    plan = replace(PLAN, alpha=0.05)
    ready = np.broadcast_to(np.arange(150) >= 99, (1500, 150))
    limit = 0.05 + 3.0 * math.sqrt(0.05 * 0.95 / 1500)

    for effect, wrong in ((0.0, 2), (LATE.margin, 1)):
        outcome, arm, share = matrices(24, 1500, 150, effect=effect, noise=noise)
        blocks = centred(outcome, arm, share, np.zeros_like(outcome))
        code, _ = first_call([paths(blocks, LATE, plan)], ready)
        assert (code == wrong).mean() <= limit
