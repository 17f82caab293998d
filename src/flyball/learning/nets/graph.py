# SPDX-License-Identifier: MIT
"""The networks of `nets` and `stacks` as ONNX graphs, operator by operator.

Written by hand because the graph is short, because it must add up ragged rows, and because
torch's exporter takes seconds for what takes milliseconds here. Every graph is compared with torch
before it counts (`bundle`). Inputs and outputs are those of `flyball.policies.bundle`.

R = B * N rows, row r = b * N + n · E encoded features of a row · A actions · D values · H size of
a cell.
"""

from typing import NamedTuple

import numpy as np
import torch
from onnx import TensorProto
from torch import nn

from flyball.learning.nets.cells import LSTM, Cell
from flyball.learning.nets.net import LOG_STD_RANGE, Actor, Net, OptionsActor, OptionsNetwork
from flyball.learning.nets.operators import Graph
from flyball.learning.nets.stacks import SeparateActor
from flyball.policies import Sizes


class Encoded(NamedTuple):
    """Names of what a graph knows of its rows before the actor's layers."""

    own: str  # (R, E); empty without a feature
    memory: str  # (R, M) of the cell after this step; empty without one
    agent: str  # (R,) number of each row's agent; empty for one agent


def graph_of(net: Net, n_last: int = 0) -> bytes:
    """Return the policy's ONNX model: raw features in, what the actor says of every head out.

    Parameters
    ----------
    net
        Its critic stays behind.
    n_last
        How many of its features, at the end, are the last action one-hot: the policy remembers
        them, and the graph reads them from its memory.
    """
    g, actor, sizes = Graph(), net.actor, net.sizes
    if isinstance(actor, OptionsActor):
        g.input("features", TensorProto.FLOAT, ["L", sizes.n_features])
        g.input("row", TensorProto.INT64, ["L"])
        g.input("count", TensorProto.FLOAT, ["R", 1])
    x = _encoded(g, net, n_last)
    remembered = [x.memory] if x.memory else []
    if isinstance(actor, OptionsActor):
        _options(g, net, actor, x.own)
    else:
        logits = _heads(g, net, actor, x)
        if n_last:
            remembered.append(_one_hot_of_best(g, logits, n_last))
    if remembered:
        width = net.n_memory + n_last
        g.output("Concat", *remembered, name="memory_out", shape=["R", width], axis=-1)
    return g.model()


def _encoded(g: Graph, net: Net, n_last: int) -> Encoded:
    """Add normaliser, the agents' one-hot index and one step of the cell."""
    sizes, cell = net.sizes, net.actor.cell
    parts, n_seen = [], sizes.n_obs - n_last
    if n_seen:
        parts.append(g.input("obs", TensorProto.FLOAT, ["R", n_seen]))
    if sizes.actions:
        g.input("mask", TensorProto.BOOL, ["R", sum(sizes.actions)])
    memory, last = _recalled(g, net.n_memory, n_last)
    if not g.inputs:  # something must say how many rows there are
        g.input("start", TensorProto.BOOL, ["R"])
    if last:
        parts.append(last)
    x = g.normalised(g.joined(*parts), net.obs_norm) if parts else ""
    agent = _agent_of_rows(g, sizes) if sizes.n_index else ""
    if agent:
        eye = g.constant(np.eye(sizes.n_index, dtype=np.float32))
        index = g.node("Gather", eye, agent, axis=0)
        x = g.joined(x, index) if x else index
    if not x and not sizes.n_features:
        x = g.zeros(1)  # `linear` gives such a column no weight
    if cell is None:
        return Encoded(x, "", agent)
    step = _lstm if isinstance(cell, LSTM) else _slstm
    own, memory = step(g, cell, g.linear(x, cell.x), memory)
    return Encoded(own, memory, agent)


