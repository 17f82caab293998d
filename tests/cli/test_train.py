# SPDX-License-Identifier: MIT
import sys
from pathlib import Path

import pytest
from typer.testing import CliRunner

from flyball import experiments
from flyball.cli.app import app
from tests.experiments.small_runs import write_plant, write_settings

RUN = CliRunner()


def test_json_holds_the_run_and_the_figures_and_nothing_else(trained: dict):
    assert Path(trained["run"]).is_dir()
    assert trained["validation_h"] >= 0
    assert trained["best_rule_h"] >= 0


def test_a_run_can_be_resumed_by_its_folder(trained: dict):
    found = RUN.invoke(app, ["train", "--resume", trained["run"]])

    assert found.exit_code == 0
    assert f"next: flyball evaluate {trained['run']}" in found.output


def test_ctrl_c_is_answered_with_how_to_go_on(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    def stopped(*_args: object) -> None:
        raise KeyboardInterrupt

    # The face is filled when a name is first used; before that there is nothing to replace.
    monkeypatch.setattr(experiments, "train_run", stopped, raising=False)
    arguments = ["train", "jobshop", str(write_plant(tmp_path)), "--runs", str(tmp_path / "runs")]
    settings = ["--settings", str(write_settings(tmp_path)), "--iterations", "1"]

    found = RUN.invoke(app, arguments + settings)

    assert found.exit_code == 130
    assert "Go on with: flyball train --resume" in found.output


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        ([], "flyball train jobshop orders.xlsx"),
        (["jobshap"], "did you mean 'jobshop'?"),
        (["jobshop", "none.xlsx"], "none.xlsx"),
        (["jobshop", "--budget", "soon"], "write 90s, 2m or 1h"),
        (["jobshop", "--settings", "none.toml"], "none.toml"),
        (["--resume", "runs/none"], "no such folder"),
        (["--resume", "runs/none", "--budget", "90s"], "together with --budget"),
        (["jobshop", "a.xlsx", "--resume", "x", "--iterations", "3"], "WORLD, PLANT, --iterations"),
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


@pytest.mark.parametrize("command", ["train", "demo"])
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
