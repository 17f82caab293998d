# SPDX-License-Identifier: MIT
import json
import sys
from pathlib import Path

import pytest
from typer.testing import CliRunner

from flyball.cli.app import app
from flyball.experiments.experiment import experiment_of
from flyball.experiments.tuning import study as studying
from flyball.experiments.tuning.race import Raced

RUN = CliRunner()
TINY = ("--steps", "128", "--envs", "4", "--set", "validations=2", "--set", "validation_episodes=2")


@pytest.fixture
def worth(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let a trial be worth its learning rate, without any learning."""
    monkeypatch.setattr(studying, "race", lambda own, *_: Raced(own.own.rate, ()))


def tuned(tmp_path: Path, *more: str):
    study = tmp_path / "study.db"
    return RUN.invoke(
        app,
        ["tune", "classics/cartpole", "--algorithm", "ppo", "--study", str(study), *TINY, *more],
    )


@pytest.mark.usefixtures("worth")
def test_the_table_the_picture_and_the_best_settings_come_out(tmp_path: Path):
    found = tuned(tmp_path, "--trials", "6", "--set", "ppo.clip=0.25")

    assert found.exit_code == 0, found.output
    assert "6 trials: 6 complete" in found.output
    assert "without tuning (trial 0)" in found.output
    assert "what mattered: " in found.output
    assert (tmp_path / "study.importance.png").is_file()
    best = experiment_of(tmp_path / "study.best.toml")
    assert best.own.clip == 0.25  # what was set is not searched
    assert best.own.rate >= 3e-4
    assert f"next: flyball train --config {tmp_path / 'study.best.toml'}" in found.output


@pytest.mark.usefixtures("worth")
def test_json_holds_every_trial_and_nothing_else(tmp_path: Path):
    found = json.loads(tuned(tmp_path, "--trials", "2", "--json").stdout)

    assert [each["state"] for each in found["trials"]] == ["complete", "complete"]
    assert found["importance"] == {}
    assert found["picture"] is None


def test_a_real_study_of_two_trials_can_be_trained_on(tmp_path: Path):
    found = tuned(tmp_path, "--trials", "2", "--set", "ppo.n_steps=16", "--seeds", "2")
    assert found.exit_code == 0, found.output

    command = ["train", "--config", str(tmp_path / "study.best.toml"), "--episodes", "5"]
    trained = RUN.invoke(app, [*command, "--out", str(tmp_path / "runs")])

    assert trained.exit_code == 0, trained.output


def test_ctrl_c_is_answered_with_how_to_go_on(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    def stopped(*_args: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(studying, "race", stopped)

    found = tuned(tmp_path)

    assert found.exit_code == 130
    assert "the study keeps its trials" in found.output


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        ([], "flyball train classics/cartpole"),
        (["jobshop"], "tunes its rules by itself"),
        (["classics/cartpol"], "did you mean 'classics/cartpole'?"),
        (["classics/cartpole", "--steps", "5", "--iterations", "5"], "leave the others out"),
        (["classics/cartpole", "--timeout", "soon"], "write 90s, 2m or 1h"),
    ],
)
def test_what_a_user_can_mend_is_exit_code_2_with_a_fix(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, arguments: list, words: str
):
    monkeypatch.chdir(tmp_path)

    found = RUN.invoke(app, ["tune", *arguments])

    assert found.exit_code == 2
    assert words in found.output
    assert list(tmp_path.iterdir()) == []


def test_without_optuna_the_fix_names_the_extra(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setitem(sys.modules, "optuna", None)

    found = RUN.invoke(app, ["tune", "classics/cartpole"])

    assert found.exit_code == 2
    assert "pip install 'flyball[tune]'" in found.output