def _recalled(g: Graph, n_memory: int, n_last: int) -> tuple[str, str]:
    """Add the memory of cell and last action, zero where an episode starts; return their names."""
    if not n_memory + n_last:
        return "", ""
    before = g.input("memory_in", TensorProto.FLOAT, ["R", n_memory + n_last])
    start = g.input("start", TensorProto.BOOL, ["R"])
    column = g.node("Unsqueeze", start, g.constant(np.array([1], np.int64)))
    memory = g.node("Where", column, g.constant(np.zeros(1, np.float32)), before)
    if n_memory and n_last:
        cell, last = g.split(memory, (n_memory, n_last))
        return cell, last
    return (memory, "") if n_memory else ("", memory)


def _agent_of_rows(g: Graph, sizes: Sizes) -> str:
    """Add the number (R,) of the agent of each row."""
    zero, one, n_agents = (
        g.constant(np.array(value, np.int64)) for value in (0, 1, sizes.n_agents)
    )
    n_rows = g.node("Squeeze", g.n_rows(), g.constant(np.array([0], np.int64)))
    return g.node("Mod", g.node("Range", zero, n_rows, one), n_agents)


def _lstm(g: Graph, cell: Cell, projected: str, memory: str) -> tuple[str, str]:
    """Add one step of an LSTM from the input's share of the gates (R, 4H)."""
    h, c = g.split(memory, (cell.size,) * 2)
    gates = g.node("Gemm", h, g.constant(cell.h), projected)
    i, f, z, o = g.split(gates, (cell.size,) * 4)
    kept = g.node("Mul", g.node("Sigmoid", f), c)
    taken = g.node("Mul", g.node("Sigmoid", i), g.node("Tanh", z))
    c = g.node("Add", kept, taken)
    h = g.node("Mul", g.node("Sigmoid", o), g.node("Tanh", c))
    return h, g.joined(h, c)


def _slstm(g: Graph, cell: Cell, projected: str, memory: str) -> tuple[str, str]:
    """Add one step of an sLSTM (see `cells.SLSTM.advance`)."""
    h, c, n, m = g.split(memory, (cell.size,) * 4)
    gates = g.node("Gemm", h, g.constant(cell.h), projected)
    i, f, z, o = g.split(gates, (cell.size,) * 4)
    zero = g.constant(np.zeros(1, np.float32))
    kept = g.node("Sub", m, g.node("Softplus", g.node("Neg", f)))
    top = g.node("Where", g.node("Equal", n, zero), i, g.node("Max", kept, i))
    share = g.node("Exp", g.node("Min", g.node("Sub", kept, top), zero))
    take = g.node("Exp", g.node("Sub", i, top))
    c = g.node("Add", g.node("Mul", share, c), g.node("Mul", take, g.node("Tanh", z)))
    n = g.node("Add", g.node("Mul", share, n), take)
    h = g.node("Div", g.node("Mul", g.node("Sigmoid", o), c), n)
    return h, g.joined(h, c, n, top)


def _options(g: Graph, net: Net, actor: OptionsActor, own: str) -> None:
    x = g.normalised("features", net.option_norm)
    scored = g.linear(x, actor.index)
    if actor.network is not None:
        scored = g.node("Add", scored, _corrections(g, actor.network, x, own))
    last = g.constant(np.array([1], np.int64))
    g.output("Squeeze", scored, last, name="score", shape=["L"])


def _corrections(g: Graph, network: OptionsNetwork, x: str, own: str) -> str:
    """Add the network's corrections (L, 1) from normalised features and encoded rows."""
    hidden = g.node("Relu", g.linear(x, network.embed))
    pooled = g.node("Div", _row_sums(g, hidden, network.embed.out_features), "count")
    if own:
        pooled = g.joined(pooled, own)
    context = g.node("Gather", g.linear(pooled, network.context), "row", axis=0)
    mixed = g.node("Relu", g.node("Add", g.linear(hidden, network.mix), context))
    return g.linear(mixed, network.last)


def _row_sums(g: Graph, hidden: str, width: int) -> str:
    """Add the sum (R, H) of each row's candidates, in their order."""
    first = g.constant(np.array([1], np.int64))
    empty = g.zeros(width)
    return g.node("ScatterND", empty, g.node("Unsqueeze", "row", first), hidden, reduction="add")


