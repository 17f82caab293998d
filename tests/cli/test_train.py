# SPDX-License-Identifier: MIT
import html
import json
import sys
import tomllib
from pathlib import Path

import pytest
from typer.testing import CliRunner

from flyball import experiments
from flyball.cli.app import app
from flyball.core.errors import ConfigError, Problem
from flyball.experiments import runs
from flyball.experiments import train as training
from tests.experiments.jobshop.small_runs import write_plant, write_settings

RUN = CliRunner()


def test_json_holds_the_run_and_the_figures_and_nothing_else(trained: dict):
    assert Path(trained["run"]).is_dir()
    assert trained["validation_h"] >= 0
    assert trained["best_rule_h"] >= 0


def test_a_run_can_be_resumed_by_its_folder(trained: dict):
    found = RUN.invoke(app, ["train", "--resume", trained["run"]])

    assert found.exit_code == 0
    assert f"next: flyball evaluate {trained['run']}" in found.output


def test_options_of_the_job_shop_are_laid_over_its_file(tmp_path: Path):
    plant, settings = write_plant(tmp_path), write_settings(tmp_path)
    options = ["--algorithm", "none", "--seed", "9", "--set", "pool.days=5", "--iterations", "1"]
    command = ["train", "jobshop", str(plant), "--config", str(settings), *options]

    found = RUN.invoke(app, [*command, "--out", str(tmp_path / "runs"), "--json"])

    assert found.exit_code == 0, found.output
    folder = Path(json.loads(found.stdout)["run"])
    settled = tomllib.loads((folder / runs.SETTINGS).read_text(encoding="utf-8"))
    assert (settled["trainer"], settled["seed"], settled["pool"]["days"]) == ("none", 9, 5)
    assert settled["envs"] == 4  # the file's


def test_any_problem_is_trained_judged_and_reported_in_one_command(small: dict):
    folder = Path(small["run"])

    names = {path.name for path in folder.iterdir()}

    assert names >= {"resolved.toml", "bundle", "checkpoint", "metrics.jsonl", "curve.png"}
    assert small["world"] == "classics/cartpole"
    # Another test may have judged the run again meanwhile.
    sentence = runs.read_json(folder / runs.EVALUATION)["sentence"]
    page = Path(small["report"]).read_text(encoding="utf-8")
    assert page.index(html.escape(sentence, quote=False)[:40]) < page.index("<table>")


def test_a_run_of_any_problem_that_is_complete_is_judged_again_when_resumed(small: dict):
    found = RUN.invoke(app, ["train", "--resume", small["run"], "--episodes", "12"])

    assert found.exit_code == 0, found.output
    assert "on 12 new episodes" in found.output
    assert "report: " in found.output


def test_ctrl_c_is_answered_with_how_to_go_on(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    def stopped(*_args: object) -> None:
        raise KeyboardInterrupt

    # The face is filled when a name is first used; before that there is nothing to replace.
    monkeypatch.setattr(experiments.jobshop, "train_run", stopped, raising=False)
    arguments = ["train", "jobshop", str(write_plant(tmp_path)), "--out", str(tmp_path / "runs")]
    settings = ["--config", str(write_settings(tmp_path)), "--iterations", "1"]

    found = RUN.invoke(app, arguments + settings)

    assert found.exit_code == 130
    assert "Go on with: flyball train --resume" in found.output


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        ([], "flyball train jobshop orders.xlsx"),
        (["jobshap"], "did you mean 'jobshop'?"),
        (["classics/cartpol"], "did you mean 'classics/cartpole'?"),
        (["classics/cartpole", "a.xlsx"], "a plant's file for jobshop only"),
        (["classics/cartpole", "--algorithm", "pppo"], "did you mean 'ppo'?"),
        (["classics/cartpole", "--set", "ppo.clipp=1"], "did you mean 'clip'?"),
        (["classics/cartpole", "--budget", "9s", "--steps", "5"], "--steps 5 and --budget 9s"),
        (["jobshop", "--budget", "9s", "--iterations", "5"], "--iterations 5 and --budget 9s"),
        (["jobshop", "--steps", "5", "--device", "cpu"], "--steps and --device"),
        (["jobshop", "--episodes", "5"], "flyball evaluate gives the verdict"),
        (["jobshop", "--algorithm", "dqn"], "'none', 'improve', 'es', 'ppo'"),
        (["jobshop", "--set", "es.pears=3"], "did you mean 'pairs'?"),
        (["jobshop", "--envs", "6"], "es.pairs"),
        (["jobshop", "--set", "seed=3", "--seed", "4"], "leave one out"),
        (["jobshop", "none.xlsx"], "none.xlsx"),
        (["jobshop", "--budget", "soon"], "write 90s, 2m or 1h"),
        (["jobshop", "--config", "none.toml"], "none.toml"),
        (["--config", "none.toml"], "none.toml"),
        (["--resume", "runs/none"], "no such folder"),
        (["--resume", "runs/none", "--budget", "90s"], "together with --budget"),
        (["jobshop", "a.xlsx", "--resume", "x", "--iterations", "3"], "WORLD, PLANT, --iterations"),
        (["--resume", "x", "--set", "seed=3"], "together with --set"),
    ],
)
def test_what_a_user_can_mend_is_exit_code_2_with_a_fix_and_no_traceback(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, arguments: list, words: str
):
    monkeypatch.chdir(tmp_path)

    found = RUN.invoke(app, ["train", *arguments])

    assert found.exit_code == 2
    assert words in found.output
    assert "fix:" in found.output
    assert "Traceback" not in found.output
    assert "compiling" not in found.output
    assert list(tmp_path.iterdir()) == []


def test_settings_that_an_algorithm_refuses_leave_no_folder(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    def learner(*_args: object) -> None:
        raise ConfigError(Problem(where="ppo.device", found="cuda", allowed="cpu", fix="take cpu"))

    monkeypatch.setattr(training, "learner", learner)

    found = RUN.invoke(app, ["train", "classics/cartpole", "--out", str(tmp_path / "runs")])

    assert found.exit_code == 2
    assert "take cpu" in found.output
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("command", ["train", "tune", "demo"])
def test_without_the_packages_of_training_the_fix_is_to_install_them(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, command: str
):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setitem(sys.modules, "torch", None)
    monkeypatch.setitem(sys.modules, "onnx", None)

    found = RUN.invoke(app, [command])

    assert found.exit_code == 2
    assert "torch and onnx not installed" in found.output
    assert "pip install 'flyball[train]'" in found.output
    assert list(tmp_path.iterdir()) == []
