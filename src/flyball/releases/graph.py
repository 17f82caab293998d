# SPDX-License-Identifier: MIT
"""What a graph may hold before anything runs it: read from its bytes alone, none of it is trusted.

Allowed are nodes of ONNX's own operators without control flow, randomness or sub-graphs, and
weights inside of the file, finite. That is what a policy needs; all else is refused by what it is,
and so is every field that this reader does not know, since the runtime might. NaN stands nowhere;
infinite may be only a tensor of one element, which is how illegal actions are masked.
"""

from collections.abc import Iterator, Mapping
from typing import NamedTuple

import numpy as np
from numpy.typing import DTypeLike, NDArray

from flyball.core.errors import Problem
from flyball.releases.refusals import problem
from flyball.releases.wire import BYTES, FIXED_32, FIXED_64, VARINT, Field, MalformedError, fields

LARGEST = 64 << 20
"""Bytes of a graph at most."""

MOST_NODES = 20_000

DOMAINS = ("", "ai.onnx")
"""Two spellings of ONNX's own operators."""

CONTROL = frozenset({"If", "Loop", "Scan", "SequenceMap"})
"""Operators that run other graphs, for as long as an observation wants."""

RANDOM = frozenset(
    {"Bernoulli", "Dropout", "Multinomial", "RandomNormal", "RandomNormalLike", "RandomUniform"}
    | {"RandomUniformLike"}
)
"""Operators whose answer is not a function of the observation."""

FIELDS: Mapping[str, Mapping[int, tuple[int, ...]]] = {
    "model": {
        1: (VARINT,), 2: (BYTES,), 3: (BYTES,), 4: (BYTES,), 5: (VARINT,), 6: (BYTES,),
        7: (BYTES,), 8: (BYTES,), 14: (BYTES,),
    },
    "graph": {1: (BYTES,), 2: (BYTES,), 5: (BYTES,), 10: (BYTES,), 11: (BYTES,), 12: (BYTES,),
              13: (BYTES,), 16: (BYTES,)},
    "node": dict.fromkeys((1, 2, 3, 4, 5, 6, 7, 9), (BYTES,)),
    "attribute": {
        1: (BYTES,), 2: (FIXED_32,), 3: (VARINT,), 4: (BYTES,), 5: (BYTES,),
        7: (BYTES, FIXED_32), 8: (BYTES, VARINT), 9: (BYTES,), 10: (BYTES,), 13: (BYTES,),
        20: (VARINT,),
    },
    "tensor": {
        1: (BYTES, VARINT), 2: (VARINT,), 4: (BYTES, FIXED_32), 5: (BYTES, VARINT),
        7: (BYTES, VARINT), 8: (BYTES,), 9: (BYTES,), 10: (BYTES, FIXED_64), 11: (BYTES, VARINT),
        12: (BYTES,), 14: (VARINT,), 16: (BYTES,),
    },
    "opset": {1: (BYTES,), 2: (VARINT,)},
}  # fmt: skip
"""Fields by number with their wire types, as onnx.proto has them; others are refused."""

ONCE: Mapping[str, frozenset[int]] = {
    "model": frozenset({1, 2, 3, 4, 5, 6, 7}),
    "graph": frozenset({2, 10}),
    "node": frozenset({3, 4, 6, 7}),
    "attribute": frozenset({1, 2, 3, 4, 5, 13, 20}),
    "tensor": frozenset({2, 8, 9, 12, 14}),
    "opset": frozenset({1, 2}),
}
"""Fields that stand once: of two, each reader may believe another one."""

NAMES: Mapping[tuple[str, int], str] = {
    ("model", 20): "training information",
    ("model", 25): "functions of its own",
    ("model", 26): "a configuration of devices",
    ("graph", 14): "quantisation annotations",
    ("graph", 15): "sparse weights",
    ("attribute", 6): "a sub-graph",
    ("attribute", 11): "sub-graphs",
    ("tensor", 3): "a tensor in segments",
    ("tensor", 6): "a tensor of texts",
    ("tensor", 13): "weights in another file",
}
"""What is refused, in words; else by its number."""

FLOATS: Mapping[int, tuple[DTypeLike, int]] = {1: ("<f4", 4), 10: ("<f2", 5), 11: ("<f8", 10)}
"""Types of tensors that can hold what is not finite, and the field that holds them unpacked."""

WHOLE = frozenset({2, 3, 4, 5, 6, 7, 9, 12, 13})
"""Types of tensors that cannot: integers and truth values."""


class GraphError(Exception):
    """What a graph holds that it may not: where, found, allowed."""


def refused(where: str, found: str, allowed: str) -> GraphError:
    """Return the error for a part of a graph."""
    return GraphError(where, found, allowed)


class Counted(NamedTuple):
    """What a graph is made of."""

    nodes: int
    tensors: int


def examined(content: bytes, where: str) -> list[Problem]:
    """Return what is wrong with a graph; nothing if it may be tried.

    Parameters
    ----------
    content
        Of ``policy.onnx``; any bytes.
    where
        Its name, for messages.
    """
    try:
        counted(content)
    except GraphError as error:
        place, found, allowed = error.args
        fix = "export the policy again with this version of flyball"
        return [problem(f"{where} {place}".rstrip(), found, allowed, fix)]
    return []


