# SPDX-License-Identifier: MIT
"""What happened at the limits, counted in place, many rows at a time.

R rows · D values · I intervals, S sums, E groups and G limits on the state: together the C limits,
in this order · K events.

Two questions are asked of every limit at every decision: would what was proposed have broken it
(*attempted*), and does what was applied, or what was measured, break it (*broken*)? The distance is
its *margin*, in its own unit: negative where it is broken; NaN where there is no number, which
counts as broken; -inf where nobody can see, which is counted apart as *unseen*. A soft limit that
is broken has used that much slack. How deep times how long is summed up over the time for which a
value was held.
"""

from typing import NamedTuple

import numpy as np

from flyball.core.batch import Bools, Doubles, Ints, Longs
from flyball.safety.bounds import DWELL, INTERLOCK
from flyball.safety.kernels import kernel
from flyball.safety.trips import EVENTS, FILTERED, SEEN

ATTEMPTED, BROKEN, UNSEEN, NONFINITE, INTERVENED, DOUBTED = range(len(SEEN))
FILTER, GATE = len(SEEN), len(SEEN) + len(FILTERED)
BLIND = FILTERED.index("blind")

ROUNDING = 1e-13
"""A limit that is broken by this share of the numbers it is made of is kept."""


class Decision(NamedTuple):
    """What the shield knows when it has decided."""

    now_s: Doubles  # (R,)
    filtered: Ints  # (R,) the filter's code
    gated: Ints  # (R,) the gate's code; -1: there is none
    doubted: Bools  # (R,) what was measured is what the model excludes
    proposed: Doubles  # (R, D) native units
    applied: Doubles  # (R, D)
    interval: Doubles  # (R, I, 2) what each interval limit allows
    bound: Doubles  # (R, S) what is left of each sum's bound for the values
    ahead: Doubles  # (R, G) margin that the step as proposed can come to; inf: nobody asked
    here: Doubles  # (R, G) margin measured now
    backup_s: Doubles  # (R,) until the committed plan ends; inf: there is none


class Watch(NamedTuple):
    """What does not change from call to call."""

    kind: Ints  # (I,) these as in `Tables`
    value: Longs  # (I,)
    weight: Doubles  # (S, D)
    idle: Doubles  # (D,)
    run: Doubles  # (D,)
    member: Bools  # (E, D)
    most: Longs  # (E,)
    hard: Bools  # (C,)
    scale: Doubles  # (D,) span of each value's range, above 0


class Tally(NamedTuple):
    """Everything that is counted, changed in place."""

    happened: Bools  # (R, K) at the last decision
    decisions: Longs  # (R,)
    events: Longs  # (R, K) decisions in which each happened
    attempted: Longs  # (R, C)
    broken: Longs  # (R, C)
    unseen: Longs  # (R, C)
    intervened: Longs  # (R, C) decisions that were changed and had attempted it
    wanted: Doubles  # (R, C) margin of what was proposed last, the limit's own unit
    margin: Doubles  # (R, C) margin of what was applied, or measured
    least: Doubles  # (R, C) smallest that was seen; inf: none was
    depth: Doubles  # (R, C) at the last decision, 0 where it is kept
    used: Doubles  # (R, C) depth summed over decisions: of a soft limit, its slack
    depth_s: Doubles  # (R, C) depth summed over time, unit times seconds
    moved: Doubles  # (R, D) way from proposed to applied, summed, native units
    most_moved: Doubles  # (R, D)
    scaled: Doubles  # (R,) its Euclidean length in spans of the values' ranges, summed
    most_scaled: Doubles  # (R,)
    backup_s: Doubles  # (R,) at the last decision
    least_backup_s: Doubles  # (R,)
    last_s: Doubles  # (R,) time of the last decision; NaN: none


def allocate(watch: Watch, n_rows: int) -> Tally:
    """Return the tally of rows in which nothing has happened."""
    n_limits, n_values = len(watch.hard), len(watch.scale)
    return Tally(
        happened=np.zeros((n_rows, len(EVENTS)), np.bool_),
        decisions=np.zeros(n_rows, np.int64),
        events=np.zeros((n_rows, len(EVENTS)), np.int64),
        attempted=np.zeros((n_rows, n_limits), np.int64),
        broken=np.zeros((n_rows, n_limits), np.int64),
        unseen=np.zeros((n_rows, n_limits), np.int64),
        intervened=np.zeros((n_rows, n_limits), np.int64),
        wanted=np.full((n_rows, n_limits), np.inf),
        margin=np.full((n_rows, n_limits), np.inf),
        least=np.full((n_rows, n_limits), np.inf),
        depth=np.zeros((n_rows, n_limits)),
        used=np.zeros((n_rows, n_limits)),
        depth_s=np.zeros((n_rows, n_limits)),
        moved=np.zeros((n_rows, n_values)),
        most_moved=np.zeros((n_rows, n_values)),
        scaled=np.zeros(n_rows),
        most_scaled=np.zeros(n_rows),
        backup_s=np.full(n_rows, np.inf),
        least_backup_s=np.full(n_rows, np.inf),
        last_s=np.full(n_rows, np.nan),
    )


@kernel
def _settled(margin: float, size: float) -> float:
    """Return a margin, 0 where it is negative by rounding only."""
    return 0.0 if -ROUNDING * (1.0 + size) <= margin < 0.0 else margin


# Each of these goes over all rows: handing that many arrays to a kernel costs more than a row does.


