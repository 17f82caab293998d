# SPDX-License-Identifier: MIT
import pytest

from flyball.cli.asking import known, require_alone, require_one
from flyball.core.errors import ConfigError


def test_one_budget_is_enough_and_none_is_fine():
    require_one({"--steps": 5, "--budget": None})
    require_one({"--steps": None, "--budget": None})


def test_two_budgets_are_refused_with_both_values():
    with pytest.raises(ConfigError, match="--steps 5 and --budget 9s"):
        require_one({"--steps": 5, "--iterations": None, "--budget": "9s"})


def test_resume_stands_alone():
    require_alone({"WORLD": None})
    with pytest.raises(ConfigError, match="together with WORLD, --budget"):
        require_alone({"WORLD": "jobshop", "--budget_s": 9.0, "--seed": None})


def test_without_a_world_all_of_them_are_named():
    assert known("x") == "x"
    with pytest.raises(ConfigError, match="jobshop, classics/cartpole"):
        known(None)
