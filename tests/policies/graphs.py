# SPDX-License-Identifier: MIT
"""The smallest graphs that a bundle can hold."""

import numpy as np
from onnx import TensorProto, helper, numpy_helper


def model(nodes, inputs, output, constants=()):
    outputs = output if isinstance(output, list) else [output]
    graph = helper.make_graph(
        nodes,
        "policy",
        [helper.make_tensor_value_info(*entry) for entry in inputs],
        [helper.make_tensor_value_info(*entry) for entry in outputs],
        list(constants),
    )
    made = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 18)])
    made.ir_version = 9
    return made.SerializeToString()


def sum_graph(width):
    """Score an option by the sum of its features, on the way through Exp and Log."""
    one = numpy_helper.from_array(np.ones((width, 1), np.float32), "one")
    last = numpy_helper.from_array(np.array([1], np.int64), "last")
    nodes = [
        helper.make_node("MatMul", ["features", "one"], ["sum"]),
        helper.make_node("Exp", ["sum"], ["exp"]),
        helper.make_node("Log", ["exp"], ["log"]),
        helper.make_node("Squeeze", ["log", "last"], ["score"]),
        helper.make_node("Identity", ["row"], ["row_seen"]),
        helper.make_node("Identity", ["count"], ["count_seen"]),
    ]
    inputs = [
        ("features", TensorProto.FLOAT, ["L", width]),
        ("row", TensorProto.INT64, ["L"]),
        ("count", TensorProto.FLOAT, ["R", 1]),
    ]
    return model(nodes, inputs, ("score", TensorProto.FLOAT, ["L"]), [one, last])


def masked_graph(width):
    """Logits are the observation."""
    lowest = numpy_helper.from_array(np.array(-np.inf, np.float32), "lowest")
    nodes = [helper.make_node("Where", ["mask", "obs", "lowest"], ["logits"])]
    inputs = [
        ("obs", TensorProto.FLOAT, ["R", width]),
        ("mask", TensorProto.BOOL, ["R", width]),
    ]
    return model(nodes, inputs, ("logits", TensorProto.FLOAT, ["R", width]), [lowest])


def remembering_graph(width):
    """Logits are the memory, to which the observation is added in each step of an episode."""
    zero = numpy_helper.from_array(np.zeros(1, np.float32), "zero")
    lowest = numpy_helper.from_array(np.array(-np.inf, np.float32), "lowest")
    column = numpy_helper.from_array(np.array([1], np.int64), "column")
    nodes = [
        helper.make_node("Unsqueeze", ["start", "column"], ["fresh"]),
        helper.make_node("Where", ["fresh", "zero", "memory_in"], ["before"]),
        helper.make_node("Add", ["before", "obs"], ["memory_out"]),
        helper.make_node("Where", ["mask", "memory_out", "lowest"], ["logits"]),
    ]
    inputs = [
        ("obs", TensorProto.FLOAT, ["R", width]),
        ("mask", TensorProto.BOOL, ["R", width]),
        ("memory_in", TensorProto.FLOAT, ["R", width]),
        ("start", TensorProto.BOOL, ["R"]),
    ]
    outputs = [(n, TensorProto.FLOAT, ["R", width]) for n in ("logits", "memory_out")]
    return model(nodes, inputs, outputs, [zero, lowest, column])


def gaussian_graph(width, deviation):
    """Means are the observation, on the way through Tanh, Exp and Log."""
    spread = numpy_helper.from_array(np.full((1, width), np.log(deviation), np.float32), "spread")
    nodes = [
        helper.make_node("Tanh", ["obs"], ["tanh"]),
        helper.make_node("Exp", ["tanh"], ["exp"]),
        helper.make_node("Log", ["exp"], ["log"]),
        helper.make_node("Atanh", ["log"], ["mean"]),
        helper.make_node("Shape", ["obs"], ["shape"]),
        helper.make_node("Expand", ["spread", "shape"], ["log_std"]),
        helper.make_node("Cast", ["tanh"], ["value"], to=TensorProto.DOUBLE),
    ]
    inputs = [("obs", TensorProto.FLOAT, ["R", width])]
    outputs = [(n, TensorProto.FLOAT, ["R", width]) for n in ("mean", "log_std")]
    outputs.append(("value", TensorProto.DOUBLE, ["R", width]))
    return model(nodes, inputs, outputs, [spread])
