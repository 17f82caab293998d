# SPDX-License-Identifier: MIT
"""Acting with the graph of a bundle (its inputs and outputs stand in `bundle`)."""

from copy import copy
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np
import onnxruntime as ort
from numpy.typing import NDArray

from flyball.core.batch import Action, Doubles, Floats, Observation
from flyball.policies.choosing import Said, choose
from flyball.policies.kernels import rows_and_counts
from flyball.policies.manifest import Manifest, sizes_in
from flyball.policies.sizes import action_of


@dataclass(frozen=True)
class Memory:
    """What a policy remembers of one agent from step to step."""

    width: int = 0
    """M, floats."""

    last_action: int = 0
    """How many of them, at the end, are the agent's last action one-hot."""


class Answer(NamedTuple):
    """What the graph gives for R rows; an axis that is not used has length zero."""

    said: Said
    value: Doubles  # (R, D)  greedy, native units
    memory: Floats  # (R, M)


class Bundled:
    """A loaded bundle as a Policy of the contract."""

    def __init__(self, graph: bytes, manifest: Manifest, temperature: float) -> None:
        options = ort.SessionOptions()
        options.intra_op_num_threads = 1
        options.inter_op_num_threads = 1
        options.log_severity_level = 3
        self.manifest = manifest
        self.temperature = temperature
        self._session = ort.InferenceSession(graph, options, providers=["CPUExecutionProvider"])
        self._inputs = [entry.name for entry in self._session.get_inputs()]
        self._outputs = [entry.name for entry in self._session.get_outputs()]
        identity = manifest.identity
        self._heads = sizes_in(identity)
        self._memory = Memory(identity["memory"], identity["last_action"])
        self._check_widths()

    def _check_widths(self) -> None:
        """Refuse a graph that says less than its heads need: compiled code reads what it gives.

        Raises
        ------
        ValueError
            With the first input or output that is missing or has another width.
        """
        sizes, n_actions = self._heads, sum(self._heads.actions)
        widths = {
            "features": sizes.n_features,
            "mask": n_actions,
            "logits": n_actions,
            "mean": sizes.n_values,
            "log_std": sizes.n_values,
            "value": sizes.n_values,
            "memory_in": self._memory.width,
            "memory_out": self._memory.width,
        }
        entries = (*self._session.get_inputs(), *self._session.get_outputs())
        found = {entry.name: entry.shape for entry in entries}
        for name, width in widths.items():
            own = found[name][-1] if name in found else 0
            if own != width:
                msg = f"'{name}' has width {own}, not {width}"
                raise ValueError(msg)
        if sizes.n_features and "score" not in found:
            msg = "'score' is missing"
            raise ValueError(msg)

    def straying(self, level: float) -> "Bundled":
        """Return the policy with `level` times its temperature; the loaded graph is shared."""
        other = copy(self)
        other.temperature = level * self.temperature
        return other

    def initial(self, n_envs: int) -> NDArray[np.float32]:
        """Return the empty memory (B, N * M)."""
        return np.zeros((n_envs, self._heads.n_agents * self._memory.width), np.float32)

    def act(
        self, observation: Observation, memory: NDArray[np.float32], key: tuple[int, int] | None
    ) -> tuple[Action, Floats, NDArray[np.float32]]:
        """Return action, log-probability (B, N) and memory (see `flyball.core.protocols`)."""
        shape = observation.alive.shape
        answer = self.answer(observation, memory)
        mask = observation.mask.reshape(shape[0] * shape[1], -1)
        offset = observation.options.offset
        chosen = choose(answer.said, mask, offset, self._heads, key, temperature=self.temperature)
        after, n_last = answer.memory, self._memory.last_action
        if n_last:
            after[:, -n_last:] = chosen.choice == np.arange(n_last)
        action = action_of(chosen.choice, chosen.latent, self._heads)
        return action, chosen.log_prob.reshape(shape), after.reshape(memory.shape)

    def scores(self, observation: Observation) -> Floats:
        """Return option scores (L,) or masked logits (R, A) at the start of an episode."""
        return self.answer(observation, self.initial(len(observation.start))).said.scores

    def answer(self, observation: Observation, memory: NDArray[np.float32]) -> Answer:
        """Return what the graph gives for each row.

        The runtime's vector instructions round a logarithm, an exponential or a tanh differently
        from its scalar ones, which it uses for the last few elements of an array. Rows of zeros
        fill every input up to a multiple of 16 of each agent, so that what a row gets does not
        depend on what else is in the batch, bit for bit.
        """
        n_rows, n_options = observation.alive.size, int(observation.options.offset[-1])
        outputs = self._session.run(None, self._given(observation, memory))
        found = dict(zip(self._outputs, outputs, strict=True))
        for name in found:
            found[name] = found[name][: n_options if name == "score" else n_rows]
        none = np.zeros((n_rows, 0), np.float32)
        scores = found["score"] if "score" in found else found.get("logits", none)
        said = Said(scores, found.get("mean", none), found.get("log_std", none))
        value = found.get("value", none.astype(np.float64))
        return Answer(said, value, found.get("memory_out", none))

    def _given(
        self, observation: Observation, memory: NDArray[np.float32]
    ) -> dict[str, NDArray[Any]]:
        """Return those inputs that the graph has, filled up."""
        n_agents, options = self._heads.n_agents, observation.options
        n_rows = observation.alive.size
        block = BLOCK if self._heads.n_features else BLOCK * n_agents
        given: dict[str, NDArray[Any]] = {}
        if "features" in self._inputs:
            given["features"] = features = filled(options.features)
            given["row"], given["count"] = rows_and_counts(options.offset, len(features))
        rows: dict[str, NDArray[Any]] = {
            "obs": observation.obs.reshape(n_rows, -1),
            "mask": observation.mask.reshape(n_rows, -1),
            "memory_in": memory.reshape(n_rows, -1),
            "start": np.repeat(observation.start, n_agents),
        }
        wanted = {name: array for name, array in rows.items() if name in self._inputs}
        return given | {name: filled(array, block) for name, array in wanted.items()}


BLOCK = 16


def filled(array: NDArray[Any], block: int = BLOCK) -> NDArray[Any]:
    """Return the array (n, ...) with rows of zeros up to more than n, a multiple of `block`."""
    out = np.zeros((len(array) // block * block + block, *array.shape[1:]), array.dtype)
    out[: len(array)] = array
    return out
