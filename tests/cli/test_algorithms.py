# SPDX-License-Identifier: MIT
import json

import pytest
from typer.testing import CliRunner

from flyball import learning
from flyball.cli.app import app

RUN = CliRunner()


def test_every_algorithm_is_listed_with_its_heads_memory_agents_and_paper():
    text = RUN.invoke(app, ["algorithms"]).output

    for each in learning.ALGORITHMS.values():
        assert f"{each.name} " in text
        assert each.title in text
        assert each.paper in text
    assert "Categorical, Hybrid, OptionsHead, TanhGaussian · may remember · one agent" in text


def test_settings_of_one_are_shown_with_type_default_and_sentence():
    text = RUN.invoke(app, ["algorithms", "ppo"]).output

    assert "ppo.clip = 0.2    (a number)\n    Largest change of the probability ratio" in text
    assert "ppo.target_kl = 0.03    (a number or none)" in text
    assert "net.hidden = " in text
    assert "ppo.seed" not in text  # its home is the run


@pytest.mark.parametrize("name", learning.ALGORITHMS)
def test_every_setting_of_every_algorithm_has_a_sentence(name: str):
    found = json.loads(RUN.invoke(app, ["algorithms", name, "--json"]).stdout)

    assert all(each["sentence"] for each in found), [e["key"] for e in found if not e["sentence"]]


def test_json_is_the_table():
    found = json.loads(RUN.invoke(app, ["algorithms", "--json"]).stdout)

    assert [each["name"] for each in found] == list(learning.ALGORITHMS)


def test_a_misspelt_name_suggests_the_nearest():
    found = RUN.invoke(app, ["algorithms", "pppo"])

    assert found.exit_code == 2
    assert "did you mean 'ppo'?" in found.output
