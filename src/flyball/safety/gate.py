# SPDX-License-Identifier: MIT
"""The proof at run time: an action passes only if afterwards there is still a way to safety.

Every row holds a *committed plan*: values of the backup, each held for `hold_s`, that end in the
safe set whatever the bounded disturbance does. A proposed action passes if the exact model keeps
every hard limit during it, between samples too, and a new plan from wherever it can lead is again
certified; else the plan goes on. By induction a row that was ever certified stays safe, whatever
is proposed, at any length of a step, as long as it is measured when a plan ends and decisions come
at their time (gatekeeper, Agrawal et al., arXiv:2211.14361; the run-time assurance of ASTM F3269).
Who is measured and may not do as proposed gets a new plan where one can be certified, so that the
plan in hand is long when the sensors fail; who is not measured goes on with the one in hand.

Where a plant can be is a region, a box: what is measured within its error, met with what the model
predicted from the last decision. Without a measurement the prediction alone carries the plan on.
Where the two exclude each other, disturbance or measurement are not what was stated: both are then
held possible, and the row says so.

The model is asked about everything, the backup's own values included; neither backup nor safe set
is believed about more than where they are. Comparisons are written so that NaN fails.

Where a step is as long as a hold, what can follow may also lie within the safe set as a whole: the
proof then starts from the next measurement, and there is no plan in case that one fails to come.

The decision is written in `weaving`, its parts in `plans`.

R rows · X states · D values · H holds of a plan.
"""

from operator import is_
from typing import Any, NamedTuple

import numpy as np

from flyball.core.batch import Bools, Doubles, Longs
from flyball.core.envelope import Backup, Envelope, SafeSet, StepModel
from flyball.core.errors import ConfigError, InvariantError, Problem
from flyball.core.limits import Barrier, Box, Clamp, Linear, Rate
from flyball.core.spec import TanhGaussian
from flyball.safety.gating import (
    COMMITTED,
    EASED,
    LOST,
    PASSED,
    RESTORED,
    Asked,
    Gated,
    Held,
    Times,
    Turn,
    Ways,
)
from flyball.safety.pool import pooled
from flyball.safety.weaving import woven

__all__ = [
    "COMMITTED",
    "EASED",
    "LOST",
    "PASSED",
    "RESTORED",
    "WORDS",
    "Gate",
    "Gated",
    "Region",
    "parts_of",
    "ticks_of",
    "ways_of",
]

WORDS = {
    PASSED: "passed",
    EASED: "eased towards the backup",
    COMMITTED: "held to the committed plan",
    RESTORED: "held to a new plan",
    LOST: "outside of everything that is certified",
}
"""Every code in words."""


class Region(NamedTuple):
    """Where plants can be; infinite where nothing is known."""

    low: Doubles  # (n, X)
    high: Doubles  # (n, X)


class Gate:
    """Committed plans of R rows."""

    def __init__(
        self, envelope: Envelope, values: tuple[TanhGaussian, ...], *, n_rows: int, step_s: float
    ) -> None:
        """Commit nothing yet.

        Parameters
        ----------
        envelope
            With model, backup and safe set.
        values
            The continuous heads.
        n_rows
            R.
        step_s
            From one decision to the next, s; divides `hold_s`. Who decides at another time must
            `begin` anew.

        Raises
        ------
        ConfigError
            Where something is missing, or the step does not divide the hold.
        """
        self.woven = woven(*parts_of(envelope))
        self.step_s, self.hold_s = step_s, envelope.hold_s
        hold_ticks = ticks_of(envelope.hold_s, step_s)
        sizes = (n_rows, envelope.horizon, len(envelope.signals), len(values))
        ways = ways_of(envelope, values, step_s)
        times = Times(np.array([step_s, envelope.hold_s]), np.array([hold_ticks], np.int64))
        made = pooled(ways, times, *_memory(*sizes))
        self._pool, (_, _, held, gated, _) = made
        self._gated: Gated = gated
        self.region = Region(held.low, held.high)
        self.plan, self.ticks, self.used = held.plan, held.ticks, held.used
        self._never = np.zeros(n_rows, np.bool_)
        nothing = np.full((n_rows, len(envelope.signals)), np.nan)
        self._asked: Asked = (nothing, nothing, gated.applied, gated.applied, self._never)

    def begin(self, rows: Longs) -> None:
        """Forget some rows (n,)."""
        self.region.low[rows], self.region.high[rows] = -np.inf, np.inf
        self.ticks[rows] = self.used[rows] = 0

    def decide(
        self, measured: Region, proposed: Doubles, before: Doubles, late: Bools | None = None
    ) -> Gated:
        """Return what may be applied now, and commit to what comes after it.

        Parameters
        ----------
        measured
            Of R rows.
        proposed
            (R, D) what passed the filter.
        before
            (R, D) what was applied last.
        late
            (R,) rows for which the last decision was not one step ago; they are forgotten first.

        Returns
        -------
        Gated
            Valid until the next decision.
        """
        asked, made, late = self._asked, self.woven, self._never if late is None else late
        given = (measured.low, measured.high, proposed, before, late)
        if not all(map(is_, given, asked)):
            asked = self._asked = self._sound(given)
        made.decide(self._pool, asked, made.model, made.backup, made.safe)
        return self._gated

    def _sound(self, given: Asked) -> Asked:
        """Return a question as compiled code takes it; it would read beyond other shapes."""
        low, high, wish, last = (np.ascontiguousarray(each, np.float64) for each in given[:4])
        late = np.ascontiguousarray(given[4], np.bool_)
        shapes = (low.shape, high.shape, wish.shape, last.shape, late.shape)
        state, value = self.region.low.shape, self._gated.applied.shape
        if shapes != (state, state, value, value, state[:1]):
            msg = f"a gate for {state} and {value} was asked with arrays of shapes {shapes}"
            raise InvariantError(msg)
        return low, high, wish, last, late

    def snapshot(self) -> dict[str, Any]:
        """Return a copy of everything that is remembered."""
        own = (self.region.low, self.region.high, self.plan, self.ticks, self.used)
        return {f"gate.{k}": array.copy() for k, array in enumerate(own)}

    def restore(self, snapshot: dict[str, Any]) -> None:
        """Go back to a snapshot."""
        own = (self.region.low, self.region.high, self.plan, self.ticks, self.used)
        for k, array in enumerate(own):
            array[:] = snapshot[f"gate.{k}"]


