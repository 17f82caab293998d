# SPDX-License-Identifier: MIT
import json
import os
import signal
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from safetensors.numpy import load_file

from flyball import learning
from flyball.core.clock import ManualClock
from flyball.core.errors import ConfigError, RunError
from flyball.experiments import runs
from flyball.experiments.evaluate import evaluate_run
from flyball.experiments.experiment import with_changes
from flyball.experiments.streams import Stream
from flyball.experiments.train import (
    StepBudget,
    asked_of,
    budget_of,
    start_run,
    train_run,
    warm_run,
)
from flyball.learning import training as learning_training
from tests.experiments.any_runs import small, unwatched


def weights(folder: Path) -> dict[str, np.ndarray]:
    return load_file(folder / runs.BUNDLE / "weights.safetensors")


def state(folder: Path) -> dict[str, np.ndarray]:
    (*_, last) = sorted((folder / runs.CHECKPOINT).glob("checkpoint-*"))
    return load_file(last / "state.safetensors")


def same(one: Path, other: Path) -> None:
    """Require what is exported, and what learning would go on with, to be alike to the last bit."""
    for read in (weights, state):
        found, expected = read(one), read(other)
        assert found.keys() == expected.keys()
        for name, array in expected.items():
            np.testing.assert_array_equal(found[name], array, err_msg=name)


def test_a_run_folder_holds_what_was_asked_and_what_came_of_it(tmp_path: Path):
    experiment = small()
    folder = start_run(experiment, tmp_path, "flyball train", ManualClock())

    ended = train_run(folder, unwatched)

    assert folder.name == "classics-cartpole-20260101-000000"
    assert asked_of(folder) == experiment
    manifest = runs.read_manifest(folder)
    assert (manifest["world"], manifest["algorithm"]) == ("classics/cartpole", "ppo")
    assert (ended.steps, ended.kpi, ended.interrupted) == (768, "return", False)
    lines = runs.read_lines(folder / runs.METRICS)
    facts = json.loads((folder / runs.BUNDLE / "manifest.json").read_text())["facts"]
    logged = [line["figures"]["reward_scale"] for line in lines if line["stage"] == "train"]
    assert facts["reward_scale"] == pytest.approx(logged[-1])
    assert facts["reward_scale"] != 1.0
    assert [line["steps"] for line in lines if line["stage"] == "validate"] == [
        128, 256, 384, 512, 640, 768,
    ]  # fmt: skip
    best = max(line["figures"]["return"] for line in lines if line["stage"] == "validate")
    assert ended.validation == best
    assert not list(folder.glob(".half*"))


@pytest.mark.skipif(sys.platform == "win32", reason="has no SIGKILL")
@pytest.mark.parametrize("algorithm", ["ppo", "dqn"])
def test_a_run_that_was_killed_and_resumed_ends_in_the_same_weights(tmp_path: Path, algorithm: str):
    whole = start_run(small(algorithm), tmp_path)
    train_run(whole, unwatched)
    folder = start_run(small(algorithm), tmp_path)

    for n_lines in (2, 5):
        with subprocess.Popen(  # noqa: S603 - this interpreter
            [sys.executable, "-m", "tests.experiments.long_run", str(folder), "0.05"],
            stdout=subprocess.PIPE, text=True, cwd=Path(__file__).parents[2],
        ) as process:  # fmt: skip
            assert process.stdout is not None
            for _ in range(n_lines):
                assert process.stdout.readline()
            os.kill(process.pid, signal.SIGKILL)
        with (folder / runs.METRICS).open("a", encoding="utf-8") as stream:
            stream.write('{"stage": "trai')  # as a kill may leave it
    ended = train_run(folder, unwatched)

    assert ended.steps == 768
    same(folder, whole)
    for line, expected in zip(
        runs.read_lines(folder / runs.METRICS), runs.read_lines(whole / runs.METRICS), strict=True
    ):
        assert (line["stage"], line["steps"]) == (expected["stage"], expected["steps"])
        if line["stage"] == "validate":
            assert line["figures"] == expected["figures"]


class KilledError(Exception):
    """Ends a training between two iterations."""


@pytest.mark.parametrize("algorithm", learning.ALGORITHMS)
def test_every_algorithm_goes_on_exactly_where_it_was_stopped_and_can_be_judged(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, algorithm: str
):
    monkeypatch.setattr(learning_training, "CHECKPOINT_EVERY_S", 0.0)
    whole, folder = (start_run(small(algorithm), tmp_path) for _ in range(2))
    train_run(whole, unwatched)
    stops = [3, 11]

    def watch(stage: str, share: float, figures: dict) -> None:
        del stage, share
        if stops and figures["iteration"] == stops[0]:
            stops.pop(0)
            raise KilledError

    for _ in range(2):
        with pytest.raises(KilledError):
            train_run(folder, watch)
    ended = train_run(folder, watch)

    assert not ended.interrupted
    same(folder, whole)
    judged = evaluate_run(folder, unwatched, episodes=5)
    assert np.isfinite(judged.method("policy").mean(judged.kpi))


