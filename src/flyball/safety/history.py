# SPDX-License-Identifier: MIT
"""What a filter remembers of what was applied: last values, running times, moves within windows.

B rows · D values · W limits that look back over a window · K buckets. A window is kept in buckets
of time, the oldest of which counts whole: memory is bounded however often decisions come, and the
window that is really kept is never shorter than the one that was asked for.
"""

from typing import NamedTuple

import numpy as np

from flyball.core.batch import Bools, Doubles, Longs
from flyball.safety.kernels import inlined, kernel

BUCKETS = 34
"""K: a window is cut into K - 2, so that it is kept to within 1 part in 32 of its length."""

NEVER = -(2**62)
"""The number of a bucket that holds nothing."""


class History(NamedTuple):
    """One row per parallel plant; all arrays are changed in place."""

    known: Bools  # (B,) whether anything was applied yet
    last: Doubles  # (B, D) applied last, native units
    last_s: Doubles  # (B,) when, s
    since_s: Doubles  # (B, D) when it began to run or to rest, s
    bucket: Longs  # (B, W, K) number of the bucket in each place
    low: Doubles  # (B, W, K) lowest value in force during it
    high: Doubles  # (B, W, K) highest
    moves: Doubles  # (B, W, K) moves during it
    travel: Doubles  # (B, W, K) way moved during it, native units


class Window(NamedTuple):
    """What the limits with a window look at."""

    value: Longs  # (W,) index of the value
    length_s: Doubles  # (W,)
    least: Doubles  # (W,) a move is a change by more than this


class Past(NamedTuple):
    """A window's content at a time."""

    low: float
    high: float
    moves: float
    travel: float


def allocate(n_rows: int, n_values: int, n_windows: int) -> History:
    """Return the history of rows of which nothing is known."""
    places = (n_rows, n_windows, BUCKETS)
    return History(
        np.zeros(n_rows, np.bool_),
        np.zeros((n_rows, n_values)),
        np.zeros(n_rows),
        np.zeros((n_rows, n_values)),
        np.full(places, NEVER, np.int64),
        *(np.zeros(places) for _ in range(4)),
    )


@kernel
def begin(history: History, row: int, value: Doubles, now_s: float) -> None:
    """Forget a row: `value` (D,) has been in force long enough for everything but a new move.

    Of a row that begins with what is no number, nothing is known.
    """
    sound = np.isfinite(value).all()
    history.known[row] = sound and np.isfinite(now_s)
    if sound:
        history.last[row] = value
    if not history.known[row]:
        return
    history.last_s[row] = now_s
    history.since_s[row] = -np.inf
    history.bucket[row] = NEVER


@inlined
def _number(now_s: float, length_s: float) -> int:
    return int(np.floor(now_s / length_s * (BUCKETS - 2)))


@inlined
def past(history: History, window: Window, row: int, w: int, now_s: float) -> Past:
    """Return what window w of a row holds at a time, the value in force included."""
    last = history.last[row, window.value[w]]
    low, high, moves, travel = last, last, 0.0, 0.0
    oldest = _number(now_s - window.length_s[w], window.length_s[w])
    for k in range(BUCKETS):
        if history.bucket[row, w, k] >= oldest:
            low = min(low, history.low[row, w, k])
            high = max(high, history.high[row, w, k])
            moves += history.moves[row, w, k]
            travel += history.travel[row, w, k]
    return Past(low, high, moves, travel)


@kernel
def note(
    history: History, window: Window, row: int, value: Doubles, run: Doubles, now_s: float
) -> None:
    """Write down what a row applies from now on.

    Parameters
    ----------
    value
        (D,) after one that is no number nothing is known until the row begins anew: every limit
        that looks back would be measured from it.
    run
        (D,) from where a value counts as running; NaN for one that does not switch.
    now_s
        A time before the last one, or that is no number, counts as the last one.
    """
    if not np.isfinite(value).all():
        history.known[row] = False
        return
    if not history.last_s[row] <= now_s < np.inf:
        now_s = history.last_s[row]
    for w in range(len(window.value)):
        d = window.value[w]
        number = _number(now_s, window.length_s[w])
        k = number % BUCKETS
        before = history.last[row, d]
        if history.bucket[row, w, k] != number:
            history.bucket[row, w, k] = number
            history.low[row, w, k] = history.high[row, w, k] = before
            history.moves[row, w, k] = history.travel[row, w, k] = 0.0
        way = abs(value[d] - before)
        history.low[row, w, k] = min(history.low[row, w, k], value[d])
        history.high[row, w, k] = max(history.high[row, w, k], value[d])
        history.moves[row, w, k] += 1.0 if way > window.least[w] else 0.0
        history.travel[row, w, k] += way
    for d in range(len(value)):
        if (value[d] >= run[d]) != (history.last[row, d] >= run[d]):
            history.since_s[row, d] = now_s
    history.last[row] = value
    history.last_s[row] = now_s
