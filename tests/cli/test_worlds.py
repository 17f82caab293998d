# SPDX-License-Identifier: MIT
import json

from typer.testing import CliRunner

from flyball.cli.app import app
from flyball.worlds import TITLES, classics

RUN = CliRunner()


def test_every_world_and_every_problem_is_listed_with_what_it_is_about():
    lines = RUN.invoke(app, ["worlds"]).output.splitlines()

    found = dict(line.split(maxsplit=1) for line in lines)
    assert {name: found[name] for name in TITLES} == TITLES
    for name in classics.NAMES:
        assert "agent" in found[f"classics/{name}"]
    assert found["classics/cartpole"] == "1 agent; 4 features, push (2 choices)"


def test_json_is_names_and_titles():
    found = json.loads(RUN.invoke(app, ["worlds", "--json"]).stdout)

    assert list(found) == [*TITLES, *(f"classics/{name}" for name in classics.NAMES)]
