# SPDX-License-Identifier: MIT
import sys

import pytest

from flyball.core.errors import ConfigError, SolverError
from flyball.optimize import CpSettings, domain, new_model, run

SETTINGS = CpSettings(time_s=5, threads=1, seed=1)


def test_the_least_value_is_found_and_proved():
    model = new_model()
    x = model.new_int_var(0, 9, "x")
    y = model.new_int_var_from_domain(domain([[2, 3], [7, 9]]), "y")
    model.add(x + y >= 6)
    model.minimize(3 * x + y)

    answer = run(model, SETTINGS)

    assert (answer.status, answer.objective, answer.bound) == ("optimal", 7, 7)
    assert (answer.value(x), answer.value(y)) == (0, 7)


def test_a_model_without_solution_says_so():
    model = new_model()
    x = model.new_int_var(0, 9, "x")
    model.add(x >= 10)

    answer = run(model, SETTINGS)

    assert answer.status == "infeasible"
    assert not answer.found


def test_a_malformed_model_is_refused_in_words():
    model = new_model()
    x = model.new_int_var(0, 2**61, "x")
    y = model.new_int_var(0, 2**61, "y")
    model.add(4 * x + 4 * y >= 1)

    with pytest.raises(SolverError, match="CP-SAT refuses the model"):
        run(model, SETTINGS)


def test_extra_parameters_reach_the_solver():
    model = new_model()
    model.minimize(model.new_int_var(0, 9, "x"))

    with pytest.raises(AttributeError):
        run(model, SETTINGS, {"no_such_parameter": 1})


def test_without_ortools_the_fix_is_named(monkeypatch):
    monkeypatch.setitem(sys.modules, "ortools.sat.python.cp_model", None)

    with pytest.raises(SolverError, match=r"pip install flyball\[solve\]"):
        new_model()


@pytest.mark.parametrize(
    ("settings", "words"), [({"time_s": 0}, "time_s"), ({"time_s": 1, "threads": 0}, "threads")]
)
def test_settings_that_cannot_search_are_refused(settings, words):
    with pytest.raises(ConfigError, match=words):
        CpSettings(**settings)
