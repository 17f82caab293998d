# SPDX-License-Identifier: MIT
"""A small run made by the command itself, for the commands that need one."""

import json
from typing import TYPE_CHECKING

import pytest
from typer.testing import CliRunner

from flyball.cli.app import app
from tests.experiments.jobshop.small_runs import write_plant, write_settings

if TYPE_CHECKING:
    from pathlib import Path


SMALL = ("--set", "ppo.n_steps=16", "--set", "validations=3", "--set", "validation_episodes=3")
"""Settings of a run that takes a second."""


@pytest.fixture(scope="session")
def small(tmp_path_factory: pytest.TempPathFactory) -> dict:
    """Return what `flyball train --json` printed for a few steps of a problem."""
    out = tmp_path_factory.mktemp("any") / "runs"
    command = ["train", "classics/cartpole", "--steps", "512", "--episodes", "10", *SMALL]
    found = CliRunner().invoke(app, [*command, "--out", str(out), "--json"])
    assert found.exit_code == 0, found.output
    return json.loads(found.stdout)


@pytest.fixture(scope="session")
def trained(tmp_path_factory: pytest.TempPathFactory) -> dict:
    """Return what `flyball train --json` printed for a small plant, with the plant's file."""
    folder: Path = tmp_path_factory.mktemp("cli")
    plant, settings = write_plant(folder), write_settings(folder)
    found = CliRunner().invoke(
        app,
        ["train", "jobshop", str(plant), "--iterations", "1", "--config", str(settings),
         "--out", str(folder / "runs"), "--json"],
    )  # fmt: skip
    assert found.exit_code == 0, found.output
    return json.loads(found.stdout) | {"plant": str(plant)}
