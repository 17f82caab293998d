# SPDX-License-Identifier: MIT
from pathlib import Path

import pytest
from typer.testing import CliRunner

from flyball.cli.app import app

RUN = CliRunner()


def test_the_template_is_valid_input(tmp_path: Path):
    path = tmp_path / "orders.xlsx"

    written = RUN.invoke(app, ["template", "jobshop", str(path)])
    checked = RUN.invoke(app, ["check", str(path)])

    assert (written.exit_code, checked.exit_code) == (0, 0)


def test_a_file_that_exists_is_kept_unless_forced(tmp_path: Path):
    path = tmp_path / "orders.xlsx"
    path.write_text("mine", encoding="utf-8")

    refused = RUN.invoke(app, ["template", "jobshop", str(path)])

    assert refused.exit_code == 2
    assert path.read_text(encoding="utf-8") == "mine"
    assert RUN.invoke(app, ["template", "jobshop", str(path), "--force"]).exit_code == 0
    assert path.read_bytes().startswith(b"PK")


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["jobshop", "orders.csv"], "write orders.xlsx"),
        (["jobshup", "orders.xlsx"], "did you mean 'jobshop'?"),
    ],
)
def test_what_cannot_be_written_is_exit_code_2(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, arguments: list, words: str
):
    monkeypatch.chdir(tmp_path)

    found = RUN.invoke(app, ["template", *arguments])

    assert found.exit_code == 2
    assert words in found.output
