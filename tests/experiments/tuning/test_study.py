# SPDX-License-Identifier: MIT
import os
import signal
import subprocess
import sys
from pathlib import Path

import optuna
import pytest

from flyball.core.clock import ManualClock
from flyball.core.errors import ConfigError, Problem, RunError
from flyball.experiments.experiment import Experiment, experiment_of
from flyball.experiments.tuning import study as studying
from flyball.experiments.tuning.found import TuneConfig
from flyball.experiments.tuning.race import GivenUpError, Raced
from flyball.experiments.tuning.study import changes_of, open_study, tune

CHANGES = ("ppo.n_steps=16", "envs=4", "validations=4", "validation_episodes=3", "steps=256")


def asked(*changes: str) -> Experiment:
    return experiment_of(None, [*CHANGES, *changes], world="classics/cartpole")


def unwatched(stage: str, share: float, figures: object) -> None:
    del stage, share, figures


@pytest.fixture
def worth(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let a trial be worth its learning rate, without any learning."""

    def race(experiment, seeds, clock, report):
        del seeds, clock
        value = -abs(experiment.own.rate - 2e-3)
        for point in range(experiment.run.validations):
            if report(point, value, 0.0):
                raise GivenUpError
        return Raced(value, ())

    monkeypatch.setattr(studying, "race", race)


@pytest.mark.usefixtures("worth")
def test_the_best_settings_are_found_and_can_be_trained_with(tmp_path: Path):
    found = tune(asked(), TuneConfig(trials=14, pruner="none"), tmp_path / "a.db", unwatched)

    assert len(found.trials) == 14
    assert found.usual.value == pytest.approx(-abs(3e-4 - 2e-3))
    assert found.best.value > found.usual.value
    assert not found.interrupted
    again = experiment_of(found.file)
    assert again.own.rate == pytest.approx(found.best.settings["ppo.rate"])
    assert again.own.n_steps == int(found.best.settings["ppo.n_steps"])
    assert again.run == asked().run


@pytest.mark.usefixtures("worth")
def test_the_first_trial_has_the_settings_as_they_are_without_tuning(tmp_path: Path):
    experiment = asked("ppo.minibatch=37", "net.hidden=[5]")

    found = tune(experiment, TuneConfig(trials=1), tmp_path / "a.db", unwatched)

    assert experiment_of(found.file) == experiment


@pytest.mark.usefixtures("worth")
def test_a_study_goes_on_where_it_ended_and_proposes_something_new(tmp_path: Path):
    file = tmp_path / "a.db"
    first = tune(asked(), TuneConfig(trials=4), file, unwatched)

    second = tune(asked(), TuneConfig(trials=8), file, unwatched)

    assert second.trials[:4] == first.trials
    assert len({each.settings["ppo.rate"] for each in second.trials}) == 8


@pytest.mark.usefixtures("worth")
def test_a_study_of_other_settings_is_not_mixed_up_with_this_one(tmp_path: Path):
    file = tmp_path / "a.db"
    tune(asked(), TuneConfig(trials=1), file, unwatched)

    for other, config in (
        (asked("steps=512"), TuneConfig(trials=2)),
        (asked(), TuneConfig(trials=2, seeds=2)),
        (asked(), TuneConfig(trials=2, fixed=("net.hidden",))),
    ):
        with pytest.raises(RunError, match="a study of other settings"):
            tune(other, config, file, unwatched)


@pytest.mark.usefixtures("worth")
def test_the_time_of_a_sitting_ends_it(tmp_path: Path):
    clock = ManualClock()

    def watch(stage: str, share: float, figures: object) -> None:
        del stage, share, figures
        clock.advance(1.0)

    config = TuneConfig(trials=100, timeout_s=10.0, pruner="none")

    found = tune(asked(), config, tmp_path / "a.db", watch, clock)

    assert len(found.trials) == 3  # of four points each


def test_trials_that_fall_behind_are_given_up_before_their_end(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    points = []

    def race(experiment, seeds, clock, report):
        del experiment, seeds, clock
        worth = 1.0 if len(points) < 6 else 0.0
        points.append(0)
        for point in range(4):
            points[-1] = point
            if report(point, worth + point, 0.0):
                raise GivenUpError
        return Raced(worth, ())

    monkeypatch.setattr(studying, "race", race)

    found = tune(asked(), TuneConfig(trials=8), tmp_path / "a.db", unwatched)

    assert [each.state for each in found.trials] == ["complete"] * 6 + ["given up"] * 2
    assert points[6:] == [1, 1]
    assert found.trials[7].value == 1.0


def test_settings_that_do_not_fit_together_fail_one_trial_and_not_the_study(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    def race(experiment, seeds, clock, report):
        del experiment, seeds, clock, report
        raise ConfigError(Problem(where="ppo.window", found="7", allowed="a divisor", fix="8"))

    monkeypatch.setattr(studying, "race", race)

    found = tune(asked(), TuneConfig(trials=2), tmp_path / "a.db", unwatched)

    assert [each.state for each in found.trials] == ["failed", "failed"]
    assert found.best is None
    assert found.file is None


def test_ctrl_c_leaves_a_study_that_goes_on(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    calls = []

    def race(experiment, seeds, clock, report):
        del experiment, seeds, clock, report
        calls.append(1)
        if len(calls) == 2:
            raise KeyboardInterrupt
        return Raced(1.0, ())

    monkeypatch.setattr(studying, "race", race)

    stopped = tune(asked(), TuneConfig(trials=4), tmp_path / "a.db", unwatched)
    ended = tune(asked(), TuneConfig(trials=4), tmp_path / "a.db", unwatched)

    assert stopped.interrupted
    assert stopped.file is not None
    assert [each.state for each in ended.trials] == ["complete", "failed", "complete", "complete"]


KILLED = """
import sys
from pathlib import Path
from flyball.experiments.tuning import study
from flyball.experiments.tuning.found import TuneConfig
from tests.experiments.tuning.test_study import asked, unwatched

def race(experiment, seeds, clock, report):
    report(0, 1.0, 0.0)
    print("racing", flush=True)
    sys.stdin.read()

study.race = race
study.tune(asked(), TuneConfig(trials=2), Path(sys.argv[1]), unwatched)
"""


@pytest.mark.skipif(sys.platform == "win32", reason="has no SIGKILL")
def test_a_study_survives_a_kill_and_the_trial_of_that_moment_counts_as_failed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    file = tmp_path / "a.db"
    with subprocess.Popen(  # noqa: S603 - this interpreter
        [sys.executable, "-c", KILLED, str(file)],
        stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, cwd=Path(__file__).parents[3],
    ) as process:  # fmt: skip
        assert process.stdout.readline() == "racing\n"
        with pytest.raises(RunError, match="in use"):
            tune(asked(), TuneConfig(trials=2), file, unwatched)
        os.kill(process.pid, signal.SIGKILL)
    monkeypatch.setattr(studying, "race", lambda *_: Raced(3.0, ()))

    found = tune(asked(), TuneConfig(trials=2), file, unwatched)

    assert [each.state for each in found.trials] == ["failed", "complete"]


def test_a_budget_in_wall_time_is_refused_because_trials_would_not_be_alike(tmp_path: Path):
    timed = experiment_of(None, ["budget_s=5"], world="classics/cartpole")

    with pytest.raises(ConfigError, match="give --steps"):
        tune(timed, TuneConfig(), tmp_path / "a.db", unwatched)

    assert list(tmp_path.iterdir()) == []


def test_a_real_trial_learns_and_is_worth_what_its_policy_returns(tmp_path: Path):
    found = tune(asked(), TuneConfig(trials=1, seeds=2), tmp_path / "a.db", unwatched)

    assert 5 <= found.best.value <= 500
    (trial,) = open_study(found.study).trials
    assert trial.state is optuna.trial.TrialState.COMPLETE
    assert len(trial.intermediate_values) == 4


def test_settings_that_keep_the_limits_come_before_all_that_earn_more(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    came_to = [(1.0, 0.2, -1.0), (9.0, 4.0, 0.0), (3.0, -0.1, 0.0), (2.0, 0.0, 0.0)]

    def race(experiment, seeds, clock, report):
        del experiment, seeds, clock
        value, *over = came_to.pop(0)
        assert not any(report(point, -value, 0.0) for point in range(4))
        return Raced(value, tuple(over))

    monkeypatch.setattr(studying, "race", race)
    rail = experiment_of(
        None, ["steps=256", "validations=4"], world="classics/double-integrator", algorithm="cpo"
    )

    found = tune(rail, TuneConfig(trials=4), tmp_path / "a.db", unwatched)

    assert found.best.number == 2
    assert [each.over for each in found.trials] == [0.2, 4.0, 0.0, 0.0]


def test_where_every_setting_breaks_a_limit_the_least_breach_is_best(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    came_to = [(9.0, 4.0, 0.0), (1.0, 0.1, 0.2)]
    monkeypatch.setattr(
        studying, "race", lambda *_: (lambda v, *over: Raced(v, over))(*came_to.pop(0))
    )
    rail = experiment_of(None, ["steps=256"], world="classics/double-integrator", algorithm="cpo")

    found = tune(rail, TuneConfig(trials=2), tmp_path / "a.db", unwatched)

    assert found.best.number == 1


def test_a_trial_s_parameters_are_set_texts():
    assert changes_of({"ppo.rate": 0.1, "net.hidden": "[8]"}) == ["ppo.rate=0.1", "net.hidden=[8]"]
