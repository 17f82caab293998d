# SPDX-License-Identifier: MIT
import numpy as np
import onnxruntime as ort
import pytest
import torch
from onnx import TensorProto
from torch import nn

from flyball.learning.nets.norm import FeatureNorm
from flyball.learning.nets.operators import Graph


def run(graph, **given):
    return ort.InferenceSession(graph.model()).run(None, given)[0]


@pytest.mark.parametrize("kind", ["none", "standard", "log"])
def test_a_normaliser_gives_what_torchs_does_for_features_of_any_size(kind):
    norm = FeatureNorm(3, 8.0, kind)
    rng = np.random.default_rng(0)
    x = (rng.normal(size=(999, 3)) * 10.0 ** rng.integers(-8, 8, (999, 3))).astype(np.float32)
    norm.learn(x[:500] * np.array([1, 0, 1e-4], np.float32))
    g = Graph()
    g.output("Identity", g.normalised(g.input("x", 1, ["R", 3]), norm), name="y", shape=["R", 3])

    found = run(g, x=x)

    np.testing.assert_allclose(found, norm(torch.from_numpy(x)), rtol=2e-6, atol=2e-6)


def test_a_layer_without_inputs_gives_its_bias():
    layer = nn.Linear(1, 4)
    layer.weight = nn.Parameter(torch.zeros(4, 0))
    layer.in_features = 0
    g = Graph()
    g.input("start", TensorProto.BOOL, ["R"])
    g.output("Identity", g.linear(g.zeros(1), layer), name="y", shape=["R", 4])

    found = run(g, start=np.zeros(3, np.bool_))

    np.testing.assert_array_equal(found, np.tile(layer.bias.detach(), (3, 1)))


def test_columns_that_were_split_join_to_what_they_were():
    g = Graph()
    parts = g.split(g.input("x", TensorProto.FLOAT, ["R", 6]), (1, 3, 2))
    g.output("Identity", g.joined(*parts[::-1]), name="y", shape=["R", 6])
    x = np.arange(12, dtype=np.float32).reshape(2, 6)

    found = run(g, x=x)

    np.testing.assert_array_equal(found, x[:, [4, 5, 1, 2, 3, 0]])


def test_rows_are_counted_without_those_of_candidates():
    g = Graph()
    for name, rows in (("features", "L"), ("row", "L"), ("count", "R")):
        g.input(name, TensorProto.FLOAT, [rows, 1])
    g.output("Identity", g.zeros(2), name="y", shape=["R", 2])

    found = run(
        g,
        count=np.ones((3, 1), np.float32),
        **dict.fromkeys(("features", "row"), np.ones((7, 1), np.float32)),
    )

    assert found.shape == (3, 2)


def test_a_graph_with_a_mistake_is_not_written():
    g = Graph()
    g.output("Add", g.input("x", TensorProto.FLOAT, ["R", 6]), "nothing", name="y", shape=["R", 6])

    with pytest.raises(Exception, match="nothing"):
        g.model()
