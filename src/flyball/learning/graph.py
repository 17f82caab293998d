# SPDX-License-Identifier: MIT
"""The networks of `nets` as ONNX graphs, operator by operator.

Written by hand because the graph is short, because it must add up ragged rows, and because
torch's exporter takes seconds for what takes milliseconds here. Every graph is compared with torch
before it counts (`bundle`).
"""

from typing import Any

import numpy as np
import onnx
from numpy.typing import NDArray
from onnx import TensorProto, helper, numpy_helper
from torch import Tensor, nn

from flyball.learning.nets import MaskedActor, Net, OptionsActor, OptionsNetwork
from flyball.learning.norm import FeatureNorm

OPSET, IR = 18, 9

Inputs = dict[str, tuple[int, list[Any]]]
"""Element type and shape of each input, by name."""


class Graph:
    """An ONNX graph that is being written; names are made up by counting."""

    def __init__(self) -> None:
        self.nodes: list[onnx.NodeProto] = []
        self.constants: list[onnx.TensorProto] = []

    def constant(self, value: NDArray[Any] | Tensor) -> str:
        """Add a constant and return its name."""
        array = value.detach().numpy() if isinstance(value, Tensor) else value
        name = f"c{len(self.constants)}"
        self.constants.append(numpy_helper.from_array(np.copy(array, order="C"), name))
        return name

    def node(self, operator: str, *inputs: str, output: str = "", **attributes: Any) -> str:
        """Add one operator and return the name of its result."""
        name = output or f"n{len(self.nodes)}"
        self.nodes.append(helper.make_node(operator, list(inputs), [name], **attributes))
        return name

    def linear(self, x: str, module: nn.Linear) -> str:
        """Add x W' + b and return its name."""
        inputs = [x, self.constant(module.weight)]
        if module.bias is not None:
            inputs.append(self.constant(module.bias))
        return self.node("Gemm", *inputs, transB=1)

    def normalised(self, x: str, norm: FeatureNorm) -> str:
        """Add signed log1p, standardising and clipping; return its name."""
        one = self.constant(np.array(1.0, np.float32))
        log = self.node("Log", self.node("Add", self.node("Abs", x), one))
        squashed = self.node("Mul", self.node("Sign", x), log)
        centred = self.node("Sub", squashed, self.constant(norm.mean.float()))
        scaled = self.node("Div", centred, self.constant(norm.std.float()))
        low, high = (self.constant(np.array(sign * norm.clip, np.float32)) for sign in (-1, 1))
        return self.node("Clip", scaled, low, high)

    def model(
        self, inputs: dict[str, tuple[int, list[Any]]], output: tuple[str, list[Any]]
    ) -> bytes:
        """Return the checked model, serialised; shapes are lists of lengths or letters."""
        graph = helper.make_graph(
            self.nodes,
            "policy",
            [helper.make_tensor_value_info(n, kind, shape) for n, (kind, shape) in inputs.items()],
            [helper.make_tensor_value_info(output[0], TensorProto.FLOAT, output[1])],
            self.constants,
        )
        opset = helper.make_opsetid("", OPSET)
        model = helper.make_model(graph, opset_imports=[opset], producer_name="flyball")
        model.ir_version = IR
        onnx.checker.check_model(model, full_check=True)
        content: bytes = model.SerializeToString()
        return content


def graph_of(net: Net) -> bytes:
    """Return the policy's ONNX model: raw features in, scores or masked logits out."""
    actor = net.actor
    return _options(net, actor) if isinstance(actor, OptionsActor) else _masked(net, actor)


def _options(net: Net, actor: OptionsActor) -> bytes:
    g, n_obs = Graph(), net.sizes.n_obs
    inputs: Inputs = {
        "features": (TensorProto.FLOAT, ["L", net.sizes.n_features]),
        "row": (TensorProto.INT64, ["L"]),
        "count": (TensorProto.FLOAT, ["R", 1]),
    }
    x = g.normalised("features", net.option_norm)
    if n_obs:
        inputs["obs"] = (TensorProto.FLOAT, ["R", n_obs])
    scored = g.linear(x, actor.index)
    if actor.network is not None:
        obs = g.normalised("obs", net.obs_norm) if n_obs else ""
        scored = g.node("Add", scored, _corrections(g, actor.network, x, obs))
    last = g.constant(np.array([1], np.int64))
    g.node("Squeeze", scored, last, output="score")
    return g.model(inputs, ("score", ["L"]))


def _corrections(g: Graph, network: OptionsNetwork, x: str, obs: str) -> str:
    """Add the network's corrections (L, 1) from normalised features and obs; return their name."""
    hidden = g.node("Relu", g.linear(x, network.embed))
    pooled = g.node("Div", _row_sums(g, hidden, network.embed.out_features), "count")
    if obs:
        pooled = g.node("Concat", pooled, obs, axis=-1)
    context = g.node("Gather", g.linear(pooled, network.context), "row", axis=0)
    mixed = g.node("Relu", g.node("Add", g.linear(hidden, network.mix), context))
    return g.linear(mixed, network.last)


def _row_sums(g: Graph, hidden: str, width: int) -> str:
    """Add the sum (R, H) of each row's candidates, in their order; return its name."""
    first = g.constant(np.array([1], np.int64))
    rows = g.node("Shape", "count", start=0, end=1)
    shape = g.node("Concat", rows, g.constant(np.array([width], np.int64)), axis=0)
    zero = numpy_helper.from_array(np.zeros(1, np.float32))
    empty = g.node("ConstantOfShape", shape, value=zero)
    return g.node("ScatterND", empty, g.node("Unsqueeze", "row", first), hidden, reduction="add")


def _masked(net: Net, actor: MaskedActor) -> bytes:
    g, n_actions = Graph(), sum(net.sizes.actions)
    x = g.normalised("obs", net.obs_norm)
    for module in actor.layers:
        x = g.linear(x, module) if isinstance(module, nn.Linear) else g.node("Tanh", x)
    lowest = g.constant(np.array(-np.inf, np.float32))
    g.node("Where", "mask", x, lowest, output="logits")
    inputs: Inputs = {
        "obs": (TensorProto.FLOAT, ["R", net.sizes.n_obs]),
        "mask": (TensorProto.BOOL, ["R", n_actions]),
    }
    return g.model(inputs, ("logits", ["R", n_actions]))
