# SPDX-License-Identifier: MIT
"""The smallest releases, and what they are made of."""

import json
from dataclasses import replace
from typing import NamedTuple

import numpy as np

from flyball.core.spec import AgentKind, Categorical, Feature, Objective, Signal, Spec
from flyball.policies import Memory, save_bundle
from flyball.releases.manifest import (
    CONTENT,
    MANIFEST,
    SIGNATURE,
    Manifest,
    Signature,
    digest_of,
    hash_of,
    json_of,
)
from flyball.releases.packing import About, pack
from flyball.releases.roles import Person, Role
from flyball.releases.signing import Signer, Trust, make_key
from flyball.releases.staging import Command
from flyball.releases.vault import Vault
from tests.policies.graphs import masked_graph

LIMITS = """[[limits]]
name = "rail"
kind = "barrier"
bound = 9
signals = { place = 1 }
unit = "m"
severity = "hard"
"""


def spec(unit="m", **changes):
    kind = AgentKind("walker", 1, (Feature("x", unit, 0, 1),) * 3, (Categorical("act", 3),))
    own = Spec("chain", 1, (kind,), (Objective("cost_h", "h", "min"),), ())
    return replace(own, signals=(Signal("place", unit, 0.0, 9.0),), **changes)


EVALUATION = {
    "world": "chain",
    "scenario": "long",
    "kpi": "cost_h",
    "policy": "ours",
    "best_rule": "greedy",
    "verdict": "better",
    "sentence": "ours is 2 h faster than greedy",
    "cases": ["a", "b"],
    "methods": [
        {"name": "ours", "kind": "policy", "kpi": {"cost_h": [1.0, 3.0]}},
        {"name": "greedy", "kind": "rule", "kpi": {"cost_h": [4.0, None]}},
    ],
}


def about(**changes):
    given = {
        "purpose": "walks to the end",
        "spec": spec(),
        "limits": LIMITS,
        "evaluation": EVALUATION,
        "lineage": {"seeds": [1, 2], "code": "0.1", "data": {"orders": "a" * 64}},
        "not_for": ("other chains",),
    }
    return About(**(given | changes))


def bundle(folder, graph=None, own=None, memory=None):
    save_bundle(
        folder,
        own or spec(),
        graph=graph or masked_graph(3),
        weights={"w": np.ones(2, np.float32)},
        algorithm="ppo",
        settings={"clip": 0.2},
        facts={"iterations": 3},
        memory=memory or Memory(),
    )
    return folder


class Maker:
    """A signer with a vault, and who trusts it."""

    def __init__(self, folder):
        make_key(folder / "ann.pem")
        self.signer, self.trust = Signer(folder / "ann.pem"), Trust.read(folder)
        self.vault, self.folder = Vault(folder / "vault"), folder

    def packed(self, graph=None, **changes):
        folder = bundle(self.folder / "policy", graph, changes.get("spec"))
        return pack(folder, self.vault, self.signer, about(**changes))

    def forged(self, files, **content):
        """Return the files of a release with some changed, vouched for and signed anew."""
        changed = dict(files) | content
        manifest = json.loads(changed[MANIFEST])
        for name, entry in manifest["files"].items():
            entry |= {"sha256": digest_of(changed[name]), "size": len(changed[name])}
        return self.signed(changed, manifest)

    def signed(self, files, manifest):
        content = json_of(manifest, "m")
        signature = Signature(self.signer.key_id, self.signer.sign(content)).to_bytes()
        return dict(files) | {MANIFEST: content, SIGNATURE: signature}


def manifest(purpose="walks", world="chain", algorithm="ppo", parent=""):
    """Return a manifest whose release nobody has packed."""
    interface = {"world": world}
    return Manifest(
        format=1,
        world=world,
        version=1,
        spec_hash=hash_of(interface),
        interface=interface,
        objectives=[],
        purpose=purpose,
        not_for=[],
        limits=[],
        policy={"algorithm": algorithm},
        lineage={"parent": parent},
        evaluation={"verdict": "better"},
        files={name: {"sha256": "0" * 64, "size": 1} for name in CONTENT},
    )


ANN, BOB = Person("Ann", Role.ENGINEER), Person("Bob", Role.APPROVER)
OLE, EVE = Person("Ole", Role.OPERATOR), Person("Eve", Role.VIEWER)


def added(registry, *purposes, **more):
    """Return the digests of new releases."""
    return [
        registry.add(manifest(each, **more), signer="0" * 16, by=ANN).digest for each in purposes
    ]


def set_up(registry, plant="mill", rule="rule:fifo"):
    """Let a rule be in control of a plant."""
    for name in ("baseline", "champion"):
        registry.point(plant, name, rule, by=ANN, why="set up")


class Said(NamedTuple):
    """A verdict."""

    decision: str = "hold"
    reason: str = "not proven yet"
    advance: bool = True


def promoted(registry, digest, plant="mill"):
    """Bring a release into control, step by step."""
    registry.stage(plant, Command(deed="begin", challenger=digest), ANN)
    for _ in range(4):
        state = registry.staging(plant)
        if state.step + 1 < len(state.config.shares):
            registry.stage(plant, Command(deed="advance", verdict=Said()), ANN)
    yes = Said("promote", "better")
    return registry.stage(plant, Command(deed="promote", verdict=yes), BOB)
