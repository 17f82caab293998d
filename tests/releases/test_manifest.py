# SPDX-License-Identifier: MIT
"""What a release says about itself, in one spelling."""

from dataclasses import replace

import pytest

from flyball.core.spec import Categorical, Feature, Hybrid, Signal, TanhGaussian
from flyball.releases.manifest import hash_of, interface_of, json_of
from flyball.releases.refusals import ReleaseError
from tests.policies.seen import options_spec
from tests.releases.made import spec


def test_an_interface_is_what_a_policy_depends_on_and_nothing_else():
    kind = spec().kinds[0]
    own = hash_of(interface_of(spec()))

    ranges = replace(kind, features=(Feature("x", "m", -5, 5, "elsewhere"),) * 3)
    assert hash_of(interface_of(spec(kinds=(ranges,)))) == own
    wider = replace(spec(), signals=(Signal("place", "m", -9.0, 9.0),))
    assert hash_of(interface_of(wider)) == own

    heads = (TanhGaussian("act", "m", 0, 1), Hybrid("act", 3, ((), ("a",), ())))
    others = [spec(kinds=(replace(kind, heads=(head,)),)) for head in heads]
    others += [spec("ft"), spec(world="other"), spec(version=2), options_spec()]
    others += [spec(kinds=(replace(kind, count=2),))]
    others += [spec(kinds=(replace(kind, heads=(Categorical("act", 4),)),))]
    assert len({own, *(hash_of(interface_of(other)) for other in others)}) == len(others) + 1


@pytest.mark.parametrize("value", [float("nan"), {None: 2, 1: 3}, object(), b"x"])
def test_what_json_cannot_hold_is_refused(value):
    with pytest.raises(ReleaseError, match="evaluation: "):
        json_of({"a": value}, "evaluation")
