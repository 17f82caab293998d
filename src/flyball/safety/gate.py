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

R rows · X states · D values · H holds of a plan · n rows that are asked about.
"""

from typing import Any, NamedTuple

import numpy as np

from flyball.core.batch import Bools, Doubles, Ints, Longs
from flyball.core.envelope import Backup, Envelope, Reach, SafeSet, StepModel
from flyball.core.errors import ConfigError, Problem
from flyball.core.limits import Barrier, Box, Clamp, Linear, Rate
from flyball.core.spec import TanhGaussian

PASSED, EASED, COMMITTED, RESTORED, LOST = range(5)
"""Codes: as proposed; part of the way back to the plan; the plan; a new plan; nothing certified."""

WORDS = {
    PASSED: "passed",
    EASED: "eased towards the backup",
    COMMITTED: "held to the committed plan",
    RESTORED: "held to a new plan",
    LOST: "outside of everything that is certified",
}
"""Every code in words."""

SHARES = (0.5, 0.25)
"""How far towards the proposed value one goes from the plan's, where all the way is too far."""


class Region(NamedTuple):
    """Where plants can be; infinite where nothing is known."""

    low: Doubles  # (n, X)
    high: Doubles  # (n, X)

    def at(self, rows: Longs) -> "Region":
        """Return that of some rows."""
        return Region(self.low[rows], self.high[rows])

    @property
    def known(self) -> Bools:
        """(n,) whether there is a box that a model can be asked about."""
        return np.asarray(np.isfinite(self.low).all(1) & np.isfinite(self.high).all(1))


class Ways(NamedTuple):
    """What hard limits allow values by themselves."""

    low: Doubles  # (D,)
    high: Doubles  # (D,)
    fall: Doubles  # (D,) largest way down from one step to the next
    rise: Doubles  # (D,)
    weight: Doubles  # (S, D) sums
    bound: Doubles  # (S,)

    def keep(self, value: Doubles, before: Doubles) -> Bools:
        """Return (n,) whether values (n, D) are allowed after those `before`."""
        inside = (value >= self.low) & (value <= self.high)
        # Sums of products are rounded; a difference of neighbours is not.
        near = (before - value <= self.fall) & (value - before <= self.rise)
        summed = value @ self.weight.T <= self.bound + 1e-12 * (1.0 + np.abs(self.bound))
        return np.asarray((inside & near).all(1) & summed.all(1))


class Certified(NamedTuple):
    """Plans that are asked for, and whether they hold."""

    holds: Bools  # (n,)
    value: Doubles  # (n, H, D)
    ticks: Longs  # (n,) steps until the safe set is reached


