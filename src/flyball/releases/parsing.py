# SPDX-License-Identifier: MIT
"""From bytes of strangers to a release: it is one in every part, or it is refused."""

import base64
import json
from collections.abc import Callable, Mapping
from typing import Any

from flyball.core.errors import Problem
from flyball.releases.manifest import (
    CONTENT,
    FILES,
    FORMAT,
    HEX,
    LARGEST_MANIFEST,
    MANIFEST,
    SIGNATURE,
    Contents,
    Manifest,
    Signature,
    digest_of,
    hash_of,
)
from flyball.releases.refusals import ReleaseError, problem


def checked(files: Mapping[str, bytes], where: str) -> Contents:
    """Return the release that these files are.

    Parameters
    ----------
    files
        Content by name; any bytes.
    where
        The folder, for messages.

    Raises
    ------
    ReleaseError
        With everything that is wrong: files too many or missing, no manifest, other hashes.
    """
    problems = [
        _damaged(f"{where}/{name}"[-200:], "a file that no release has", "not there")
        for name in sorted(files.keys() - FILES)
    ]
    missing = sorted(FILES - files.keys())
    problems += [_damaged(f"{where}/{name}", "no file", "a file of a release") for name in missing]
    if problems:
        raise ReleaseError(problems)
    manifest = parse(files[MANIFEST], f"{where}/{MANIFEST}")
    signature = _signature(files[SIGNATURE], f"{where}/{SIGNATURE}")
    for name in CONTENT:
        said, content = manifest.files[name], files[name]
        if said["size"] != len(content) or said["sha256"] != digest_of(content):
            found = f"{len(content)} bytes of hash {digest_of(content)[:12]}"
            allowed = f"{said['size']} bytes of hash {str(said['sha256'])[:12]}"
            problems.append(_damaged(f"{where}/{name}", found, allowed))
    if problems:
        raise ReleaseError(problems)
    return Contents(digest_of(files[MANIFEST]), manifest, signature, dict(files))


def parse(content: bytes, where: str) -> Manifest:
    """Return the manifest in these bytes.

    Raises
    ------
    ReleaseError
        When it is none, or of a newer format.
    """
    if len(content) > LARGEST_MANIFEST:
        raise ReleaseError(_damaged(where, f"{len(content)} bytes", f"at most {LARGEST_MANIFEST}"))
    try:
        values = json.loads(content)
        if _whole(values["format"]) > FORMAT:
            fix = "upgrade flyball, or pack the policy again with this version"
            found, allowed = f"release format {values['format']}", f"format {FORMAT} or older"
            raise ReleaseError(problem(where, found, allowed, fix))
        for field, check in TYPES.items():
            values[field] = check(values[field])
        manifest = Manifest(**values)
        same = manifest.to_bytes() == content
    except (ValueError, TypeError, KeyError, AttributeError, RecursionError) as error:
        raise ReleaseError(_damaged(where, f"no readable manifest ({error})"[:300])) from error
    if not same:
        raise ReleaseError(_damaged(where, "another spelling of a manifest", "canonical JSON"))
    if hash_of(manifest.interface) != manifest.spec_hash:
        raise ReleaseError(_damaged(where, "an interface that differs from its own hash"))
    return manifest


def _whole(value: Any) -> int:
    if isinstance(value, bool) or not isinstance(value, int) or not 0 <= value < 1 << 31:
        msg = f"{value!r} is no whole number"
        raise ValueError(msg)
    return value


def _text(value: Any) -> str:
    if not isinstance(value, str):
        msg = f"{value!r} is no text"
        raise TypeError(msg)
    return value


def _mapping(value: Any) -> dict[str, Any]:
    if not isinstance(value, dict):
        msg = f"{value!r} is no mapping"
        raise TypeError(msg)
    return value


def _texts(value: Any) -> list[str]:
    if not isinstance(value, list):
        msg = f"{value!r} is no list"
        raise TypeError(msg)
    return [_text(each) for each in value]


def _rows(value: Any) -> list[list[str]]:
    if not isinstance(value, list):
        msg = f"{value!r} is no list"
        raise TypeError(msg)
    return [_texts(each) for each in value]


def _listed(value: Any) -> dict[str, Any]:
    """Return the hashes and sizes of exactly the files of a release."""
    if _mapping(value).keys() != set(CONTENT):
        msg = f"files {sorted(value)}"
        raise ValueError(msg)
    for entry in value.values():
        if entry.keys() != {"sha256", "size"} or not HEX.fullmatch(_text(entry["sha256"])):
            msg = f"a file of {entry!r}"
            raise ValueError(msg)
        _whole(entry["size"])
    return dict(value)


TYPES: Mapping[str, Callable[[Any], Any]] = {
    "format": _whole,
    "world": _text,
    "version": _whole,
    "spec_hash": _text,
    "interface": _mapping,
    "objectives": _rows,
    "purpose": _text,
    "not_for": _texts,
    "limits": _texts,
    "policy": _mapping,
    "lineage": _mapping,
    "evaluation": _mapping,
    "files": _listed,
}
"""What each field must be."""


def _signature(content: bytes, where: str) -> Signature:
    try:
        values = json.loads(content[:LARGEST_MANIFEST])
        key, text = _text(values["key"]), _text(values["signature"])
        known = _whole(values["format"]) <= FORMAT
        signature = Signature(key[:64], base64.b64decode(text, validate=True))
    except (ValueError, TypeError, KeyError, RecursionError) as error:
        raise ReleaseError(_damaged(where, f"no readable signature ({error})"[:300])) from error
    if not known or signature.to_bytes() != content:
        raise ReleaseError(_damaged(where, "another spelling of a signature", "canonical JSON"))
    return signature


def _damaged(where: str, found: str, allowed: str = "the release as it was packed") -> Problem:
    return problem(where, found, allowed, "copy the release again from its source")
