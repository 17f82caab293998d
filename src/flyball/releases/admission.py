# SPDX-License-Identifier: MIT
"""Whether a release may act for a plant: everything that can be known before it does.

In this order, and nothing is run before all above it is right: every byte is what the manifest
says, a trusted key signed the manifest, policy and plant agree about names and units, the graph
holds nothing but what a policy needs. Then the graph answers made-up observations in a process of
its own (`trial`), and has to answer what it answered when it was packed. Nothing is unpickled,
here or there.
"""

import json
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from flyball.core.errors import ConfigError, FlyballError, PolicyError, Problem
from flyball.core.limits import Constraint
from flyball.core.spec import Spec
from flyball.policies import Bundled, load
from flyball.releases import vault as vaults
from flyball.releases.graph import examined
from flyball.releases.limiting import limits_for
from flyball.releases.manifest import (
    GRAPH,
    LIMITS,
    MANIFEST,
    PARITY,
    POLICY,
    WEIGHTS,
    Contents,
    Manifest,
    interface_of,
    json_of,
)
from flyball.releases.refusals import ReleaseError, problem
from flyball.releases.signing import Trust
from flyball.releases.trying import Answer, TrialConfig, arrays, ask, differences

MOST_ROWS = 1 << 16
"""Rows of made-up observations at most."""


@dataclass(frozen=True, kw_only=True)
class Expected:
    """What a plant asks of a release."""

    spec: Spec
    """Of the plant's Env."""

    trial: TrialConfig = field(default_factory=TrialConfig)
    """What the graph may use while it is tried."""


@dataclass(frozen=True)
class Admitted:
    """A release that may act."""

    digest: str
    manifest: Manifest
    signer: str
    """Id of the key that signed it."""

    limits: tuple[Constraint, ...]
    policy: Bundled
    """Loaded, greedy unless it is asked to draw."""


def admit(source: str | Path, vault: vaults.Vault, trust: Trust, expected: Expected) -> Admitted:
    """Return a release ready to act, or say everything that speaks against it.

    Parameters
    ----------
    source
        Digest of a release in the vault (a text), or a folder with one (a path), which is kept in
        the vault once it is admitted.
    vault
        Where releases are kept.
    trust
        Whose releases are believed.
    expected
        What the plant asks for.

    Raises
    ------
    ReleaseError
        With everything that is wrong with it.
    """
    contents = vault.get(source) if isinstance(source, str) else vaults.read(source)
    where = f"release {contents.digest[:12]}"
    problems = _signed(contents, trust, where)
    problems += _mismatches(contents.manifest.interface, interface_of(expected.spec), where)
    problems += examined(contents.files[GRAPH], f"{where} {GRAPH}")
    limits = _limits(contents, expected.spec, where, problems)
    if problems:
        raise ReleaseError(problems)
    _compare(contents, expected.trial, where)
    policy = _loaded(contents, expected.spec)
    if not isinstance(source, str):
        vault.put(contents.files)
    return Admitted(contents.digest, contents.manifest, contents.signature.key, limits, policy)


def _signed(contents: Contents, trust: Trust, where: str) -> list[Problem]:
    signature, content = contents.signature, contents.files[MANIFEST]
    try:
        trust.verify(signature.key, signature.signature, content, where)
    except ReleaseError as error:
        return list(error.problems)
    return []


def _limits(
    contents: Contents, spec: Spec, where: str, problems: list[Problem]
) -> tuple[Constraint, ...]:
    """Return the limits; what is wrong with them is added to the problems."""
    text = contents.files[LIMITS].decode(errors="replace")
    try:
        return limits_for(text, spec, f"{where} {LIMITS}")
    except ConfigError as error:
        problems += error.problems
        return ()


def _mismatches(found: Any, wanted: Any, where: str) -> list[Problem]:
    """Return the first places where two interfaces differ."""
    fix = "take a release that was made for this plant, or train one"
    wanted = json.loads(json_of(wanted, "spec"))
    return [
        problem(f"{where} {place}", own[:80], other[:80], fix)
        for place, own, other in list(_differing(found, wanted, "interface"))[:10]
    ]


def _differing(found: Any, wanted: Any, place: str) -> Iterator[tuple[str, str, str]]:
    if isinstance(found, dict) and isinstance(wanted, dict):
        for key in sorted(wanted.keys() | found.keys()):
            own, other = found.get(key, "nothing"), wanted.get(key, "nothing")
            yield from _differing(own, other, f"{place}.{key}")
    elif isinstance(found, list) and isinstance(wanted, list) and len(found) == len(wanted):
        for k, (own, other) in enumerate(zip(found, wanted, strict=True)):
            yield from _differing(own, other, f"{place}[{k}]")
    elif found != wanted or type(found) is not type(wanted):
        yield place, _said(found), _said(wanted)


def _said(value: Any) -> str:
    return f"{len(value)} entries" if isinstance(value, list) else str(value)


def _compare(contents: Contents, config: TrialConfig, where: str) -> None:
    """Return only if the graph answers what it answered when it was packed."""
    try:
        values = json.loads(contents.files[PARITY])
        n_rows = int(values["rows"])
        expected = Answer(str(values["inputs"]), arrays(values["outputs"]))
        fine = 0 < n_rows <= MOST_ROWS
    except (ValueError, TypeError, KeyError, AttributeError, RecursionError) as error:
        fix = "pack the policy again"
        found = f"no recorded answers ({error})"[:200]
        place = f"{where} {PARITY}"
        raise ReleaseError(problem(place, found, "what pack recorded", fix)) from error
    if not fine:
        found = f"{n_rows} rows"
        allowed = f"1 to {MOST_ROWS}"
        raise ReleaseError(problem(f"{where} {PARITY}", found, allowed, "pack the policy again"))
    graph, weights = contents.files[GRAPH], contents.files[WEIGHTS]
    answer = ask(graph, weights, n_rows=n_rows, config=config, where=f"{where} {GRAPH}")
    fix = "pack the policy again with this version of flyball and its libraries"
    wrong = [
        problem(f"{where} {place}".rstrip(), found, allowed, fix)
        for place, found, allowed in differences(answer, expected)
    ]
    if wrong:
        raise ReleaseError(wrong)


def _loaded(contents: Contents, spec: Spec) -> Bundled:
    """Return the policy, checked against the spec as any bundle is."""
    names = {GRAPH: GRAPH, WEIGHTS: WEIGHTS, POLICY: MANIFEST}
    with TemporaryDirectory(prefix="flyball-") as folder:
        for own, name in names.items():
            (Path(folder) / name).write_bytes(contents.files[own])
        try:
            return load(Path(folder), spec)
        except PolicyError as error:
            raise ReleaseError(_renamed(error, folder, contents.digest)) from error


def _renamed(error: FlyballError, folder: str, digest: str) -> list[Problem]:
    """Return the problems of a bundle in words that name the release."""
    return [
        problem(
            each.where.replace(folder, f"release {digest[:12]}"),
            each.found,
            each.allowed,
            each.fix,
        )
        for each in error.problems
    ]
