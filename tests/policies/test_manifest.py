# SPDX-License-Identifier: MIT
import json
from dataclasses import asdict

import pytest

from flyball.core.errors import PolicyError
from flyball.core.spec import (
    AgentKind,
    Categorical,
    Feature,
    Hybrid,
    Objective,
    OptionsHead,
    Spec,
    TanhGaussian,
)
from flyball.policies.manifest import (
    FORMAT,
    Manifest,
    check_identity,
    identity_hash,
    identity_of,
    kinds_of,
    parse,
)
from flyball.policies.sizes import sizes_of


def spec(unit="h", high=9.0, most=100.0):
    load = (Feature("load", "-", 0, high),)
    picker = AgentKind("picker", 1, load, (OptionsHead("pick", (Feature("time", unit, 0, 1),)),))
    modes = Hybrid("mode", 2, ((), ("valve",)))
    plant = AgentKind("plant", 3, load, (modes, TanhGaussian("valve", "%", 0.1, most)))
    walker = AgentKind("walker", 2, (), (Categorical("go", 4), Categorical("lift", 2)))
    objectives = (Objective("cost_h", "h", "min"),)
    return Spec("works", 3, (picker, plant, walker), objectives, ())


def one(*heads):
    kind = AgentKind("one", 1, (Feature("load", "-", 0, 1),), heads)
    return Spec("works", 3, (kind,), (Objective("cost_h", "h", "min"),), ())


def manifest_of(identity, version=FORMAT):
    return Manifest(
        format=version,
        identity=identity,
        spec_hash=identity_hash(identity),
        algorithm="ppo",
        settings={"clip": 0.2, "hidden": [64, 32]},
        facts={"seconds": 90.0},
        files={"policy.onnx": "0" * 64},
    )


def test_the_identity_names_world_kinds_features_with_units_and_heads():
    found = identity_of(spec())

    assert (found["world"], found["version"]) == ("works", 3)
    assert [(kind["name"], kind["count"]) for kind in found["kinds"]] == [
        ("picker", 1),
        ("plant", 3),
        ("walker", 2),
    ]
    assert [kind["features"] for kind in found["kinds"]] == [[["load", "-"]], [["load", "-"]], []]
    assert [kind["heads"] for kind in found["kinds"]] == [
        [{"name": "pick", "type": "OptionsHead", "features": [["time", "h"]]}],
        [
            {"name": "mode", "type": "Hybrid", "n": 2, "active": [[], ["valve"]]},
            {"name": "valve", "type": "TanhGaussian", "unit": "%", "low": 0.1, "high": 100.0},
        ],
        [
            {"name": "go", "type": "Categorical", "n": 4},
            {"name": "lift", "type": "Categorical", "n": 2},
        ],
    ]


def test_units_and_bounds_of_values_change_the_identity_and_ranges_of_features_do_not():
    plain, minutes, wider, narrower = (
        identity_hash(identity_of(each))
        for each in (spec(), spec(unit="min"), spec(high=10.0), spec(most=90.0))
    )

    assert plain not in (minutes, narrower)
    assert plain == wider


@pytest.mark.parametrize(
    "heads",
    [
        (OptionsHead("pick", (Feature("time", "h", 0, 1),)),),
        (Categorical("go", 4), Categorical("lift", 2)),
        (TanhGaussian("valve", "%", 0.1, 0.7),),
        (Hybrid("mode", 2, ((), ("valve",))), TanhGaussian("valve", "%", 0.1, 0.7)),
    ],
)
def test_the_heads_come_back_from_json_as_they_were(heads):
    identity = json.loads(json.dumps(identity_of(one(*heads))))

    kinds = kinds_of(identity)

    again = Spec("works", 3, kinds, (), ())
    assert identity_of(again) == identity
    assert sizes_of(again) == sizes_of(one(*heads))


def test_a_manifest_comes_back_as_it_was_written():
    manifest = manifest_of(identity_of(one(Categorical("go", 4))))

    assert parse(manifest.to_bytes(), "here") == manifest


def of_format_1(heads):
    identity = {
        "world": "works",
        "version": 3,
        "features": [["load", "-"]],
        "heads": heads,
    }
    return asdict(manifest_of(identity, 1))


def test_a_policy_of_format_1_is_read_as_one_agent_without_memory():
    written = of_format_1([{"name": "go", "type": "Categorical", "n": 4}])

    manifest = parse(json.dumps(written).encode(), "here")

    check_identity(manifest.identity, one(Categorical("go", 4)), "here")
    assert (manifest.identity["memory"], manifest.identity["last_action"]) == (0, 0)
    with pytest.raises(PolicyError, match=r"here \[n\]: 4; allowed: 5"):
        check_identity(manifest.identity, one(Categorical("go", 5)), "here")


def test_a_policy_of_format_1_with_an_edited_head_is_refused():
    written = of_format_1([{"name": "go", "type": "Categorical", "n": 4}])
    written["identity"]["heads"][0]["n"] = 5

    with pytest.raises(PolicyError, match="differ from their own hash"):
        parse(json.dumps(written).encode(), "here")


def test_other_bounds_of_a_value_are_refused_by_name():
    identity = identity_of(one(TanhGaussian("valve", "%", 0, 100)))

    with pytest.raises(
        PolicyError, match=r"here \[high\]: 100\.0; allowed: 90\.0; fix: take a pol"
    ):
        check_identity(identity, one(TanhGaussian("valve", "%", 0, 90)), "here")


def test_another_number_of_agents_is_refused():
    identity = identity_of(spec())
    identity["kinds"][2]["count"] = 3

    with pytest.raises(PolicyError, match=r"here \[count\]: 3; allowed: 2"):
        check_identity(identity, spec(), "here")


@pytest.mark.parametrize("kinds", [None, [], 3, [{"name": "x"}], [{"heads": []}]])
def test_an_identity_without_readable_kinds_is_refused(kinds):
    identity = {"world": "works", "version": 3, "kinds": kinds}

    with pytest.raises(PolicyError, match="no readable manifest"):
        parse(manifest_of(identity).to_bytes(), "here")
