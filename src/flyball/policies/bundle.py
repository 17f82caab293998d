# SPDX-License-Identifier: MIT
"""A policy as a folder that acts without torch.

``policy.onnx`` holds normaliser and network in one graph, ``weights.safetensors`` the same numbers
for whoever wants to train on, ``manifest.json`` what it was made for and the SHA-256 of both. The
graph of an options head reads ``features`` (L, G), the number ``row`` (L,) of each candidate's row
and the ``count`` (R, 1) of each row's candidates, and gives ``score`` (L,); one of masked
categorical heads reads ``obs`` (R, F) and ``mask`` (R, A) and gives masked ``logits`` (R, A).
Nothing here unpickles anything.
"""

from collections.abc import Mapping
from copy import copy
from pathlib import Path
from typing import Any

import numpy as np
import onnxruntime as ort
from numpy.typing import NDArray
from onnxruntime.capi.onnxruntime_pybind11_state import (
    Fail,
    InvalidGraph,
    InvalidProtobuf,
)
from onnxruntime.capi.onnxruntime_pybind11_state import NotImplemented as NotImplemented_
from safetensors.numpy import save

from flyball.core.batch import Action, Floats, Observation
from flyball.core.errors import ConfigError, PolicyError, Problem
from flyball.core.spec import Spec
from flyball.policies.choosing import action_of, choose_masked, choose_options
from flyball.policies.kernels import rows_and_counts
from flyball.policies.manifest import (
    FORMAT,
    Manifest,
    check_identity,
    damaged,
    hash_of,
    identity_hash,
    identity_of,
    parse,
)
from flyball.policies.storage import write_folder

GRAPH, WEIGHTS, MANIFEST = "policy.onnx", "weights.safetensors", "manifest.json"


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
        heads = manifest.identity["heads"]
        self._sizes = tuple(head["n"] for head in heads if head["type"] == "Categorical")
        self._reads_obs = bool(manifest.identity["features"])

    def straying(self, level: float) -> "Bundled":
        """Return the policy with `level` times its temperature; the loaded graph is shared."""
        other = copy(self)
        other.temperature = level * self.temperature
        return other

    def initial(self, n_envs: int) -> NDArray[np.float32]:
        """Return the empty memory (B, 0)."""
        return np.zeros((n_envs, 0), np.float32)

    def act(
        self, observation: Observation, memory: NDArray[np.float32], key: tuple[int, int] | None
    ) -> tuple[Action, Floats, NDArray[np.float32]]:
        """Return action, log-probability (B, N) and memory (see `flyball.core.protocols`)."""
        shape = observation.alive.shape
        if not self._sizes:
            action, log_prob = choose_options(
                self.scores(observation), observation, key, temperature=self.temperature
            )
            return action, log_prob, memory
        mask = observation.mask.reshape(shape[0] * shape[1], sum(self._sizes))
        choice, joint = choose_masked(
            self.scores(observation), mask, self._sizes, key, temperature=self.temperature
        )
        return action_of(choice, *shape), joint.reshape(shape), memory

    def scores(self, observation: Observation) -> Floats:
        """Return what the graph gives: (L,) option scores, or (R, A) masked logits.

        The runtime's vector instructions round a logarithm differently from its scalar ones, which
        it uses for the last few elements of an array. Rows of zeros fill every input up to a
        multiple of 16, so that a score does not depend on what else is in the batch, bit for bit.
        """
        n_rows = observation.alive.size
        inputs: dict[str, NDArray[Any]] = {}
        if self._reads_obs:
            inputs["obs"] = filled(observation.obs.reshape(n_rows, -1))
        if self._sizes:
            inputs["mask"] = filled(observation.mask.reshape(n_rows, -1))
            logits: Floats = self._session.run(None, inputs)[0][:n_rows]
            return logits
        offset = observation.options.offset
        n_options = int(offset[-1])
        if n_options == 0:
            return np.zeros(0, np.float32)
        inputs["features"] = features = filled(observation.options.features)
        inputs["row"], inputs["count"] = rows_and_counts(offset, len(features))
        scores: Floats = self._session.run(None, inputs)[0][:n_options]
        return scores


BLOCK = 16


def filled(array: NDArray[Any]) -> NDArray[Any]:
    """Return the array (n, ...) with rows of zeros up to more than n, a multiple of 16."""
    out = np.zeros((len(array) // BLOCK * BLOCK + BLOCK, *array.shape[1:]), array.dtype)
    out[: len(array)] = array
    return out


def save_bundle(  # noqa: PLR0913
    folder: Path,
    spec: Spec,
    *,
    graph: bytes,
    weights: Mapping[str, NDArray[Any]],
    algorithm: str,
    settings: Mapping[str, Any],
    facts: Mapping[str, Any],
) -> Manifest:
    """Write a bundle, atomically, and return its manifest.

    Parameters
    ----------
    folder
        The bundle's own folder; what stood there is replaced.
    spec
        What the policy was made for.
    graph
        The ONNX model, serialised.
    weights
        Parameters and normaliser statistics by name.
    algorithm, settings, facts
        For the manifest; plain data.
    """
    content = {
        GRAPH: graph,
        WEIGHTS: save({name: np.copy(array, order="C") for name, array in weights.items()}),
    }
    identity = identity_of(spec)
    manifest = Manifest(
        format=FORMAT,
        identity=identity,
        spec_hash=identity_hash(identity),
        algorithm=algorithm,
        settings=settings,
        facts=facts,
        files={name: hash_of(data) for name, data in content.items()},
    )
    write_folder(folder, content | {MANIFEST: manifest.to_bytes()})
    return manifest


def load(folder: Path, spec: Spec | None = None, *, temperature: float = 1.0) -> Bundled:
    """Return the policy in a bundle's folder.

    Parameters
    ----------
    folder
        As written by `save_bundle`.
    spec
        If given, the policy must have been made for its world, features and heads.
    temperature
        Divides the scores before the softmax, above 0; the greedy action does not feel it.

    Raises
    ------
    PolicyError
        When the bundle is missing, damaged, too new, or made for something else.
    ConfigError
        When the temperature is not above 0.
    """
    if not temperature > 0:
        raise ConfigError(
            Problem(
                where="policy.temperature",
                found=str(temperature),
                allowed="above 0",
                fix="take 1, or act greedily instead of with a low temperature",
            )
        )
    manifest = parse(_read(folder / MANIFEST), str(folder / MANIFEST))
    content = {name: _read(folder / name) for name in (GRAPH, WEIGHTS)}
    for name, data in content.items():
        if hash_of(data) != manifest.files.get(name):
            raise damaged(str(folder / name), f"hash {hash_of(data)[:12]}, not the manifest's")
    if spec is not None:
        check_identity(manifest.identity, spec, str(folder / MANIFEST))
    try:
        return Bundled(content[GRAPH], manifest, temperature)
    except (InvalidProtobuf, InvalidGraph, Fail, NotImplemented_, KeyError) as error:
        raise damaged(str(folder / GRAPH), f"a graph that cannot be run ({error})") from error


def _read(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError as error:
        raise PolicyError(
            Problem(
                where=str(path),
                found=f"no readable file ({error.strerror})",
                allowed=f"a policy folder with {GRAPH}, {WEIGHTS} and {MANIFEST}",
                fix="give the folder that training wrote, or copy it again from its source",
            )
        ) from error
