# SPDX-License-Identifier: MIT
"""One small run for all tests of this folder."""

from pathlib import Path

import pytest

from flyball.experiments.jobshop.train import Asked, start_run, train_run
from tests.experiments.jobshop.small_runs import unwatched, write_plant, write_settings


@pytest.fixture(scope="session")
def run(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return the folder of a run of a few iterations."""
    folder = tmp_path_factory.mktemp("small")
    asked = Asked(
        world="jobshop", plant=write_plant(folder), seconds=None, iterations=2, command="test"
    )
    made = start_run(asked, write_settings(folder), folder / "runs")
    train_run(made, unwatched)
    return made
