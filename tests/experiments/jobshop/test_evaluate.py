# SPDX-License-Identifier: MIT
import shutil
from dataclasses import replace
from pathlib import Path

import pytest

from flyball.core.clock import SystemClock
from flyball.core.errors import ConfigError, Problem, RunError, SolverError
from flyball.experiments import runs
from flyball.experiments.jobshop.evaluate import (
    POLICY,
    RESTARTS,
    SEARCH,
    SOLVER,
    Compared,
    EvaluateConfig,
    compare,
    evaluate_run,
)
from flyball.worlds.jobshop import RULES, WORLD
from tests.experiments.jobshop.small_runs import small_plant, unwatched, write_plant

CONFIG = EvaluateConfig(days=6, timed_days=2, time_s=0.3)
TUNED = [replace(RULES["ATC"], lead=2.0), RULES["EDD"], RULES["SPT"]]


def compared(config: EvaluateConfig = CONFIG) -> Compared:
    return compare(small_plant(), RULES["ATCS"], TUNED, config, unwatched, SystemClock())


def test_every_method_meets_the_same_days():
    evaluation = compared().evaluation

    names = {each.name for each in evaluation.methods}
    assert names == {
        POLICY, "ATC", "EDD", "SPT", "ATC, textbook", "random", SEARCH, RESTARTS, SOLVER,
    }  # fmt: skip
    for each in evaluation.methods:
        met = [value == value for value in each.kpi["makespan_h"]]
        assert met == ([True] * 6 if each.time_s == 0 else [True] * 2 + [False] * 4), each.name


def test_the_best_rule_is_the_first_of_the_tuned_ones_not_the_luckiest_here():
    assert compared().evaluation.best_rule == "ATC"


@pytest.mark.parametrize("batch", [1, 4, 6])
def test_greedy_figures_do_not_depend_on_the_batch(batch: int):
    config = replace(CONFIG, timed_days=0)

    one = compared(config).evaluation
    other = compared(replace(config, batch=batch)).evaluation

    assert [each.kpi for each in one.methods] == [each.kpi for each in other.methods]
    assert one.sentence == other.sentence


def test_with_time_nobody_is_worse_than_without():
    evaluation = compared().evaluation

    for timed, alone in ((SEARCH, POLICY), (RESTARTS, "ATC"), (SOLVER, "ATC")):
        for day in range(2):
            cost = [
                evaluation.method(name).kpi["weighted_tardiness_h"][day]
                + 1e-3 * evaluation.method(name).kpi["makespan_h"][day]
                for name in (timed, alone)
            ]
            assert cost[0] <= cost[1] + 1e-9


def test_without_a_solver_the_comparison_goes_on_and_says_so(monkeypatch: pytest.MonkeyPatch):
    def missing(*_args: object, **_kwargs: object) -> None:
        problem = Problem(where="solver", found="not there", allowed="extra", fix="install it")
        raise SolverError(problem)

    monkeypatch.setattr(type(WORLD), "solve", missing)

    found = compared()

    assert SOLVER not in {each.name for each in found.evaluation.methods}
    assert "install it" in found.evaluation.facts["missing"][SOLVER]
    assert found.second.startswith("CP-SAT was not compared")


def test_a_plant_without_due_times_is_judged_by_its_makespan():
    plant = small_plant()
    plant = replace(plant, due_s=plant.due_s * 0 + 2**53)

    found = compare(plant, RULES["MOR"], [RULES["SPT"]], CONFIG, unwatched, SystemClock())

    assert found.evaluation.kpi == "makespan_h"
    assert "until the last job was finished" in found.evaluation.sentence


def test_the_schedules_of_the_first_day_are_kept_for_the_report():
    shown = compared().shown

    assert list(shown) == [POLICY, "ATC"]
    assert shown[POLICY].scenario.name == shown["ATC"].scenario.name


def test_a_run_is_judged_and_the_record_lies_in_its_folder(run: Path):
    found = evaluate_run(run, replace(CONFIG, timed_days=0), unwatched)

    assert runs.read_json(run / runs.EVALUATION)["sentence"] == found.evaluation.sentence


def test_a_run_whose_plant_was_changed_is_not_judged(run: Path, tmp_path: Path):
    copy = Path(shutil.copytree(run, tmp_path / "run"))
    plant = write_plant(tmp_path)
    manifest = runs.read_json(copy / runs.MANIFEST)
    runs.write_json(copy / runs.MANIFEST, manifest | {"plant": str(plant), "plant_hash": "other"})

    with pytest.raises(RunError, match="was changed since the run began"):
        evaluate_run(copy, CONFIG, unwatched)
    runs.write_json(copy / runs.MANIFEST, {})
    with pytest.raises(RunError, match="lacks entries"):
        evaluate_run(copy, CONFIG, unwatched)


def test_a_folder_without_a_run_is_refused(tmp_path: Path):
    with pytest.raises(RunError, match="no such folder"):
        evaluate_run(tmp_path / "x", CONFIG, unwatched)


@pytest.mark.parametrize(
    "values", [{"days": 1}, {"days": 10_001}, {"timed_days": -1}, {"time_s": 0.0}]
)
def test_a_comparison_that_cannot_be_made_is_refused(values: dict):
    with pytest.raises(ConfigError, match="2 to 10,000 days"):
        EvaluateConfig(**values)
