# SPDX-License-Identifier: MIT
"""The last resort: what is answered when a decision itself fails, by a fault of ours.

The plant is stopped then, and each actuator does its safe action, without filter and gate: they may
be what failed. The record is one of a decision, so that the same request gets the same answer.
"""

import contextlib
from typing import Any

import numpy as np

from flyball import safety
from flyball.core.batch import Doubles
from flyball.core.decision import Arm, Request
from flyball.core.journal import Record, number
from flyball.serving.lineup import Lineup
from flyball.serving.reply import digest_of, packed
from flyball.serving.unit import Unit

FAILED = "failed"
"""What filter and gate are said to have done."""


def last_resort(
    unit: Unit, request: Request, lineup: Lineup, stop: safety.EmergencyStop, why: str
) -> Record:
    """Return the record of a decision that failed: who is in control does its safe action.

    Parameters
    ----------
    unit
        Its keeper forgets what it was about, and knows what is in force.
    request
        Checked.
    lineup
        On the field.
    stop
        Tripped already.
    why
        What failed, in words.
    """
    keeper = unit.keeper
    last, last_s = _last(keeper)
    nothing = np.full(len(last), np.inf)
    safe = stop.actuators.safe(last, request.at_s - last_s, -nothing, nothing)
    signal = np.array([np.nan if x is None else x for x in request.signals], np.float64)
    record = {
        "kind": "decision",
        "version": 1,
        "sequence": keeper.sequence,
        "now_s": number(request.at_s),
        "first": bool(keeper.first),
        "stopped": True,
        "last_s": number(last_s),
        "proposed": _numbers(np.full(len(last), np.nan)),
        "signal": _numbers(signal),
        "error": _numbers(keeper.shield.error),
        "last": _numbers(last),
        "trusted": [False] * len(signal),
        "applied": _numbers(safe),
        "codes": {"filter": FAILED, "gate": FAILED, "stop": str(stop.mode)},
        "binding": [],
        "multipliers": {},
        "observation": "",
        "policy": lineup.fallback.name,
        "shield": keeper.fingerprint,
        "certificate": keeper.certificate,
        "operator": "",
        **_facts(unit, request, lineup, why),
    }
    keeper.sequence += 1
    with contextlib.suppress(Exception):  # it remembers then what it did
        keeper.begin(request.at_s, safe)
    return record


def _facts(unit: Unit, request: Request, lineup: Lineup, why: str) -> dict[str, Any]:
    with np.errstate(over="ignore"):
        seen = packed(np.array(request.obs))
    return {
        "decision_id": request.decision_id,
        "unit": unit.name,
        "block": unit.block,
        "at_s": request.at_s,
        "request": digest_of(request),
        "obs": seen,
        "arm": str(Arm.FALLBACK),
        "stage": lineup.stage,
        "propensity": unit.drawn.shares.get(str(unit.drawn.arm), 1.0),
        "generation": lineup.generation,
        "switched": unit.tally.switched,
        "why": why,
        "proposals": {},
        "faults": {},
    }


def _last(keeper: safety.Keeper) -> tuple[Doubles, float]:
    """Return (D,) what is in force, NaN where nobody knows, and since when."""
    history = keeper.shield.filter.history
    last = np.where(history.known[0], history.last[0], np.nan)
    return last, float(history.last_s[0])


def _numbers(array: Doubles) -> list[float | str]:
    return [number(x) for x in np.asarray(array, np.float64)]
