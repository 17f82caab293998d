# SPDX-License-Identifier: MIT
"""When so much goes wrong that the plant must stop: so many events lately.

R rows · K events · T conditions · L places to remember events in. A condition looks back over a
time or over a number of decisions, exactly, in bounded memory: of the first kind it keeps the times
of its last n events, of the second what happened in each of the last decisions.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

from flyball.core.batch import Bools, Doubles, Longs
from flyball.core.errors import ConfigError, Problem, nearest
from flyball.safety.kernels import kernel

FILTERED = ("same", "bent", "invalid", "infeasible", "unfinished", "blind")
"""What the filter said, by its codes."""

GATED = ("passed", "eased", "committed", "restored", "lost")
"""What the gate said, by its codes."""

SEEN = ("attempted", "broken", "unseen", "nonfinite", "intervened", "doubted")
"""Of hard limits: attempted, broken, unseen. A proposal that is no number; something else was
applied than proposed; what was measured is what the model excludes."""

EVENTS = (*SEEN, *FILTERED, *GATED)
"""What can happen at a decision."""


@dataclass(frozen=True, kw_only=True)
class Trip:
    """So many events within a time, or among the last decisions, and the plant must stop."""

    event: str
    """One of `EVENTS`."""

    n: int = 1
    """How many it takes."""

    within_s: float = 0.0
    """Within how many seconds; inf: ever. Left out if `of` is given."""

    of: int = 0
    """Among how many of the last decisions; n of n is n in a row."""

    def __post_init__(self) -> None:
        problems = []
        if self.event not in EVENTS:
            fix = nearest(self.event, EVENTS)
            problems.append(_problem("event", f"'{self.event}'", ", ".join(EVENTS), fix))
        if not self.n >= 1:
            problems.append(_problem("n", str(self.n), "at least 1", "write how many it takes"))
        if (self.of > 0) == (self.within_s > 0.0) or not min(self.within_s, self.of) >= 0.0:
            found = f"{self.within_s} s, {self.of} decisions"
            problems.append(
                _problem("within_s, of", found, "one of them, above 0", "leave the other one out")
            )
        elif 0 < self.of < self.n:
            allowed = f"at most {self.of}, as many as it looks at"
            problems.append(_problem("n", str(self.n), allowed, "lower it: it would never trip"))
        if problems:
            raise ConfigError(problems)

    def explain(self) -> str:
        """Say in words when it trips."""
        if self.of == 1:
            return self.event
        if self.of == self.n:
            return f"{self.event} in {self.n} decisions in a row"
        if self.of:
            return f"{self.event} in {self.n} of {self.of} decisions"
        within = f" within {self.within_s:g} s" if self.within_s < np.inf else ""
        return f"{self.event} {self.n} times{within}"


def _problem(key: str, found: str, allowed: str, fix: str) -> Problem:
    return Problem(where=f"trip {key}", found=found, allowed=allowed, fix=fix)


TRIPS = (
    Trip(event="broken", of=1),
    Trip(event="lost", of=1),
    Trip(event="infeasible", n=3, within_s=60.0),
    Trip(event="unseen", n=5, of=5),
    Trip(event="nonfinite", n=3, of=3),
    Trip(event="intervened", n=101, of=200),
)
"""What trips unless a site says otherwise."""


class Conditions(NamedTuple):
    """Trips as arrays."""

    event: Longs  # (T,) number of the event
    n: Longs  # (T,)
    of: Longs  # (T,) 0: by time
    within_s: Doubles  # (T,)
    first: Longs  # (T + 1,) where the places of each begin


class Recent(NamedTuple):
    """What the conditions look back on; changed in place."""

    place: Doubles  # (R, L) times of events, or 1 and 0 for decisions with and without one
    turn: Longs  # (R, T) places that a condition has used, over and over
    events: Longs  # (R, T) events among the last decisions
    holds: Bools  # (R, T) whether each is true now


def conditions_of(trips: Sequence[Trip]) -> Conditions:
    """Return trips as arrays."""
    places = [trip.of or trip.n for trip in trips]
    return Conditions(
        np.array([EVENTS.index(trip.event) for trip in trips], np.int64),
        np.array([trip.n for trip in trips], np.int64),
        np.array([trip.of for trip in trips], np.int64),
        np.array([trip.within_s for trip in trips], np.float64),
        np.cumsum([0, *places], dtype=np.int64),
    )


def allocate(conditions: Conditions, n_rows: int) -> Recent:
    """Return the memory of rows in which nothing has happened."""
    n_trips = len(conditions.n)
    return Recent(
        np.zeros((n_rows, conditions.first[-1])),
        np.zeros((n_rows, n_trips), np.int64),
        np.zeros((n_rows, n_trips), np.int64),
        np.zeros((n_rows, n_trips), np.bool_),
    )


def forget(recent: Recent, rows: Longs) -> None:
    """Let nothing have happened in some rows (n,)."""
    for array in recent:
        array[rows] = 0


@kernel
def look_back(conditions: Conditions, recent: Recent, happened: Bools, now_s: Doubles) -> None:
    """Take in a decision of every row and write which conditions hold.

    Parameters
    ----------
    happened
        (R, K).
    now_s
        (R,); a time that is no number counts as within every time.
    """
    for r in range(len(now_s)):
        for t in range(len(conditions.n)):
            came = happened[r, conditions.event[t]]
            length = conditions.first[t + 1] - conditions.first[t]
            at = conditions.first[t] + recent.turn[r, t] % length
            if conditions.of[t] > 0:
                recent.events[r, t] += came - int(recent.place[r, at])
                recent.place[r, at] = 1.0 if came else 0.0
                recent.turn[r, t] += 1
                recent.holds[r, t] = recent.events[r, t] >= conditions.n[t]
                continue
            if came:
                recent.place[r, at] = now_s[r]
                recent.turn[r, t] += 1
            oldest = recent.place[r, conditions.first[t] + recent.turn[r, t] % length]
            enough = recent.turn[r, t] >= conditions.n[t]
            recent.holds[r, t] = enough and not (now_s[r] - oldest > conditions.within_s[t])
