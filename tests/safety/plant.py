# SPDX-License-Identifier: MIT
"""A small plant with a limit of every kind, and each limit's meaning on a list of what happened."""

from itertools import pairwise
from typing import NamedTuple

import numpy as np

from flyball.core.limits import (
    Box,
    Budget,
    Clamp,
    Curve,
    Dwell,
    Exclusive,
    Interlock,
    Rate,
)
from flyball.core.spec import Signal, TanhGaussian

VALUES = [TanhGaussian(name, "%", 0.0, 100.0) for name in ("valve", "fuel", "a", "b", "c")]
SIGNALS = [Signal("level", "m", 0.0, 10.0), Signal("load", "%", 0.0, 100.0)]
SWITCH = {"unit": "%", "idle": 0.0, "run": 20.0}
DECISION_S = 2.0

LIMITS = [
    Box(name="range", unit="%", value="valve", low=5.0, high=95.0),
    Clamp(name="operator", unit="%", value="valve", low=0.0, high=80.0),
    Rate(name="step", unit="%", value="valve", fall=20.0, rise=15.0),
    Rate(name="speed", unit="%", value="valve", fall=30.0, rise=9.0, each="second"),
    Rate(
        name="hourly", unit="%", value="valve", fall=40.0, rise=30.0, each="window", window_s=30.0
    ),
    Curve(
        name="air",
        unit="%",
        value="fuel",
        signal="load",
        low=((0.0, 10.0), (50.0, 30.0), (100.0, 35.0)),
        high=((0.0, 40.0), (60.0, 90.0)),
    ),
    Budget(name="moves", unit="%", value="fuel", most=5, window_s=40.0, least=0.5),
    Dwell(name="pump a", value="a", on_s=9.0, off_s=5.0, every_s=25.0, **SWITCH),
    Budget(name="wear", unit="%", value="b", most=180.0, window_s=30.0, counts="travel"),
    Interlock(name="dry", value="b", signal="level", low=2.0, high=9.0, **SWITCH),
    Exclusive(name="one pump", values=("b", "c"), **SWITCH),
]


class Applied(NamedTuple):
    """What was decided at a time, and what was true then."""

    now_s: float
    value: np.ndarray  # (D,)
    signal: np.ndarray  # (M,) true, not measured


def breaches(history: list[Applied]) -> set[str]:
    """Return the names of limits that a list of decisions breaks; the first one is given."""
    found = set[str]()
    for n, (before, here) in enumerate(pairwise(history), start=1):
        valve, fuel, a, b, c = here.value
        found |= {"range"} if not 5.0 <= valve <= 95.0 else set()
        found |= {"operator"} if not valve <= 80.0 else set()
        move, passed_s = valve - before.value[0], here.now_s - before.now_s
        found |= {"step"} if not -20.0 - 1e-9 <= move <= 15.0 + 1e-9 else set()
        found |= (
            {"speed"} if not -30.0 * passed_s - 1e-9 <= move <= 9.0 * passed_s + 1e-9 else set()
        )
        since = [x.value[0] for x in in_force(history[:n], here.now_s - 30.0)]
        if valve - min(since) > 30.0 + 1e-9 or max(since) - valve > 40.0 + 1e-9:
            found.add("hourly")
        load = here.signal[1]
        low, high = np.interp(load, [0, 50, 100], [10, 30, 35]), np.interp(load, [0, 60], [40, 90])
        found |= {"air"} if not low - 1e-9 <= fuel <= high + 1e-9 else set()
        moved = [
            (x.now_s, abs(x.value - y.value))
            for y, x in pairwise(history[: n + 1])
            if x.now_s >= here.now_s - 40.0
        ]
        found |= {"moves"} if sum(way[1] > 0.5 for _, way in moved) > 5 else set()
        worn = sum(way[3] for time, way in moved if time >= here.now_s - 30.0)
        found |= {"wear"} if worn > 180.0 + 1e-9 else set()
        found |= {"dry"} if b > 0.0 and not 2.0 <= here.signal[0] <= 9.0 else set()
        found |= {"one pump"} if b > 0.0 and c > 0.0 else set()
        found |= {"between"} if any(0.0 < x < 20.0 for x in (a, b, c)) else set()
    return found | dwelt([(x.now_s, x.value[2] >= 20.0) for x in history])


def in_force(history: list[Applied], first_s: float) -> list[Applied]:
    """Return the decisions that were in force at a time or later."""
    before = [x for x in history if x.now_s < first_s]
    return [x for x in history if x.now_s >= first_s] + before[-1:]


def dwelt(runs: list[tuple[float, bool]]) -> set[str]:
    """Return what is wrong with running and resting times of pump a; the first spell is free."""
    spells = [runs[0]]
    for time, on in runs[1:]:
        if on != spells[-1][1]:
            spells.append((time, on))
    for (began, on), (ended, _) in pairwise(spells[1:]):
        if ended - began < (9.0 if on else 5.0) - 1e-9 or (not on and ended - began > 25.0 + 1e-9):
            return {"pump a"}
    return set()
