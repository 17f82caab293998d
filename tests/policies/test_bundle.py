# SPDX-License-Identifier: MIT
import json
import shutil

import numpy as np
import pytest

from flyball.core.batch import Observation, Options
from flyball.core.errors import ConfigError, PolicyError
from flyball.core.spec import AgentKind, Categorical, Feature, Objective, OptionsHead, Spec
from flyball.policies import load, save_bundle
from tests.policies.graphs import masked_graph, sum_graph


def options_spec(names=("duration", "slack"), world="queue"):
    features = tuple(Feature(name, "h", 0, 9) for name in names)
    kind = AgentKind("picker", 1, (), (OptionsHead("pick", features),))
    return Spec(world, 1, (kind,), (Objective("cost_h", "h", "min"),), ())


def masked_spec():
    kind = AgentKind("walker", 1, (Feature("x", "-", 0, 1),) * 3, (Categorical("act", 3),))
    return Spec("chain", 1, (kind,), (Objective("cost_h", "h", "min"),), ())


def observation(counts, seed=0, width=2, mask=None, obs=None):
    """Return rows with these numbers of options; the content of row r depends on r alone."""
    offset = np.concatenate(([0], np.cumsum(counts))).astype(np.int64)
    rows = [np.random.default_rng([seed, r]).random((n, width)) * 9 for r, n in enumerate(counts)]
    features = np.concatenate([*rows, np.zeros((0, width))]).astype(np.float32)
    n = len(counts)
    return Observation(
        obs=np.zeros((n, 1, 0), np.float32) if obs is None else obs,
        state=np.zeros((n, 0), np.float32),
        mask=np.zeros((n, 1, 0), np.bool_) if mask is None else mask,
        options=Options(features, offset, np.zeros(offset[-1], np.int32)),
        alive=np.ones((n, 1), np.bool_),
        start=np.zeros(n, np.bool_),
        signals=np.zeros((n, 0)),
        age_s=np.zeros((n, 0)),
        quality=np.zeros((n, 0), np.bool_),
    )


@pytest.fixture
def folder(tmp_path):
    weights = {"w": np.ones(2, np.float32)}
    save_bundle(
        tmp_path / "policy",
        options_spec(),
        graph=sum_graph(2),
        weights=weights,
        algorithm="ppo",
        settings={"clip": 0.2},
        facts={"iterations": 3},
    )
    return tmp_path / "policy"


def act(policy, seen, key=None):
    action, log_prob, _ = policy.act(seen, policy.initial(len(seen.start)), key)
    return action.choice[:, 0, 0], log_prob[:, 0]


def test_the_greedy_choice_is_the_first_largest_score_of_each_row(folder):
    seen = observation([5, 1, 9])
    seen.options.features[2] = seen.options.features[4] = 50.0  # a tie in row 0

    choice, _ = act(load(folder, options_spec()), seen)

    scores, offset = seen.options.features.sum(1), seen.options.offset
    assert choice[0] == 2
    assert choice[1] == 0
    assert choice[2] == np.argmax(scores[offset[2] : offset[3]])


def test_a_row_without_options_gets_choice_zero_and_probability_one(folder):
    policy = load(folder)

    choice, log_prob = act(policy, observation([0, 3, 0]))
    nothing, _ = act(policy, observation([0, 0]))

    assert choice[[0, 2]].tolist() == [0, 0]
    assert log_prob[[0, 2]].tolist() == [0.0, 0.0]
    assert nothing.tolist() == [0, 0]


def test_what_a_row_gets_does_not_depend_on_the_batch_bit_for_bit(folder):
    counts = np.random.default_rng(5).integers(1, 30, 60)
    policy, whole = load(folder), observation(counts)
    scores = policy.scores(whole)
    choice, log_prob = act(policy, whole, key=(7, 3))

    for n in range(1, 60):
        part = observation(counts[:n])
        own, own_log_prob = act(policy, part, key=(7, 3))

        np.testing.assert_array_equal(policy.scores(part), scores[: part.options.offset[-1]])
        np.testing.assert_array_equal(own, choice[:n])
        np.testing.assert_array_equal(own_log_prob, log_prob[:n])


def test_sampled_frequencies_are_those_of_the_softmax(folder):
    seen = observation([4])
    policy = load(folder, temperature=5.0)
    draws = [act(policy, seen, key=(1, step)) for step in range(4000)]

    found = np.bincount([int(choice[0]) for choice, _ in draws], minlength=4)

    scores = policy.scores(seen).astype(np.float64) / 5.0
    p = np.exp(scores - scores.max())
    p /= p.sum()
    chi_square = ((found - 4000 * p) ** 2 / (4000 * p)).sum()
    assert chi_square < 16.3  # 0.999 quantile with three degrees of freedom
    stated = {int(choice[0]): float(log_prob[0]) for choice, log_prob in draws}
    for choice, log_prob in stated.items():
        assert log_prob == pytest.approx(np.log(p[choice]), abs=1e-5)


def test_masked_heads_never_choose_an_illegal_action(tmp_path):
    save_bundle(
        tmp_path / "walk",
        masked_spec(),
        graph=masked_graph(3),
        weights={},
        algorithm="ppo",
        settings={},
        facts={},
    )
    rng = np.random.default_rng(0)
    mask = rng.random((500, 1, 3)) < 0.4
    obs = rng.normal(size=(500, 1, 3)).astype(np.float32)
    seen = observation([0] * 500, mask=mask, obs=obs)

    choice, _ = act(load(tmp_path / "walk", masked_spec()), seen, key=(0, 0))

    some = mask[:, 0].any(-1)
    assert mask[np.arange(500), 0, choice][some].all()
    assert np.all(choice[~some] == 0)


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
    rewrite(folder, format=2, something_new=True)

    with pytest.raises(PolicyError, match=r"bundle format 2; allowed: format 1 or older; fix: up"):
        load(folder)


def test_a_manifest_whose_features_were_edited_is_refused(folder):
    values = json.loads((folder / "manifest.json").read_text())["identity"]
    values["heads"][0]["features"][0][0] = "other"
    rewrite(folder, identity=values)

    with pytest.raises(PolicyError, match="differ from their own hash"):
        load(folder)


def test_a_policy_for_another_world_is_refused(folder):
    with pytest.raises(PolicyError, match=r"\[world\]: queue; allowed: fleet"):
        load(folder, options_spec(world="fleet"))


def test_a_policy_for_other_features_is_refused_by_the_first_that_differs(folder):
    with pytest.raises(PolicyError, match=r"\[heads\]: slack; allowed: weight"):
        load(folder, options_spec(names=("duration", "weight")))
    with pytest.raises(PolicyError, match=r"\[heads\]: 2 entries; allowed: 3 entries"):
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


def test_a_temperature_of_zero_is_refused(folder):
    with pytest.raises(ConfigError, match=r"policy\.temperature: 0; allowed: above 0"):
        load(folder, temperature=0)


def test_a_killed_save_leaves_the_old_bundle(folder):
    half = folder.with_name(".policy.half-1")
    shutil.copytree(folder, half)
    (half / "policy.onnx").write_bytes(b"")

    assert load(folder).manifest.algorithm == "ppo"
