# SPDX-License-Identifier: MIT
from pathlib import Path

import pytest

from flyball.experiments.tuning import study as studying
from flyball.experiments.tuning.found import TuneConfig
from flyball.experiments.tuning.picture import importances, write_picture
from flyball.experiments.tuning.race import Raced
from flyball.experiments.tuning.study import tune
from tests.experiments.tuning.test_study import asked, unwatched


def tuned(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, trials: int):
    def race(experiment, seeds, clock, report):
        del seeds, clock, report
        return Raced(-abs(experiment.own.value_weight - 0.9), ())

    monkeypatch.setattr(studying, "race", race)
    return tune(asked(), TuneConfig(trials=trials, pruner="none"), tmp_path / "a.db", unwatched)


def test_the_setting_that_decides_is_named_first(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    found = tuned(tmp_path, monkeypatch, 25)

    shares = importances(found)

    assert next(iter(shares)) == "ppo.value_weight"
    assert sum(shares.values()) == pytest.approx(1.0)
    path = write_picture(found)
    assert path == tmp_path / "a.importance.png"
    assert path.read_bytes().startswith(b"\x89PNG")


def test_of_a_few_trials_nothing_is_claimed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    found = tuned(tmp_path, monkeypatch, 2)

    assert importances(found) == {}
    assert write_picture(found) is None
