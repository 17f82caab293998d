# SPDX-License-Identifier: MIT
import ast
from pathlib import Path

from flyball.worlds.jobshop import validator
from flyball.worlds.jobshop.limits import LIMITS


def test_every_limit_is_enforced_by_a_rule_of_the_validator():
    for limit in LIMITS:
        assert callable(getattr(validator, limit.rule)), limit.name


def finds_problems(function: ast.stmt) -> bool:
    calls = [node.func for node in ast.walk(function) if isinstance(node, ast.Call)]
    return any(isinstance(called, ast.Name) and called.id == "Problem" for called in calls)


def test_every_rule_of_the_validator_that_finds_problems_belongs_to_a_limit():
    module = ast.parse(Path(str(validator.__file__)).read_text(encoding="utf-8"))
    functions = [node for node in module.body if isinstance(node, ast.FunctionDef)]

    finding = {function.name for function in functions if finds_problems(function)}

    # What is outside the working hours is put into words by `_fault` for the others.
    assert finding | {"_fault"} == {limit.rule for limit in LIMITS}


def test_limits_are_hard_and_explained_in_one_sentence():
    for limit in LIMITS:
        assert limit.severity == "hard"
        assert limit.explain().endswith(".")
        assert limit.unit
        assert limit.source
    assert len({limit.name for limit in LIMITS}) == len(LIMITS)
