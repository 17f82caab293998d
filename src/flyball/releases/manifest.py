# SPDX-License-Identifier: MIT
"""What a release is made of, and what it says about itself.

``manifest.json`` is canonical JSON: the same content is the same bytes, and their SHA-256 is the
release's digest. It holds the hash and the size of every other file but the signature, which is
made over exactly these bytes. No moment stands in it: when it came is for the registry to know.
"""

import base64
import hashlib
import re
from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields
from typing import Any, NamedTuple

from flyball.core.errors import InvariantError
from flyball.core.journal import canonical
from flyball.core.spec import Feature, Spec
from flyball.releases.refusals import ReleaseError, problem

FORMAT = 1
"""Version of the format that this code writes, and the newest that it reads."""

GRAPH, WEIGHTS, POLICY = "policy.onnx", "weights.safetensors", "policy.json"
LIMITS, EVALUATION, PARITY, CARD = "limits.toml", "evaluation.json", "parity.json", "card.md"
MANIFEST, SIGNATURE = "manifest.json", "signature.json"

CONTENT = (GRAPH, WEIGHTS, POLICY, LIMITS, EVALUATION, PARITY, CARD)
"""The files that the manifest vouches for."""

FILES = frozenset({*CONTENT, MANIFEST, SIGNATURE})
"""The files of a release: these, and no others."""

LARGEST = 256 << 20
"""Bytes of a file at most."""

LARGEST_MANIFEST = 1 << 20

HEX = re.compile(r"[0-9a-f]{64}")


@dataclass(frozen=True, kw_only=True)
class Manifest:
    """Content of ``manifest.json``."""

    format: int
    """Version of the format."""

    world: str
    version: int
    """Of the world."""

    spec_hash: str
    """SHA-256 of the interface."""

    interface: Mapping[str, Any]
    """What policy and plant must agree about (see `interface_of`): names, units, bounds."""

    objectives: list[list[str]]
    """Name, unit and sense of each."""

    purpose: str
    """What the policy is for, in a sentence."""

    not_for: list[str]
    """What it is not for."""

    limits: list[str]
    """The sentence of each limit."""

    policy: Mapping[str, Any]
    """Algorithm and settings of the training, as the policy's own manifest has them."""

    lineage: Mapping[str, Any]
    """Seeds, version of the code, hashes of the data by name, digest of the parent."""

    evaluation: Mapping[str, Any]
    """Summary; all of it stands in ``evaluation.json``."""

    files: Mapping[str, Mapping[str, Any]]
    """``sha256`` and ``size`` in bytes of every other file, by name."""

    def to_bytes(self) -> bytes:
        """Return the manifest as canonical JSON.

        Raises
        ------
        ReleaseError
            When it holds what JSON cannot.
        """
        return json_of(asdict(self), MANIFEST)


class Signature(NamedTuple):
    """Who signed a manifest."""

    key: str  # id
    signature: bytes

    def to_bytes(self) -> bytes:
        """Return the signature as JSON."""
        text = base64.b64encode(self.signature).decode()
        return json_of({"format": FORMAT, "key": self.key, "signature": text}, SIGNATURE)


@dataclass(frozen=True)
class Contents:
    """A release whose files are what its manifest says; who signed it is not checked yet."""

    digest: str
    manifest: Manifest
    signature: Signature
    files: Mapping[str, bytes]


def digest_of(content: bytes) -> str:
    """Return the SHA-256 of some bytes, in hexadecimal."""
    return hashlib.sha256(content).hexdigest()


def json_of(value: Any, where: str) -> bytes:
    """Return a value as canonical JSON.

    Raises
    ------
    ReleaseError
        When JSON cannot hold it.
    """
    try:
        return canonical(value).encode()
    except InvariantError as error:
        fix = "leave out what is NaN or infinite, and keep to texts, numbers, lists and mappings"
        raise ReleaseError(problem(where, str(error), "what JSON can hold", fix)) from error


def interface_of(spec: Spec) -> dict[str, Any]:
    """Return what a release and a plant must agree about, as plain data.

    Ranges of features and signals may change, since they are only read; bounds of values may not,
    since a policy's values are shares of them.
    """
    kinds = [
        {
            "name": kind.name,
            "count": kind.count,
            "features": _columns(kind.features),
            "heads": [_head(head) for head in kind.heads],
        }
        for kind in spec.kinds
    ]
    signals = [[signal.name, signal.unit] for signal in spec.signals]
    return {"world": spec.world, "version": spec.version, "kinds": kinds, "signals": signals}


def _columns(features: tuple[Feature, ...]) -> list[list[str]]:
    return [[feature.name, feature.unit] for feature in features]


def _head(head: Any) -> dict[str, Any]:
    plain = {field.name: getattr(head, field.name) for field in fields(head)}
    if "features" in plain:
        plain["features"] = _columns(plain["features"])
    if "active" in plain:
        plain["active"] = [list(names) for names in plain["active"]]
    return {"type": type(head).__name__} | plain


def hash_of(interface: Mapping[str, Any]) -> str:
    """Return the SHA-256 of an interface."""
    return digest_of(json_of(interface, "interface"))
