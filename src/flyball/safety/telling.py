# SPDX-License-Identifier: MIT
"""What a Shield tells its monitor: limits on values as they are, barriers by the state they guard.

A barrier is broken where the state is beyond its bound, not where one decision used up more of the
distance than its share; a proposal that would do that is an attempt. Behind the barriers stands
what the gate's model says of all hard limits on the state together.

R rows · D values · M signals · S sums, of which some are barriers · G limits on the state.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from operator import is_
from typing import Any, NamedTuple

import numpy as np

from flyball.core.batch import Bools, Doubles, Ints, Longs
from flyball.core.limits import Barrier, Constraint
from flyball.core.spec import TanhGaussian
from flyball.safety.compiling import Compiled
from flyball.safety.filtering import Asked
from flyball.safety.gate import Gated
from flyball.safety.kernels import kernel
from flyball.safety.monitor import Monitor
from flyball.safety.pool import Pool, Pooled, flag_1, leaves, pooled, real_1, real_2, whole_1
from flyball.safety.tally import Decision
from flyball.safety.trips import TRIPS, Trip
from flyball.safety.unpacking import Filtered

NO_GATE = -1
"""The gate's code where there is none."""


@dataclass(frozen=True, kw_only=True)
class Proved(Constraint):
    """The hard limits of the state, as the model of the step judges them."""

    name: str = "state"
    unit: str = "-"

    def explain(self) -> str:
        """Say what it keeps."""
        return "every hard limit on the state is kept at all times, whatever the disturbance does"


class Guards(NamedTuple):
    """Barriers among the sums."""

    plain: Longs  # numbers of the sums that are none
    barrier: Longs  # of those that are
    weight: Doubles  # (G, D) of their values
    by: Doubles  # (G, M) of their signals
    bound: Doubles  # (G,)


class Told(NamedTuple):
    """What is told of R rows beside what filter and gate say; valid until the next decision."""

    bound: Doubles  # (R, S) of the sums that are no barriers
    ahead: Doubles  # (R, G) as in `Decision`, the model's own margin last
    here: Doubles  # (R, G)
    changed: Bools  # (R,) something else is applied than was proposed
    no_gate: Ints  # (R,) these where there is no gate
    sure: Bools  # (R,)
    never_s: Doubles  # (R,)
    none: Doubles  # (R,)


TOLD = leaves(Guards)


@kernel
def tell(
    pool: Pool,
    decided: tuple[Bools, Doubles, Doubles, Doubles, Doubles],
    gate: tuple[Doubles, Doubles],
    proved: int,
) -> None:
    """Write what is told of every row.

    Parameters
    ----------
    decided
        Whether signals are trusted (R, M), the signals, proposed and applied (R, D), and what is
        left of each sum's bound (R, S).
    gate
        Its margins (R,) of what was proposed, and now.
    proved
        Whether there is a gate that has them.
    """
    plain, barrier, weight = whole_1(pool, 0), whole_1(pool, 1), real_2(pool, 2)
    by, bound = real_2(pool, 3), real_1(pool, 4)
    left, ahead, here = real_2(pool, TOLD), real_2(pool, TOLD + 1), real_2(pool, TOLD + 2)
    changed = flag_1(pool, TOLD + 3)
    trusted, signal, proposed, applied, sums = decided
    for r in range(len(changed)):
        changed[r] = False
        for d in range(proposed.shape[1]):
            changed[r] = changed[r] or applied[r, d] != proposed[r, d]
        for s in range(len(plain)):
            left[r, s] = sums[r, plain[s]]
        for g in range(len(barrier)):
            ahead[r, g], here[r, g] = sums[r, barrier[g]], bound[g]
            for d in range(proposed.shape[1]):
                ahead[r, g] -= proposed[r, d] * weight[g, d]
            # What counts is what was measured: within its error nobody knows better.
            for m in range(signal.shape[1]):
                if by[g, m] != 0.0:
                    seen = trusted[r, m] and np.isfinite(signal[r, m])
                    here[r, g] = here[r, g] - signal[r, m] * by[g, m] if seen else -np.inf
        if proved:
            g = len(barrier)
            # Where the model knows nothing nobody sees; nothing is broken by that.
            margin = gate[1][r]
            ahead[r, g], here[r, g] = gate[0][r], -np.inf if np.isnan(margin) else margin


