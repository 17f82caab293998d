# SPDX-License-Identifier: MIT
from pathlib import Path

import numpy as np
import pytest
from safetensors.numpy import load_file

from flyball.core.errors import ConfigError, RunError, ScenarioError
from flyball.experiments import runs
from flyball.experiments.jobshop.train import Asked, asked_of, start_run, train_run, warm_run
from flyball.experiments.runs import Watch
from tests.experiments.jobshop.small_runs import unwatched, write_plant, write_settings


def asked(plant: Path, iterations: int = 2) -> Asked:
    return Asked(world="jobshop", plant=plant, seconds=None, iterations=iterations)


def weights(folder: Path) -> dict[str, np.ndarray]:
    return load_file(folder / runs.BUNDLE / "weights.safetensors")


def test_a_run_folder_holds_what_was_asked_and_what_came_of_it(run: Path):
    names = {path.name for path in run.iterdir()}

    assert names >= {
        runs.SETTINGS, runs.MANIFEST, runs.METRICS, runs.RULES, runs.BUNDLE, runs.CHECKPOINT,
    }  # fmt: skip
    manifest = runs.read_json(run / runs.MANIFEST)
    assert manifest["seed"] == 3
    assert len(manifest["plant_hash"]) == 64
    stages = {line["stage"] for line in runs.read_lines(run / runs.METRICS)}
    assert stages == {"imitate", "improve"}
    assert not list(run.glob(".half*"))


def test_a_run_that_was_killed_and_resumed_ends_in_the_same_weights(run: Path, tmp_path: Path):
    plant, settings = write_plant(tmp_path), write_settings(tmp_path)
    folder = start_run(asked(plant), settings, tmp_path / "runs")

    class KilledError(Exception):
        pass

    def kill_in(wanted: str) -> Watch:
        def kill(stage: str, share: float, figures: object) -> None:
            del share, figures
            if stage == wanted:
                raise KilledError

        return kill

    for stage in ("tune", "imitate", "improve"):
        with pytest.raises(KilledError):
            train_run(folder, kill_in(stage))
    train_run(folder, unwatched)

    assert (folder / runs.RULES).read_bytes() == (run / runs.RULES).read_bytes()

    for name, array in weights(run).items():
        np.testing.assert_array_equal(weights(folder)[name], array, err_msg=name)


def test_a_run_that_is_complete_changes_nothing_when_it_is_resumed(run: Path):
    before = weights(run)

    train_run(run, unwatched)

    for name, array in weights(run).items():
        np.testing.assert_array_equal(before[name], array, err_msg=name)


def test_a_plant_with_problems_leaves_no_folder(tmp_path: Path):
    bad = tmp_path / "bad.txt"
    bad.write_text("2 2\n0 1\n", encoding="utf-8")

    with pytest.raises(ScenarioError):
        start_run(asked(bad), None, tmp_path / "runs")

    assert not (tmp_path / "runs").exists()


def test_settings_with_an_unknown_key_leave_no_folder(tmp_path: Path):
    settings = write_settings(tmp_path, "\n[ppo]\nclipp = 2\n")

    with pytest.raises(ConfigError, match="did you mean 'clip'"):
        start_run(asked(write_plant(tmp_path)), settings, tmp_path / "runs")

    assert not (tmp_path / "runs").exists()


@pytest.mark.parametrize(
    "weights", ["makespan_h = 1.0", "makespan_h = 1.0\nweighted_tardiness_h = 0.5"]
)
def test_what_is_judged_by_hours_late_is_not_trained_for_another_aim(tmp_path: Path, weights: str):
    settings = write_settings(tmp_path, f"\n[objective]\n{weights}\n")
    everything = Asked(world="jobshop", plant=None, seconds=None, iterations=1)

    with pytest.raises(ConfigError, match="weighted_tardiness_h above 0"):
        start_run(everything, settings, tmp_path / "runs")

    assert not (tmp_path / "runs").exists()
    # The public file has no due times: there the end of all work is the only aim.
    assert start_run(asked(write_plant(tmp_path)), settings, tmp_path / "runs").is_dir()


def test_a_run_that_another_process_trains_is_refused(run: Path):
    with runs.held(run), pytest.raises(RunError, match="in use"):
        train_run(run, unwatched)


def test_a_plant_that_changed_since_the_run_began_is_refused(tmp_path: Path):
    plant = write_plant(tmp_path)
    folder = start_run(asked(plant), write_settings(tmp_path), tmp_path / "runs")
    plant.write_text(plant.read_text(encoding="utf-8") + "\n", encoding="utf-8")

    with pytest.raises(RunError, match="was changed since the run began"):
        asked_of(folder)
    plant.unlink()
    with pytest.raises(RunError, match="is gone"):
        asked_of(folder)


@pytest.mark.parametrize("trainer", ["none", "es", "ppo"])
def test_every_trainer_can_be_named_in_the_settings(tmp_path: Path, trainer: str):
    settings = write_settings(tmp_path, "\n[es]\npairs = 2\n\n[ppo]\nn_steps = 8\n")
    text = settings.read_text(encoding="utf-8").replace('"improve"', f'"{trainer}"')
    settings.write_text(text, encoding="utf-8")
    folder = start_run(asked(write_plant(tmp_path), 1), settings, tmp_path / "runs")

    ended = train_run(folder, unwatched)

    assert not ended.interrupted
    assert (folder / runs.BUNDLE / "policy.onnx").is_file()


def test_changes_and_options_are_laid_over_the_file(tmp_path: Path):
    folder = start_run(
        asked(write_plant(tmp_path)), write_settings(tmp_path), tmp_path / "runs",
        changes=["pool.days=5", "trainer=es", "es.pairs=2"], options={"seed": 9, "envs": None},
    )  # fmt: skip

    _, config = asked_of(folder)
    assert (config.seed, config.trainer, config.pool.days, config.envs) == (9, "es", 5, 4)


def test_every_stage_writes_scalars_for_tensorboard_where_they_are_asked_for(tmp_path: Path):
    folder = start_run(
        asked(write_plant(tmp_path)), write_settings(tmp_path), tmp_path / "runs",
        options={"tensorboard": True},
    )  # fmt: skip

    train_run(folder, unwatched)

    accumulator = pytest.importorskip("tensorboard.backend.event_processing.event_accumulator")
    read = accumulator.EventAccumulator(str(folder / runs.BOARD)).Reload()
    assert {"imitate/decisions", "improve/decisions"} <= set(read.Tags()["scalars"])


def test_warming_up_leaves_the_run_as_it_was(run: Path):
    before = sorted(path.name for path in run.iterdir())

    assert warm_run(run) > 0

    assert sorted(path.name for path in run.iterdir()) == before
