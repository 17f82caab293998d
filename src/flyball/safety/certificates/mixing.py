# SPDX-License-Identifier: MIT
"""Safe set and backup of a polytope: a point is mixed of corners, its value of their values.

A point is split between a corner and where the ray from that corner through the point leaves the
polytope; that lies on a facet, where the same is done with the corners there, and so on until one
corner is left (a triangulation by pulling, made on the way). At most X + 1 corners take part, and
the same point always gives the same mixture.

P facets · V corners · X states · D values · n boxes.
"""

from typing import NamedTuple

import numpy as np

from flyball.core.batch import Bools, Doubles
from flyball.core.envelope import Inner
from flyball.safety.certificates.polytopes import Polytope
from flyball.safety.kernels import kernel
from flyball.safety.projection import BENT, SAME, Limits, allocate, project

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


class Corners(NamedTuple):
    """A polytope and what is held at its corners, as compiled code takes them."""

    facets: Doubles  # (P, X)
    bounds: Doubles  # (P,)
    points: Doubles  # (V, X)
    on: Bools  # (V, P) which facets meet in each
    values: Doubles  # (V, D)
    low: Doubles  # (D,) range of the values
    high: Doubles  # (D,)
    extent: Doubles  # (X,) of the polytope


@kernel
def sound(low: Doubles, high: Doubles) -> bool:
    """Return whether a box (X,) is made of numbers to reckon with and not inside out."""
    inside = True
    for k in range(len(low)):
        inside = inside and -MOST <= low[k] <= high[k] <= MOST
    return inside


@kernel
def margin_of(corners: Corners, low: Doubles, high: Doubles) -> Doubles:
    """Return (n,) how far boxes (n, X) lie within, in units of the facets; NaN for no box."""
    facets, bounds = corners.facets, corners.bounds
    out = np.full(len(low), np.nan)
    for row in range(len(low)):
        if not sound(low[row], high[row]):
            continue
        out[row] = np.inf
        # The products are rounded; what is lost is far below the slack of the proof.
        for i in range(len(bounds)):
            worst = 0.0
            for k in range(low.shape[1]):
                worst += facets[i, k] * (low[row, k] if facets[i, k] < 0.0 else high[row, k])
            out[row] = min(out[row], bounds[i] - worst)
    return out


@kernel
def nearest(corners: Corners, low: Doubles, high: Doubles, state: Doubles) -> None:
    """Write a state (X,) of the polytope near to the middle of a box, and in it if they meet.

    Where rounding leaves none it is the middle.
    """
    facets, bounds, extent = corners.facets, corners.bounds, corners.extent
    n_states = len(state)
    inside = True
    for k in range(n_states):
        state[k] = low[k] + (high[k] - low[k]) / 2.0
    for i in range(len(bounds)):
        total = 0.0
        for k in range(n_states):
            total += facets[i, k] * state[k]
        inside = inside and total <= bounds[i]
    if inside:
        return
    work, price = allocate(len(bounds), n_states), np.full(len(bounds), np.inf)
    middle, found = state.copy(), np.empty(n_states)
    for far in (0.0, 1e9):
        within = Limits(low - far * extent, high + far * extent, extent, facets, bounds, price)
        code = project(work, within, middle, middle, found)
        if code in (SAME, BENT):
            state[:] = found
            return


@kernel
def value_of(corners: Corners, low: Doubles, high: Doubles) -> Doubles:
    """Return (n, D) what is held from boxes (n, X); NaN where there is none."""
    values = corners.values
    out = np.full((len(low), values.shape[1]), np.nan)
    state, share = np.empty(low.shape[1]), np.empty(len(values))
    for row in range(len(low)):
        if not sound(low[row], high[row]):
            continue
        nearest(corners, low[row], high[row], state)
        if not mixed(corners.facets, corners.bounds, corners.points, corners.on, state, share):
            continue
        for d in range(values.shape[1]):
            total = 0.0
            for v in range(len(values)):
                total += share[v] * values[v, d]
            out[row, d] = min(max(total, corners.low[d]), corners.high[d])
    return out


class PolytopeBackup:
    """Safe set and backup of a proved polytope: a `SafeSet` and a `Backup`."""

    def __init__(self, polytope: Polytope, low: Doubles, high: Doubles) -> None:
        """Keep the polytope and the range (D,) of the values."""
        self.polytope = polytope
        rows = np.arange(len(polytope.meets))[:, None]
        matrix, bound = polytope.facets[polytope.meets], polytope.bounds[polytope.meets]
        self.points: Doubles = np.linalg.solve(matrix, bound[:, :, None])[:, :, 0].astype(
            np.float64
        )
        self.on: Bools = np.zeros((len(rows), len(polytope.bounds)), np.bool_)
        self.on[rows, polytope.meets] = True
        self.corners = Corners(
            np.ascontiguousarray(polytope.facets, np.float64),
            np.ascontiguousarray(polytope.bounds, np.float64),
            np.ascontiguousarray(self.points),
            self.on,
            np.ascontiguousarray(polytope.values, np.float64),
            np.array(low, np.float64),
            np.array(high, np.float64),
            np.array(np.ptp(self.points, axis=0), np.float64),
        )
        self.inner_margin = Inner(margin_of, self.corners)
        self.inner_value = Inner(value_of, self.corners)

    def margin(self, low: Doubles, high: Doubles) -> Doubles:
        """Return (n,) how far boxes (n, X) lie within, in units of the facets."""
        own = np.ascontiguousarray(low, np.float64), np.ascontiguousarray(high, np.float64)
        return margin_of(self.corners, *own)

    def value(self, low: Doubles, high: Doubles) -> Doubles:
        """Return (n, D) what to hold from boxes (n, X).

        For a box no wider than twice the error it is proved that every state of the polytope in it
        is led back into the polytope, and that a box that lies in the polytope is led, as a box, to
        where all of it does. For others it is the value of the point nearest to their middle, and
        the model has to be asked.
        """
        own = np.ascontiguousarray(low, np.float64), np.ascontiguousarray(high, np.float64)
        return value_of(self.corners, *own)
