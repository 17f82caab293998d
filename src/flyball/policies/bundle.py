# SPDX-License-Identifier: MIT
"""A policy as a folder that acts without torch.

``policy.onnx`` holds normaliser, memory and network in one graph, ``weights.safetensors`` the same
numbers for whoever wants to train on, ``manifest.json`` what it was made for and the SHA-256 of
both. Nothing here unpickles anything. Rows are r = b * N + n of N agents; the graph has those of

=============  ==========  =======  ================================================================
``features``   (L, G)      input    of an options head's candidates
``row``        (L,) i64    input    number of each candidate's row
``count``      (R, 1)      input    of each row's candidates, at least 1
``obs``        (R, F)      input    raw features
``mask``       (R, A) bool input    legal actions of all choice heads side by side
``memory_in``  (R, M)      input    as ``memory_out`` left it
``start``      (R,) bool   input    where memory starts anew
``score``      (L,)        output   of candidates
``logits``     (R, A)      output   of actions, minus infinity where illegal
``mean``       (R, D)      output   of continuous values before the tanh
``log_std``    (R, D)      output   logarithm of their standard deviation
``value``      (R, D) f64  output   the greedy values in native units
``memory_out`` (R, M)      output   after the step, had the greedy choice been taken
=============  ==========  =======  ================================================================

that its heads and its memory need. Several agents stand in the order of the world; their number of
rows is a multiple of N.
"""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from onnxruntime.capi.onnxruntime_pybind11_state import (
    Fail,
    InvalidGraph,
    InvalidProtobuf,
)
from onnxruntime.capi.onnxruntime_pybind11_state import NotImplemented as NotImplemented_
from safetensors.numpy import save

from flyball.core.errors import ConfigError, PolicyError, Problem
from flyball.core.spec import Spec
from flyball.policies.acting import Bundled, Memory
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


NO_MEMORY = Memory()


def save_bundle(  # noqa: PLR0913
    folder: Path,
    spec: Spec,
    *,
    graph: bytes,
    weights: Mapping[str, NDArray[Any]],
    algorithm: str,
    settings: Mapping[str, Any],
    facts: Mapping[str, Any],
    memory: Memory = NO_MEMORY,
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
    memory
        What the graph remembers.
    """
    content = {
        GRAPH: graph,
        WEIGHTS: save({name: np.copy(array, order="C") for name, array in weights.items()}),
    }
    identity = identity_of(spec) | {
        "memory": memory.width,
        "last_action": memory.last_action,
    }
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
    except (InvalidProtobuf, InvalidGraph, Fail, NotImplemented_, KeyError, ValueError) as error:
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
