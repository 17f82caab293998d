# SPDX-License-Identifier: MIT
"""From what a policy wants to the nearest thing that its limits allow now, many rows at a time.

For each row: validate, find what every limit means (`bounds`), project (`projection`). What is no
number counts as the wish to go on as before, and the limits bend that. What cannot be answered
becomes the value applied last: it is finite and near, and the gate or the emergency stop decides
what comes after it.

R rows (a plant, or one agent of one) · D values · M signals · X predicted states · I intervals · S
sums · Q soft intervals, each an upper and a lower row · K rows that depend on the state.
"""

from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np

from flyball.core.batch import Bools, Doubles, Ints, Longs
from flyball.core.errors import InvariantError
from flyball.core.limits import Constraint
from flyball.core.spec import Signal, TanhGaussian
from flyball.safety import history as past
from flyball.safety.barriers import Ahead, ahead_of, predict
from flyball.safety.bounds import KEPT, Moment, Now, Seen, Tables, evaluate
from flyball.safety.compiling import Compiled, Plant, compiled
from flyball.safety.history import History
from flyball.safety.kernels import kernel
from flyball.safety.projection import (
    BENT,
    INFEASIBLE,
    INVALID,
    SAME,
    UNFINISHED,
    Limits,
    allocate,
    project,
)

BLIND = 5
"""Code beside those of `projection`: nothing was applied before, or time ran backwards."""

WORDS = {
    SAME: "admissible",
    BENT: "bent",
    INVALID: "not a number",
    INFEASIBLE: "no action keeps all limits",
    UNFINISHED: "no answer in time",
    BLIND: "nothing known of the past",
}
"""Every code in words."""


class Asked(NamedTuple):
    """What a decision is made from; arrays of R rows."""

    proposed: Doubles  # (R, D) native units
    signal: Doubles  # (R, M) native units
    error: Doubles  # (R, M) largest error, at least 0
    trusted: Bools  # (R, M) fresh and of good quality
    now_s: Doubles  # (R,)


class StateRows(NamedTuple):
    """Rows that a function of the state gives: row · u <= bound, all of them hard."""

    row: Doubles  # (R, K, D)
    bound: Doubles  # (R, K) inf: none


class Filtered(NamedTuple):
    """What came of it; valid until the next call."""

    applied: Doubles  # (R, D)
    code: Ints  # (R,)
    low: Doubles  # (R, D) the box that hard limits leave
    high: Doubles  # (R, D)
    narrow: Longs  # (R, D, 2) interval that gave each side of the box; -1: the value's range
    interval: Doubles  # (R, I, 2) what each interval limit allows
    bound: Doubles  # (R, S) what is left of each sum's bound for the values
    slack: Doubles  # (R, S + 2 Q + K) by how much each row is broken by what is applied
    multiplier: Doubles  # (R, S + 2 Q + K + 2 D) what each row costs, those of the box last


class Frame(NamedTuple):
    """What does not change from call to call."""

    tables: Tables
    low: Doubles  # (D,) ranges of the values
    high: Doubles  # (D,)
    scale: Doubles  # (D,)
    rows: Doubles  # (S + 2 Q, D)
    price: Doubles  # (S + 2 Q,) NaN: only noted
    soft: Longs  # (Q,) numbers of the soft intervals
    state: Longs  # (X,) signals that are states
    power: Doubles  # as in `Ahead`
    way: Doubles
    drift: Doubles
    spread: Doubles


@kernel
def _seen(frame: Frame, asked: Asked, queue: Doubles, r: int, seen: Seen) -> None:
    """Write what row r sees: its signals and, behind them, the predicted states."""
    n = asked.signal.shape[1]
    for m in range(n):
        seen.signal[m], seen.error[m] = asked.signal[r, m], asked.error[r, m]
        sound = np.isfinite(asked.signal[r, m]) and 0.0 <= asked.error[r, m] < np.inf
        seen.trusted[m] = asked.trusted[r, m] and sound
    if len(frame.state):
        known, trusted = np.empty((2, len(frame.state))), True
        for x in range(len(frame.state)):
            m = frame.state[x]
            known[0, x], known[1, x] = seen.signal[m], seen.error[m]
            trusted = trusted and seen.trusted[m]
        ahead = predict(frame.power, frame.way, frame.drift, frame.spread, known, queue)
        for x in range(len(frame.state)):
            seen.signal[n + x], seen.error[n + x] = ahead[0, x], ahead[1, x]
            seen.trusted[n + x] = trusted


