# SPDX-License-Identifier: MIT
import json
from pathlib import Path

from typer.testing import CliRunner

from flyball.cli.app import app
from tests.experiments.jobshop.small_runs import write_plant

RUN = CliRunner()


def test_a_good_file_is_counted(tmp_path: Path):
    found = RUN.invoke(app, ["check", str(write_plant(tmp_path)), "--json"])

    data = json.loads(found.stdout)
    assert (data["jobs"], data["operations"], data["machines"]) == (4, 12, 3)
    assert data["start"] is None


def test_a_good_file_is_called_good(tmp_path: Path):
    found = RUN.invoke(app, ["check", str(write_plant(tmp_path))])

    assert found.exit_code == 0
    assert found.output.splitlines()[0].endswith("small.txt: good")


def test_problems_are_exit_code_2_without_a_traceback(tmp_path: Path):
    found = RUN.invoke(app, ["check", str(tmp_path / "none.xlsx")])

    assert found.exit_code == 2
    assert "fix:" in found.output
    assert "Traceback" not in found.output
