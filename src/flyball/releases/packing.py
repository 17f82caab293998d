# SPDX-License-Identifier: MIT
"""From a policy's bundle to a signed release in the vault."""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from flyball.core.errors import Problem
from flyball.core.spec import Spec
from flyball.policies import load
from flyball.releases.card import card_of, summary_of
from flyball.releases.graph import examined
from flyball.releases.limiting import limits_for
from flyball.releases.manifest import (
    CARD,
    EVALUATION,
    FORMAT,
    GRAPH,
    HEX,
    LIMITS,
    MANIFEST,
    PARITY,
    POLICY,
    SIGNATURE,
    WEIGHTS,
    Manifest,
    Signature,
    digest_of,
    hash_of,
    interface_of,
    json_of,
)
from flyball.releases.refusals import ReleaseError, problem
from flyball.releases.signing import Signer
from flyball.releases.trying import TrialConfig, ask, plain, rows_of
from flyball.releases.vault import Vault

LINEAGE: Mapping[str, Any] = {"seeds": [], "code": "", "data": {}, "parent": ""}
"""What a lineage says, and what it says where nothing was stated."""


@dataclass(frozen=True, kw_only=True)
class About:
    """What a release says besides its policy."""

    purpose: str
    """What the policy is for, in a sentence: the title of its card."""

    spec: Spec
    """Of the Env that it was made for."""

    limits: str = "limits = []\n"
    """What it runs within, as TOML (`core.limits_file`)."""

    evaluation: Mapping[str, Any] = field(default_factory=dict)
    """`core.evaluation.Evaluation.as_json()`, or any plain data with a `sentence`."""

    lineage: Mapping[str, Any] = field(default_factory=dict)
    """`seeds`, `code` (version), `data` (SHA-256 by name), `parent` (digest of a release)."""

    not_for: tuple[str, ...] = ()
    """What it is not for, a sentence each."""


def pack(bundle: Path, vault: Vault, signer: Signer, about: About) -> str:
    """Make a release of a policy, keep it in the vault and return its digest.

    The policy is tried as admission tries it; what it answers on made-up observations is recorded,
    and has to come out again wherever the release is admitted. The same content gives the same
    digest.

    Parameters
    ----------
    bundle
        Folder of a policy, as `flyball.policies.save_bundle` writes it.
    vault
        Where the release goes.
    signer
        Who vouches for it.
    about
        All else that it says.

    Raises
    ------
    PolicyError
        When the bundle is damaged or was made for another spec.
    ConfigError
        When the limits are wrong.
    ReleaseError
        When the policy is not fit to be released, or what is said of it cannot be kept.
    """
    stated = _stated(about)
    graph = _read(bundle / GRAPH)
    wrong = examined(graph, str(bundle / GRAPH))
    if wrong:
        raise ReleaseError(wrong)
    policy = load(bundle, about.spec).manifest
    files = {
        GRAPH: graph,
        WEIGHTS: _read(bundle / WEIGHTS),
        POLICY: _read(bundle / MANIFEST),
        LIMITS: about.limits.encode(),
        EVALUATION: json_of(dict(about.evaluation), EVALUATION),
    }
    rows = rows_of(about.spec.n_agents, _width(about.spec))
    config, where = TrialConfig(), str(bundle / GRAPH)
    answer = ask(graph, files[WEIGHTS], n_rows=rows, config=config, where=where)
    files[PARITY] = json_of({"format": FORMAT, "rows": rows} | plain(answer), PARITY)
    made = {"algorithm": policy.algorithm, "settings": policy.settings}
    stated |= {"policy": json.loads(json_of(made, POLICY))}
    files[CARD] = card_of(stated).encode()
    listed = {n: {"sha256": digest_of(own), "size": len(own)} for n, own in files.items()}
    manifest = Manifest(**stated, files=listed).to_bytes()
    signature = Signature(signer.key_id, signer.sign(manifest))
    return vault.put(files | {MANIFEST: manifest, SIGNATURE: signature.to_bytes()})


def _stated(about: About) -> dict[str, Any]:
    """Return what a manifest says of a release, all but its policy and its files.

    Raises
    ------
    ConfigError
        When the limits are wrong.
    ReleaseError
        When the purpose or the lineage is.
    """
    limits = limits_for(about.limits, about.spec, LIMITS)
    problems = list(_faults(about))
    if problems:
        raise ReleaseError(problems)
    spec = about.spec
    interface = json.loads(json_of(interface_of(spec), "spec"))
    lineage = {key: about.lineage.get(key, usual) for key, usual in LINEAGE.items()}
    return {
        "format": FORMAT,
        "world": spec.world,
        "version": spec.version,
        "spec_hash": hash_of(interface),
        "interface": interface,
        "objectives": [[each.name, each.unit, each.sense] for each in spec.objectives],
        "purpose": about.purpose,
        "not_for": list(about.not_for),
        "limits": [f"{limit.explain()} ({limit.severity})" for limit in limits],
        "lineage": json.loads(json_of(lineage, "lineage")),
        "evaluation": json.loads(json_of(summary_of(about.evaluation), "evaluation")),
    }


def _faults(about: About) -> list[Problem]:
    found, lineage = list[Problem](), about.lineage
    if not about.purpose.strip() or len(about.purpose) > 200 or "\n" in about.purpose:
        fix = "say in a sentence what the policy is for"
        found.append(problem("purpose", repr(about.purpose)[:80], "one line of 1 to 200", fix))
    for key in sorted(lineage.keys() - LINEAGE.keys()):
        fix = "leave it out, or put it among the data"
        found.append(problem("lineage", f"unknown key '{key}'", ", ".join(LINEAGE), fix))
    for key, usual in LINEAGE.items():
        if key in lineage and not _alike(lineage[key], usual):
            allowed = f"{type(usual).__name__}, for example {usual!r}"
            found.append(problem(f"lineage {key}", repr(lineage[key])[:80], allowed, "correct it"))
    hashes = lineage.get("data", {})
    hashes = dict(hashes) if isinstance(hashes, Mapping) else {}
    hashes |= {"parent": lineage["parent"]} if lineage.get("parent") else {}
    for name, own in hashes.items():
        if not HEX.fullmatch(str(own)):
            fix = "take the SHA-256 in hexadecimal"
            found.append(problem(f"lineage {name}", repr(own)[:80], "64 digits 0-9a-f", fix))
    return found


def _alike(value: Any, usual: Any) -> bool:
    if isinstance(usual, list):
        return isinstance(value, list | tuple)
    return isinstance(value, Mapping if isinstance(usual, dict) else type(usual))


def _width(spec: Spec) -> int:
    """Return about how many numbers a policy answers for one agent."""
    return spec.choice_starts[-1] + 3 * max(len(kind.heads) for kind in spec.kinds)


def _read(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError as error:
        fix = "give the folder of a policy that training wrote"
        found = f"no readable file ({error.strerror})"
        raise ReleaseError(problem(str(path), found, "a policy's bundle", fix)) from error
