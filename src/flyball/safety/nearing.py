# SPDX-License-Identifier: MIT
"""Barrier rows between bodies that brake: what bends an action early, so that the gate seldom acts.

For a pair at distance d along the unit vector n, closing at v_r = n·dv, with S the sum of what both
can brake, h = sqrt(2 S (d - D)) + v_r stays at least 0 while both could still stop (Wang, Ames &
Egerstedt, IEEE T-RO 33(3), 2017). Each takes half of

    n·(a_i - a_j) >= -gamma h - (|dv|^2 - v_r^2) / d - S v_r / sqrt(2 S (d - D)).

Alone that is no proof: many rows and a bounded acceleration have no common answer, a value is held
between samples, and the last term has no bound near D. `separation` is the proof; these rows only
make it unlikely that a body has to stop where it could have turned.

N bodies · K dimensions · Q rows, of the nearest neighbours.
"""

from typing import NamedTuple

import numpy as np

from flyball.core.batch import Doubles
from flyball.core.envelope import Bodies
from flyball.safety.filtering import StateRows
from flyball.safety.kernels import kernel

CLOSEST_M = 1e-3
"""Distance beyond the separation below which the rows get no steeper."""


class Manner(NamedTuple):
    """How bodies near each other."""

    apart: float  # distance of references to keep, m
    braking: float  # acceleration that is counted with, m/s2
    gamma: float  # 1/s


@kernel
def _rows_of(state: Doubles, i: int, manner: Manner, row: Doubles, bound: Doubles) -> None:
    """Write the rows (Q, K) and bounds (Q,) of body i towards its nearest neighbours."""
    n, n_dims = len(state), state.shape[1] // 2
    gaps = np.empty(n)
    for j in range(n):
        total = 0.0
        for k in range(n_dims):
            total += (state[i, k] - state[j, k]) ** 2
        gaps[j] = np.sqrt(total) if j != i else np.inf
    for q in range(len(bound)):
        row[q], bound[q] = 0.0, np.inf
        j = int(np.argmin(gaps))
        gap = gaps[j]
        if not (0.0 < gap < np.inf):
            continue
        gaps[j] = np.inf
        nearing, square = 0.0, 0.0
        for k in range(n_dims):
            dv = state[i, n_dims + k] - state[j, n_dims + k]
            nearing += (state[i, k] - state[j, k]) / gap * dv
            square += dv * dv
        both = 2.0 * manner.braking
        root = np.sqrt(2.0 * both * max(gap - manner.apart, CLOSEST_M))
        room = manner.gamma * (root + nearing) + (square - nearing**2) / gap + both * nearing / root
        for k in range(n_dims):
            row[q, k] = -(state[i, k] - state[j, k]) / gap
        bound[q] = 0.5 * room


@kernel
def _fill(state: Doubles, manner: Manner, row: Doubles, bound: Doubles) -> None:
    """Write the rows of all bodies of all copies; (B, N, ...)."""
    for b in range(len(state)):
        for i in range(state.shape[1]):
            _rows_of(state[b], i, manner, row[b, i], bound[b, i])


class Nearing:
    """Rows of N bodies in each of B copies towards their nearest neighbours."""

    def __init__(
        self,
        bodies: Bodies,
        *,
        n_envs: int,
        gamma: float = 2.0,
        n_near: int = 8,
        share: float = 0.7,
    ) -> None:
        """Make room.

        Parameters
        ----------
        bodies
            Sizes and limits.
        n_envs
            B.
        gamma
            How fast the distance may be used up, 1/s.
        n_near
            Q, neighbours that are looked at.
        share
            Of the acceleration that braking is counted with; the rest is for turning.
        """
        n_near = min(n_near, bodies.n - 1)
        self.bodies = bodies
        apart = bodies.separation + 2.0 * bodies.tube
        self.manner = Manner(apart, share * bodies.acceleration, gamma)
        self.row = np.zeros((n_envs, bodies.n, n_near, bodies.n_dims))
        self.bound = np.zeros((n_envs, bodies.n, n_near))

    def __call__(self, signals: Doubles) -> StateRows:
        """Return the rows for signals (B, 2 K N), valid until the next call; NaN gives no rows."""
        state = signals.reshape(*self.bound.shape[:2], -1)
        _fill(state, self.manner, self.row, self.bound)
        rows = (self.bound.shape[0] * self.bound.shape[1], -1)
        return StateRows(
            self.row.reshape(rows[0], -1, self.bodies.n_dims), self.bound.reshape(rows)
        )
