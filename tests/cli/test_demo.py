# SPDX-License-Identifier: MIT
import json
from inspect import signature
from pathlib import Path

import pytest
from typer.testing import CliRunner

from flyball.cli.app import app
from flyball.cli.demo import Phases, demo, read_orders
from flyball.experiments.jobshop.evaluate import EvaluateConfig
from flyball.experiments.jobshop.verdict import FEWEST_CASES

HEADINGS = ("workbook", "check", "compile", "train", "evaluate and report", "schedule", "result")


@pytest.mark.slow
def test_the_demo_does_the_whole_main_job_in_its_folder(tmp_path: Path):
    out = tmp_path / "demo"
    few = ["--budget", "5s", "--days", "2", "--timed-days", "1", "--time", "1s", "--json"]

    found = CliRunner().invoke(app, ["demo", "--out", str(out), *few])

    assert found.exit_code == 0, found.output
    for k, name in enumerate(HEADINGS, start=1):
        assert f"== {k}. {name}" in found.stderr
    data = json.loads(found.stdout)
    assert data["verdict"] == "not proven"
    assert Path(data["report"]).is_file()
    assert (out / "plan" / "schedule.xlsx").is_file()
    assert list(out.glob("runs/*/report.html"))


def test_a_budget_that_is_no_duration_writes_nothing(tmp_path: Path):
    found = CliRunner().invoke(app, ["demo", "--out", str(tmp_path / "x"), "--budget", "long"])

    assert found.exit_code == 2
    assert not (tmp_path / "x").exists()


def test_orders_that_are_there_already_are_kept_to_the_last_byte(tmp_path: Path):
    orders = tmp_path / "orders.xlsx"

    read_orders(orders, Phases(quiet=True))
    before = orders.read_bytes()
    read_orders(orders, Phases(quiet=True))

    assert orders.read_bytes() == before


def test_the_methods_with_time_meet_enough_days_for_a_verdict():
    assert signature(demo).parameters["timed_days"].default >= FEWEST_CASES
    assert EvaluateConfig().timed_days >= FEWEST_CASES
