# SPDX-License-Identifier: MIT
"""Simulated releases are what they are called, and rivals are judged by their own rules."""

import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from canaries import rules
from canaries.plants import (
    CORRELATION,
    PATIENT,
    SAMPLES,
    Setting,
    block_means,
    correlated,
    draw,
    variance_of_mean,
)

from flyball.releases.verdicts import Window, assign, block
from tools.evidence import rows


@pytest.mark.parametrize("plant", ["independent", "AR(0.9) blocks", "AR(0.9) decisions", "heavy"])
@pytest.mark.parametrize("twin_r", [0.0, 0.9])
def test_blocks_have_spread_one_and_the_twin_knows_its_part(plant, twin_r):
    drawn = draw(Setting(plant=plant, twin_r=twin_r), 300, (1, 2))

    assert drawn.outcome.std() == pytest.approx(1.0, abs=0.05)
    known = np.corrcoef(drawn.outcome.ravel(), drawn.twin.ravel())[0, 1] if twin_r else 0.0
    assert known == pytest.approx(twin_r, abs=0.02)


def test_the_challenger_adds_its_effect_and_its_scatter():
    drawn = draw(Setting(plant="independent", effect=0.7, scatter=2.0), 400, (3,))
    new, old = drawn.outcome[drawn.arm > 0], drawn.outcome[drawn.arm == 0]

    assert new.mean() - old.mean() == pytest.approx(0.7, abs=0.02)
    assert (new.std(), old.std()) == pytest.approx((2.0, 1.0), abs=0.02)


def test_the_ramp_gives_the_shares_it_says():
    drawn = draw(Setting(plant="independent", ramp=PATIENT), 500, (4,))

    assert drawn.arm[:, :40].mean() == pytest.approx(0.1, abs=0.01)
    assert drawn.arm[:, 40:].mean() == pytest.approx(0.25, abs=0.01)
    np.testing.assert_array_equal(drawn.share[0, [39, 40, 599]], [0.1, 0.25, 0.25])


def test_decisions_make_the_blocks_that_the_product_makes_of_them():
    decisions = correlated((1, SAMPLES), np.random.default_rng(5))
    window = Window(starts_s=0.0, ends_s=SAMPLES, washout_s=SAMPLES // 2, least=1)
    drawn = assign("one", "salt", {"challenger": 0.5})

    one = block(drawn, window, np.arange(SAMPLES), {"y": decisions[0]}, stage="50 %")

    assert one.outcome["y"] == pytest.approx(float(block_means(decisions)[0]))


def test_neighbours_are_correlated_as_said_and_means_have_the_variance_said():
    drawn = correlated((4000, 12), np.random.default_rng(6))

    assert np.corrcoef(drawn[:, 4], drawn[:, 5])[0, 1] == pytest.approx(CORRELATION, abs=0.02)
    assert drawn[:, 2:].mean(axis=1).var() == pytest.approx(variance_of_mean(10), rel=0.1)


def test_one_preparation_serves_every_alpha():
    drawn = draw(Setting(plant="independent", effect=0.3, twin_r=0.9), 50, (7,))
    blocks = rules.seen(drawn)

    found = rules.at(rules.ours(blocks, rules.plan(0.01)), 0.05)

    fresh = rules.ours(blocks, rules.plan(0.05))
    np.testing.assert_array_equal(found.harmful, fresh.harmful)
    np.testing.assert_array_equal(found.safe, fresh.safe)


def test_a_threshold_that_ignores_its_error_fires_almost_always():
    even = Setting(plant="independent", ramp=((0.5, 1000),), n_blocks=400)
    drawn = draw(even, 400, (8,))

    once, thrice = (rules.threshold(drawn, 20, 0.25, failures) for failures in (1, 3))

    assert once.any(axis=1).mean() > 0.98
    assert thrice.any(axis=1).mean() == pytest.approx(0.957, abs=0.04)
    assert (once | ~thrice).all()
    assert not np.delete(once, np.s_[19::20], axis=1).any()


def test_a_common_test_that_is_looked_at_often_is_wrong_often():
    even = Setting(plant="independent", ramp=((0.5, 1000),), n_blocks=400)
    drawn = draw(even, 1000, (9,))

    often = rules.peeking(drawn, 1.645).any(axis=1).mean()
    seldom = rules.peeking(drawn, 1.645, 40).any(axis=1).mean()

    assert often == pytest.approx(0.324, abs=0.05)
    assert seldom == pytest.approx(0.174, abs=0.04)


def test_the_published_gate_is_as_wrong_as_was_published():
    drawn = draw(Setting(plant="independent"), 1000, (10,))

    ended = rules.ended(*rules.published(drawn, 1.0, 0.05), drawn)

    assert ended.rolled_back.mean() == pytest.approx(0.019, abs=0.015)
    assert ended.promoted.mean() == pytest.approx(0.849, abs=0.04)
    assert ended.exposed.mean() == pytest.approx(136, abs=8)


@pytest.mark.slow
def test_the_benchmark_prints_records_that_evidence_keeps():
    ended = subprocess.run(  # noqa: S603
        [
            sys.executable,
            Path(__file__).parents[2] / "benchmarks" / "verdicts.py",
            "--releases",
            "40",
        ],
        capture_output=True,
        text=True,
        check=True,
        env=os.environ | {"OMP_NUM_THREADS": "1"},  # noqa: TID251
    )

    figures = {row["metric"]: row for row in rows(ended.stdout)}

    assert sum(metric.startswith("false rollback, ") for metric in figures) >= 24
    assert sum(metric.startswith("wrong promotion, ") for metric in figures) >= 24
    harm = figures["exposed blocks, +1 sigma, independent, twin r = 0.9, alpha 0.01"]
    assert 4.0 < harm["ours"] < 16.0
