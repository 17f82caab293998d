# SPDX-License-Identifier: MIT
"""What every limit means now: from limits, history and signals to a box and rows for the filter.

I interval limits, which bound one value · R sums · E groups of things that exclude each other · D
values · M signals, behind them those that a model predicts · W windows · P points of tables.
Intervals of hard limits are intersected into the box; those of soft and monitored ones are written
down only (`filtering` puts a price on soft ones). What switches either rests or runs: the side is
the one that a limit forces, else the one nearer to what was proposed.

A signal that is stale, of bad quality or not finite closes what depends on it: an interlock holds,
a curve is as narrow as it gets anywhere, a sum cannot be kept.
"""

from typing import NamedTuple

import numpy as np

from flyball.core.batch import Bools, Doubles, Ints, Longs
from flyball.safety.history import History, Window, past
from flyball.safety.kernels import inlined, kernel

BOX, STEP, SECOND, SPAN, CURVE, MOVES, TRAVEL, DWELL, INTERLOCK = range(9)
"""Kinds of intervals; SPAN is a rate within a window."""

HARD, SOFT, MONITOR = range(3)

KEPT, CONFLICT, BLIND = range(3)
"""Codes: there is a box; two hard limits leave none; time ran backwards or nothing was applied."""


QUIET = 1.0 - 1e-9
"""Share of the smallest move that is left to a value whose moves are used up."""


class Tables(NamedTuple):
    """Limits as arrays; `compiling.tables_of` makes them."""

    kind: Ints  # (I,)
    value: Longs  # (I,) index of the value
    signal: Longs  # (I,) index of the signal, -1 for none
    setting: Doubles  # (I, 5) as each kind reads them
    points: Longs  # (I, 4) first and last point of the lower, then of the upper table
    severity: Ints  # (I,)
    at: Doubles  # (P,) signal of a table's point
    level: Doubles  # (P,) bound at it
    window: Window  # (W,) of SPAN, MOVES and TRAVEL
    which: Longs  # (I,) index of the own window, -1 for none
    weight: Doubles  # (R, D) of a sum's values
    by: Doubles  # (R, M) of its signals
    bound: Doubles  # (R,)
    price: Doubles  # (R,) of a unit of breach; inf: hard; NaN: only written down
    cost: Doubles  # (I,) likewise
    idle: Doubles  # (D,) NaN for a value that does not switch
    run: Doubles  # (D,)
    switches: Bools  # (D,) whether a hard limit lets it rest or run, and nothing in between
    member: Bools  # (E, D)
    most: Longs  # (E,)
    kept: Bools  # (E,) hard groups; others are written down only
    decision_s: float  # longest time to the next decision


class Seen(NamedTuple):
    """What was measured, one row."""

    signal: Doubles  # (M,) native units
    error: Doubles  # (M,) largest error of each, at least 0
    trusted: Bools  # (M,) fresh, of good quality and finite


@inlined
def table(at: Doubles, level: Doubles, first: int, last: int, x: float) -> float:
    """Return the height of a table's line at x; beyond its ends it stays level."""
    if x <= at[first]:
        return float(level[first])
    for k in range(first + 1, last):
        if x <= at[k]:
            share = (x - at[k - 1]) / (at[k] - at[k - 1])
            return float(level[k - 1] + share * (level[k] - level[k - 1]))
    return float(level[last - 1])


@inlined
def narrowest(tables: Tables, first: int, last: int, low: float, high: float, side: float) -> float:
    """Return the tightest height of a table for signals within [low, high].

    Parameters
    ----------
    first, last
        Its points; none: no bound.
    side
        1.0 for a lower table, whose highest point is tightest; -1.0 for an upper one.
    """
    if first == last:
        return -side * np.inf
    found = side * table(tables.at, tables.level, first, last, low)
    found = max(found, side * table(tables.at, tables.level, first, last, high))
    for k in range(first, last):
        if low < tables.at[k] < high:
            found = max(found, side * tables.level[k])
    return float(side * found)


class Moment(NamedTuple):
    """When and where limits are asked for."""

    history: History
    seen: Seen
    row: int
    now_s: float


@inlined
def _rests_or_runs(tables: Tables, moment: Moment, i: int) -> tuple[float, float]:
    """Return what a dwell limit allows now: one side, or everything."""
    on_s, off_s, every_s = tables.setting[i, 0], tables.setting[i, 1], tables.setting[i, 2]
    history, d = moment.history, tables.value[i]
    held_s = moment.now_s - history.since_s[moment.row, d]
    low, high = -np.inf, np.inf
    if history.last[moment.row, d] >= tables.run[d]:
        low = tables.run[d] if held_s < on_s else low
    elif held_s < off_s:
        high = tables.idle[d]
    elif held_s < np.inf and held_s + tables.decision_s > every_s:
        low = tables.run[d]
    return low, high


@inlined
def _looking_back(tables: Tables, moment: Moment, i: int) -> tuple[float, float]:
    """Return what a limit with a window allows now."""
    history, w, setting = moment.history, tables.which[i], tables.setting[i]
    content = past(history, tables.window, moment.row, w, moment.now_s)
    last = history.last[moment.row, tables.value[i]]
    if tables.kind[i] == SPAN:
        return content.high - setting[0], content.low + setting[1]
    if tables.kind[i] == TRAVEL:
        left = max(setting[0] - content.travel, 0.0)
    else:
        # A hair less than what counts as a move, so that rounding makes none of it.
        left = np.inf if content.moves + 1.0 <= setting[0] else tables.window.least[w] * QUIET
    return last - left, last + left


