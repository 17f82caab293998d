# SPDX-License-Identifier: MIT
from flyball.core.spec import AgentKind, Categorical, Feature, Objective, OptionsHead, Spec
from flyball.policies.manifest import FORMAT, Manifest, identity_hash, identity_of, parse


def spec(unit="h", high=9.0):
    head = OptionsHead("pick", (Feature("duration", unit, 0, high),))
    kind = AgentKind("picker", 1, (Feature("load", "-", 0, 1),), (head, Categorical("mode", 2)))
    return Spec("queue", 3, (kind,), (Objective("cost_h", "h", "min"),), ())


def test_the_identity_names_world_features_with_units_and_heads():
    assert identity_of(spec()) == {
        "world": "queue",
        "version": 3,
        "features": [["load", "-"]],
        "heads": [
            {"name": "pick", "type": "OptionsHead", "features": [["duration", "h"]]},
            {"name": "mode", "type": "Categorical", "n": 2},
        ],
    }


def test_a_unit_changes_the_identity_and_a_range_does_not():
    plain, minutes, wider = (
        identity_hash(identity_of(one)) for one in (spec(), spec(unit="min"), spec(high=10.0))
    )

    assert plain != minutes
    assert plain == wider


def test_a_manifest_comes_back_as_it_was_written():
    identity = identity_of(spec())
    manifest = Manifest(
        format=FORMAT,
        identity=identity,
        spec_hash=identity_hash(identity),
        algorithm="ppo",
        settings={"clip": 0.2, "hidden": [64, 32]},
        facts={"seconds": 90.0},
        files={"policy.onnx": "0" * 64},
    )

    assert parse(manifest.to_bytes(), "here") == manifest