class Teller:
    """Turns what filter and gate found into what the monitor counts."""

    def __init__(self, made: Compiled, signals: Sequence[str], *, proved: bool) -> None:
        """Tell barriers from other sums.

        Parameters
        ----------
        made
            The limits.
        signals
            (M,) names, in the order of `Asked.signal`.
        proved
            Whether a gate with a model stands behind them.
        """
        barriers = [isinstance(limit, Barrier) for limit in made.sums]
        self._made, self._proved = made, proved
        self._plain = np.flatnonzero(np.logical_not(barriers))
        self._barriers = np.flatnonzero(barriers)
        own = [made.sums[k] for k in self._barriers]
        self._own: tuple[Constraint, ...] = tuple(own)
        by = np.array([[x.signals.get(name, 0.0) for name in signals] for x in own])
        self._guards = Guards(
            self._plain,
            self._barriers,
            made.tables.weight[self._barriers],
            by.reshape(len(own), len(signals)),
            np.array([limit.bound for limit in own], np.float64),
        )
        self._rooms: dict[int, Pooled] = {}
        self._last: tuple[tuple[Any, ...], Decision] | None = None

    def monitor(
        self, values: Sequence[TanhGaussian], n_rows: int, trips: Sequence[Trip] = TRIPS
    ) -> Monitor:
        """Return a monitor for what is told."""
        made = self._made
        plain = Compiled(
            made.tables._replace(weight=made.tables.weight[self._plain]),
            made.intervals,
            [made.sums[k] for k in self._plain],
            made.groups,
        )
        state = (*self._own, *([Proved()] if self._proved else []))
        return Monitor(plain, values, n_rows=n_rows, state=state, conditions=trips)

    def decision(
        self, asked: Asked, proposed: Doubles, found: Filtered, gated: Gated | None
    ) -> Decision:
        """Return what the monitor is told.

        Parameters
        ----------
        asked, found
            The filter's question and answer.
        proposed
            (R, D) by the policy.
        gated
            The gate's answer, where there is one.
        """
        pool, (_, told) = self._room(len(proposed))
        applied = found.applied if gated is None else gated.applied
        ahead = told.none if gated is None else gated.ahead
        margin = told.none if gated is None else gated.margin
        tell(
            pool,
            (asked.trusted, asked.signal, proposed, applied, found.bound),
            (ahead, margin),
            self._proved and gated is not None,
        )
        if self._last is not None and all(map(is_, self._last[0], (asked, proposed, found, gated))):
            return self._last[1]
        decision = Decision(
            asked.now_s,
            found.code,
            told.no_gate if gated is None else gated.code,
            told.sure if gated is None else gated.doubted,
            proposed,
            applied,
            found.interval,
            told.bound,
            told.ahead,
            told.here,
            told.never_s if gated is None else gated.left_s,
        )
        self._last = ((asked, proposed, found, gated), decision)
        return decision

    def changed(self, n_rows: int) -> Bools:
        """Return (R,) which rows apply something else than was proposed, of what was told last."""
        told: Told = self._room(n_rows).parts[1]
        return told.changed

    def _room(self, n: int) -> Pooled:
        """Return the arrays that are filled, made once for each number of rows."""
        if n not in self._rooms:
            width = len(self._barriers) + self._proved
            told = Told(
                np.zeros((n, len(self._plain))),
                np.full((n, width), np.inf),
                np.full((n, width), -np.inf),
                np.zeros(n, np.bool_),
                np.full(n, NO_GATE, np.int32),
                np.zeros(n, np.bool_),
                np.full(n, np.inf),
                np.full(n, np.nan),
            )
            self._rooms[n] = pooled(self._guards, told)
        return self._rooms[n]
