# SPDX-License-Identifier: MIT
"""Every benchmark runs as it is called and prints records that evidence keeps."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from tools.evidence import rows

ROOT = Path(__file__).parents[2]


def printed(script, *arguments):
    ended = subprocess.run(  # noqa: S603
        [sys.executable, ROOT / "benchmarks" / script, *arguments],
        capture_output=True,
        text=True,
        check=True,
        env=os.environ | {"OMP_NUM_THREADS": "1"},  # noqa: TID251
    )
    return ended, {row["metric"]: row for row in rows(ended.stdout)}


@pytest.mark.slow
def test_the_speed_of_the_batch_is_compared_with_the_twin_and_a_rival():
    _, figures = printed("jobshop_speed.py", "--quick")

    assert figures["jobshop 10x10 decisions/s"]["target"] == 300_000.0
    assert figures["jobshop 10x10 decisions/s over the twin's"]["ratio"] > 20
    rivals = [row for metric, row in figures.items() if "job_shop_lib" in metric]
    assert len(rivals) == 2
    assert all(row["ratio"] > 20 or "make peers" in row["note"] for row in rivals)
    assert figures["yardstick"]["ours"] > 0


@pytest.mark.slow
def test_the_rules_reach_what_was_published_for_them(scheduling_data):
    _, figures = printed("jobshop_rules.py", "--quick", "--data", str(scheduling_data))

    judged = {row["metric"]: row["met"] for row in figures.values() if row["target"] is not None}
    assert judged == {
        f"gap of {rule} on Taillard's instances, %": True for rule in ("SPT", "MOR", "MWR")
    }


def test_what_is_proved_best_is_best_in_the_simulator_and_for_the_solver():
    _, figures = printed("jobshop_optimum.py", "--quick")

    judged = [row for row in figures.values() if row["target"] is not None]
    assert {row["metric"].split(" above")[0] for row in judged} == {"ATC", "CP-SAT", "EDD"}
    assert all(row["met"] and row["ours"] == 0 for row in judged)
    assert all(row["ours"] >= 0 for row in figures.values())


def test_without_the_public_files_the_rules_say_what_to_name(tmp_path):
    ended, figures = printed("jobshop_rules.py", "--data", str(tmp_path))

    assert not figures
    assert "no jsp/ta in" in ended.stderr
    assert "--data" in ended.stderr


@pytest.mark.slow
def test_learning_is_compared_and_rivals_may_be_missing():
    _, figures = printed("learning_speed.py", "--quick", "--only", "data_plane", "--only", "sac")

    assert figures["step_store_gae_transitions_per_s"]["ratio"] > 10
    assert figures["sac_gradient_steps_per_s"]["ratio"] > 1
    beside_jax = figures["sac_gradient_steps_per_s_beside_jax"]
    assert beside_jax["ratio"] or "make peers" in beside_jax["note"]
    assert figures["matrix_product_gflop_per_s"]["ours"] > 0


@pytest.mark.slow
def test_the_filter_is_compared_with_solvers_and_rivals_may_be_missing():
    _, figures = printed("safety_filter.py", "--quick")

    judged = [metric for metric, row in figures.items() if row["target"] is not None]
    assert len(judged) == 7
    assert all(
        row["met"] for row in figures.values() if "violation" in row["metric"] and row["target"]
    )
    rivals = [row for metric, row in figures.items() if "single decisions/s" in metric]
    assert all((row["ratio"] or 0) > 1 or "make peers" in row["note"] for row in rivals)
    assert figures["yardstick"]["ours"] > 0


@pytest.mark.slow
def test_single_decisions_are_timed_through_every_layer_and_are_judged():
    _, figures = printed("safety_single.py", "--quick")

    judged = [metric for metric, row in figures.items() if row["target"] is not None]
    assert len(judged) == 4 + 4 + 1  # judge and keeper of four plants, and the record
    assert all("median" in metric for metric in judged)
    assert sum("keeper" in metric for metric in figures) == 2 * 4
    assert all(row["ours"] > 0 for row in figures.values())
