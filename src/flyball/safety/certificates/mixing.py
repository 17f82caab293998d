# SPDX-License-Identifier: MIT
"""Safe set and backup of a polytope: a point is mixed of corners, its value of their values.

A point is split between a corner and where the ray from that corner through the point leaves the
polytope; that lies on a facet, where the same is done with the corners there, and so on until one
corner is left (a triangulation by pulling, made on the way). At most X + 1 corners take part, and
the same point always gives the same mixture.

P facets · V corners · X states · D values · n boxes.
"""

import numpy as np

from flyball.core.batch import Bools, Doubles
from flyball.safety.certificates.polytopes import Polytope
from flyball.safety.kernels import kernel
from flyball.safety.projection import BENT, SAME, Limits, project_all

NEAR = 1e-12
"""A way shorter than this share of the numbers is none."""

MOST = 1e100
"""Larger numbers are none to reckon with: their products overflow."""


@kernel
def leaves(
    facets: Doubles, bounds: Doubles, corner: Doubles, on: Bools, point: Doubles
) -> tuple[float, int]:
    """Return where the ray from a corner through a point leaves, as a share of the way there.

    Parameters
    ----------
    facets, bounds
        (P, X) and (P,).
    corner, point
        (X,).
    on
        (P,) facets that meet in the corner.

    Returns
    -------
    way : float
        At least 1.
    end : int
        The facet there; -1 for none.
    """
    way, end = np.inf, -1
    for i in range(len(bounds)):
        speed, room = 0.0, bounds[i]
        for k in range(len(point)):
            speed += facets[i, k] * (point[k] - corner[k])
            room -= facets[i, k] * corner[k]
        if not on[i] and speed > 0.0 and room < way * speed:
            way, end = room / speed, i
    return max(way, 1.0), end


@kernel
def mixed(
    facets: Doubles, bounds: Doubles, points: Doubles, on: Bools, point: Doubles, share: Doubles
) -> bool:
    """Write the shares (V,) of the corners in a point.

    Parameters
    ----------
    facets, bounds
        (P, X) and (P,).
    points
        (V, X) the corners.
    on
        (V, P) which facets meet in each.
    point
        (X,) of the polytope; changed.
    share
        (V,) changed: at least 0, with sum 1.

    Returns
    -------
    bool
        False where rounding left no corner to go on with.
    """
    n_states = len(point)
    left = np.ones(len(points), np.bool_)
    share[:] = 0.0
    weight = 1.0
    for _ in range(n_states + 1):
        first = -1
        for v in range(len(points) - 1, -1, -1):
            first = v if left[v] else first
        if first < 0:
            return False
        way, end = leaves(facets, bounds, points[first], on[first], point)
        near = True
        for k in range(n_states):
            near = near and abs(point[k] - points[first, k]) <= NEAR * abs(points[first, k])
        # The last corner takes all: how far the point is from it was rounded away from a face.
        if left.sum() == 1 or end < 0 or near:
            share[first] += weight
            return True
        share[first] += weight * (1.0 - 1.0 / way)
        weight /= way
        for k in range(n_states):
            point[k] = points[first, k] + way * (point[k] - points[first, k])
        left &= on[:, end]
    return False


@kernel
def mixtures(
    facets: Doubles, bounds: Doubles, points: Doubles, on: Bools, states: Doubles
) -> Doubles:
    """Return the shares (n, V) of the corners in states (n, X); NaN for one that has none."""
    share = np.empty((len(states), len(points)))
    for row in range(len(states)):
        if not mixed(facets, bounds, points, on, states[row].copy(), share[row]):
            share[row] = np.nan
    return share


class PolytopeBackup:
    """Safe set and backup of a proved polytope: a `SafeSet` and a `Backup`."""

    def __init__(self, polytope: Polytope, low: Doubles, high: Doubles) -> None:
        """Keep the polytope and the range (D,) of the values."""
        self.polytope, self.low, self.high = polytope, low, high
        rows = np.arange(len(polytope.meets))[:, None]
        matrix, bound = polytope.facets[polytope.meets], polytope.bounds[polytope.meets]
        self.points: Doubles = np.linalg.solve(matrix, bound[:, :, None])[:, :, 0].astype(
            np.float64
        )
        self.on: Bools = np.zeros((len(rows), len(polytope.bounds)), np.bool_)
        self.on[rows, polytope.meets] = True

    def margin(self, low: Doubles, high: Doubles) -> Doubles:
        """Return (n,) how far boxes (n, X) lie within, in units of the facets."""
        facets, bounds = self.polytope.facets, self.polytope.bounds
        sound = sound_of(low, high)
        own, top = np.where(sound[:, None], low, 0.0), np.where(sound[:, None], high, 0.0)
        # The products are rounded; what is lost is far below the slack of the proof.
        worst = own @ np.minimum(facets, 0.0).T + top @ np.maximum(facets, 0.0).T
        return np.where(sound, (bounds - worst).min(1), np.nan).astype(np.float64)

    def value(self, low: Doubles, high: Doubles) -> Doubles:
        """Return (n, D) what to hold from boxes (n, X).

        Proved for boxes that meet the polytope and are no wider than twice the error; for others it
        is the value of the point nearest to their middle, and the model has to be asked.
        """
        found = np.full((len(low), self.polytope.values.shape[1]), np.nan)
        rows = np.flatnonzero(sound_of(low, high))
        states = self._nearest(low[rows], high[rows])
        facets, bounds = self.polytope.facets, self.polytope.bounds
        share = mixtures(facets, bounds, self.points, self.on, states)
        found[rows] = np.clip(share @ self.polytope.values, self.low, self.high)
        return found

    def _nearest(self, low: Doubles, high: Doubles) -> Doubles:
        """Return states (n, X) of the polytope near to the middles of boxes, in a box if they meet.

        Where there is none by rounding it is NaN.
        """
        facets, bounds = self.polytope.facets, self.polytope.bounds
        states = low + (high - low) / 2.0
        rows = np.flatnonzero(~(states @ facets.T <= bounds).all(1))
        extent = np.ptp(self.points, axis=0)
        for far in (0.0, 1e9):
            n = len(rows)
            within = Limits(
                low[rows] - far * extent,
                high[rows] + far * extent,
                extent,
                np.tile(facets, (n, 1, 1)),
                np.tile(bounds, (n, 1)),
                np.full(len(bounds), np.inf),
            )
            states[rows], code, _ = project_all(
                within, states[rows], np.full_like(states[rows], np.nan)
            )
            rows = rows[(code != SAME) & (code != BENT)]
            if not len(rows):
                break
            states[rows] = low[rows] + (high[rows] - low[rows]) / 2.0
        return np.ascontiguousarray(states)


def sound_of(low: Doubles, high: Doubles) -> Bools:
    """Return (n,) whether boxes (n, X) are numbers to reckon with and not inside out."""
    inside: Bools = (low >= -MOST) & (low <= high) & (high <= MOST)
    return np.logical_not((~inside).any(axis=1))
