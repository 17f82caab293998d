# SPDX-License-Identifier: MIT
"""The smallest releases, and what they are made of."""

import json
from dataclasses import replace

import numpy as np

from flyball.core.spec import AgentKind, Categorical, Feature, Objective, Signal, Spec
from flyball.policies import Memory, save_bundle
from flyball.releases.manifest import MANIFEST, SIGNATURE, Signature, digest_of, json_of
from flyball.releases.packing import About, pack
from flyball.releases.signing import Signer, Trust, make_key
from flyball.releases.vault import Vault
from tests.policies.graphs import masked_graph

LIMITS = """[[limits]]
name = "rail"
kind = "box"
value = "act"
low = 0
high = 2
unit = "-"
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
