# SPDX-License-Identifier: MIT
from pathlib import Path

import pytest
from typer.testing import CliRunner

from flyball.cli.app import app

HEADINGS = ("workbook", "check", "compile", "train", "evaluate and report", "schedule", "result")


@pytest.mark.slow
def test_the_demo_does_the_whole_main_job_in_its_folder(tmp_path: Path):
    out = tmp_path / "demo"
    few = ["--budget", "5s", "--days", "2", "--timed-days", "1", "--time", "1s"]

    found = CliRunner().invoke(app, ["demo", "--out", str(out), *few])

    assert found.exit_code == 0, found.output
    for k, name in enumerate(HEADINGS, start=1):
        assert f"== {k}. {name}" in found.output
    assert (out / "plan" / "schedule.xlsx").is_file()
    assert list(out.glob("runs/*/report.html"))


def test_a_budget_that_is_no_duration_writes_nothing(tmp_path: Path):
    found = CliRunner().invoke(app, ["demo", "--out", str(tmp_path / "x"), "--budget", "long"])

    assert found.exit_code == 2
    assert not (tmp_path / "x").exists()
