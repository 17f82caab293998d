# SPDX-License-Identifier: MIT
import pytest

from flyball.core.errors import ConfigError
from flyball.experiments.overrides import laid_over, tables_of


def test_values_are_read_as_toml_and_else_as_text():
    found = tables_of(
        ["ppo.clip=0.1", "net.hidden=[64, 32]", "seed = 3", "improve.signal=best", 'a.b="x=y"']
    )

    assert found == {
        "ppo": {"clip": 0.1},
        "net": {"hidden": [64, 32]},
        "seed": 3,
        "improve": {"signal": "best"},
        "a": {"b": "x=y"},
    }


def test_a_later_change_of_the_same_key_wins():
    assert tables_of(["seed=1", "seed=2"]) == {"seed": 2}


def test_every_text_of_another_form_is_told_at_once():
    with pytest.raises(ConfigError) as caught:
        tables_of(["clip", "=3", "ppo..clip=1", "a=1", "a.b=2", "c.d=1", "c=1", "good=1"])

    assert [problem.where for problem in caught.value.problems] == [
        "--set clip", "--set =3", "--set ppo..clip=1", "--set a.b=2", "--set c=1",
    ]  # fmt: skip


def test_tables_are_laid_over_each_other_key_by_key_and_stay_as_they_were():
    below = {"seed": 1, "ppo": {"clip": 0.2, "gamma": 0.9}}

    merged = laid_over(below, {"ppo": {"clip": 0.1}, "net": {"hidden": []}})

    assert merged == {"seed": 1, "ppo": {"clip": 0.1, "gamma": 0.9}, "net": {"hidden": []}}
    assert below == {"seed": 1, "ppo": {"clip": 0.2, "gamma": 0.9}}
