# SPDX-License-Identifier: MIT
from flyball.worlds.jobshop import validator
from flyball.worlds.jobshop.limits import LIMITS


def test_every_limit_is_enforced_by_a_rule_of_the_validator():
    for limit in LIMITS:
        assert callable(getattr(validator, limit.rule)), limit.name


def test_every_rule_that_the_validator_calls_belongs_to_a_limit():
    rules = {limit.rule for limit in LIMITS}

    assert {"_shape", "_eligibility", "_fixed", "_route", "_processing"} <= rules


def test_limits_are_hard_and_explained_in_one_sentence():
    for limit in LIMITS:
        assert limit.severity == "hard"
        assert limit.explain().endswith(".")
        assert limit.unit
        assert limit.source
    assert len({limit.name for limit in LIMITS}) == len(LIMITS)
