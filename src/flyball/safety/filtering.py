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

from flyball.core.batch import Bools, Doubles, Longs
from flyball.core.errors import InvariantError
from flyball.core.limits import Constraint
from flyball.core.spec import Signal, TanhGaussian
from flyball.safety import history as past
from flyball.safety.barriers import Ahead, ahead_of, predict
from flyball.safety.bounds import KEPT, Moment, Now, Seen, evaluate
from flyball.safety.compiling import Compiled, Plant, compiled
from flyball.safety.kernels import kernel
from flyball.safety.pool import Pool, Pooled, pooled
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
from flyball.safety.unpacking import (
    Filtered,
    Frame,
    Room,
    filtered_of,
    frame_of,
    history_of,
    queue_of,
    room_of,
    tables_of,
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


@kernel
def _seen(frame: Frame, asked: Asked, queue: Doubles, r: int, room: Room) -> None:
    """Write what row r sees: its signals and, behind them, the predicted states."""
    n, seen = asked.signal.shape[1], room.seen
    for m in range(n):
        seen.signal[m], seen.error[m] = asked.signal[r, m], asked.error[r, m]
        sound = np.isfinite(asked.signal[r, m]) and 0.0 <= asked.error[r, m] < np.inf
        seen.trusted[m] = asked.trusted[r, m] and sound
    if len(frame.state):
        known, trusted = room.known, True
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
    own: Pool,
    answers: Pool,
    question: tuple[Doubles, Doubles, Doubles, Bools, Doubles],
    more: tuple[Doubles, Doubles],
) -> None:
    """Fill what is answered for every row.

    Parameters
    ----------
    own, answers
        Of the filter (see `unpacking`).
    question
        An `Asked`.
    more
        `StateRows`; K may be 0.
    """
    frame, history, queue = frame_of(own), history_of(own), queue_of(own)
    out, room = filtered_of(answers), room_of(answers)
    asked, extra = Asked(*question), StateRows(*more)
    tables, n_dims, n_static = frame.tables, len(frame.low), len(frame.price)
    rows, bound, price, work = room.rows, room.bound, room.price, room.work
    n_rows = len(bound)
    for r in range(len(out.code)):
        refuge = history.last[r]
        out.low[r], out.high[r] = frame.low, frame.high
        out.slack[r], out.multiplier[r] = 0.0, 0.0
        _seen(frame, asked, queue[r], r, room)
        now = Now(out.interval[r], out.low[r], out.high[r], out.narrow[r], out.bound[r])
        moment = Moment(history, room.seen, r, asked.now_s[r])
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
def note_rows(own: Pool, applied: Doubles, now_s: Doubles) -> None:
    """Write down what R rows apply from now on."""
    tables, history, queue = tables_of(own), history_of(own), queue_of(own)
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
        frame, n_values = _frame(self.made, values, ahead), len(values)
        history = past.allocate(n_rows, n_values, len(frame.tables.window.value))
        history.last[:] = np.clip(0.0, frame.low, frame.high)
        own = pooled(frame, history, np.zeros((n_rows, len(frame.way), n_values)))
        self._pool, (self.frame, self.history, self.queue) = own
        self._sizes = (n_rows, n_values, len(signals))
        self._names = [each.name for each in values]
        self._answers: dict[int, Pooled] = {}
        self._none = StateRows(np.empty((n_rows, 0, n_values)), np.empty((n_rows, 0)))
        self._sound: tuple[Asked | None, StateRows | None] = (None, None)
        self.answer: Filtered = self._room(0).parts[0]
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
        more = self._none if extra is None else extra
        if not (asked is self._sound[0] and more is self._sound[1]):
            self._require_shapes(asked, more)
            self._sound = (asked, more)
        pool, (self.answer, _) = self._room(more.bound.shape[1])
        question = (asked.proposed, asked.signal, asked.error, asked.trusted, asked.now_s)
        filter_rows(self._pool, pool, question, (more.row, more.bound))
        return self.answer

    def _require_shapes(self, asked: Asked, extra: StateRows) -> None:
        (n, n_values, n_signals), k = self._sizes, extra.bound.shape[-1]
        signals = (n, n_signals)
        shapes = ((n, n_values), signals, signals, signals, (n,), (n, k, n_values), (n, k))
        found = tuple([array.shape for array in (*asked, *extra)])
        if found != shapes:
            msg = f"a filter of {n} rows was asked with arrays of shapes {found}, not {shapes}"
            raise InvariantError(msg)

    def note(self, applied: Doubles, now_s: Doubles) -> None:
        """Write down what all rows apply (R, D) from `now_s` (R,) on."""
        note_rows(self._pool, applied, now_s)

    def binding(self, row: int) -> dict[str, float]:
        """Return the limits that bent the last answer of a row, by name, and their multipliers."""
        made, out = self.made, self.answer
        n_sums, soft = len(made.sums), self.frame.soft
        n_soft, n_rows = n_sums + 2 * len(soft), out.slack.shape[1]
        found: dict[str, float] = {}
        for k, multiplier in enumerate(out.multiplier[row].tolist()):
            if not multiplier > 0.0:
                continue
            if k < n_sums:
                name = made.sums[k].name
            elif k < n_soft:
                name = made.intervals[soft[(k - n_sums) // 2]].name
            elif k < n_rows:
                name = "bodies"
            else:
                # The upper end of a value's box comes before the lower one.
                d, side = divmod(k - n_rows, 2)
                i = out.narrow[row, d, 1 - side]
                name = made.intervals[i].name if i >= 0 else f"range of {self._names[d]}"
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

    def _room(self, n_extra: int) -> Pooled:
        """Return the arrays that are filled, made once for each number of further rows."""
        if n_extra not in self._answers:
            (n_rows, n_values, n_signals), frame = self._sizes, self.frame
            n_static = len(frame.price)
            n, n_seen = n_static + n_extra, n_signals + len(frame.state)
            out = Filtered(
                np.zeros((n_rows, n_values)),
                np.zeros(n_rows, np.int32),
                np.zeros((n_rows, n_values)),
                np.zeros((n_rows, n_values)),
                np.zeros((n_rows, n_values, 2), np.int64),
                np.zeros((n_rows, len(frame.tables.kind), 2)),
                np.zeros((n_rows, len(frame.tables.bound))),
                np.zeros((n_rows, n)),
                np.zeros((n_rows, n + 2 * n_values)),
            )
            rows, price = np.zeros((n, n_values)), np.full(n, np.inf)
            rows[:n_static] = frame.rows
            price[:n_static] = np.where(np.isnan(frame.price), 0.0, frame.price)
            seen = Seen(np.zeros(n_seen), np.zeros(n_seen), np.zeros(n_seen, np.bool_))
            known, work = np.zeros((2, len(frame.state))), allocate(n, n_values)
            room = Room(seen, known, rows, np.zeros(n), price, work)
            self._answers[n_extra] = pooled(out, room)
        return self._answers[n_extra]


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