@kernel
def _way(most: float, passed_s: float) -> float:
    """Return how far a rate lets a value go; without limit also where no time has passed."""
    return most * passed_s if most < np.inf else np.inf


@inlined
def interval(tables: Tables, moment: Moment, i: int) -> tuple[float, float]:
    """Return what limit i allows its value to be now."""
    kind, setting, d, m = tables.kind[i], tables.setting[i], tables.value[i], tables.signal[i]
    last, seen = moment.history.last[moment.row, d], moment.seen
    low, high = -np.inf, np.inf
    if kind == BOX:
        low, high = setting[0], setting[1]
    elif kind in (STEP, SECOND):
        passed_s = moment.now_s - moment.history.last_s[moment.row] if kind == SECOND else 1.0
        low, high = last - _way(setting[0], passed_s), last + _way(setting[1], passed_s)
    elif kind == CURVE:
        own, error = tables.points[i], seen.error[m] if seen.trusted[m] else np.inf
        x = seen.signal[m] if seen.trusted[m] else 0.0
        low = narrowest(tables, own[0], own[1], x - error, x + error, 1.0)
        high = narrowest(tables, own[2], own[3], x - error, x + error, -1.0)
    elif kind == INTERLOCK:
        x, error = seen.signal[m], seen.error[m]
        within = seen.trusted[m] and x - error >= setting[0] and x + error <= setting[1]
        high = high if within else tables.idle[d]
    elif kind == DWELL:
        low, high = _rests_or_runs(tables, moment, i)
    else:
        low, high = _looking_back(tables, moment, i)
    return low, high


class Now(NamedTuple):
    """What the limits mean for one row at one time."""

    interval: Doubles  # (I, 2) what each interval limit allows
    low: Doubles  # (D,) of the box
    high: Doubles  # (D,)
    narrow: Longs  # (D, 2) the limit that gave each side; -1: the value's own range
    bound: Doubles  # (R,) of each sum; -inf where it is blind


@inlined
def _narrow(now: Now, d: int, i: int, low: float, high: float) -> bool:
    """Intersect the box with limit i's interval; return whether something is left."""
    if low > now.low[d]:
        now.low[d], now.narrow[d, 0] = low, i
    if high < now.high[d]:
        now.high[d], now.narrow[d, 1] = high, i
    return bool(now.low[d] <= now.high[d])


@inlined
def _wants(tables: Tables, d: int, proposed: float) -> bool:
    """Return whether a proposed value is nearer to running than to resting."""
    return bool(2.0 * proposed >= tables.idle[d] + tables.run[d])


@inlined
def _share_out(
    tables: Tables, history: History, row: int, e: int, proposed: Doubles, now: Now
) -> bool:
    """Let so many of group e run as may; False where more must."""
    left = tables.most[e]
    for d in range(len(proposed)):
        left -= tables.member[e, d] and now.low[d] >= tables.run[d]
    # What runs goes on before anything starts; then in the order of the values.
    for turn in range(2):
        for d in range(len(proposed)):
            free = tables.member[e, d] and now.low[d] < tables.run[d] <= now.high[d]
            runs = history.last[row, d] >= tables.run[d]
            if free and runs == (turn == 0):
                if left > 0 and _wants(tables, d, proposed[d]):
                    left -= 1
                else:
                    now.high[d] = tables.idle[d]
    return bool(left >= 0)


@kernel
def _take_side(tables: Tables, d: int, proposed: float, now: Now) -> bool:
    """Let a value that switches rest or run; return whether something is left."""
    idle, run = tables.idle[d], tables.run[d]
    if tables.switches[d]:
        if now.low[d] > idle or (now.high[d] >= run and _wants(tables, d, proposed)):
            now.low[d] = max(now.low[d], run)
        elif now.high[d] > idle:
            now.high[d] = idle
    return bool(now.low[d] <= now.high[d])


@inlined
def evaluate(tables: Tables, moment: Moment, proposed: Doubles, now: Now) -> int:
    """Write what the limits mean for a row.

    Parameters
    ----------
    proposed
        (D,) native units; it decides only which side a switching value takes.
    now
        Changed; `low` and `high` hold the values' own ranges before.

    Returns
    -------
    int
        KEPT, CONFLICT or BLIND.
    """
    history, seen, row, now_s = moment
    if not (history.known[row] and history.last_s[row] <= now_s < np.inf):
        return BLIND
    kept = True
    now.narrow[:] = -1
    for i in range(len(tables.kind)):
        low, high = interval(tables, moment, i)
        now.interval[i, 0], now.interval[i, 1] = low, high
        if tables.severity[i] == HARD:
            kept = _narrow(now, tables.value[i], i, low, high) and kept
    _bind_sums(tables, seen, now)
    for e in range(len(tables.most)):
        if tables.kept[e]:
            kept = _share_out(tables, history, row, e, proposed, now) and kept
    for d in range(len(proposed)):
        kept = _take_side(tables, d, proposed[d], now) and kept
    return KEPT if kept else CONFLICT


@inlined
def _bind_sums(tables: Tables, seen: Seen, now: Now) -> None:
    """Write what is left of each sum's bound at the worst that the signals may be."""
    for r in range(len(tables.bound)):
        now.bound[r] = tables.bound[r]
        for m in range(len(seen.signal)):
            by = tables.by[r, m]
            if by != 0.0:
                worst = by * seen.signal[m] + abs(by) * seen.error[m]
                sure = seen.trusted[m] and np.isfinite(worst)
                now.bound[r] = now.bound[r] - worst if sure else -np.inf
