# SPDX-License-Identifier: MIT
"""From a bundle to a release: the same content is the same digest, and what is unfit is refused."""

import json

import numpy as np
import pytest

from flyball.core.errors import ConfigError, PolicyError
from flyball.releases.admission import Expected, admit
from flyball.releases.manifest import EVALUATION, FILES, LIMITS, PARITY, POLICY
from flyball.releases.packing import pack
from flyball.releases.refusals import ReleaseError
from tests.policies.graphs import sum_graph
from tests.policies.seen import options_spec
from tests.releases.made import LIMITS as TOML
from tests.releases.made import about, bundle, spec


def test_a_release_holds_everything_and_the_same_content_has_the_same_digest(packed):
    maker, digest = packed

    again = maker.packed()

    contents = maker.vault.get(digest)
    assert again == digest
    assert contents.files.keys() == FILES
    assert contents.files[LIMITS].decode() == TOML
    assert contents.files[POLICY] == (maker.folder / "policy" / "manifest.json").read_bytes()
    assert json.loads(contents.files[EVALUATION])["methods"][1]["kpi"]["cost_h"] == [4.0, None]
    assert contents.manifest.limits == [
        "place stays below 9 m; at most 50% of the distance is used up in a decision (hard)"
    ]
    assert contents.manifest.lineage["seeds"] == [1, 2]
    assert contents.manifest.policy == {"algorithm": "ppo", "settings": {"clip": 0.2}}


def test_another_word_is_another_release(packed):
    maker, digest = packed

    assert maker.packed(purpose="walks to the very end") != digest


def test_recorded_answers_are_those_of_the_graph(packed):
    maker, digest = packed
    recorded = json.loads(maker.vault.get(digest).files[PARITY])

    logits = np.array(recorded["outputs"]["logits"]["values"], float)

    # The graph's logits are the observation where legal: as many scales as the rows have.
    assert recorded["rows"] == 16
    assert np.isnan(logits).any()
    assert np.nanmax(np.abs(logits)) > 100


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"purpose": ""}, "purpose: ''"),
        ({"purpose": "two\nlines"}, "one line"),
        ({"lineage": {"sneeds": []}}, "unknown key 'sneeds'"),
        ({"lineage": {"seeds": 3}}, "lineage seeds: 3; allowed: list"),
        ({"lineage": {"parent": "latest"}}, "lineage parent: 'latest'"),
        ({"lineage": {"data": {"orders": "abc"}}}, "lineage orders: 'abc'"),
        ({"evaluation": {"gain": float("nan")}}, r"evaluation\.json: .*JSON cannot hold"),
    ],
)
def test_what_is_said_wrongly_is_refused(maker, changes, words):
    with pytest.raises(ReleaseError, match=words):
        maker.packed(**changes)
    assert not list(maker.vault.digests())


def test_wrong_limits_and_another_spec_are_refused(maker):
    with pytest.raises(ConfigError, match=r"limits\.toml"):
        maker.packed(limits="[[limits]]\n")
    folder = bundle(maker.folder / "policy")
    with pytest.raises(PolicyError, match=r"\[features\]: m; allowed: ft"):
        pack(folder, maker.vault, maker.signer, about(spec=spec("ft")))
    with pytest.raises(ReleaseError, match="no readable file"):
        pack(maker.folder / "none", maker.vault, maker.signer, about())


def test_a_policy_that_overflows_is_not_released(maker):
    with pytest.raises(ReleaseError, match="all 1e\\+12: 'score' is not finite"):
        maker.packed(sum_graph(2), spec=options_spec(), limits="limits = []")


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore:Initializing zero-element tensors")
def test_every_kind_of_network_that_training_exports_is_packed_and_admitted(maker):
    from tests.learning.test_bundle import NETS, export

    for name, (of, make) in NETS.items():
        folder = maker.folder / name
        export(make(), of, folder, algorithm="es", settings={}, facts={})
        digest = pack(
            folder, maker.vault, maker.signer, about(purpose=name, spec=of, limits="limits = []")
        )
        assert admit(digest, maker.vault, maker.trust, Expected(spec=of)).digest == digest