def counted(content: bytes) -> Counted:
    """Return the size of a graph that may be tried.

    Raises
    ------
    GraphError
        For the first thing in it that may not be there.
    """
    if len(content) > LARGEST:
        raise refused(where="", found=f"{len(content)} bytes", allowed=f"at most {LARGEST}")
    nodes = tensors = graphs = opsets = 0
    for field in _known("model", memoryview(content), ""):
        if field.number == 8:
            _opset(field.content)
            opsets += 1
        if field.number == 7:
            graphs += 1
            for part in _known("graph", field.content, "graph"):
                if part.number == 1:
                    nodes += 1
                    if nodes > MOST_NODES:
                        raise refused(
                            where="graph", found=f"over {MOST_NODES} nodes", allowed="fewer"
                        )
                    tensors += _node(part.content, f"node {nodes}")
                elif part.number == 5:
                    tensors += 1
                    _tensor(part.content, f"tensor {tensors}")
    if graphs != 1 or not nodes or not opsets:
        found = f"{graphs} graphs, {nodes} nodes, {opsets} sets of operators"
        raise refused(where="", found=found, allowed="one graph with nodes and its operators' set")
    return Counted(nodes, tensors)


def _known(kind: str, message: memoryview, where: str) -> Iterator[Field]:
    """Yield the fields of a message, each one that this reader knows in a form that it knows."""
    seen: set[int] = set()
    known, once = FIELDS[kind], ONCE[kind]
    try:
        for field in fields(message):
            if field.kind not in known.get(field.number, ()):
                found = NAMES.get((kind, field.number), f"an unknown part, {field.number}")
                raise refused(where, found, "what a policy needs, and nothing else")
            if field.number in once and field.number in seen:
                raise refused(where, f"part {field.number} of a {kind} twice", "once")
            seen.add(field.number)
            yield field
    except MalformedError as error:
        raise refused(where, f"no readable {kind} ({error})", "an ONNX graph") from error


def _text(content: memoryview) -> str:
    return bytes(content[:80]).decode(errors="replace")


def _opset(message: memoryview) -> None:
    domain = ""
    for field in _known("opset", message, "operators"):
        if field.number == 1:
            domain = _text(field.content)
    _own_domain(domain, "operators")


def _own_domain(domain: str, where: str) -> None:
    if domain not in DOMAINS:
        raise refused(where, f"operators of '{domain}'", "operators of ONNX itself")


def _node(message: memoryview, where: str) -> int:
    """Check a node; return how many tensors its attributes hold."""
    tensors = 0
    for field in _known("node", message, where):
        if field.number == 7:
            _own_domain(_text(field.content), where)
        elif field.number == 4:
            operator = _text(field.content)
            if operator in CONTROL | RANDOM:
                what = "control flow" if operator in CONTROL else "randomness"
                raise refused(where, f"{operator}, {what}", "operators that only calculate")
        elif field.number == 5:
            tensors += _attribute(field.content, where)
    return tensors


def _attribute(message: memoryview, where: str) -> int:
    tensors = 0
    for field in _known("attribute", message, where):
        if field.number in (5, 10):
            tensors += 1
            _tensor(field.content, where)
        elif field.number in (2, 7):
            numbers = np.frombuffer(field.content[: len(field.content) // 4 * 4], "<f4")
            if np.isnan(numbers).any():
                raise refused(where, "NaN", "numbers")
    return tensors


def _tensor(message: memoryview, where: str) -> None:
    """Refuse a tensor that is elsewhere, of a kind that has no place here, or not finite."""
    parts = list(_known("tensor", message, where))
    name = next((_text(part.content) for part in parts if part.number == 8), "")
    where = f"{where} '{name}'" if name else where
    kind = next((part.value for part in parts if part.number == 2), 0)
    if any(part.number == 14 and part.value != 0 for part in parts):
        raise refused(where, "weights in another file", "weights in the graph")
    if kind in WHOLE:
        return
    if kind not in FLOATS:
        raise refused(where, f"numbers of type {kind}", "float16, float32, float64, integers")
    numbers = _numbers(parts, *FLOATS[kind])
    if np.isnan(numbers).any() or (len(numbers) > 1 and np.isinf(numbers).any()):
        raise refused(where, "weights that are not finite", "finite numbers")


def _numbers(parts: list[Field], dtype: DTypeLike, unpacked: int) -> NDArray[np.float64]:
    """Return every float of a tensor, wherever in it they stand."""
    size = np.dtype(dtype).itemsize
    found = [
        np.frombuffer(part.content[: len(part.content) // size * size], dtype)
        for part in parts
        if part.number == 9 or (part.number == unpacked and size > 2)
    ]
    if size == 2 and any(part.number == unpacked for part in parts):
        raise refused(where="tensor", found="float16 as integers", allowed="raw data")
    return np.concatenate([np.zeros(0), *(each.astype(np.float64) for each in found)])
