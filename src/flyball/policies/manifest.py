# SPDX-License-Identifier: MIT
"""What a bundle says about itself: what it was made for, how, and the hashes of its files."""

import hashlib
import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from typing import Any

from flyball.core.errors import PolicyError, Problem
from flyball.core.spec import Categorical, OptionsHead, Spec

FORMAT = 1
"""Version of the bundle format that this code writes, and the newest that it reads."""


@dataclass(frozen=True, kw_only=True)
class Manifest:
    """Content of ``manifest.json``."""

    format: int
    """Version of the bundle format."""

    identity: Mapping[str, Any]
    """World, features with units in order, and heads (see `identity_of`)."""

    spec_hash: str
    """SHA-256 of the identity."""

    algorithm: str
    """What trained the policy."""

    settings: Mapping[str, Any] = field(default_factory=dict)
    """Its settings."""

    facts: Mapping[str, Any] = field(default_factory=dict)
    """What is worth knowing of the training: iterations, seconds, scales, figures."""

    files: Mapping[str, str] = field(default_factory=dict)
    """SHA-256 of every other file of the bundle, by name."""

    def to_bytes(self) -> bytes:
        """Return the manifest as indented JSON."""
        return json.dumps(asdict(self), indent=1, sort_keys=True).encode()


def identity_of(spec: Spec) -> dict[str, Any]:
    """Return what a policy must agree with its Env about, as plain data."""
    kind = spec.kinds[0]
    heads: list[dict[str, Any]] = []
    for head in kind.heads:
        entry: dict[str, Any] = {"name": head.name, "type": type(head).__name__}
        if isinstance(head, OptionsHead):
            entry["features"] = [[feature.name, feature.unit] for feature in head.features]
        if isinstance(head, Categorical):
            entry["n"] = head.n
        heads.append(entry)
    return {
        "world": spec.world,
        "version": spec.version,
        "features": [[feature.name, feature.unit] for feature in kind.features],
        "heads": heads,
    }


def hash_of(content: bytes) -> str:
    """Return the SHA-256 of some bytes, in hexadecimal."""
    return hashlib.sha256(content).hexdigest()


def identity_hash(identity: Mapping[str, Any]) -> str:
    """Return the SHA-256 of an identity's canonical JSON."""
    return hash_of(json.dumps(identity, sort_keys=True, separators=(",", ":")).encode())


def parse(content: bytes, where: str) -> Manifest:
    """Return the manifest in these bytes.

    Parameters
    ----------
    content
        Of ``manifest.json``.
    where
        Its path, for messages.

    Raises
    ------
    PolicyError
        When it is no manifest, contradicts itself, or is of a newer format.
    """
    try:
        values = json.loads(content)
        if int(values["format"]) > FORMAT:
            raise PolicyError(
                Problem(
                    where=where,
                    found=f"bundle format {values['format']}",
                    allowed=f"format {FORMAT} or older",
                    fix="upgrade flyball, or export the policy again with this version",
                )
            )
        manifest = Manifest(**values)
        whole = identity_hash(manifest.identity) == manifest.spec_hash
    except (ValueError, TypeError, KeyError, AttributeError) as error:
        raise damaged(where, f"no readable manifest ({error})") from error
    if not whole:
        raise damaged(where, "features or heads that differ from their own hash")
    return manifest


def damaged(where: str, found: str) -> PolicyError:
    """Return the error of a bundle that is not as it was written."""
    return PolicyError(
        Problem(
            where=where,
            found=found,
            allowed="the folder exactly as training wrote it",
            fix="copy the folder again from its source, or train anew",
        )
    )


def check_identity(identity: Mapping[str, Any], spec: Spec, where: str) -> None:
    """Refuse a policy that was made for another world, other features or other heads.

    Raises
    ------
    PolicyError
        With the first difference.
    """
    wanted = identity_of(spec)
    for key in ("world", "version", "features", "heads"):
        if identity.get(key) != wanted[key]:
            found, allowed = _difference(identity.get(key), wanted[key])
            raise PolicyError(
                Problem(
                    where=f"{where} [{key}]",
                    found=found,
                    allowed=allowed,
                    fix="take a policy that was trained for this world and version, or train one",
                )
            )


def _difference(found: Any, wanted: Any) -> tuple[str, str]:
    """Return found and wanted, cut down to the first entries that differ."""
    if isinstance(found, list) and isinstance(wanted, list):
        if len(found) != len(wanted):
            return f"{len(found)} entries", f"{len(wanted)} entries"
        for own, other in zip(found, wanted, strict=True):
            if own != other:
                return _difference(own, other)
    if isinstance(found, dict) and isinstance(wanted, dict):
        for key in wanted:
            if found.get(key) != wanted[key]:
                return _difference(found.get(key), wanted[key])
    return str(found), str(wanted)
