# SPDX-License-Identifier: MIT
from dataclasses import dataclass

import pytest

from flyball.core.errors import ConfigError
from flyball.worlds.classics import scenario
from flyball.worlds.classics.scenario import Recipe, require, settings_of


@dataclass(frozen=True, kw_only=True)
class Own:
    size: int = 5
    slip: float = 0.0
    loud: bool = False
    mode: str = "fixed"
    means: tuple[float, ...] = (1.0,)
    goal: tuple[int, int] | None = None


RECIPE = Recipe(Own, lambda name, settings: (name, settings))


def test_settings_that_are_not_given_keep_their_defaults():
    found = settings_of("toy", RECIPE, {"size": 3, "slip": 1, "goal": (1, 2), "means": [1, 2]})

    assert found == Own(size=3, slip=1, goal=(1, 2), means=[1, 2])


@pytest.mark.parametrize(
    ("key", "value", "allowed"),
    [
        ("size", 5.0, "a whole number"),
        ("size", True, "a whole number"),
        ("slip", "much", "a number"),
        ("loud", 1, "true or false"),
        ("mode", 3, "a text"),
        ("means", 0.5, "a list"),
    ],
)
def test_a_value_of_the_wrong_type_is_refused(key, value, allowed):
    with pytest.raises(ConfigError) as caught:
        settings_of("toy", RECIPE, {key: value})

    (problem,) = caught.value.problems
    assert problem.where == f"toy.{key}"
    assert problem.found == repr(value)
    assert problem.allowed == allowed
    assert str(getattr(Own(), key)) in problem.fix


def test_all_wrong_settings_are_told_at_once_with_the_nearest_name():
    with pytest.raises(ConfigError) as caught:
        settings_of("toy", RECIPE, {"sise": 3, "slip": "no"})

    first, second = caught.value.problems
    assert "did you mean 'size'?" in first.fix
    assert "size, slip" in first.allowed
    assert second.where == "toy.slip"


def test_a_condition_that_is_not_met_is_told_in_five_parts():
    with pytest.raises(ConfigError, match=r"toy\.size: 0; allowed: 1 or more; fix: 5 is usual"):
        require(met=False, where="toy.size", found=0, allowed="1 or more", fix="5 is usual")


def test_a_condition_that_is_met_says_nothing():
    require(met=True, where="toy.size", found=1, allowed="1 or more", fix="5 is usual")


def test_a_return_is_a_mean_over_agents_unless_the_problem_sums():
    assert scenario("spread", n_agents=4).share == 0.25
    assert scenario("foraging").share == 1.0
    assert scenario("cartpole").share == 1.0
