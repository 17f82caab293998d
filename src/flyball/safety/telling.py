# SPDX-License-Identifier: MIT
"""What a Shield tells its monitor: limits on values as they are, barriers by the state they guard.

A barrier is broken where the state is beyond its bound, not where one decision used up more of the
distance than its share; a proposal that would do that is an attempt. Behind the barriers stands
what the gate's model says of all hard limits on the state together.

R rows · D values · M signals · S sums, of which some are barriers · G limits on the state.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from flyball.core.batch import Bools, Doubles
from flyball.core.limits import Barrier, Constraint
from flyball.core.spec import TanhGaussian
from flyball.safety.compiling import Compiled
from flyball.safety.filtering import Asked, Filtered
from flyball.safety.gate import Gated
from flyball.safety.monitor import Monitor
from flyball.safety.tally import Decision
from flyball.safety.trips import TRIPS, Trip

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
        self._weight = made.tables.weight[self._barriers]
        own = [made.sums[k] for k in self._barriers]
        self._own: tuple[Constraint, ...] = tuple(own)
        self._by = np.array([[x.signals.get(name, 0.0) for name in signals] for x in own])
        self._by = self._by.reshape(len(own), len(signals))
        self._bound = np.array([limit.bound for limit in own])

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
        n = len(proposed)
        attempt = found.bound[:, self._barriers] - proposed @ self._weight.T
        ahead, here = [attempt], [self._distance(asked)]
        if self._proved and gated is not None:
            ahead.append(gated.ahead[:, None])
            # Where the model knows nothing nobody sees; nothing is broken by that.
            here.append(np.where(np.isnan(gated.margin), -np.inf, gated.margin)[:, None])
        return Decision(
            now_s=asked.now_s,
            filtered=found.code,
            gated=np.full(n, NO_GATE, np.int32) if gated is None else gated.code,
            doubted=np.zeros(n, np.bool_) if gated is None else gated.doubted,
            proposed=proposed,
            applied=found.applied if gated is None else gated.applied,
            interval=found.interval,
            bound=found.bound[:, self._plain],
            ahead=np.concatenate(ahead, 1),
            here=np.concatenate(here, 1),
            backup_s=np.full(n, np.inf) if gated is None else gated.left_s,
        )

    def _distance(self, asked: Asked) -> Doubles:
        """Return how far the measured states are from the barriers; -inf where nobody sees."""
        seen: Bools = asked.trusted & np.isfinite(asked.signal)
        signal = np.where(seen, asked.signal, 0.0)
        hidden = ~seen @ (self._by != 0.0).T.astype(np.float64) > 0.0
        # What counts is what was measured: within its error nobody knows better.
        return np.where(hidden, -np.inf, self._bound - signal @ self._by.T)
