# SPDX-License-Identifier: MIT
from pathlib import Path

import numpy as np
import pytest

from flyball.core.batch import Action
from flyball.core.errors import ConfigError
from flyball.experiments import runs
from flyball.experiments.experiment import experiment_of
from flyball.experiments.shielding import ShieldSettings, placed
from flyball.experiments.streams import Stream
from flyball.experiments.subject import Subject
from flyball.experiments.train import start_run, train_run
from flyball.learning import training as learning_training
from tests.experiments.any_runs import small, unwatched
from tests.experiments.test_train import same

RAIL = "classics/double-integrator"
CLAMP = (
    '[[limits]]\nname = "loaded"\nkind = "clamp"\nvalue = "acceleration"\n'
    'low = -1.0\nhigh = 0.5\nunit = "m/s2"\n'
)


def full(n: int) -> Action:
    return Action(np.zeros((n, 1, 0), np.int32), np.full((n, 1, 1), 1e9))


def run_into_the_wall(shield: ShieldSettings | None, n_steps: int = 150):
    """Return costs, largest value and share of changes of full speed ahead."""
    env = Subject(RAIL, {}, shield).env(4, Stream.EVALUATE)
    env.reset(np.arange(4))
    cost, most, changes = 0.0, 0.0, []
    for _ in range(n_steps):
        step = env.step(full(4))
        cost += float(step.cost.sum())
        most = max(most, float(step.applied.value.max()))
        changes.append(env.changed.mean())
    return cost, most, np.mean(changes)


def test_full_speed_ahead_breaks_no_limit_behind_a_gate_and_some_without():
    assert run_into_the_wall(ShieldSettings()) == (0.0, 1.5, 1.0)
    assert run_into_the_wall(None)[0] > 0.0
    assert run_into_the_wall(ShieldSettings(filter=False, gate=False))[2] == 0.0


def test_the_limits_of_a_file_bind_with_a_gate_and_without(tmp_path: Path):
    (tmp_path / "site.toml").write_text(CLAMP)
    limits = str(tmp_path / "site.toml")

    assert run_into_the_wall(ShieldSettings(gate=False, limits=limits), 20)[1] == 0.5
    assert run_into_the_wall(ShieldSettings(limits=limits), 20)[1] == 0.5


def test_a_plant_without_a_statement_of_its_safety_can_have_limits_but_no_gate(tmp_path: Path):
    (tmp_path / "site.toml").write_text(
        '[[limits]]\nname = "gentle"\nkind = "box"\nvalue = "torque"\n'
        'low = -0.5\nhigh = 0.5\nunit = "Nm"\n'
    )
    limits = str(tmp_path / "site.toml")
    asked = Subject("classics/pendulum", {}, ShieldSettings(gate=False, limits=limits))

    env = asked.env(2, Stream.EVALUATE)

    env.reset(np.arange(2))
    assert env.step(full(2)).applied.value.max() == 0.5
    with pytest.raises(ConfigError, match=r"shield\.gate: true, but pendulum states no model"):
        Subject("classics/pendulum", {}, ShieldSettings(limits=limits)).env(2, Stream.EVALUATE)


def test_robots_and_boards_have_gates_of_their_own():
    for world in ("classics/crossing-robots", "classics/forbidden-grid"):
        settings = {"n_robots": 3} if "robots" in world else {}
        env = Subject(world, settings, ShieldSettings()).env(2, Stream.EVALUATE)
        shield = env._env.shield

        assert (shield.gate is None) != (shield.choices is None)


def test_a_table_of_the_file_or_a_setting_puts_the_shield_there_and_nothing_else_does():
    assert experiment_of(world=RAIL).subject.shield is None
    found = experiment_of(None, ["shield.gate=true"], world=RAIL).subject.shield
    assert found == ShieldSettings()
    assert experiment_of(None, ["shield.gate=false"], world=RAIL).subject.shield.filter
    with pytest.raises(ConfigError, match=r"--set \[shield\]: unknown key 'gait'.*'gate'"):
        experiment_of(None, ["shield.gait=true"], world=RAIL)
    with pytest.raises(ConfigError, match=r"\[shield\] gate: 'yes'; allowed: true or false"):
        experiment_of(None, ["shield.gate=yes"], world=RAIL)


def test_limits_are_looked_for_beside_the_file_that_names_them(tmp_path: Path):
    file = tmp_path / "mine.toml"
    file.write_text(f'world = "{RAIL}"\n[shield]\nlimits = "site.toml"\n')

    found = experiment_of(file)

    assert found.subject.shield.limits == str(tmp_path / "site.toml")
    file.write_text(found.to_toml())
    assert experiment_of(file) == found
    assert placed({"seed": 1}, tmp_path) == {"seed": 1}


def test_a_shield_that_no_proof_covers_is_refused_before_a_folder_is_made(tmp_path: Path):
    (tmp_path / "site.toml").write_text(CLAMP.replace("clamp", "box"))
    asked = small("ppo", f"shield.limits={tmp_path / 'site.toml'}", world=RAIL)

    with pytest.raises(Exception, match=r"limit 'loaded': -1\.5 to 1\.5; allowed: acceleration"):
        start_run(asked, tmp_path / "runs")

    assert not (tmp_path / "runs").exists()


class KilledError(Exception):
    """Ends a training between two iterations."""


def test_a_run_behind_a_shield_breaks_nothing_and_goes_on_exactly_where_it_was_stopped(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(learning_training, "CHECKPOINT_EVERY_S", 0.0)
    asked = small("ppo", "shield.gate=true", "scenario.episode_s=5.0", world=RAIL)
    whole, folder = (start_run(asked, tmp_path) for _ in range(2))
    train_run(whole, unwatched)

    def watch(stage: str, share: float, figures: dict) -> None:
        del stage, share
        if figures["iteration"] == 5:
            raise KilledError

    with pytest.raises(KilledError):
        train_run(folder, watch)
    train_run(folder, unwatched)

    same(folder, whole)
    lines = [each["figures"] for each in runs.read_lines(whole / runs.METRICS)]
    measured = [each for each in lines if "wall" in each]
    assert len(measured) == 6
    assert all(each["wall"] == each["speed limit"] == 0.0 for each in measured)
    assert all(0.0 <= each["changed"] <= 1.0 for each in measured)