class Gated(NamedTuple):
    """What came of a decision."""

    applied: Doubles  # (R, D)
    code: Ints  # (R,)
    margin: Doubles  # (R,) smallest distance to a hard limit that the step can come to
    doubted: Bools  # (R,) measured is what the model excludes
    ahead: Doubles  # (R,) the margin of what was proposed; inf: it was no value to be asked about
    left_s: Doubles  # (R,) until the committed plan ends; inf: there is none


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
        self.model, self.backup, self.safe = parts_of(envelope)
        self.step_s, self.hold_s = step_s, envelope.hold_s
        self.horizon, self.hold_ticks = envelope.horizon, ticks_of(envelope.hold_s, step_s)
        self.ways = ways_of(envelope, values, step_s)
        n_states, n_values = len(envelope.signals), len(values)
        hard = [x for x in envelope.limits if isinstance(x, Barrier) and x.severity == "hard"]
        self.barriers = np.array([[x.signals.get(n, 0.0) for n in envelope.signals] for x in hard])
        self.barriers = self.barriers.reshape(len(hard), n_states)
        self.bounds = np.array([x.bound for x in hard])
        self.region = Region(
            np.full((n_rows, n_states), -np.inf), np.full((n_rows, n_states), np.inf)
        )
        self.plan = np.zeros((n_rows, self.horizon, n_values))
        self.ticks, self.used = np.zeros(n_rows, np.int64), np.zeros(n_rows, np.int64)

    def begin(self, rows: Longs) -> None:
        """Forget some rows (n,)."""
        self.region.low[rows], self.region.high[rows] = -np.inf, np.inf
        self.ticks[rows] = self.used[rows] = 0

    def decide(self, measured: Region, proposed: Doubles, before: Doubles) -> Gated:
        """Return what may be applied now, and commit to what comes after it.

        Parameters
        ----------
        measured
            Of R rows.
        proposed
            (R, D) what passed the filter.
        before
            (R, D) what was applied last.
        """
        region, doubted = self._met(measured)
        n_rows = len(proposed)
        out = Gated(
            before.copy(),
            np.full(n_rows, LOST, np.int32),
            np.full(n_rows, np.nan),
            doubted,
            np.full(n_rows, np.inf),
            np.full(n_rows, np.inf),
        )
        rows = np.flatnonzero(np.isfinite(proposed).all(1))
        left = self._try(out, region, rows, proposed[rows], before, PASSED)
        values = self._planned()
        for share in SHARES:
            left = left[self.used[left] < self.ticks[left]]
            eased = values[left] + share * (proposed[left] - values[left])
            left = self._try(out, region, left, eased, before, EASED)
        # Who is measured makes a new plan while it can: the sensors may fail when the old one ends.
        seen = measured.known
        self._restore(out, region, before, seen)
        self._go_on(out, region, values)
        self._restore(out, region, before, ~seen)
        self._give_up(out, region, before)
        planned = self.used < self.ticks
        out.left_s[planned] = (self.ticks - self.used)[planned] * self.step_s
        return out

    def _met(self, measured: Region) -> tuple[Region, Bools]:
        """Return where rows can be, and which of them are where the model says they are not."""
        low = np.fmax(self.region.low, measured.low)
        high = np.fmin(self.region.high, measured.high)
        doubted: Bools = np.logical_not(np.all(low <= high, axis=1))
        hull = doubted[:, None]
        low = np.where(hull, np.fmin(self.region.low, measured.low), low)
        high = np.where(hull, np.fmax(self.region.high, measured.high), high)
        return Region(low, high), doubted

    def _planned(self) -> Doubles:
        """Return (R, D) the next values of the plans; what they say after their end is unused."""
        hold = np.minimum(self.used // self.hold_ticks, self.horizon - 1)
        planned: Doubles = self.plan[np.arange(len(hold)), hold]
        return planned

    def _try(
        self, out: Gated, region: Region, rows: Longs, value: Doubles, before: Doubles, code: int
    ) -> Longs:
        """Apply values (n, D) to the rows where they can be certified; return the other rows."""
        kept = self.ways.keep(value, before[rows]) & region.at(rows).known
        asked, value = rows[kept], value[kept]
        if not len(asked):
            return rows
        own = region.at(asked)
        reach = self.model.reach(own.low, own.high, value, self.step_s)
        if code == PASSED:
            out.ahead[asked] = reach.margin
        plan = self._certify(Region(reach.low, reach.high), value)
        holds = plan.holds
        if self.hold_ticks == 1:
            holds = holds | (self.safe.margin(reach.low, reach.high) >= 0.0)
        passes = self._within(reach) & holds
        taken = asked[passes]
        self.plan[taken] = plan.value[passes]
        self.ticks[taken] = np.where(plan.holds, plan.ticks, 0)[passes]
        self.used[taken] = 0
        out.applied[taken], out.code[taken] = value[passes], code
        out.margin[taken] = reach.margin[passes]
        self.region.low[taken], self.region.high[taken] = reach.low[passes], reach.high[passes]
        left: Longs = rows[out.code[rows] == LOST]
        return left

    def _within(self, reach: Reach) -> Bools:
        """Return (n,) whether the model and the hard barriers are kept."""
        middle, half = 0.5 * (reach.low + reach.high), 0.5 * (reach.high - reach.low)
        most = middle @ self.barriers.T + half @ np.abs(self.barriers).T
        kept = np.all(most <= self.bounds + 1e-9 * (1.0 + np.abs(self.bounds)), axis=1)
        return np.asarray(kept & (reach.margin >= 0.0))

    def _certify(self, region: Region, before: Doubles) -> Certified:
        """Return the backup's plans from regions, after values (n, D) were applied."""
        n = len(before)
        holds, ended = np.ones(n, np.bool_), np.zeros(n, np.bool_)
        value = np.zeros((n, self.horizon, before.shape[1]))
        ticks = np.zeros(n, np.int64)
        for h in range(self.horizon):
            own = self.backup.value(region.low, region.high)
            reach = self.model.reach(region.low, region.high, own, self.hold_s)
            good = self.ways.keep(own, before) & self._within(reach)
            going = holds & ~ended
            holds = ended | (holds & good)
            value[:, h] = own
            ticks[going & good] += self.hold_ticks
            ended |= going & good & (self.safe.margin(reach.low, reach.high) >= 0.0)
            if (ended | ~holds).all():
                break
            region, before = Region(reach.low, reach.high), own
        return Certified(holds & ended, value, ticks)

    def _go_on(self, out: Gated, region: Region, planned: Doubles) -> None:
        """Apply the next value of the plan to the rows that have one."""
        rows = np.flatnonzero((out.code == LOST) & (self.used < self.ticks))
        self._apply(out, region, rows, planned[rows], COMMITTED)
        self.used[rows] += 1

    def _restore(self, out: Gated, region: Region, before: Doubles, which: Bools) -> None:
        """Make new plans for those of some rows (R,) that nothing was found for yet."""
        rows = np.flatnonzero((out.code == LOST) & region.known & which)
        if not len(rows):
            return
        plan = self._certify(region.at(rows), before[rows])
        found = rows[plan.holds]
        self.plan[found], self.ticks[found] = plan.value[plan.holds], plan.ticks[plan.holds]
        self.used[found] = 1
        self._apply(out, region, found, self.plan[found, 0], RESTORED)

    def _give_up(self, out: Gated, region: Region, before: Doubles) -> None:
        """Apply the backup's value where it has one, else what was applied last."""
        rows = np.flatnonzero(out.code == LOST)
        if not len(rows):
            return
        own, value = region.at(rows), before[rows]
        known = own.known
        value[known] = self.backup.value(own.low[known], own.high[known])
        kept = self.ways.keep(value, before[rows])
        self._apply(out, region, rows, np.where(kept[:, None], value, before[rows]), LOST)

    def _apply(self, out: Gated, region: Region, rows: Longs, value: Doubles, code: int) -> None:
        """Write down values (n, D) and where they can lead."""
        if not len(rows):
            return
        self.region.low[rows], self.region.high[rows] = -np.inf, np.inf
        out.applied[rows], out.code[rows], out.margin[rows] = value, code, np.nan
        asked = region.at(rows).known
        rows, value = rows[asked], value[asked]
        own = region.at(rows)
        reach = self.model.reach(own.low, own.high, value, self.step_s)
        found = np.isfinite(reach.margin)
        sure = rows[found]
        self.region.low[sure], self.region.high[sure] = reach.low[found], reach.high[found]
        out.margin[rows] = reach.margin

    def snapshot(self) -> dict[str, Any]:
        """Return a copy of everything that is remembered."""
        own = (self.region.low, self.region.high, self.plan, self.ticks, self.used)
        return {f"gate.{k}": array.copy() for k, array in enumerate(own)}

    def restore(self, snapshot: dict[str, Any]) -> None:
        """Go back to a snapshot."""
        own = (self.region.low, self.region.high, self.plan, self.ticks, self.used)
        for k, array in enumerate(own):
            array[:] = snapshot[f"gate.{k}"]


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
    sums = []
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
    weight = np.zeros((len(sums), len(values)))
    for s, limit in enumerate(sums):
        for name, own in limit.values.items():
            weight[s, place[name]] = own
    return Ways(low, high, fall, rise, weight, np.array([limit.bound for limit in sums]))