def _heads(g: Graph, net: Net, actor: Actor | SeparateActor, x: Encoded) -> str:
    """Add the outputs of choice and continuous heads; return the name of the logits or nothing."""
    sizes, n_actions = net.sizes, sum(net.sizes.actions)
    if isinstance(actor, SeparateActor):
        out, own_spread = _stacked(g, actor, x.own), False
    else:
        out = g.linear(_through(g, actor.layers, x.own), actor.last)
        own_spread = sizes.n_values > 0 and not actor.free
    widths = (n_actions, sizes.n_values, sizes.n_values if own_spread else 0)
    parts = iter(g.split(out, tuple(width for width in widths if width)))
    logits = ""
    if n_actions:
        lowest = g.constant(np.array(-np.inf, np.float32))
        inputs = ("mask", next(parts), lowest)
        logits = g.output("Where", *inputs, name="logits", shape=["R", n_actions])
    if sizes.n_values:
        shape = ["R", sizes.n_values]
        mean = g.output("Identity", next(parts), name="mean", shape=shape)
        if own_spread:
            bounds = (g.constant(np.array(bound, np.float32)) for bound in LOG_STD_RANGE)
            g.output("Clip", next(parts), *bounds, name="log_std", shape=shape)
        else:
            spread = g.constant(actor.log_std.detach()[None])
            g.output("Expand", spread, g.node("Shape", mean), name="log_std", shape=shape)
        _native(g, sizes, mean, x.agent)
    return logits


def _through(g: Graph, layers: nn.Sequential, x: str) -> str:
    for module in layers:
        if isinstance(module, nn.Linear):
            x = g.linear(x, module)
        else:
            x = g.node("Tanh" if isinstance(module, nn.Tanh) else "Relu", x)
    return x


def _stacked(g: Graph, actor: SeparateActor, x: str) -> str:
    """Add a network for each agent, side by side: rows (R, E) to outputs (R, A + D)."""
    stack = actor.layers
    shape = np.array([-1, actor.n_agents, stack.weights[0].shape[1]], np.int64)
    x = g.node("Reshape", x, g.constant(shape))
    x = g.node("Transpose", x, perm=[1, 0, 2])
    for k, (weight, bias) in enumerate(zip(stack.weights, stack.biases, strict=True)):
        x = g.node("Add", g.node("MatMul", x, g.constant(weight)), g.constant(bias))
        if k + 1 < len(stack.weights):
            x = g.node("Tanh" if stack.act is torch.tanh else "Relu", x)
    x = g.node("Transpose", x, perm=[1, 0, 2])
    return g.node("Reshape", x, g.constant(np.array([-1, bias.shape[-1]], np.int64)))


def _native(g: Graph, sizes: Sizes, mean: str, agent: str) -> None:
    """Add the greedy values in native units, as `flyball.policies.sizes.native` has them."""
    bounds = np.array((sizes.low, sizes.high))  # (2, N, D)
    low, high = (g.constant(own) for own in bounds)
    span = g.constant(bounds[1] - bounds[0])
    if agent:
        low, high, span = (g.node("Gather", each, agent, axis=0) for each in (low, high, span))
    tanh = g.node("Tanh", g.node("Cast", mean, to=TensorProto.DOUBLE))
    one, half = g.constant(np.array(1.0)), g.constant(np.array(0.5))
    share = g.node("Mul", g.node("Add", tanh, one), half)
    value = g.node("Add", low, g.node("Mul", share, span))
    inside = g.node("Max", g.node("Min", value, high), low)
    shape = ["R", sizes.n_values]
    g.output("Identity", inside, name="value", shape=shape, kind=TensorProto.DOUBLE)


def _one_hot_of_best(g: Graph, logits: str, n_actions: int) -> str:
    """Add the greedy choice (R, A) one-hot; the first action where none is legal."""
    best = g.node("ArgMax", logits, axis=1, keepdims=1)
    columns = g.constant(np.arange(n_actions, dtype=np.int64)[None])
    return g.node("Cast", g.node("Equal", columns, best), to=TensorProto.FLOAT)
