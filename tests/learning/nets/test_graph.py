# SPDX-License-Identifier: MIT
import numpy as np
import onnx
import onnxruntime as ort
import pytest
import torch

from flyball.learning.nets.graph import graph_of
from flyball.learning.nets.net import Net, NetConfig
from tests.learning.actors import HYBRID, KINDS, OPTIONS, TEAM, VALUES, separate, trained
from tests.learning.toys import Chain

# Torch's starting weights of a layer that reads nothing.
pytestmark = pytest.mark.filterwarnings("ignore:Initializing zero-element tensors")

MASKED = Chain(1).spec


@pytest.mark.parametrize(
    ("spec", "settings", "inputs", "outputs"),
    [
        (OPTIONS, {}, "features row count", "score"),
        (MASKED, {}, "obs mask", "logits"),
        (VALUES, {}, "obs", "mean log_std value"),
        (HYBRID, {}, "obs mask", "logits mean log_std value"),
        (
            TEAM,
            {"cell": "slstm"},
            "obs mask memory_in start",
            "logits mean log_std value memory_out",
        ),
    ],
)
def test_the_graph_names_its_inputs_and_outputs(spec, settings, inputs, outputs):
    graph = onnx.load_from_string(graph_of(trained(spec, **settings))).graph

    assert [entry.name for entry in graph.input] == inputs.split()
    assert [entry.name for entry in graph.output] == outputs.split()


def test_illegal_logits_are_minus_infinity_and_legal_ones_torchs():
    net = Net(MASKED, NetConfig(), 0)
    obs = np.random.default_rng(0).normal(size=(50, 2)).astype(np.float32)
    mask = np.random.default_rng(1).random((50, 3)) < 0.5
    session = ort.InferenceSession(graph_of(net))

    found = session.run(None, {"obs": obs, "mask": mask})[0]

    with torch.inference_mode():
        expected = net.actor(net.obs_norm(torch.from_numpy(obs)), None, None).scores.numpy()
    assert np.all(found[~mask] == -np.inf)
    np.testing.assert_allclose(found[mask], expected[mask], atol=1e-6)


def test_native_values_lie_within_their_bounds_however_far_the_means_are_out():
    net = trained(VALUES)
    with torch.no_grad():
        net.actor.last.bias[0], net.actor.last.bias[1] = 1e4, -1e4
    session = ort.InferenceSession(graph_of(net))

    value = session.run(["value"], {"obs": np.zeros((7, 5), np.float32)})[0]

    np.testing.assert_array_equal(value, np.tile([6.0, -1e3], (7, 1)))


def test_memory_that_is_no_number_is_left_behind_with_the_episode():
    net = trained(MASKED, cell="lstm", cell_size=4)
    given = {
        "obs": np.zeros((2, 2), np.float32),
        "mask": np.ones((2, 3), np.bool_),
        "memory_in": np.full((2, 8), np.nan, np.float32),
        "start": np.array([True, False]),
    }

    out = ort.InferenceSession(graph_of(net)).run(["memory_out"], given)[0]

    assert np.isfinite(out[0]).all()
    assert np.isnan(out[1]).all()


@pytest.mark.parametrize(("spec", "settings"), KINDS.values(), ids=KINDS)
def test_the_same_network_gives_the_same_bytes(spec, settings):
    assert graph_of(trained(spec, **settings)) == graph_of(trained(spec, **settings))


def test_separate_actors_are_one_graph_with_their_own_weights():
    net = separate(TEAM)

    graph = onnx.load_from_string(graph_of(net)).graph

    shapes = [tuple(constant.dims) for constant in graph.initializer]
    for weight in net.actor.layers.weights:
        assert tuple(weight.shape) in shapes