def _memory(n: int, horizon: int, n_states: int, n_values: int) -> tuple[Held, Gated, Turn]:
    """Return memory, answer and working room of n rows of which nothing is known."""

    def numbers(*shape: int) -> Doubles:
        return np.zeros((n, *shape))

    def flags() -> Bools:
        return np.zeros(n, np.bool_)

    def wholes() -> Longs:
        return np.zeros(n, np.int64)

    states, value, plan = (n_states,), (n_values,), (horizon, n_values)
    return (
        Held(
            np.full((n, n_states), -np.inf),
            np.full((n, n_states), np.inf),
            numbers(*plan),
            wholes(),
            wholes(),
        ),
        Gated(numbers(*value), np.zeros(n, np.int32), numbers(), flags(), numbers(), numbers()),
        Turn(
            numbers(*states),
            numbers(*states),
            flags(),
            flags(),
            wholes(),
            numbers(*states),
            numbers(*states),
            numbers(*value),
            numbers(*value),
            numbers(*states),
            numbers(*states),
            numbers(),
            flags(),
            flags(),
            numbers(*plan),
            wholes(),
        ),
    )


def parts_of(envelope: Envelope) -> tuple[StepModel, Backup, SafeSet]:
    """Return model, backup and safe set; raise ConfigError where one is missing."""
    own = {"model": envelope.model, "backup": envelope.backup, "safe": envelope.safe}
    missing = [name for name, part in own.items() if part is None]
    if envelope.model is None or envelope.backup is None or envelope.safe is None:
        raise ConfigError(
            Problem(
                where="envelope " + ", ".join(missing),
                found="nothing",
                allowed="a model of the step, a backup and a safe set",
                fix="prove one with flyball certify, or do without a gate and say so",
            )
        )
    return envelope.model, envelope.backup, envelope.safe


def ticks_of(hold_s: float, step_s: float) -> int:
    """Return how many steps a hold has; raise ConfigError unless that is a whole number."""
    n = hold_s / step_s if 0.0 < step_s < np.inf else np.nan
    if not (n >= 1.0 and abs(n - round(n)) <= 1e-9 * n):
        raise ConfigError(
            Problem(
                where="step_s",
                found=f"{step_s} s",
                allowed=f"what divides the backup's hold of {hold_s:g} s",
                fix=f"decide every {hold_s:g} s or a whole part of it, "
                "or prove the plant safe for another hold",
            )
        )
    return round(n)


def ways_of(envelope: Envelope, values: tuple[TanhGaussian, ...], step_s: float) -> Ways:
    """Return what hard limits allow values by themselves; operators' clamps bind no backup."""
    place = {each.name: d for d, each in enumerate(values)}
    low, high = (np.array([getattr(each, side) for each in values]) for side in ("low", "high"))
    fall, rise = np.full(len(values), np.inf), np.full(len(values), np.inf)
    sums, barriers = [], []
    for limit in envelope.limits:
        if limit.severity != "hard":
            continue
        if isinstance(limit, Box) and not isinstance(limit, Clamp):
            d = place[limit.value]
            low[d], high[d] = max(low[d], limit.low), min(high[d], limit.high)
        elif isinstance(limit, Rate) and limit.each != "window":
            d, span = place[limit.value], step_s if limit.each == "second" else 1.0
            fall[d], rise[d] = min(fall[d], limit.fall * span), min(rise[d], limit.rise * span)
        elif isinstance(limit, Linear) and not any(limit.signals.values()):
            sums.append(limit)
        elif isinstance(limit, Barrier):
            barriers.append(limit)
    weight = np.zeros((len(sums), len(values)))
    for s, limit in enumerate(sums):
        for name, own in limit.values.items():
            weight[s, place[name]] = own
    rows = [[limit.signals.get(name, 0.0) for name in envelope.signals] for limit in barriers]
    return Ways(
        low,
        high,
        fall,
        rise,
        weight,
        np.array([limit.bound for limit in sums]),
        np.array(rows).reshape(len(rows), len(envelope.signals)),
        np.array([limit.bound for limit in barriers]),
    )
