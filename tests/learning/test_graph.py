# SPDX-License-Identifier: MIT
import numpy as np
import onnx
import onnxruntime as ort
import torch

from flyball.learning.graph import graph_of
from flyball.learning.nets import Net, NetConfig
from tests.learning.toys import Chain, Queue


def test_the_graph_names_its_inputs_and_its_output():
    options = onnx.load_from_string(graph_of(Net(Queue(1).spec, NetConfig(), 0))).graph
    masked = onnx.load_from_string(graph_of(Net(Chain(1).spec, NetConfig(), 0))).graph

    assert [entry.name for entry in options.input] == ["features", "row", "count"]
    assert [entry.name for entry in options.output] == ["score"]
    assert [entry.name for entry in masked.input] == ["obs", "mask"]
    assert [entry.name for entry in masked.output] == ["logits"]


def test_illegal_logits_are_minus_infinity_and_legal_ones_torchs():
    net = Net(Chain(1).spec, NetConfig(), 0)
    obs = np.random.default_rng(0).normal(size=(50, 2)).astype(np.float32)
    mask = np.random.default_rng(1).random((50, 3)) < 0.5
    session = ort.InferenceSession(graph_of(net))

    found = session.run(None, {"obs": obs, "mask": mask})[0]

    with torch.inference_mode():
        expected = net.actor(net.obs_norm(torch.from_numpy(obs))).numpy()
    assert np.all(found[~mask] == -np.inf)
    np.testing.assert_allclose(found[mask], expected[mask], atol=1e-6)
