# SPDX-License-Identifier: MIT
"""Whoever can propose an action: a released policy or a baseline, with a memory for each unit.

A pilot is total: whatever happens in it becomes a proposal of NaN and a fault in words, and the
server goes by the fallback in the same decision. It keeps nothing of a unit itself; the unit keeps
its memory, so that it stays warm while somebody else is in control.

F features · A discrete actions · D continuous values · M floats of memory.
"""

from typing import Any, NamedTuple, Protocol

import numpy as np
import onnxruntime as ort

from flyball.core.batch import Doubles, Floats, Observation
from flyball.core.errors import PolicyError, Problem
from flyball.core.protocols import Policy
from flyball.core.spec import Spec, TanhGaussian

TYPES = {
    "tensor(float)": np.dtype(np.float32),
    "tensor(double)": np.dtype(np.float64),
    "tensor(bool)": np.dtype(np.bool_),
}
"""Kinds of numbers that graphs and bound arrays share."""


class Proposal(NamedTuple):
    """What a pilot would do."""

    value: Doubles  # (D,) native units; NaN where there is a fault
    memory: Floats  # (1, M) after it
    fault: str  # empty: none


class Pilot(Protocol):
    """Proposes actions for one copy of a plant."""

    name: str
    """Digest of the release, or name of the baseline."""

    def initial(self) -> Floats:
        """Return the empty memory (1, M)."""
        ...

    def propose(self, observation: Observation, memory: Floats) -> Proposal:
        """Return what it would do; never raises."""
        ...


def n_values(spec: Spec) -> int:
    """Return D of a plant with one agent."""
    return sum(isinstance(head, TanhGaussian) for head in spec.kinds[0].heads)


class Baseline:
    """A policy that is not learned."""

    def __init__(self, name: str, policy: Policy, spec: Spec) -> None:
        self.name, self._policy = name, policy
        self._nothing = np.full(n_values(spec), np.nan)

    def initial(self) -> Floats:
        """Return the empty memory (1, M)."""
        return self._policy.initial(1)

    def propose(self, observation: Observation, memory: Floats) -> Proposal:
        """Return what it would do; never raises."""
        try:
            action, _, after = self._policy.act(observation, memory, None)
            value = np.asarray(action.value, np.float64).reshape(-1)
        except Exception as error:  # noqa: BLE001 - whatever it is, the plant goes on
            return Proposal(self._nothing, memory, f"{self.name} failed: {error}")
        return _checked(self.name, value, memory, after, self._nothing)


class Learned:
    """A released policy: one row through its graph, in arrays that are bound once.

    A row alone may differ in the last bits from the same row in a batch of `policies.load`, which
    fills batches up to be repeatable; releases are admitted within 1e-5 of what was trained.

    Parameters
    ----------
    name
        Digest of the release.
    graph
        ``policy.onnx``; its inputs and outputs stand in `flyball.policies.bundle`.
    spec
        Of the plant: one agent with continuous values.
    n_memory
        M.

    Raises
    ------
    PolicyError
        For a graph that does not fit the plant.
    """

    def __init__(self, name: str, graph: bytes, spec: Spec, n_memory: int = 0) -> None:
        self.name = name
        options = ort.SessionOptions()
        options.intra_op_num_threads = options.inter_op_num_threads = 1
        options.log_severity_level = 3
        try:
            self._session = ort.InferenceSession(graph, options, providers=["CPUExecutionProvider"])
        except Exception as error:  # the runtime's errors share no type
            raise _unfit(name, f"a graph that cannot be loaded ({error})") from error
        kind, n = spec.kinds[0], n_values(spec)
        self._nothing, self._memory = np.full(n, np.nan), np.zeros((1, n_memory), np.float32)
        self._obs = np.zeros((1, len(kind.features)), np.float32)
        self._start = np.zeros(1, np.bool_)
        self._mask = np.ones((1, spec.choice_starts[-1]), np.bool_)
        self._value, self._after = np.zeros((1, n)), np.zeros((1, n_memory), np.float32)
        self._binding = self._session.io_binding()
        self._bind(
            {
                "obs": self._obs,
                "memory_in": self._memory,
                "start": self._start,
                "mask": self._mask,
            },
            {"value": self._value, "memory_out": self._after},
        )

    def _bind(self, inputs: dict[str, Any], outputs: dict[str, Any]) -> None:
        """Bind arrays of this object to the graph, which reads and writes them in place."""
        held = []
        for entry in self._session.get_inputs():
            array = inputs.get(entry.name)
            if array is None or not _fits(entry, array):
                raise _unfit(self.name, f"input {entry.name} {entry.shape} {entry.type}")
            held.append(ort.OrtValue.ortvalue_from_numpy(array))
            self._binding.bind_ortvalue_input(entry.name, held[-1])
        names = [entry.name for entry in self._session.get_outputs()]
        for name, array in outputs.items():
            if array.size and name not in names:
                raise _unfit(self.name, f"no output {name}")
        for entry in self._session.get_outputs():
            array = outputs.get(entry.name)
            if array is None or not array.size:
                self._binding.bind_output(entry.name)
                continue
            if not _fits(entry, array):
                raise _unfit(self.name, f"output {entry.name} {entry.shape} {entry.type}")
            self._binding.bind_output(
                entry.name, "cpu", 0, array.dtype.type, array.shape, array.ctypes.data
            )
        self._held = held

    def initial(self) -> Floats:
        """Return the empty memory (1, M)."""
        return np.zeros_like(self._memory)

    def propose(self, observation: Observation, memory: Floats) -> Proposal:
        """Return what it would do; never raises."""
        try:
            self._obs[:] = observation.obs[0]
            self._start[:] = observation.start
            self._memory[:] = memory
            if self._mask.size:
                self._mask[:] = observation.mask[0]
            self._session.run_with_iobinding(self._binding)
        except Exception as error:  # noqa: BLE001 - whatever it is, the plant goes on
            return Proposal(self._nothing, memory, f"policy {self.name[:12]} failed: {error}")
        return _checked(
            f"policy {self.name[:12]}", self._value[0], memory, self._after, self._nothing
        )


def _fits(entry: Any, array: Any) -> bool:
    """Return whether an input or output of a graph has an array's width and kind of numbers."""
    same = TYPES.get(entry.type) == array.dtype and len(entry.shape) == array.ndim
    return same and (array.ndim == 1 or bool(entry.shape[-1] == array.shape[-1]))


def _checked(
    name: str, value: Doubles, memory: Floats, after: Floats, nothing: Doubles
) -> Proposal:
    """Return a copy of a proposal, or its fault; memory that is no number is not kept."""
    if value.shape != nothing.shape or not np.isfinite(value).all():
        return Proposal(nothing, memory, f"{name} said no number")
    if not np.isfinite(after).all():
        return Proposal(nothing, memory, f"{name} remembers no number")
    return Proposal(value.copy(), after.copy(), "")


def _unfit(name: str, found: str) -> PolicyError:
    return PolicyError(
        Problem(
            where=f"policy {name[:12]}",
            found=found,
            allowed="a graph of this plant's features and values",
            fix="release a policy that was trained for this plant",
        )
    )
