# SPDX-License-Identifier: MIT
"""What every test may ask for: golden files, the public benchmark files, steady properties."""

from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import HealthCheck, settings

ROOT = Path(__file__).parents[1]

# The first example of a property may compile a kernel for seconds, so time says nothing; the same
# examples come in every run, so that a failure can be run again.
settings.register_profile(
    "steady", deadline=None, derandomize=True, suppress_health_check=[HealthCheck.too_slow]
)
settings.load_profile("steady")


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--golden", action="store_true", help="write the golden files anew")
    parser.addoption(
        "--scheduling-data",
        type=Path,
        default=ROOT.parent / "shared" / "data" / "scheduling",
        help="folder of the public job shop files, with jsp, fjsp and fjsp_sdst in it",
    )


@pytest.fixture
def golden(request: pytest.FixtureRequest) -> Callable[[str, str], None]:
    """Compare a text with `golden/<name>` beside the test, or write it when --golden is given."""

    def compare(name: str, text: str) -> None:
        path = request.path.parent / "golden" / name
        if request.config.getoption("--golden"):
            path.parent.mkdir(exist_ok=True)
            path.write_text(text, encoding="utf-8")
        assert path.exists(), f"{path} is missing; run: make golden"
        assert text == path.read_text(encoding="utf-8")

    return compare


@pytest.fixture(scope="session")
def scheduling_data(pytestconfig: pytest.Config) -> Path:
    """Return the folder of the public job shop files, or skip where it is not there."""
    folder: Path = pytestconfig.getoption("--scheduling-data")
    if not folder.is_dir():
        pytest.skip(f"no public files in {folder}; give their folder with --scheduling-data")
    return folder
