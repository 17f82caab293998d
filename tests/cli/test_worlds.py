# SPDX-License-Identifier: MIT
import json

from typer.testing import CliRunner

from flyball.cli.app import app
from flyball.worlds import TITLES

RUN = CliRunner()


def test_every_world_is_listed_with_what_it_is_about():
    text = RUN.invoke(app, ["worlds"]).output

    for name, title in TITLES.items():
        assert f"{name:<10} {title}" in text


def test_json_is_names_and_titles():
    assert json.loads(RUN.invoke(app, ["worlds", "--json"]).stdout) == TITLES
