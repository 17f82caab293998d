# SPDX-License-Identifier: MIT
"""Discrete-time control barriers on a linear plant: one row of the filter each, looking ahead.

h(x) = bound - s·x, and each decision keeps h(x') >= (1 - gamma) h(x) (Agrawal & Sreenath, RSS 2017)
for x' = a x + b u + c + w. With the worst disturbance |w| <= spread that is, exactly,

    (s·b) u  +  (s·a - (1 - gamma) s) x  <=  gamma bound - s·c - |s|·spread,

a linear limit on value and state. A value that acts only after a dead time cannot change what
comes before: x is then the state that the values on their way will have led to. A barrier on what
is measured now would be kept at every decision, and broken one dead time later.

X states · D values · L steps of dead time.
"""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from flyball.core.batch import Doubles
from flyball.core.envelope import Affine
from flyball.core.limits import Barrier
from flyball.safety.kernels import kernel


class Ahead(NamedTuple):
    """What predicts the state after the dead time: x_L = power x + Σ_k way_k u_k + drift."""

    state: tuple[int, ...]  # (X,) which signals are the state
    power: Doubles  # (X, X)
    way: Doubles  # (L, X, D) of the value that was decided k steps ago, the oldest first
    drift: Doubles  # (X,)
    spread: Doubles  # (X,) largest error from disturbances on the way


def ahead_of(affine: Affine, state: Sequence[int]) -> Ahead:
    """Return what predicts the state after the dead time of a model."""
    n_states, n_values = affine.b.shape
    power, drift, spread = np.eye(n_states), np.zeros(n_states), np.zeros(n_states)
    way = np.zeros((affine.delay, n_states, n_values))
    for k in range(affine.delay - 1, -1, -1):
        way[k] = power @ affine.b
        drift += power @ affine.c
        spread += np.abs(power) @ affine.spread
        power = power @ affine.a
    return Ahead(tuple(state), power, way, drift, spread)


def row_of(limit: Barrier, affine: Affine, names: Sequence[str]) -> tuple[Doubles, Doubles, float]:
    """Return weights of the values (D,), of the predicted state (X,), and the bound.

    Parameters
    ----------
    limit
        Its signals are among `names`.
    affine
        The model.
    names
        (X,) of its states.
    """
    weight = np.array([limit.signals.get(name, 0.0) for name in names])
    by = weight @ affine.a - (1.0 - limit.gamma) * weight
    bound = limit.gamma * limit.bound - weight @ affine.c - np.abs(weight) @ affine.spread
    return weight @ affine.b, by, float(bound)


@kernel
def predict(
    power: Doubles, way: Doubles, drift: Doubles, spread: Doubles, known: Doubles, queue: Doubles
) -> Doubles:
    """Return state and error (2, X) after the dead time.

    Parameters
    ----------
    power, way, drift, spread
        As in `Ahead`.
    known
        (2, X) state and its largest error, now.
    queue
        (L, D) values on their way, the oldest first.
    """
    n_states = len(drift)
    out = np.empty((2, n_states))
    for i in range(n_states):
        state, error = drift[i], spread[i]
        for j in range(n_states):
            state += power[i, j] * known[0, j]
            error += abs(power[i, j]) * known[1, j]
        for k in range(len(way)):
            for d in range(way.shape[2]):
                state += way[k, i, d] * queue[k, d]
        out[0, i], out[1, i] = state, error
    return out
