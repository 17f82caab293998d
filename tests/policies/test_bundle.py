# SPDX-License-Identifier: MIT
import json
import shutil

import numpy as np
import pytest

from flyball.core.errors import ConfigError, PolicyError
from flyball.core.spec import Categorical, TanhGaussian
from flyball.policies import Memory, load, save_bundle
from flyball.policies.manifest import identity_hash
from tests.policies.graphs import gaussian_graph, masked_graph, sum_graph
from tests.policies.seen import act, made, masked_spec, options_spec, queue_folder, rows, team_spec


@pytest.fixture
def folder(tmp_path):
    return queue_folder(tmp_path)


def test_a_bundle_of_format_1_still_acts(tmp_path):
    seen = rows(np.random.default_rng(0).normal(size=(9, 1, 3)), np.ones((9, 1, 3), np.bool_))
    now = made(tmp_path, masked_spec(), masked_graph(3))
    expected, _ = act(now, seen)
    kind = now.manifest.identity["kinds"][0]
    identity = {"world": "chain", "version": 1} | {n: kind[n] for n in ("features", "heads")}
    rewrite(tmp_path / "p", format=1, identity=identity, spec_hash=identity_hash(identity))

    choice, _ = act(load(tmp_path / "p", masked_spec()), seen)

    np.testing.assert_array_equal(choice, expected)


def test_a_bundle_remembers_settings_and_facts(folder):
    manifest = load(folder).manifest

    assert manifest.settings == {"clip": 0.2}
    assert manifest.facts == {"iterations": 3}


def test_saving_again_replaces_the_bundle_and_leaves_nothing_beside_it(folder):
    save_bundle(
        folder,
        options_spec(),
        graph=sum_graph(2),
        weights={},
        algorithm="es",
        settings={},
        facts={},
    )

    assert load(folder).manifest.algorithm == "es"
    assert [path.name for path in folder.parent.iterdir()] == ["policy"]


@pytest.mark.parametrize("name", ["policy.onnx", "weights.safetensors"])
def test_one_changed_byte_is_noticed(folder, name):
    content = bytearray((folder / name).read_bytes())
    content[len(content) // 2] ^= 1
    (folder / name).write_bytes(content)

    with pytest.raises(PolicyError, match=rf"{name}: hash .* fix: copy the folder again"):
        load(folder)


@pytest.mark.parametrize("name", ["policy.onnx", "weights.safetensors", "manifest.json"])
def test_a_missing_file_is_named(folder, name):
    (folder / name).unlink()

    with pytest.raises(PolicyError, match=f"{name}: no readable file"):
        load(folder)


def test_a_folder_that_is_not_there_is_named(tmp_path):
    with pytest.raises(PolicyError, match=r"nowhere/manifest\.json: no readable file"):
        load(tmp_path / "nowhere")


def rewrite(folder, **changes):
    values = json.loads((folder / "manifest.json").read_text())
    (folder / "manifest.json").write_text(json.dumps(values | changes))


@pytest.mark.parametrize("content", ["", "{", "[]", '{"format": 1}', '{"format": "x"}', "\x00"])
def test_a_manifest_that_is_no_manifest_is_refused(folder, content):
    (folder / "manifest.json").write_text(content)

    with pytest.raises(PolicyError, match="no readable manifest"):
        load(folder)


def test_a_newer_format_is_refused_with_what_to_do(folder):
    rewrite(folder, format=3, something_new=True)

    with pytest.raises(PolicyError, match=r"bundle format 3; allowed: format 2 or older; fix: up"):
        load(folder)


def test_a_manifest_whose_features_were_edited_is_refused(folder):
    values = json.loads((folder / "manifest.json").read_text())["identity"]
    values["kinds"][0]["heads"][0]["features"][0][0] = "other"
    rewrite(folder, identity=values)

    with pytest.raises(PolicyError, match="differ from their own hash"):
        load(folder)


def test_a_policy_for_another_world_is_refused(folder):
    with pytest.raises(PolicyError, match=r"\[world\]: queue; allowed: fleet"):
        load(folder, options_spec(world="fleet"))


def test_a_policy_for_other_features_is_refused_by_the_first_that_differs(folder):
    with pytest.raises(PolicyError, match=r"\[features\]: slack; allowed: weight"):
        load(folder, options_spec(names=("duration", "weight")))
    with pytest.raises(PolicyError, match=r"\[features\]: 2 entries; allowed: 3 entries"):
        load(folder, options_spec(names=("duration", "slack", "weight")))


def test_a_graph_that_is_no_graph_is_refused(tmp_path):
    save_bundle(
        tmp_path / "p",
        options_spec(),
        graph=b"no graph",
        weights={},
        algorithm="ppo",
        settings={},
        facts={},
    )

    with pytest.raises(PolicyError, match="a graph that cannot be run"):
        load(tmp_path / "p")


def test_a_graph_that_says_less_than_the_heads_need_is_refused(tmp_path):
    with pytest.raises(PolicyError, match=r"cannot be run .'mean' has width 2, not 1"):
        made(tmp_path, team_spec(1, TanhGaussian("pump", "kW", -1, 1)), gaussian_graph(2, 1.0))
    with pytest.raises(PolicyError, match=r"cannot be run .'mask' has width 3, not 4"):
        made(tmp_path, team_spec(1, Categorical("act", 4)), masked_graph(3))
    with pytest.raises(PolicyError, match=r"cannot be run .'memory_in' has width 0, not 2"):
        made(tmp_path, masked_spec(), masked_graph(3), memory=Memory(2))
    with pytest.raises(PolicyError, match=r"cannot be run .'features' has width 0, not 2"):
        made(tmp_path, options_spec(), masked_graph(3))


def test_a_temperature_of_zero_is_refused(folder):
    with pytest.raises(ConfigError, match=r"policy\.temperature: 0; allowed: above 0"):
        load(folder, temperature=0)


def test_a_killed_save_leaves_the_old_bundle(folder):
    half = folder.with_name(".policy.half-1")
    shutil.copytree(folder, half)
    (half / "policy.onnx").write_bytes(b"")

    assert load(folder).manifest.algorithm == "ppo"
