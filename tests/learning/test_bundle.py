# SPDX-License-Identifier: MIT
from dataclasses import replace

import numpy as np
import pytest
import torch
from safetensors.numpy import load_file

from flyball.core.errors import InvariantError
from flyball.core.spec import Categorical
from flyball.learning import bundle as exporting
from flyball.learning.acting.policy import NetPolicy
from flyball.learning.bundle import difference, export, made_up, proof_size
from flyball.learning.nets.net import Net, NetConfig
from flyball.policies import load
from tests.learning.actors import ALIKE, KINDS, OPTIONS, TEAM, kind, separate, spec, trained

NETS = {name: (of, lambda of=of, own=own: trained(of, **own)) for name, (of, own) in KINDS.items()}
NETS["separate"] = (TEAM, lambda: separate(TEAM))
NETS["separate, relu"] = (ALIKE, lambda: separate(ALIKE, activation="relu", hidden=(40,)))

# Torch's starting weights of a layer that reads nothing.
pytestmark = pytest.mark.filterwarnings("ignore:Initializing zero-element tensors")

every_kind = pytest.mark.parametrize("exported", NETS, indirect=True)


def written(net, of, folder):
    export(net, of, folder / "p", algorithm="es", settings={}, facts={})
    return load(folder / "p", of)


def part(seen, n):
    """Return the first n rows of the batch."""
    rows = n * seen.alive.shape[1]
    offset = seen.options.offset[: rows + 1]
    own = replace(seen.options, features=seen.options.features[: offset[-1]], offset=offset)
    names = ("obs", "mask", "alive", "start", "state")
    return replace(seen, options=own, **{name: getattr(seen, name)[:n] for name in names})


@pytest.fixture(scope="module")
def exported(request, tmp_path_factory):
    """Return a network of a kind and its bundle."""
    of, make = NETS[request.param]
    net = make()
    return net, written(net, of, tmp_path_factory.mktemp("bundle"))


@every_kind
def test_a_bundle_answers_10000_states_as_torch_does(exported):
    net, policy = exported

    proven = policy.manifest.facts["parity"]

    assert 10_000 <= proven["states"] < 10_100
    assert proven["largest_difference"] == difference(net, policy) <= 1e-5


@every_kind
def test_a_bundle_acts_as_the_network_does_greedily_and_by_name(exported):
    net, policy = exported
    own = NetPolicy(net)
    memory = theirs = policy.initial(200)
    assert memory.shape == own.initial(200).shape

    for step in range(6):
        seen, key = made_up(net, 200, step), None if step % 2 else (3, step)
        found, log_prob, memory = policy.act(seen, memory, key)
        expected, own_log_prob, theirs = own.act(seen, theirs, key)

        same = (found.choice == expected.choice).all(-1)
        assert same.mean() > 0.99  # near ties may fall either way
        np.testing.assert_allclose(log_prob[same], own_log_prob[same], atol=1e-3)
        if net.sizes.n_values:
            low, high = np.array(net.sizes.low), np.array(net.sizes.high)
            distance = np.abs(found.value - expected.value) / (high - low)
            assert distance[same].max() < 1e-4
        np.testing.assert_allclose(memory, theirs, atol=1e-4)


@every_kind
def test_what_a_row_gets_does_not_depend_on_the_batch_bit_for_bit(exported):
    net, policy = exported
    seen = made_up(net, 50, step=1)
    rng = np.random.default_rng(0)
    before = rng.normal(size=policy.initial(50).shape).astype(np.float32)
    whole, log_prob, after = policy.act(seen, before, (5, 2))

    for n in (*range(1, 20), 31, 32, 33, 47, 48, 49):
        own, own_log_prob, memory = policy.act(part(seen, n), before[:n], (5, 2))

        np.testing.assert_array_equal(own.choice, whole.choice[:n])
        np.testing.assert_array_equal(own.value, whole.value[:n])
        np.testing.assert_array_equal(own_log_prob, log_prob[:n])
        np.testing.assert_array_equal(memory, after[:n])


def test_the_weights_lie_beside_the_graph_without_the_critic(tmp_path):
    net = trained(OPTIONS)

    export(net, OPTIONS, tmp_path / "p", algorithm="es", settings={}, facts={})

    weights = load_file(tmp_path / "p" / "weights.safetensors")
    bias = net.actor.network.mix.bias.detach()
    np.testing.assert_array_equal(weights["actor.network.mix.bias"], bias)
    np.testing.assert_array_equal(weights["option_norm.mean"], net.option_norm.mean)
    assert not any(name.startswith("critic") for name in weights)


def test_settings_and_facts_stand_in_the_manifest_beside_the_proof(tmp_path):
    given = {"algorithm": "es", "settings": {"a": 1}, "facts": {"b": 2}}

    manifest = export(trained(OPTIONS), OPTIONS, tmp_path / "p", **given)

    assert (manifest.algorithm, manifest.settings, manifest.facts["b"]) == ("es", {"a": 1}, 2)


def test_a_graph_that_differs_from_torch_is_refused_and_the_old_bundle_stays(tmp_path, monkeypatch):
    export(trained(OPTIONS), OPTIONS, tmp_path / "p", algorithm="old", settings={}, facts={})
    before = {path.name: path.read_bytes() for path in (tmp_path / "p").iterdir()}
    other = trained(OPTIONS)
    with torch.no_grad():
        other.actor.network.last.weight.add_(1e-3)
    graph = exporting.graph_of(other)
    monkeypatch.setattr(exporting, "graph_of", lambda _net, _n_last: graph)

    with pytest.raises(InvariantError, match="the exported graph differs from torch by"):
        export(trained(OPTIONS), OPTIONS, tmp_path / "p", algorithm="es", settings={}, facts={})

    assert {path.name: path.read_bytes() for path in (tmp_path / "p").iterdir()} == before
    assert [path.name for path in tmp_path.iterdir()] == ["p"]


def test_a_network_of_another_world_is_refused(tmp_path):
    with pytest.raises(InvariantError, match="cannot act in world plant"):
        written(trained(ALIKE), TEAM, tmp_path)


def test_a_huge_head_is_compared_on_fewer_states_and_says_so(tmp_path):
    huge = spec(kind("one", 2, Categorical("act", 76_000)))
    net = Net(huge, NetConfig(hidden=(4,)), seed=0)

    manifest = export(net, huge, tmp_path / "p", algorithm="es", settings={}, facts={})

    assert manifest.facts["parity"]["states"] == proof_size(net)[0] == 263
