# SPDX-License-Identifier: MIT
"""What a bundle says about itself: what it was made for, how, and the hashes of its files."""

import hashlib
import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, replace
from math import inf
from typing import Any

from flyball.core.errors import ConfigError, PolicyError, Problem
from flyball.core.spec import (
    AgentKind,
    Categorical,
    Feature,
    Head,
    Hybrid,
    OptionsHead,
    Spec,
    TanhGaussian,
)
from flyball.policies.sizes import Sizes, sizes_of

FORMAT = 2
"""Version of the bundle format that this code writes, and the newest that it reads.

Format 1 knew one agent without memory; it is read as the format 2 that it would be today, because
its graphs have the same inputs and outputs, and policies outlive the programs that trained them.
"""


@dataclass(frozen=True, kw_only=True)
class Manifest:
    """Content of ``manifest.json``."""

    format: int
    """Version of the bundle format."""

    identity: Mapping[str, Any]
    """World, kinds of agents with features, units and heads in order (see `identity_of`), and what
    the policy remembers (`memory`, `last_action`; see `bundle.Memory`)."""

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
    """Return what a policy must agree with its Env about, as plain data.

    A feature's range may change, since a policy only reads it; a continuous head's bounds may not,
    since the policy's values are shares of that range.
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
    return {"world": spec.world, "version": spec.version, "kinds": kinds}


def _columns(features: tuple[Feature, ...]) -> list[list[str]]:
    return [[feature.name, feature.unit] for feature in features]


def _head(head: Head) -> dict[str, Any]:
    entry: dict[str, Any] = {"name": head.name, "type": type(head).__name__}
    if isinstance(head, OptionsHead):
        return entry | {"features": _columns(head.features)}
    if isinstance(head, TanhGaussian):
        return entry | {"unit": head.unit, "low": float(head.low), "high": float(head.high)}
    if isinstance(head, Hybrid):
        return entry | {"n": head.n, "active": [list(names) for names in head.active]}
    return entry | {"n": head.n}


def kinds_of(identity: Mapping[str, Any]) -> tuple[AgentKind, ...]:
    """Return the agent kinds that `identity_of` wrote down; ranges of features are not kept."""
    return tuple(
        AgentKind(
            kind["name"],
            kind["count"],
            _features(kind["features"]),
            tuple(_head_of(entry) for entry in kind["heads"]),
        )
        for kind in identity["kinds"]
    )


def sizes_in(identity: Mapping[str, Any]) -> Sizes:
    """Return the axis lengths of what `identity_of` wrote down."""
    return sizes_of(Spec(identity["world"], identity["version"], kinds_of(identity), (), ()))


def _features(columns: list[list[str]]) -> tuple[Feature, ...]:
    return tuple(Feature(name, unit, -inf, inf) for name, unit in columns)


def _head_of(entry: Mapping[str, Any]) -> Head:
    name = entry["name"]
    if entry["type"] == "OptionsHead":
        return OptionsHead(name, _features(entry["features"]))
    if entry["type"] == "TanhGaussian":
        return TanhGaussian(name, entry["unit"], entry["low"], entry["high"])
    if entry["type"] == "Hybrid":
        return Hybrid(name, entry["n"], tuple(tuple(names) for names in entry["active"]))
    return Categorical(name, entry["n"])


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
        if manifest.format == 1:
            identity = _upgraded(manifest.identity)
            manifest = replace(manifest, identity=identity, spec_hash=identity_hash(identity))
        sizes_in(manifest.identity)
    except (ValueError, TypeError, KeyError, AttributeError, ConfigError) as error:
        raise damaged(where, f"no readable manifest ({error})") from error
    if not whole:
        raise damaged(where, "features or heads that differ from their own hash")
    return manifest


def _upgraded(identity: Mapping[str, Any]) -> dict[str, Any]:
    """Return the identity that format 2 would have written of one of format 1."""
    kind = {name: identity[name] for name in ("features", "heads")}
    world = {name: identity[name] for name in ("world", "version")}
    kinds = [{"name": None, "count": 1} | kind]
    return world | {"kinds": kinds, "memory": 0, "last_action": 0}


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
    for kind, own in zip(wanted["kinds"], identity["kinds"], strict=False):
        if own["name"] is None:  # format 1 did not say
            kind["name"] = None
    for key in wanted:
        if identity.get(key) != wanted[key]:
            place, found, allowed = _difference(identity.get(key), wanted[key], key)
            raise PolicyError(
                Problem(
                    where=f"{where} [{place}]",
                    found=found,
                    allowed=allowed,
                    fix="take a policy that was trained for this world and version, or train one",
                )
            )


def _difference(found: Any, wanted: Any, place: str) -> tuple[str, str, str]:
    """Return where in an identity two differ first, found and wanted there."""
    if isinstance(found, list) and isinstance(wanted, list):
        if len(found) != len(wanted):
            return place, f"{len(found)} entries", f"{len(wanted)} entries"
        for own, other in zip(found, wanted, strict=True):
            if own != other:
                return _difference(own, other, place)
    if isinstance(found, dict) and isinstance(wanted, dict):
        for key in wanted:
            if found.get(key) != wanted[key]:
                return _difference(found.get(key), wanted[key], key)
    return place, str(found), str(wanted)
