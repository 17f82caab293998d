# SPDX-License-Identifier: MIT
from pathlib import Path

import numpy as np
import pytest

from flyball.core.clock import SystemClock
from flyball.core.errors import ConfigError, PolicyError, ScenarioError, ScheduleError
from flyball.experiments.jobshop import schedule as planning
from flyball.experiments.jobshop.schedule import Wish, best_at_hand, named, plan_file, without_dues
from flyball.worlds.jobshop import RULES, WORLD
from tests.experiments.jobshop.small_runs import small_plant, unwatched, write_plant

FILES = {"schedule.xlsx", "schedule.csv", "schedule_jobs.csv", "gantt.png", "gantt.html"}


def wish(folder: Path, policy: str | None = None, **values: object) -> Wish:
    file = write_plant(folder)
    return Wish(file=file, policy=policy, time_s=0.2, out=folder / "plan", **values)


def test_a_plan_needs_no_policy(tmp_path: Path):
    found = plan_file(wish(tmp_path), unwatched)

    assert {path.name for path in (tmp_path / "plan").iterdir()} == FILES
    assert found.kpi["makespan_h"] >= 9.0
    assert found.method.startswith("rule ")


def test_a_learned_policy_of_a_run_plans(run: Path, tmp_path: Path):
    found = plan_file(wish(tmp_path, str(run)), unwatched)

    assert found.method == f"learned policy of {run.name}"
    assert found.as_json()["kpi"] == found.kpi


def test_a_rule_plans_however_its_name_is_written(tmp_path: Path):
    assert plan_file(wish(tmp_path, "mor"), unwatched).method == "rule MOR"


def test_for_the_makespan_due_times_do_not_count():
    blind = without_dues(small_plant())

    assert not WORLD.has_dues(blind)
    assert WORLD.has_dues(small_plant())


def test_a_plan_for_the_makespan_still_reports_real_lateness(tmp_path: Path):
    found = plan_file(wish(tmp_path, "MOR", aim="makespan"), unwatched)

    assert found.schedule.scenario.name == "small"


def test_a_method_that_is_not_known_suggests_the_nearest_rule():
    with pytest.raises(ConfigError, match="did you mean 'ATCS'"):
        named("ATTCS")


def test_a_folder_without_a_policy_is_refused(tmp_path: Path):
    with pytest.raises(PolicyError):
        named(str(tmp_path))


def test_a_file_with_problems_writes_nothing(tmp_path: Path):
    bad = tmp_path / "bad.txt"
    bad.write_text("2 2\n0 1\n", encoding="utf-8")

    with pytest.raises(ScenarioError):
        plan_file(Wish(file=bad, policy=None, time_s=0.2, out=tmp_path / "plan"), unwatched)

    assert not (tmp_path / "plan").exists()


def test_a_broken_schedule_is_never_written(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    def broken(schedule: object, spent_s: float) -> None:
        del schedule, spent_s
        raise ScheduleError([])

    monkeypatch.setattr(planning, "judged", broken)

    with pytest.raises(ScheduleError):
        plan_file(wish(tmp_path), unwatched)

    assert not (tmp_path / "plan").exists()


def test_a_place_that_cannot_be_written_says_so(tmp_path: Path):
    (tmp_path / "plan").write_text("", encoding="utf-8")

    with pytest.raises(ConfigError, match="--out"):
        plan_file(wish(tmp_path), unwatched)


def test_the_method_at_hand_is_the_best_that_was_tried():
    shop = small_plant()

    name, policy = best_at_hand(shop, 60.0, unwatched, SystemClock())

    costs = planning.greedy([shop], policy, name, SystemClock())[0].kpi
    for rule in RULES.values():
        other = planning.greedy([shop], rule, rule.name, SystemClock())[0].kpi
        assert costs["weighted_tardiness_h"] <= other["weighted_tardiness_h"] + 1e-9
    assert np.isfinite(costs["makespan_h"])