def test_a_run_that_is_complete_changes_nothing_when_it_is_resumed(tmp_path: Path):
    folder = start_run(small(), tmp_path)
    train_run(folder, unwatched)
    before = weights(folder)

    again = train_run(folder, unwatched)

    assert again.steps == 768
    for name, array in weights(folder).items():
        np.testing.assert_array_equal(before[name], array, err_msg=name)


def test_a_run_that_was_killed_has_no_policy_yet_and_says_how_to_get_one(tmp_path: Path):
    folder = start_run(small(), tmp_path)

    with pytest.raises(RunError, match="flyball train --resume"):
        evaluate_run(folder, unwatched, episodes=6)


@pytest.mark.parametrize("share", [0.25, 0.5])
def test_a_resumed_budget_in_seconds_goes_on_being_measured(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, share: float
):
    monkeypatch.setattr(learning_training, "CHECKPOINT_EVERY_S", 0.0)
    clock = ManualClock()

    def watch(stage: str, spent: float, figures: object) -> None:
        del stage, figures
        clock.advance(1.0)
        if spent >= share and not stopped:
            stopped.append(spent)
            raise KeyboardInterrupt

    stopped: list[float] = []
    changes = ["budget_s=20", "validations=5", "steps=none"]
    folder = start_run(with_changes(small(), changes), tmp_path)
    with pytest.raises(KeyboardInterrupt):
        train_run(folder, watch, clock)
    train_run(folder, watch, clock)

    lines = [x for x in runs.read_lines(folder / runs.METRICS) if x["stage"] == "validate"]
    assert len(lines) >= 5
    assert lines[-1]["elapsed_s"] == pytest.approx(20.0, abs=2.0)


def test_the_last_weights_are_exported_where_those_are_asked_for(tmp_path: Path):
    best, last = (start_run(small("ppo", f"keep={keep}"), tmp_path) for keep in ("best", "last"))
    found = [train_run(folder, unwatched).validation for folder in (best, last)]

    lines = runs.read_lines(last / runs.METRICS)
    figures = [line["figures"]["return"] for line in lines if line["stage"] == "validate"]
    assert found == [max(figures), figures[-1]]


def test_budgets_are_in_steps_iterations_or_seconds():
    env = small().subject.env(4, Stream.TRAIN)

    assert isinstance(budget_of("steps", 8, env), StepBudget)
    assert budget_of("steps", 8, env).share(7, 99.0) == 0.0
    env.steps = 6
    assert budget_of("steps", 8, env).share(0, 0.0) == 0.75
    assert budget_of("iterations", 8, env).share(2, 99.0) == 0.25
    assert budget_of("budget_s", 8.0, env).share(2, 4.0) == 0.5


def test_an_algorithm_that_cannot_learn_the_world_is_refused_before_anything_is_made(
    tmp_path: Path,
):
    with pytest.raises(ConfigError, match="dqn does not learn TanhGaussian heads"):
        start_run(small("dqn", world="classics/pendulum"), tmp_path / "runs")

    assert not (tmp_path / "runs").exists()


def test_a_run_that_another_process_trains_is_refused(tmp_path: Path):
    folder = start_run(small(), tmp_path)

    with runs.held(folder), pytest.raises(RunError, match="in use"):
        train_run(folder, unwatched)


def test_scalars_are_written_for_tensorboard_where_they_are_asked_for(tmp_path: Path):
    folder = start_run(small("ppo", "tensorboard=true"), tmp_path)

    train_run(folder, unwatched)

    accumulator = pytest.importorskip("tensorboard.backend.event_processing.event_accumulator")
    read = accumulator.EventAccumulator(str(folder / runs.BOARD)).Reload()
    assert [event.step for event in read.Scalars("validate/return")][-1] == 768
    assert "train/kl" in read.Tags()["scalars"]


def test_without_tensorboard_s_package_no_run_is_begun(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setitem(sys.modules, "tensorboard", None)

    with pytest.raises(ConfigError, match="tensorboard"):
        start_run(small("ppo", "tensorboard=true"), tmp_path / "runs")

    assert not (tmp_path / "runs").exists()


def test_warming_up_leaves_the_run_as_it_was(tmp_path: Path):
    folder = start_run(small(), tmp_path)
    before = sorted(path.name for path in folder.iterdir())

    assert warm_run(folder) > 0

    assert sorted(path.name for path in folder.iterdir()) == before