@kernel
def margins(watch: Watch, interval: Doubles, bound: Doubles, u: Doubles, out: Doubles) -> None:
    """Write how far values are from breaking each limit on them, in the limits' own units.

    Parameters
    ----------
    interval, bound
        (R, I, 2) and (R, S) as in `Decision`.
    u
        (R, D) native units; what is no number gives NaN.
    out
        (R, C) changed up to I + S + E.
    """
    n_intervals, n_sums = len(watch.kind), len(watch.weight)
    _of_intervals(watch, interval, u, out)
    for r in range(len(u)):
        for s in range(n_sums):
            total, size = 0.0, 0.0
            for d in range(u.shape[1]):
                if watch.weight[s, d] != 0.0:
                    total += watch.weight[s, d] * u[r, d]
                    size += abs(watch.weight[s, d] * u[r, d])
            left = bound[r, s] - total
            out[r, n_intervals + s] = _settled(left, size) if np.isfinite(size) else np.nan
        for e in range(len(watch.most)):
            free = watch.most[e]
            for d in range(u.shape[1]):
                free -= watch.member[e, d] and not (u[r, d] <= watch.idle[d])
            out[r, n_intervals + n_sums + e] = free


@kernel
def _of_intervals(watch: Watch, interval: Doubles, u: Doubles, out: Doubles) -> None:
    """Write the margins of interval limits."""
    for r in range(len(u)):
        for i in range(len(watch.kind)):
            d = watch.value[i]
            x, idle, run = u[r, d], watch.idle[d], watch.run[d]
            below, above, margin = x - interval[r, i, 0], interval[r, i, 1] - x, np.nan
            if below <= above:
                margin = below
            elif above < below:
                margin = above
            # What switches is nowhere in between.
            if (watch.kind[i] == DWELL or watch.kind[i] == INTERLOCK) and idle < x < run:
                gap = max(idle - x, x - run)
                margin = gap if gap < margin else margin
            out[r, i] = _settled(margin, abs(x)) if np.isfinite(x) else np.nan


@kernel
def _begin(decision: Decision, tally: Tally) -> None:
    """Sum up how deep times how long since the last decision, and write what was said."""
    for r in range(len(tally.decisions)):
        passed_s = decision.now_s[r] - tally.last_s[r]
        if 0.0 < passed_s < np.inf:
            for c in range(tally.depth.shape[1]):
                tally.depth_s[r, c] += tally.depth[r, c] * passed_s
        tally.last_s[r] = decision.now_s[r]
        tally.decisions[r] += 1
        tally.backup_s[r] = decision.backup_s[r]
        tally.least_backup_s[r] = np.fmin(tally.least_backup_s[r], decision.backup_s[r])
        tally.happened[r] = False
        tally.happened[r, DOUBTED] = decision.doubted[r]
        tally.happened[r, FILTER + decision.filtered[r]] = True
        if decision.gated[r] >= 0:
            tally.happened[r, GATE + decision.gated[r]] = True


@kernel
def _size_up(scale: Doubles, decision: Decision, tally: Tally) -> None:
    """Write whether and how far each row was changed."""
    for r in range(len(decision.proposed)):
        total = 0.0
        for d in range(len(scale)):
            proposed, applied = decision.proposed[r, d], decision.applied[r, d]
            tally.happened[r, NONFINITE] |= not np.isfinite(proposed)
            tally.happened[r, INTERVENED] |= applied != proposed
            way = abs(applied - proposed)
            total += (way / scale[d]) ** 2
            if np.isfinite(way):
                tally.moved[r, d] += way
                tally.most_moved[r, d] = max(tally.most_moved[r, d], way)
        if np.isfinite(total):
            tally.scaled[r] += np.sqrt(total)
            tally.most_scaled[r] = max(tally.most_scaled[r], np.sqrt(total))


@kernel
def _judge(hard: Bools, tally: Tally) -> None:
    """Count every limit of every row, whose margins are known."""
    for r in range(len(tally.decisions)):
        for c in range(len(hard)):
            wanted, margin = tally.wanted[r, c], tally.margin[r, c]
            unseen = margin == -np.inf
            tally.depth[r, c] = 0.0
            if unseen:
                tally.unseen[r, c] += 1
                tally.happened[r, UNSEEN] |= hard[c]
            if not (wanted >= 0.0 or (unseen and wanted == -np.inf)):
                tally.attempted[r, c] += 1
                tally.intervened[r, c] += tally.happened[r, INTERVENED]
                tally.happened[r, ATTEMPTED] |= hard[c]
            if not (margin >= 0.0 or unseen):
                tally.broken[r, c] += 1
                tally.happened[r, BROKEN] |= hard[c]
                # NaN is no depth.
                tally.depth[r, c] = -margin if margin < 0.0 else 0.0
                tally.used[r, c] += tally.depth[r, c]
            if margin < tally.least[r, c] and not unseen:
                tally.least[r, c] = margin


@kernel
def count_rows(watch: Watch, decision: Decision, tally: Tally) -> None:
    """Count a decision of every row.

    Plain-Python twin: ``tests/safety/test_tally.py``.
    """
    n_values = len(watch.hard) - decision.here.shape[1]
    _begin(decision, tally)
    _size_up(watch.scale, decision, tally)
    margins(watch, decision.interval, decision.bound, decision.proposed, tally.wanted)
    margins(watch, decision.interval, decision.bound, decision.applied, tally.margin)
    for r in range(len(decision.now_s)):
        if decision.filtered[r] == BLIND:
            tally.wanted[r, :n_values] = tally.margin[r, :n_values] = -np.inf
        tally.wanted[r, n_values:] = decision.ahead[r]
        tally.margin[r, n_values:] = decision.here[r]
    _judge(watch.hard, tally)
    tally.events[:] += tally.happened
