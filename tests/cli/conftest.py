# SPDX-License-Identifier: MIT
"""A small run made by the command itself, for the commands that need one."""

import json
from typing import TYPE_CHECKING

import pytest
from typer.testing import CliRunner

from flyball.cli.app import app
from tests.experiments.small_runs import write_plant, write_settings

if TYPE_CHECKING:
    from pathlib import Path


@pytest.fixture(scope="session")
def trained(tmp_path_factory: pytest.TempPathFactory) -> dict:
    """Return what `flyball train --json` printed for a small plant, with the plant's file."""
    folder: Path = tmp_path_factory.mktemp("cli")
    plant, settings = write_plant(folder), write_settings(folder)
    found = CliRunner().invoke(
        app,
        ["train", "jobshop", str(plant), "--iterations", "1", "--settings", str(settings),
         "--runs", str(folder / "runs"), "--json"],
    )  # fmt: skip
    assert found.exit_code == 0, found.output
    return json.loads(found.stdout) | {"plant": str(plant)}
