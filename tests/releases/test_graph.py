# SPDX-License-Identifier: MIT
"""What a graph may hold, and that no bytes whatever break the reader or slip through it."""

import numpy as np
import onnx
import pytest
from hypothesis import given
from hypothesis import strategies as st
from onnx import TensorProto, helper, numpy_helper
from onnx import onnx_ml_pb2 as proto

from flyball.releases.graph import FIELDS, ONCE, counted, examined
from tests.policies.graphs import gaussian_graph, masked_graph, model, remembering_graph, sum_graph

KINDS = {
    "model": proto.ModelProto,
    "graph": proto.GraphProto,
    "node": proto.NodeProto,
    "attribute": proto.AttributeProto,
    "tensor": proto.TensorProto,
    "opset": proto.OperatorSetIdProto,
}


def edited(change, graph=None):
    made = onnx.load_model_from_string(graph or masked_graph(3))
    change(made)
    return made.SerializeToString()


def weights(values, dtype=np.float32):
    tensor = numpy_helper.from_array(np.array(values, dtype), "w")
    node = helper.make_node("Mul", ["obs", "w"], ["logits"])
    inputs = [("obs", TensorProto.FLOAT, ["R", 2])]
    return model([node], inputs, ("logits", TensorProto.FLOAT, ["R", 2]), [tensor])


@pytest.mark.parametrize("graph", [sum_graph(2), masked_graph(3), remembering_graph(2)])
def test_graphs_that_policies_are_made_of_pass(graph):
    assert examined(graph, "policy.onnx") == []


def test_nodes_and_tensors_are_counted():
    assert counted(gaussian_graph(2, 1.0)) == (7, 1)


@pytest.mark.parametrize("kind", FIELDS)
def test_the_table_of_fields_is_that_of_the_format(kind):
    varint, eight, length, four = 0, 1, 2, 5
    wire = {1: eight, 2: four, 3: varint, 4: varint, 5: varint, 9: length, 11: length, 12: length}
    known = {each.number: each for each in KINDS[kind].DESCRIPTOR.fields}
    for number, kinds in FIELDS[kind].items():
        own = known[number]
        plain = wire.get(own.type, varint)
        packed = {length} if own.is_repeated and plain != length else set()
        assert set(kinds) == {plain} | packed, own.name
    single = {number for number in FIELDS[kind] if not known[number].is_repeated}
    assert ONCE[kind] == single


def domain(made):
    made.graph.node[0].domain = "com.evil"


def opset(made):
    made.opset_import.append(helper.make_opsetid("com.microsoft", 1))


def function(made):
    made.functions.add().name = "f"


def training(made):
    made.training_info.add()


def sparse(made):
    made.graph.sparse_initializer.add()


def elsewhere(made):
    tensor = made.graph.initializer[0]
    tensor.data_location = TensorProto.EXTERNAL
    tensor.ClearField("raw_data")
    entry = tensor.external_data.add()
    entry.key, entry.value = "location", "/etc/passwd"


def location(made):
    made.graph.initializer[0].data_location = TensorProto.EXTERNAL


def loop(made):
    made.graph.node.append(helper.make_node("Loop", ["", "c"], ["o"]))


def draw(made):
    made.graph.node.append(helper.make_node("RandomNormalLike", ["obs"], ["o"]))


def inner(made):
    node = helper.make_node("Identity", ["obs"], ["o"])
    attribute = node.attribute.add()
    attribute.name, attribute.type = "body", onnx.AttributeProto.GRAPH
    attribute.g.name = "x"
    made.graph.node.append(node)


def texts(made):
    made.graph.initializer.append(helper.make_tensor("t", TensorProto.STRING, [1], [b"x"]))


def eight_bits(made):
    tensor = made.graph.initializer.add()
    tensor.data_type, tensor.raw_data = TensorProto.FLOAT8E4M3FN, b"\x7f"


def empty(made):
    made.graph.ClearField("node")


def no_numbers(made):
    made.graph.node.append(helper.make_node("LeakyRelu", ["obs"], ["o"], alpha=float("nan")))


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (domain, r"node 1: operators of 'com.evil'; allowed: operators of ONNX itself"),
        (opset, "operators: operators of 'com.microsoft'"),
        (function, "functions of its own"),
        (training, "training information"),
        (sparse, "sparse weights"),
        (elsewhere, "weights in another file"),
        (location, "weights in another file"),
        (loop, "node 2: Loop, control flow"),
        (draw, "node 2: RandomNormalLike, randomness"),
        (inner, "a sub-graph"),
        (texts, "a tensor of texts"),
        (eight_bits, "numbers of type 17"),
        (empty, "1 graphs, 0 nodes"),
        (no_numbers, "node 2: NaN"),
    ],
)
def test_what_a_policy_does_not_need_is_refused_by_name(change, words):
    (found,) = examined(edited(change), "policy.onnx")

    assert words in str(found)
    assert str(found).startswith("policy.onnx")


@pytest.mark.parametrize("dtype", [np.float16, np.float32, np.float64])
@pytest.mark.parametrize("bad", [np.nan, np.inf, -np.inf])
def test_weights_that_are_not_finite_are_refused(dtype, bad):
    (found,) = examined(weights([1.0, bad], dtype), "g")

    assert "g tensor 1 'w': weights that are not finite" in str(found)


def test_weights_outside_of_raw_data_are_looked_at_too():
    for kind in (TensorProto.FLOAT, TensorProto.DOUBLE):
        tensor = helper.make_tensor("w", kind, [2], [1.0, float("nan")])
        (found,) = examined(edited(lambda m, t=tensor: m.graph.initializer.append(t)), "g")
        assert "not finite" in str(found)


def test_a_graph_that_is_written_twice_is_refused():
    graph = masked_graph(3)

    assert "twice; allowed: once" in str(examined(graph + graph, "g")[0])


def test_too_many_nodes_and_bytes_are_refused(monkeypatch):
    monkeypatch.setattr("flyball.releases.graph.MOST_NODES", 3)
    assert "over 3 nodes" in str(examined(sum_graph(2), "g")[0])

    monkeypatch.setattr("flyball.releases.graph.LARGEST", 10)
    assert "bytes; allowed: at most 10" in str(examined(sum_graph(2), "g")[0])


@given(st.binary(max_size=400))
def test_any_bytes_are_refused_or_pass_and_never_break_the_reader(content):
    assert examined(content, "g")


graphs = st.sampled_from([sum_graph(2), gaussian_graph(2, 1.0), remembering_graph(2)])


@given(graphs, st.lists(st.tuples(st.integers(0, 10**6), st.integers(0, 255)), max_size=4))
def test_damaged_graphs_never_break_the_reader(graph, changes):
    content = bytearray(graph)
    for at, value in changes:
        content[at % len(content)] = value

    for found in examined(bytes(content), "g"):
        assert found.where.startswith("g")
        assert found.found


@given(graphs, st.integers(0, 10**6))
def test_a_graph_that_was_cut_off_is_refused(graph, at):
    assert examined(graph[: at % len(graph)], "g")
