# SPDX-License-Identifier: MIT
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

import pytest

from flyball.core.errors import ConfigError, Problem
from flyball.experiments.settings import build, read_toml, to_toml


@dataclass(frozen=True, kw_only=True)
class Inner:
    rate: float = 0.1
    sizes: tuple[int, ...] = (4, 2)
    limit: int | None = None
    target: float | None = 0.5

    def __post_init__(self) -> None:
        if self.rate <= 0:
            problem = Problem(where="rate", found=str(self.rate), allowed="above 0", fix="0.1")
            raise ConfigError(problem)


@dataclass(frozen=True, kw_only=True)
class Outer:
    name: str = "a"
    kind: Literal["one", "two"] = "one"
    on: bool = False
    weights: Mapping[str, float] = field(default_factory=dict)
    inner: Inner = field(default_factory=Inner)


def test_what_is_left_out_keeps_its_default():
    assert build(Outer, {"inner": {"rate": 1}}, "x.toml") == Outer(inner=Inner(rate=1))


def test_settings_survive_toml():
    given = Outer(
        name='say "hi"', kind="two", on=True, weights={"late h": 2.0}, inner=Inner(sizes=(8,))
    )

    text = to_toml(given)

    assert build(Outer, tomllib.loads(text), "x.toml") == given


def test_a_setting_without_a_value_survives_toml_where_the_default_has_one():
    given = Outer(inner=Inner(target=None))

    text = to_toml(given)

    assert 'target = "none"' in text
    assert "limit" not in text
    assert build(Outer, tomllib.loads(text), "x.toml") == given


def test_every_unknown_key_is_named_at_once_with_the_nearest():
    with pytest.raises(ConfigError) as caught:
        build(Outer, {"nam": "b", "inner": {"rat": 1.0}}, "x.toml")

    first, second = caught.value.problems
    assert (first.found, first.fix) == ("unknown key 'nam'", "did you mean 'name'?")
    assert (second.where, second.fix) == ("x.toml [inner]", "did you mean 'rate'?")


def test_what_is_out_of_range_is_told_together_with_the_rest():
    with pytest.raises(ConfigError) as caught:
        build(Outer, {"inner": {"rate": -1.0}, "on": 3, "nam": "b"}, "x.toml")

    assert [each.found for each in caught.value.problems] == ["-1.0", "3", "unknown key 'nam'"]


@pytest.mark.parametrize(
    ("values", "allowed"),
    [
        ({"inner": {"rate": "fast"}}, "a number"),
        ({"inner": {"rate": True}}, "a number"),
        ({"inner": {"limit": 1.5}}, "a whole number or none"),
        ({"weights": {"late": "much"}}, "a table of names, each with a number"),
        ({"inner": {"sizes": [1, "x"]}}, "[a whole number, ...]"),
        ({"kind": "three"}, "'one', 'two'"),
        ({"on": 1}, "true or false"),
        ({"name": 3}, "text"),
    ],
)
def test_a_value_of_the_wrong_kind_says_what_may_stand_there(values, allowed):
    with pytest.raises(ConfigError) as caught:
        build(Outer, values, "x.toml")

    assert caught.value.problems[0].allowed == allowed


def test_a_file_that_is_no_toml_says_where_it_breaks(tmp_path: Path):
    path = tmp_path / "x.toml"
    path.write_text("a = \n", encoding="utf-8")

    with pytest.raises(ConfigError, match="line 1"):
        read_toml(path)


def test_a_file_that_is_not_there_says_so(tmp_path: Path):
    with pytest.raises(ConfigError, match="No such file"):
        read_toml(tmp_path / "none.toml")