@kernel
def _bind(frame: Frame, interval: Doubles, own: Doubles, bound: Doubles) -> None:
    """Write the bounds (S + 2 Q,) that the projection keeps, from what every limit allows."""
    n_sums = len(own)
    for s in range(n_sums):
        bound[s] = own[s]
        # Nobody can pay for what nobody can see.
        if frame.price[s] != np.inf and not (own[s] > -np.inf):
            bound[s] = np.inf
        if np.isnan(frame.price[s]):
            bound[s] = np.inf
    for q in range(len(frame.soft)):
        i = frame.soft[q]
        bound[n_sums + 2 * q], bound[n_sums + 2 * q + 1] = interval[i, 1], -interval[i, 0]


@kernel
def filter_rows(
    frame: Frame, history: History, queue: Doubles, asked: Asked, extra: StateRows, out: Filtered
) -> None:
    """Fill `out` for every row.

    Parameters
    ----------
    queue
        (R, L, D) values on their way through the dead time, the oldest first.
    extra
        K rows may be none.
    """
    tables, n_dims = frame.tables, len(frame.low)
    n_static, n_extra = len(frame.price), extra.bound.shape[1]
    n_rows = n_static + n_extra
    seen = Seen(
        np.zeros(asked.signal.shape[1] + len(frame.state)),
        np.zeros(asked.signal.shape[1] + len(frame.state)),
        np.zeros(asked.signal.shape[1] + len(frame.state), np.bool_),
    )
    rows, bound, price = np.empty((n_rows, n_dims)), np.empty(n_rows), np.empty(n_rows)
    rows[:n_static], price[n_static:] = frame.rows, np.inf
    for k in range(n_static):
        price[k] = 0.0 if np.isnan(frame.price[k]) else frame.price[k]
    work = allocate(n_rows, n_dims)
    for r in range(len(out.code)):
        refuge = history.last[r]
        out.low[r], out.high[r] = frame.low, frame.high
        out.slack[r], out.multiplier[r] = 0.0, 0.0
        _seen(frame, asked, queue[r], r, seen)
        now = Now(out.interval[r], out.low[r], out.high[r], out.narrow[r], out.bound[r])
        moment = Moment(history, seen, r, asked.now_s[r])
        wish, number = asked.proposed[r], True
        for d in range(n_dims):
            number = number and np.isfinite(wish[d])
        if not number:
            wish = refuge
        found = evaluate(tables, moment, wish, now)
        if found != KEPT:
            out.applied[r] = refuge
            out.code[r] = (
                INFEASIBLE if history.known[r] and asked.now_s[r] >= history.last_s[r] else BLIND
            )
            continue
        _bind(frame, now.interval, now.bound, bound)
        rows[n_static:], bound[n_static:] = extra.row[r], extra.bound[r]
        limits = Limits(now.low, now.high, frame.scale, rows, bound, price)
        code = project(work, limits, wish, refuge, out.applied[r])
        out.code[r] = code if number or code > BENT else INVALID
        out.multiplier[r] = work.multiplier
        for k in range(n_rows):
            total = -bound[k]
            for d in range(n_dims):
                total += rows[k, d] * out.applied[r, d]
            out.slack[r, k] = total if total > 0.0 else 0.0


@kernel
def note_rows(
    tables: Tables, history: History, queue: Doubles, applied: Doubles, now_s: Doubles
) -> None:
    """Write down what R rows apply from now on."""
    for r in range(len(applied)):
        past.note(history, tables.window, r, applied[r], tables.run, now_s[r])
        for k in range(queue.shape[1] - 1):
            queue[r, k] = queue[r, k + 1]
        if queue.shape[1]:
            queue[r, queue.shape[1] - 1] = applied[r]


