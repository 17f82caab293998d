# SPDX-License-Identifier: MIT
import json
from pathlib import Path

import pytest
from typer.testing import CliRunner

from flyball.cli.app import app
from tests.experiments.jobshop.small_runs import write_plant

RUN = CliRunner()


def test_a_plan_is_written_and_its_figures_are_printed(tmp_path: Path, trained: dict):
    out = tmp_path / "plan"
    arguments = ["schedule", trained["plant"], "--policy", trained["run"], "--time", "0.2s"]

    found = RUN.invoke(app, [*arguments, "--out", str(out)])

    assert found.exit_code == 0
    assert "planned by learned policy of" in found.output
    assert "makespan_h" in found.output
    assert (out / "schedule.xlsx").is_file()


@pytest.mark.parametrize("objective", ["lateness", "makespan"])
def test_without_a_policy_json_says_what_was_used(tmp_path: Path, objective: str):
    plant = write_plant(tmp_path)
    arguments = ["schedule", str(plant), "--time", "0.3s", "--out", str(tmp_path / "plan")]

    found = RUN.invoke(app, [*arguments, "--objective", objective, "--json"])

    data = json.loads(found.stdout)
    assert data["method"].startswith("rule ")
    assert data["kpi"]["makespan_h"] >= 9.0


def test_a_misspelt_rule_suggests_the_nearest(tmp_path: Path):
    found = RUN.invoke(app, ["schedule", str(write_plant(tmp_path)), "--policy", "ATTCS"])

    assert found.exit_code == 2
    assert "did you mean 'ATCS'?" in found.output
