# SPDX-License-Identifier: MIT
"""How long work can last from start to end on a calendar, and from which starts.

Work of a given length lasts one of few lengths: the work alone, the work and a lunch break, the
work and a night. A model needs one decision for each, however many windows there are.
"""

from __future__ import annotations

from collections import defaultdict
from math import gcd
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from flyball.optimize import domain
from flyball.worlds.jobshop.scenario import FOREVER_S, NO_DUE_S, Scenario
from flyball.worlds.jobshop.timing import Hours

if TYPE_CHECKING:
    from flyball.core.batch import Longs
    from flyball.optimize import Domain


class Piece(NamedTuple):
    """The starts from which work lasts `size` from start to end."""

    size: int
    first: int
    last: int
    starts: Domain | None  # None: every moment


class Pieces:
    """The pieces of all work of a shop up to a horizon, found when first asked for."""

    def __init__(self, scenario: Scenario, horizon_s: int) -> None:
        c = scenario.calendars
        self.unit_s = unit(scenario)
        horizon = horizon_s // self.unit_s
        self.hours = [
            _cut(c.open_s[a:b] // self.unit_s, c.close_s[a:b] // self.unit_s, horizon)
            for a, b in zip(c.window[:-1].tolist(), c.window[1:].tolist(), strict=True)
        ]
        self._known: dict[tuple[int, int, bool], list[Piece]] = {}

    def of(self, calendar: int, length: int, may_pause: bool) -> list[Piece]:  # noqa: FBT001
        """Return the pieces of work of `length` units on a calendar, least size first."""
        key = (calendar, length, may_pause)
        if key not in self._known:
            self._known[key] = pieces(self.hours[calendar], length, may_pause)
        return self._known[key]


def unit(scenario: Scenario) -> int:
    """Return the greatest common divisor of all times of a scenario, s."""
    s, c = scenario, scenario.calendars
    arrays = (
        s.release_s, s.due_s[s.due_s < NO_DUE_S], s.pair_duration_s, s.fixed_start_s,
        s.fixed_end_s, s.setup_s.ravel(), c.open_s, c.close_s[c.close_s < FOREVER_S],
    )  # fmt: skip
    return gcd(*(int(np.gcd.reduce(array)) for array in arrays)) or 1


def _cut(opens: Longs, closes: Longs, horizon: int) -> Hours:
    keep = opens < horizon
    return Hours(opens[keep].tolist(), np.minimum(closes[keep], horizon).tolist())


def pieces(hours: Hours, length: int, may_pause: bool) -> list[Piece]:  # noqa: FBT001
    """Return each length from start to end that work of `length` can have, with its starts.

    Parameters
    ----------
    hours
        Windows; no work lasts beyond the last of them.
    length
        Working time, at least 0.
    may_pause
        Whether the work may go on in the next window.
    """
    if length == 0:
        return [Piece(0, 0, 2**60, None)]
    opens = np.array(hours.opens, dtype=np.int64)
    closes = np.array(hours.closes, dtype=np.int64)
    worked = np.array(hours.worked, dtype=np.int64)
    starts: dict[int, list[tuple[int, int]]] = defaultdict(list)
    for crossed in range(len(opens) if may_pause else min(1, len(opens))):
        n = len(opens) - crossed
        # Work that begins in window 0..n and ends in the window `crossed` later.
        shift = opens[:n] - worked[:n] - length
        low = np.maximum(opens[:n], worked[crossed : crossed + n] + shift + 1)
        high = np.minimum(closes[:n] - 1, worked[crossed + 1 : crossed + n + 1] + shift)
        gap = opens[crossed:] - worked[crossed:-1] - opens[:n] + worked[:n]
        for size, first, last in np.stack([length + gap, low, high])[:, low <= high].T.tolist():
            starts[size].append((first, last))
        if crossed and np.all(worked[crossed : crossed + n] - worked[1 : n + 1] >= length - 1):
            break
    found = sorted((size, sorted(spans)) for size, spans in starts.items())
    if len(found) == len(opens) == 1 and opens[0] <= 0:
        size, spans = found[0]
        return [Piece(size, *spans[0], None)]  # always open: latest ends say enough
    return [Piece(size, spans[0][0], spans[-1][1], domain(spans)) for size, spans in found]
