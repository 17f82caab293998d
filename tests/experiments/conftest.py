# SPDX-License-Identifier: MIT
"""One small run of a problem for all tests of this folder."""

from pathlib import Path

import pytest

from flyball.experiments.train import start_run, train_run
from tests.experiments.any_runs import small, unwatched


@pytest.fixture(scope="session")
def any_run(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return the folder of a run of a few iterations."""
    folder = start_run(small(), tmp_path_factory.mktemp("any"), "flyball train <small>")
    train_run(folder, unwatched)
    return folder
