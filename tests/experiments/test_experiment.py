# SPDX-License-Identifier: MIT
from pathlib import Path

import pytest

from flyball import learning
from flyball.core.errors import ConfigError
from flyball.experiments.experiment import experiment_of, with_changes

CONFIGS = sorted((Path(__file__).parents[2] / "configs" / "classics").glob("*.toml"))


def write(folder: Path, text: str) -> Path:
    path = folder / "mine.toml"
    path.write_text(text, encoding="utf-8")
    return path


@pytest.mark.parametrize("path", CONFIGS, ids=lambda path: path.stem)
def test_every_shipped_file_is_valid_and_its_algorithm_can_learn_its_world(path: Path):
    experiment = experiment_of(path)

    assert learning.recipe(experiment.algorithm, experiment.subject.spec)


def test_options_hold_over_changes_and_changes_over_the_file(tmp_path: Path):
    file = write(
        tmp_path,
        'world = "classics/cartpole"\nseed = 2\nenvs = 2\n[ppo]\nclip = 0.1\ngamma = 0.9\n',
    )

    found = experiment_of(file, ["ppo.clip=0.3", "envs=3", "net.hidden=[8]"], seed=7)

    assert (found.run.seed, found.run.envs) == (7, 3)
    assert (found.own.clip, found.own.gamma, found.own.lam) == (0.3, 0.9, 0.95)
    assert found.net.hidden == (8,)
    assert found.settings.seed == 7


def test_what_was_resolved_is_read_back_as_the_same(tmp_path: Path):
    changes = ["ppo.target_kl=none", "ppo.weights.return=2.0", "scenario.corridor=3"]
    asked = experiment_of(None, changes, world="classics/t-maze", steps=500)

    again = experiment_of(write(tmp_path, asked.to_toml()))

    assert again == asked
    assert again.own.target_kl is None


def test_a_weight_of_an_objective_that_the_world_does_not_have_is_refused_before_the_run():
    with pytest.raises(ConfigError, match=r"\[ppo\] weights: 'profit'; allowed: return"):
        experiment_of(changes=["ppo.weights.profit=1"], world="classics/cartpole")


def test_a_budget_of_the_command_line_takes_the_place_of_the_file_s(tmp_path: Path):
    file = write(tmp_path, 'world = "classics/cartpole"\nsteps = 5000\n')

    assert experiment_of(file).run.budget == ("steps", 5000.0)
    assert experiment_of(file, budget_s=9.0).run.budget == ("budget_s", 9.0)
    assert experiment_of(file, ["iterations=3"]).run.budget == ("iterations", 3.0)
    assert experiment_of(None, world="classics/cartpole").run.budget == ("steps", 100_000.0)


def test_problems_of_every_source_are_told_at_once_each_with_its_place(tmp_path: Path):
    file = write(tmp_path, 'world = "classics/cartpole"\nenv = 2\n[ppo]\nclip = 2\n')

    with pytest.raises(ConfigError) as caught:
        experiment_of(file, ["ppo.gama=0.9", "net.hidden=3", "sac.tau=1", "ppo.seed=1"])

    found = [
        (each.where.replace(str(file), "mine.toml"), each.fix) for each in caught.value.problems
    ]
    assert ("mine.toml", "did you mean 'envs'?") in found
    assert any(where == "ppo.clip" for where, _ in found)
    assert ("--set [ppo]", "did you mean 'gamma'?") in found
    assert any(where == "--set [net] hidden" for where, _ in found)
    assert any(where == "--set [ppo] seed" for where, _ in found)
    assert len(found) == 6


@pytest.mark.parametrize(
    ("changes", "options", "message"),
    [
        ([], {"world": "classics/cartpol"}, "did you mean 'classics/cartpole'"),
        ([], {"world": "classics/cartpole", "algorithm": "pppo"}, "did you mean 'ppo'"),
        (["a2c.gamma=1"], {"world": "classics/cartpole"}, "take --algorithm a2c"),
        (["seed=1"], {"world": "classics/cartpole", "seed": 2}, "leave one out"),
        (["steps=5", "budget_s=1"], {"world": "classics/cartpole"}, "steps and budget_s"),
        (["ppo=3"], {"world": "classics/cartpole"}, r"a table, \[ppo\]"),
        (["scenario.coridor=3"], {"world": "classics/t-maze"}, "did you mean 'corridor'"),
        (["scenario.corridor=soon"], {"world": "classics/t-maze"}, "a whole number"),
        (["world=classics/acrobot"], {"world": "classics/cartpole"}, "leave one out"),
    ],
)
def test_what_cannot_be_is_refused_with_a_fix(changes, options, message):
    with pytest.raises(ConfigError, match=message):
        experiment_of(None, changes, **options)


def test_a_world_and_an_algorithm_that_do_not_exist_are_told_together():
    with pytest.raises(ConfigError) as caught:
        experiment_of(world="classics/cartpol", algorithm="pppo")

    assert [each.fix for each in caught.value.problems] == [
        "did you mean 'classics/cartpole'?", "did you mean 'ppo'?",
    ]  # fmt: skip


def test_a_file_of_one_world_is_not_taken_for_another(tmp_path: Path):
    file = write(tmp_path, 'world = "classics/cartpole"\n')

    with pytest.raises(ConfigError, match="take the file's world, or another file"):
        experiment_of(file, world="classics/acrobot")


def test_changes_are_laid_over_a_whole_experiment():
    before = experiment_of(None, ["ppo.clip=0.3"], world="classics/cartpole")

    after = with_changes(before, ["ppo.gamma=0.5", "net.activation=relu"])

    assert (after.own.clip, after.own.gamma, after.net.activation) == (0.3, 0.5, "relu")
