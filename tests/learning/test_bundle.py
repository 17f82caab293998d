# SPDX-License-Identifier: MIT
import numpy as np
import pytest
import torch
from safetensors.numpy import load_file

from flyball.core.errors import InvariantError
from flyball.core.spec import AgentKind, Spec
from flyball.learning import bundle as exporting
from flyball.learning.acting import NetPolicy
from flyball.learning.bundle import difference, export, made_up
from flyball.learning.nets import Net, NetConfig
from flyball.policies import load
from tests.learning.toys import Chain, Queue


def queue_with_obs():
    spec = Queue(1).spec
    kind = spec.kinds[0]
    seen = AgentKind(kind.name, 1, Chain(1).spec.kinds[0].features, kind.heads)
    return Spec(**{**vars(spec), "kinds": (seen,)})


SPECS = {"options": Queue(1).spec, "options with obs": queue_with_obs(), "masked": Chain(1).spec}


def trained(spec, hidden=(64, 32)):
    """Return a network with weights and statistics as after training."""
    net = Net(spec, NetConfig(hidden=hidden), seed=0)
    rng = np.random.default_rng(0)
    with torch.no_grad():
        for part in net.actor.parameters():
            part.mul_(2.0).add_(torch.from_numpy(0.2 * rng.normal(size=part.shape)))
    for norm in (net.obs_norm, net.option_norm):
        norm.learn(rng.lognormal(1, 2, (500, len(norm.mean))).astype(np.float32) - 2)
    return net


@pytest.mark.parametrize("hidden", [(64, 32), ()])
@pytest.mark.parametrize("spec", SPECS.values(), ids=SPECS)
def test_a_bundle_scores_10000_states_as_torch_does(spec, hidden, tmp_path):
    net = trained(spec, hidden)

    manifest = export(net, spec, tmp_path / "p", algorithm="es", settings={"a": 1}, facts={"b": 2})

    assert manifest.facts["b"] == 2
    assert manifest.facts["parity"]["states"] == 10_000
    assert manifest.facts["parity"]["largest_difference"] <= 1e-5
    assert difference(net, load(tmp_path / "p", spec)) <= 1e-5


@pytest.mark.parametrize("spec", SPECS.values(), ids=SPECS)
def test_a_bundle_chooses_as_the_network_does_greedily_and_by_name(spec, tmp_path):
    net = trained(spec)
    export(net, spec, tmp_path / "p", algorithm="es", settings={}, facts={})
    policy, own = load(tmp_path / "p", spec), NetPolicy(net)
    seen, memory = made_up(net, 500), own.initial(500)

    for key in (None, (3, 14)):
        found, log_prob, _ = policy.act(seen, memory, key)
        expected, own_log_prob, _ = own.act(seen, memory, key)

        assert (found.choice == expected.choice).mean() > 0.99  # near ties may fall either way
        same = (found.choice == expected.choice).all(-1)
        np.testing.assert_allclose(log_prob[same], own_log_prob[same], atol=1e-4)


def test_the_weights_lie_beside_the_graph_without_the_critic(tmp_path):
    net = trained(SPECS["options"])

    export(net, SPECS["options"], tmp_path / "p", algorithm="es", settings={}, facts={})

    weights = load_file(tmp_path / "p" / "weights.safetensors")
    bias = net.actor.network.mix.bias.detach()
    np.testing.assert_array_equal(weights["actor.network.mix.bias"], bias)
    np.testing.assert_array_equal(weights["option_norm.mean"], net.option_norm.mean)
    assert not any(name.startswith("critic") for name in weights)


def test_a_graph_that_differs_from_torch_is_refused_and_the_old_bundle_stays(tmp_path, monkeypatch):
    spec = SPECS["options"]
    export(trained(spec), spec, tmp_path / "p", algorithm="old", settings={}, facts={})
    before = {path.name: path.read_bytes() for path in (tmp_path / "p").iterdir()}
    other = trained(spec)
    with torch.no_grad():
        other.actor.network.last.weight.add_(1e-3)
    graph = exporting.graph_of(other)
    monkeypatch.setattr(exporting, "graph_of", lambda _net: graph)

    with pytest.raises(InvariantError, match="the exported graph differs from torch by"):
        export(trained(spec), spec, tmp_path / "p", algorithm="es", settings={}, facts={})

    assert {path.name: path.read_bytes() for path in (tmp_path / "p").iterdir()} == before
    assert [path.name for path in tmp_path.iterdir()] == ["p"]