class Filter:
    """Limits of R rows with what was applied to each."""

    def __init__(
        self,
        limits: Sequence[Constraint],
        values: Sequence[TanhGaussian],
        signals: Sequence[Signal],
        *,
        n_rows: int,
        decision_s: float,
        plant: Plant | None = None,
    ) -> None:
        """Compile limits; nothing is known of the past of any row.

        Parameters
        ----------
        limits, values, signals, decision_s, plant
            As for `compiled`.
        n_rows
            R.

        Raises
        ------
        ConfigError
            For limits that cannot be, alone or together.
        """
        self.made = compiled(limits, values, signals, decision_s, plant)
        state = (
            [[each.name for each in signals].index(name) for name in plant.names] if plant else []
        )
        ahead = ahead_of(plant.affine, state) if plant else None
        self.frame = _frame(self.made, values, ahead)
        tables, n_values = self.made.tables, len(values)
        self.history = past.allocate(n_rows, n_values, len(tables.window.value))
        self.history.last[:] = np.clip(0.0, self.frame.low, self.frame.high)
        self.queue = np.zeros((n_rows, len(self.frame.way), n_values))
        n_static, n_intervals = len(self.frame.price), len(tables.kind)
        self._sizes = (n_rows, n_values, n_intervals, len(tables.bound), n_static)
        self._n_signals = len(signals)
        self._names = [each.name for each in values]
        self._out: dict[int, Filtered] = {}
        self.answer = self._room(0)
        """What was answered last."""

    def begin(self, rows: Longs, value: Doubles, now_s: Doubles) -> None:
        """Forget some rows (n,): `value` (n, D) has been in force for long, since `now_s` (n,)."""
        for r, own, time in zip(rows, value, now_s, strict=True):
            past.begin(self.history, r, own, time)
            self.queue[r] = own

    def __call__(self, asked: Asked, extra: StateRows | None = None) -> Filtered:
        """Return the nearest values that every limit allows; the past is not changed.

        Raises
        ------
        InvariantError
            For arrays of other shapes: compiled code would read beyond them.
        """
        n_rows, n_values = self._sizes[:2]
        if extra is None:
            extra = StateRows(np.empty((n_rows, 0, n_values)), np.empty((n_rows, 0)))
        self._require_shapes(asked, extra)
        out = self._room(extra.bound.shape[1])
        filter_rows(self.frame, self.history, self.queue, asked, extra, out)
        self.answer = out
        return out

    def _require_shapes(self, asked: Asked, extra: StateRows) -> None:
        (n, n_values), k = self._sizes[:2], extra.bound.shape[-1]
        signals = (n, self._n_signals)
        shapes = ((n, n_values), signals, signals, signals, (n,), (n, k, n_values), (n, k))
        found = tuple(np.shape(array) for array in (*asked, *extra))
        if found != shapes:
            msg = f"a filter of {n} rows was asked with arrays of shapes {found}, not {shapes}"
            raise InvariantError(msg)

    def note(self, applied: Doubles, now_s: Doubles) -> None:
        """Write down what all rows apply (R, D) from `now_s` (R,) on."""
        note_rows(self.made.tables, self.history, self.queue, applied, now_s)

    def binding(self, row: int) -> dict[str, float]:
        """Return the limits that bent the last answer of a row, by name, and their multipliers."""
        made, out = self.made, self.answer
        n_sums, soft = len(made.sums), self.frame.soft
        names = [limit.name for limit in made.sums]
        names += [made.intervals[i].name for i in soft for _ in range(2)]
        names += ["bodies"] * (out.slack.shape[1] - n_sums - 2 * len(soft))
        for d, value in enumerate(self._names):
            for side in (1, 0):
                i = out.narrow[row, d, side]
                names.append(made.intervals[i].name if i >= 0 else f"range of {value}")
        found: dict[str, float] = {}
        for name, multiplier in zip(names, out.multiplier[row].tolist(), strict=True):
            if multiplier > 0.0:
                found[name] = found.get(name, 0.0) + multiplier
        return found

    def snapshot(self) -> dict[str, Any]:
        """Return a copy of everything that is remembered."""
        own = {f"filter.{name}": a.copy() for name, a in self.history._asdict().items()}
        return own | {"filter.queue": self.queue.copy()}

    def restore(self, snapshot: dict[str, Any]) -> None:
        """Go back to a snapshot."""
        for name, array in self.history._asdict().items():
            array[:] = snapshot[f"filter.{name}"]
        self.queue[:] = snapshot["filter.queue"]

    def _room(self, n_extra: int) -> Filtered:
        """Return the arrays that are filled, made once."""
        if n_extra not in self._out:
            n_rows, n_values, n_intervals, n_sums, n_static = self._sizes
            n = n_static + n_extra
            self._out[n_extra] = Filtered(
                np.zeros((n_rows, n_values)),
                np.zeros(n_rows, np.int32),
                np.zeros((n_rows, n_values)),
                np.zeros((n_rows, n_values)),
                np.zeros((n_rows, n_values, 2), np.int64),
                np.zeros((n_rows, n_intervals, 2)),
                np.zeros((n_rows, n_sums)),
                np.zeros((n_rows, n)),
                np.zeros((n_rows, n + 2 * n_values)),
            )
        return self._out[n_extra]


def _frame(made: Compiled, values: Sequence[TanhGaussian], ahead: Ahead | None) -> Frame:
    """Return what does not change from call to call."""
    tables, n_values = made.tables, len(values)
    low, high = (np.array([getattr(each, side) for each in values]) for side in ("low", "high"))
    soft = np.flatnonzero(np.isfinite(tables.cost))
    rows = [*tables.weight]
    for i in soft:
        unit = np.zeros(n_values)
        unit[tables.value[i]] = 1.0
        rows += [unit, -unit]
    none = np.zeros(0)
    if ahead is None:
        ahead = Ahead((), np.zeros((0, 0)), np.zeros((0, 0, n_values)), none, none)
    return Frame(
        tables,
        low,
        high,
        np.maximum(high - low, 1e-300),
        np.array(rows).reshape(len(rows), n_values),
        np.concatenate((tables.price, np.repeat(tables.cost[soft], 2))),
        soft,
        np.array(ahead.state, np.int64),
        *ahead[1:],
    )
