# SPDX-License-Identifier: MIT
"""What a plant asks of a policy server and what it is told: plain records, the same everywhere.

Over HTTP they are JSON objects with these names; in a process they are these objects.

F features · M signals · A discrete actions · D continuous values · H choices, in the order of the
Spec. What was not measured is null (None).
"""

from dataclasses import dataclass, field
from enum import StrEnum


class Arm(StrEnum):
    """Whose proposal a decision goes by."""

    CHAMPION = "champion"
    CHALLENGER = "challenger"
    SECOND = "second challenger"
    FALLBACK = "fallback"


@dataclass(slots=True, kw_only=True)
class Request:
    """One decision that a plant asks for."""

    decision_id: str
    """Names the decision for ever, 1 to 128 characters; asked again, the answer is the same."""

    unit: str
    """What is controlled: a cell, a line, a vehicle; 1 to 128 characters."""

    at_s: float
    """The plant's time, s; within a unit it does not go back."""

    obs: list[float]
    """(F,) what the policy sees, native units."""

    signals: list[float | None] = field(default_factory=list)
    """(M,) what was measured, native units: all that the shield reads."""

    age_s: list[float] = field(default_factory=list)
    """(M,) how old each signal is, s; empty: all are of now."""

    quality: list[bool] = field(default_factory=list)
    """(M,) whether each signal can be trusted; empty: all can."""

    mask: list[bool] = field(default_factory=list)
    """(A,) legal actions; empty: all are."""

    start: bool = False
    """First decision of an episode: memory and plans begin anew, and the arm may change."""

    block: str = ""
    """Name of the block of evidence that it belongs to; empty: the episode of the unit."""

    applied: list[float | None] = field(default_factory=list)
    """(D,) what is in force, read back from the plant; empty: what was answered last."""

    spec: str = ""
    """Hash of the spec that the plant was connected by; if given, it must be the server's."""


@dataclass(slots=True, kw_only=True)
class Reply:
    """What is written to the plant, whose it is and why; recorded before it is sent."""

    decision_id: str
    value: list[float]
    """(D,) native units, within every hard limit that can still be kept; null (NaN): the decision
    failed before anybody knew what is in force, so write nothing."""

    choice: list[int]
    """(H,) chosen actions."""

    arm: Arm
    policy: str
    """Digest of the release that proposed it, or the name of the fallback."""

    stage: str
    """Where the challenger stands: shadow, canary, full; empty where there is none."""

    propensity: float
    """Probability with which this arm was drawn for the block, 0 to 1."""

    changed: bool
    """Whether the shield changed what was proposed."""

    reason: str
    """In words: why it is what it is."""

    filter: str
    gate: str
    stop: str
    """What each layer said: codes in words."""

    binding: list[str]
    """Limits that bent it."""

    generation: int
    """Of the releases by which it was decided."""

    record: str
    """Hash of its record in the decision log."""

    repeated: bool = False
    """Whether the decision was asked for before, and this is what was answered then."""


@dataclass(slots=True, kw_only=True)
class Outcome:
    """What came of a block, or of a decision; it may arrive days later."""

    outcome_id: str
    """Names it for ever; told again, it counts once."""

    unit: str
    block: str
    metrics: dict[str, float]
    """By the names of the spec's KPIs, native units."""

    at_s: float = 0.0
    decision_id: str = ""
    """Of one decision, if it is not about the whole block."""

    twin: dict[str, float] = field(default_factory=dict)
    """What the twin predicted for each metric before the block began, if anybody asked it."""

    complete: bool = True
    """Whether the block ran to its end; one that did not is no evidence."""
