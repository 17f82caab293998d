# SPDX-License-Identifier: MIT
"""An ONNX graph that is being written, operator by operator."""

from typing import Any

import numpy as np
import onnx
from numpy.typing import NDArray
from onnx import TensorProto, helper, numpy_helper
from torch import Tensor, nn

from flyball.learning.nets.norm import FeatureNorm

OPSET, IR = 18, 9


class Graph:
    """Operators in order; names of results are made up by counting unless they are outputs.

    Shapes are lists of lengths or letters.
    """

    def __init__(self) -> None:
        self.nodes: list[onnx.NodeProto] = []
        self.constants: list[onnx.TensorProto] = []
        self.inputs: dict[str, onnx.ValueInfoProto] = {}
        self.outputs: list[onnx.ValueInfoProto] = []
        self.counted = 0

    def input(self, name: str, kind: int, shape: list[Any]) -> str:
        """Add an input, unless it is there, and return its name."""
        self.inputs.setdefault(name, helper.make_tensor_value_info(name, kind, shape))
        return name

    def constant(self, value: NDArray[Any] | Tensor) -> str:
        """Add a constant and return its name."""
        array = value.detach().cpu().numpy() if isinstance(value, Tensor) else value
        name = f"c{len(self.constants)}"
        self.constants.append(numpy_helper.from_array(np.copy(array, order="C"), name))
        return name

    def node(self, operator: str, *inputs: str, output: str = "", **attributes: Any) -> str:
        """Add one operator and return the name of its result."""
        name = output or self._fresh()
        self.nodes.append(helper.make_node(operator, list(inputs), [name], **attributes))
        return name

    def output(
        self,
        operator: str,
        *inputs: str,
        name: str,
        shape: list[Any],
        kind: int = TensorProto.FLOAT,
        **attributes: Any,
    ) -> str:
        """Add one operator whose result is an output of the graph, and return its name."""
        self.outputs.append(helper.make_tensor_value_info(name, kind, shape))
        return self.node(operator, *inputs, output=name, **attributes)

    def split(self, x: str, widths: tuple[int, ...]) -> list[str]:
        """Add the columns of x (R, sum of widths) in parts and return their names."""
        if len(widths) == 1:
            return [x]
        names = [self._fresh() for _ in widths]
        inputs = [x, self.constant(np.array(widths, np.int64))]
        self.nodes.append(helper.make_node("Split", inputs, names, axis=-1))
        return names

    def joined(self, *parts: str) -> str:
        """Add columns side by side and return their name."""
        return self.node("Concat", *parts, axis=-1) if len(parts) > 1 else parts[0]

    def n_rows(self) -> str:
        """Add the number of rows (1,), of the first input that is not the candidates'."""
        first = next(name for name in self.inputs if name not in ("features", "row"))
        return self.node("Shape", first, start=0, end=1)

    def zeros(self, width: int) -> str:
        """Add zeros (R, width)."""
        width_ = self.constant(np.array([width], np.int64))
        shape = self.node("Concat", self.n_rows(), width_, axis=0)
        zero = numpy_helper.from_array(np.zeros(1, np.float32))
        return self.node("ConstantOfShape", shape, value=zero)

    def linear(self, x: str, module: nn.Linear) -> str:
        """Add x W' + b; a module that reads nothing takes one column of any x for nothing."""
        weight = (
            module.weight if module.in_features else module.weight.new_zeros(module.out_features, 1)
        )
        inputs = [x, self.constant(weight)]
        if module.bias is not None:
            inputs.append(self.constant(module.bias))
        return self.node("Gemm", *inputs, transB=1)

    def normalised(self, x: str, norm: FeatureNorm) -> str:
        """Add signed log1p, standardising and clipping, as far as the norm's kind says."""
        if norm.kind == "none":
            return x
        if norm.kind == "log":
            one = self.constant(np.array(1.0, np.float32))
            log = self.node("Log", self.node("Add", self.node("Abs", x), one))
            x = self.node("Mul", self.node("Sign", x), log)
        centred = self.node("Sub", x, self.constant(norm.mean.float()))
        scaled = self.node("Div", centred, self.constant(norm.std.float()))
        low, high = (self.constant(np.array(sign * norm.clip, np.float32)) for sign in (-1, 1))
        return self.node("Clip", scaled, low, high)

    def model(self) -> bytes:
        """Return the checked model, serialised."""
        graph = helper.make_graph(
            self.nodes, "policy", list(self.inputs.values()), self.outputs, self.constants
        )
        opset = helper.make_opsetid("", OPSET)
        model = helper.make_model(graph, opset_imports=[opset], producer_name="flyball")
        model.ir_version = IR
        onnx.checker.check_model(model, full_check=True)
        content: bytes = model.SerializeToString()
        return content

    def _fresh(self) -> str:
        self.counted += 1
        return f"n{self.counted - 1}"
