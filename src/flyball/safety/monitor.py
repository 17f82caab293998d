# SPDX-License-Identifier: MIT
"""The safety monitor: what was attempted, what was broken, how far, how long, and when to stop.

It counts (`tally`), looks back (`trips`) and tells, in plain data with units, under names that
Prometheus takes. It changes no action: what it asks for is the emergency stop.
"""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Literal

import numpy as np

from flyball.core.batch import Bools, Longs
from flyball.core.limits import Constraint
from flyball.core.spec import TanhGaussian
from flyball.safety import tally, trips
from flyball.safety.compiling import Compiled
from flyball.safety.counting import count
from flyball.safety.pool import pooled
from flyball.safety.tally import Decision, Watch
from flyball.safety.trips import EVENTS, FILTERED, GATED, TRIPS, Trip

Figure = dict[str, Any]
"""name, kind (counter or gauge), labels, unit, value; the value of what nobody knows is None."""


class Monitor:
    """The counters of R rows."""

    def __init__(
        self,
        made: Compiled,
        values: Sequence[TanhGaussian],
        *,
        n_rows: int,
        state: Sequence[Constraint] = (),
        conditions: Sequence[Trip] = TRIPS,
    ) -> None:
        """Count from zero.

        Parameters
        ----------
        made
            The limits on values.
        values
            The continuous heads.
        n_rows
            R.
        state
            The limits on the state, whose margins each `Decision` brings.
        conditions
            When the plant must stop.
        """
        self.limits = (*made.intervals, *made.sums, *made.groups, *state)
        self.values, self.conditions = tuple(values), tuple(conditions)
        tables = made.tables
        watch = Watch(
            tables.kind,
            tables.value,
            tables.weight,
            tables.idle,
            tables.run,
            tables.member,
            tables.most,
            np.array([limit.severity == "hard" for limit in self.limits], np.bool_),
            np.array([max(each.high - each.low, 1e-300) for each in values]),
        )
        when = trips.conditions_of(conditions)
        shape = (n_rows, len(conditions))
        counted = pooled(
            watch,
            tally.allocate(watch, n_rows),
            when,
            trips.allocate(when, n_rows),
            np.zeros(shape, np.int64),
            np.zeros(shape, np.bool_),
        )
        self._pool, (self._watch, self._tally, _, self._recent, self._trips, _) = counted

    def note(self, decision: Decision) -> Bools:
        """Count a decision of every row.

        Returns
        -------
        (R, T)
            Which conditions hold, valid until the next call; any of them must stop its row.
        """
        count(self._pool, tuple(decision))
        holds: Bools = self._recent.holds
        return holds

    def begin(self, rows: Longs) -> None:
        """Let some rows (n,) begin anew: nothing to look back on; what was counted stays."""
        trips.forget(self._recent, rows)
        self._tally.last_s[rows] = np.nan

    def causes(self, row: int) -> tuple[str, ...]:
        """Say in words which conditions of a row hold; broken limits are named."""
        margin, hard = self._tally.margin[row], self._watch.hard
        deep = hard & ~(margin >= 0.0) & (margin != -np.inf)
        broken = [self.limits[c].name for c in np.flatnonzero(deep)]
        named = f" ({', '.join(broken)})" if broken else ""
        return tuple(
            trip.explain() + (named if trip.event == "broken" else "")
            for trip, holds in zip(self.conditions, self._recent.holds[row], strict=True)
            if holds
        )

    def summary(self) -> list[Figure]:
        """Return every figure over all rows: counters are summed, of gauges the worst is told."""
        return [*self._of_decisions(), *self._of_limits(), *self._of_values()]

    def _of_decisions(self) -> Iterator[Figure]:
        own = self._tally
        count = dict(zip(EVENTS, own.events.sum(0), strict=True))
        for event in FILTERED:
            yield _counter("flyball_decisions_total", count[event], outcome=event)
        for event in GATED:
            yield _counter("flyball_gate_decisions_total", count[event], outcome=event)
        yield _counter("flyball_proposals_nonfinite_total", count["nonfinite"])
        yield _counter("flyball_measurements_doubted_total", count["doubted"])
        n_decisions = int(own.decisions.sum())
        share = count["intervened"] / n_decisions if n_decisions else 0.0
        yield _gauge("flyball_action_clip_ratio", share)
        yield _counter("flyball_intervention_spans_total", own.scaled.sum())
        yield _gauge("flyball_intervention_spans_max", own.most_scaled.max(initial=0.0))
        yield _gauge("flyball_backup_seconds", own.backup_s.min(initial=np.inf), "s")
        yield _gauge("flyball_backup_seconds_min", own.least_backup_s.min(initial=np.inf), "s")
        for trip, n in zip(self.conditions, self._trips.sum(0), strict=True):
            yield _counter("flyball_trips_total", n, condition=trip.explain())

    def _of_limits(self) -> Iterator[Figure]:
        own = self._tally
        worst, least = own.margin.min(0, initial=np.inf), own.least.min(0, initial=np.inf)
        for c, limit in enumerate(self.limits):
            names = {"constraint": limit.name, "severity": limit.severity}
            for name, counted in (
                ("flyball_constraint_attempts_total", own.attempted),
                ("flyball_constraint_violations_total", own.broken),
                ("flyball_constraint_unseen_total", own.unseen),
                ("flyball_shield_interventions_total", own.intervened),
            ):
                yield _counter(name, counted[:, c].sum(), **names)
            unit, used = limit.unit, own.used[:, c].sum()
            yield _gauge("flyball_constraint_margin", worst[c], unit, **names)
            yield _gauge("flyball_constraint_margin_min", least[c], unit, **names)
            deep_s = own.depth_s[:, c].sum()
            yield _counter("flyball_constraint_depth_seconds_total", deep_s, f"{unit}·s", **names)
            if limit.severity == "soft":
                yield _counter("flyball_constraint_slack_total", used, unit, **names)

    def _of_values(self) -> Iterator[Figure]:
        own = self._tally
        for d, each in enumerate(self.values):
            way, most = own.moved[:, d].sum(), own.most_moved[:, d].max(initial=0.0)
            yield _counter("flyball_intervention_total", way, each.unit, value=each.name)
            yield _gauge("flyball_intervention_max", most, each.unit, value=each.name)

    def snapshot(self) -> dict[str, Any]:
        """Return a copy of everything that was counted."""
        return {name: array.copy() for name, array in self._arrays().items()}

    def restore(self, snapshot: Mapping[str, Any]) -> None:
        """Go back to a snapshot."""
        for name, array in self._arrays().items():
            array[:] = snapshot[name]

    def _arrays(self) -> dict[str, Any]:
        return {
            **{f"tally.{name}": array for name, array in self._tally._asdict().items()},
            **{f"recent.{name}": array for name, array in self._recent._asdict().items()},
            "trips": self._trips,
        }


def _counter(name: str, value: float, unit: str = "", /, **labels: str) -> Figure:
    return _figure(name, "counter", value, unit, labels)


def _gauge(name: str, value: float, unit: str = "", /, **labels: str) -> Figure:
    return _figure(name, "gauge", value, unit, labels)


def _figure(
    name: str, kind: Literal["counter", "gauge"], value: float, unit: str, labels: Mapping[str, str]
) -> Figure:
    whole = int(value) if isinstance(value, np.integer) else float(value)
    known = whole if np.isfinite(value) else None
    return {"name": name, "kind": kind, "labels": dict(labels), "unit": unit, "value": known}
