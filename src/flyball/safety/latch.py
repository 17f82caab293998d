# SPDX-License-Identifier: MIT
"""The latch of the emergency stop: where it stands, and what the events in a journal make of it.

::

    TRIPPED ──clear──▶ CLEARED ──release──▶ RUNNING
       ▲                  │                    │
       └──────trip────────┴────────trip────────┘

Pure: no clock, no store. It begins tripped, so that a journal that is new or lost stops the plant.
"""

from collections.abc import Iterable
from dataclasses import dataclass, replace
from enum import StrEnum

from flyball.core.errors import Problem, RunError
from flyball.core.journal import Record

NEW = "it was never released: its journal is new"


class Mode(StrEnum):
    """Where the latch stands."""

    RUNNING = "running"
    TRIPPED = "tripped"
    CLEARED = "cleared"


@dataclass(frozen=True)
class Latch:
    """Everything that the journal says."""

    mode: Mode = Mode.TRIPPED
    reasons: tuple[str, ...] = (NEW,)
    """Of the last trip."""

    clearer: str = ""
    """Who took the first step."""

    requests: frozenset[str] = frozenset()
    """Every request that ever took a step; none takes a second one."""


def following(latch: Latch, event: Record) -> Latch:
    """Return the latch after an event that the journal holds.

    Raises
    ------
    KeyError, TypeError, ValueError
        For an event that is none, or that cannot have come now.
    """
    step = (latch.mode, event["event"])
    if event["event"] == "start":
        return latch
    if event["event"] == "trip":
        reasons = tuple(str(reason) for reason in event["reasons"])
        return replace(latch, mode=Mode.TRIPPED, reasons=reasons, clearer="")
    person, request = str(event["person"]), str(event["request"])
    requests = latch.requests | {request}
    if not person or not request or request in latch.requests:
        msg = "a step without a person, or a request that was used before"
        raise ValueError(msg)
    if step == (Mode.TRIPPED, "clear"):
        return replace(latch, mode=Mode.CLEARED, clearer=person, requests=requests)
    if step == (Mode.CLEARED, "release"):
        return Latch(Mode.RUNNING, (), "", requests)
    msg = f"{step[1]} while {step[0]}"
    raise ValueError(msg)


def replayed(records: Iterable[Record]) -> Latch:
    """Return the latch that a journal's records lead to; records of other kinds are passed over.

    Raises
    ------
    RunError
        At the first event that cannot have come.
    """
    latch = Latch()
    for sequence, record in enumerate(records):
        if record.get("kind") != "stop":
            continue
        try:
            latch = following(latch, record)
        except (KeyError, TypeError, ValueError) as error:
            raise RunError(
                Problem(
                    where=f"journal record {sequence}",
                    found=f"an event of the emergency stop that cannot be: {error}",
                    allowed="start, trip, clear and release, as they can follow each other",
                    fix="keep the journal as evidence and begin a new one, which starts tripped",
                )
            ) from error
    return latch
