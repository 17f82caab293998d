# SPDX-License-Identifier: MIT
"""Records as a server keeps them, and hands that write, read and meddle with a log."""

import hashlib
import random
import sqlite3
from contextlib import closing

from flyball.serving.log.chain import draft

N_VALUES, N_SIGNALS = 4, 12
BEGAN_S = 1_763_756_238.25


def decision(number, *, unit="", at_s=None, **parts):
    """Return the record of a decision; the same number gives the same record."""
    draw = random.Random(number)  # noqa: S311 - no secret

    def numbers(n):
        return [draw.gauss(0.0, 50.0) for _ in range(n)]

    at_s = BEGAN_S + 0.1 * number if at_s is None else at_s
    return {
        "kind": "decision",
        "version": 1,
        "decision_id": f"decision-{number}",
        "request": hashlib.sha256(b"request %d" % number).hexdigest(),
        "unit": unit or f"unit-{number % 3}",
        "block": f"shift-{number // 100}",
        "at_s": at_s,
        "first": number == 0,
        "stopped": False,
        "proposed": numbers(N_VALUES),
        "applied": numbers(N_VALUES),
        "signal": [*numbers(N_SIGNALS - 1), "nan"],
        "trusted": [True] * (N_SIGNALS - 1) + [False],
        "error": numbers(N_SIGNALS),
        "last": numbers(N_VALUES),
        "last_s": at_s - 0.1,
        "codes": {"filter": "bent", "gate": "none", "stop": "running"},
        "binding": ["flow_max"],
        "multipliers": {"flow_max": abs(draw.gauss(0.0, 1.0))},
        "observation": hashlib.sha256(b"observation %d" % number).hexdigest(),
        "policy": "0fdc8e75c1ab",
        "arm": "champion",
        "stage": "canary",
        "propensity": 0.9,
        "generation": 12,
        "challenger": numbers(N_VALUES),
        "fallback": numbers(N_VALUES),
        "shield": hashlib.sha256(b"shield").hexdigest(),
        "certificate": "",
        "operator": "anna",
        "reason": "flow_max binds",
        **parts,
    }


def stop(number, event="trip"):
    """Return an event of the emergency stop."""
    return {"kind": "stop", "event": event, "now_s": BEGAN_S + number, "reasons": ["hot"]}


def keep(writer, *records):
    """Keep records in one commit."""
    return writer.keep([draft(record) for record in records])


def lines(path):
    """Return the lines that a file holds."""
    with closing(sqlite3.connect(path)) as connection:
        return [line for (line,) in connection.execute("SELECT line FROM record ORDER BY sequence")]


def meddle(path, statement, *values):
    """Change a file behind the back of the log."""
    with closing(sqlite3.connect(path, isolation_level=None)) as connection:
        connection.execute(statement, values)
