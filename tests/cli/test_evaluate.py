# SPDX-License-Identifier: MIT
import json
from pathlib import Path

from typer.testing import CliRunner

from flyball.cli.app import app

RUN = CliRunner()
FEW = ["--days", "3", "--timed-days", "1", "--time", "0.2s"]


def test_the_verdict_and_the_report_are_printed(trained: dict):
    found = RUN.invoke(app, ["evaluate", trained["run"], *FEW])

    assert found.exit_code == 0
    assert "Not proven: on 3 new days" in found.output
    assert (Path(trained["run"]) / "report.html").is_file()


def test_json_holds_every_method(trained: dict):
    found = RUN.invoke(app, ["evaluate", trained["run"], *FEW, "--json"])

    data = json.loads(found.stdout)
    assert data["verdict"] == "not proven"
    assert {"policy", "policy + search", "CP-SAT"} <= {each["name"] for each in data["methods"]}


def test_any_other_run_is_judged_by_episodes(small: dict):
    found = RUN.invoke(app, ["evaluate", small["run"], "--episodes", "7", "--json"])

    data = json.loads(found.stdout)
    assert data["facts"]["episodes"] == 7
    assert {"policy", "random", "constant"} < {each["name"] for each in data["methods"]}


def test_options_of_another_world_are_refused_and_not_ignored(small: dict, trained: dict):
    other = RUN.invoke(app, ["evaluate", small["run"], "--days", "3", "--time", "1s"])
    shop = RUN.invoke(app, ["evaluate", trained["run"], "--episodes", "7"])

    assert (other.exit_code, shop.exit_code) == (2, 2)
    assert "--days and --time" in other.output
    assert "given for a run of the job shop" in shop.output


def test_a_folder_that_is_no_run_is_exit_code_2(tmp_path: Path):
    found = RUN.invoke(app, ["evaluate", str(tmp_path / "runs" / "none")])

    assert found.exit_code == 2
    assert "flyball train makes one" in found.output


def test_without_days_with_time_no_empty_line_is_printed(trained: dict):
    found = RUN.invoke(app, ["evaluate", trained["run"], "--days", "2", "--timed-days", "0"])

    assert found.exit_code == 0
    assert [line for line in found.stdout.splitlines() if not line.strip()] == []


def test_more_days_than_memory_holds_are_refused():
    assert RUN.invoke(app, ["evaluate", "x", "--days", "10001"]).exit_code == 2
