# SPDX-License-Identifier: MIT
"""From a request to what stands in its record, and from the record to what is answered."""

import base64
from dataclasses import asdict
from hashlib import sha256
from typing import Any

import msgspec
import numpy as np

from flyball.core.decision import Arm, Reply, Request
from flyball.core.journal import Record, canonical, number
from flyball.core.spec import Spec

_encode = msgspec.json.Encoder().encode


def reply_of(record: Record, kept: str, *, repeated: bool = False) -> Reply:
    """Return what was answered, from the record of a decision."""
    codes, applied = record["codes"], [float(x) for x in record["applied"]]
    changed = [number(x) for x in applied] != list(record["proposed"])
    return Reply(
        decision_id=record["decision_id"],
        value=applied,
        choice=[],
        arm=Arm(record["arm"]),
        policy=record["policy"],
        stage=record["stage"],
        propensity=record["propensity"],
        changed=changed,
        reason=words_of(record, changed=changed),
        filter=codes["filter"],
        gate=codes["gate"],
        stop=codes["stop"],
        binding=list(record["binding"]),
        generation=record["generation"],
        record=kept,
        repeated=repeated,
    )


def words_of(record: Record, *, changed: bool) -> str:
    """Return in a sentence whose action it is and what became of it."""
    codes, arm = record["codes"], record["arm"]
    who = f"{arm} {str(record['policy'])[:12]}"
    if record["why"]:
        who += f", since {record['why']}"
    if record["stopped"]:
        return f"{who}: the emergency stop is {codes['stop']}; each actuator does its safe action"
    if not changed:
        return f"{who}: as proposed"
    held = codes["gate"] not in ("none", "passed")
    parts = [f"gate: {codes['gate']}"] if held else []
    if record["binding"]:
        parts.append("bent by " + ", ".join(record["binding"]))
    elif not held:
        parts.append(f"filter: {codes['filter']}")
    return f"{who}: {'; '.join(parts)}"


def hash_of(spec: Spec) -> str:
    """Return the hash of everything that a request must agree with the server about."""
    return sha256(canonical(asdict(spec)).encode()).hexdigest()


def digest_of(request: Request) -> str:
    """Return the hash of a request."""
    return sha256(_encode(request)).hexdigest()[:32]


def packed(array: Any) -> str:
    """Return float32 numbers as a text that holds every bit (base64, little-endian)."""
    return base64.b64encode(np.ascontiguousarray(array, "<f4").tobytes()).decode()
