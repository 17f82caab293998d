# SPDX-License-Identifier: MIT
import json

import pytest
from typer.testing import CliRunner

from flyball.cli import THREADS
from flyball.cli.app import app

RUN = CliRunner()


def test_a_machine_with_everything_is_well(monkeypatch: pytest.MonkeyPatch):
    for name in THREADS:
        monkeypatch.setenv(name, "1")

    found = RUN.invoke(app, ["doctor"])

    assert found.exit_code == 0
    assert "numba" in found.output


def test_threads_that_fight_are_exit_code_2_with_the_fix(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("OMP_NUM_THREADS", "64")

    found = RUN.invoke(app, ["doctor", "--json"])

    assert found.exit_code == 2
    (bad,) = [each for each in json.loads(found.stdout) if each["name"] == "OMP_NUM_THREADS"]
    assert "export OMP_NUM_THREADS=1" in bad["fix"]
