# SPDX-License-Identifier: MIT
import pytest

from flyball.core.errors import ConfigError
from flyball.experiments.run_config import BUDGETS, USUAL_STEPS, RunConfig


def test_without_a_budget_the_usual_one_holds():
    assert RunConfig().budget == ("steps", USUAL_STEPS)


@pytest.mark.parametrize("name", BUDGETS)
def test_the_budget_that_was_given_holds(name: str):
    assert RunConfig(**{name: 7}).budget == (name, 7.0)


def test_two_budgets_are_refused_because_nobody_could_tell_which_ends_the_run():
    with pytest.raises(ConfigError, match="steps and budget_s: given together"):
        RunConfig(steps=5, budget_s=1.0)


@pytest.mark.parametrize("values", [{"envs": 0}, {"threads": 0}, {"validations": 0}, {"steps": 0}])
def test_a_setting_of_the_run_out_of_range_is_refused_by_name(values):
    with pytest.raises(ConfigError, match=next(iter(values))):
        RunConfig(**values)
