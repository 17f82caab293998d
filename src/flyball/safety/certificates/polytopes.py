# SPDX-License-Identifier: MIT
"""Proof that a linear plant can be kept within a polytope; checked in fractions, without a solver.

A polytope P = {x: F x <= g} comes with its corners, each as the X facets that meet there, and with
a value for each. Three facts make it a safe set.

1. The corners are all that P has: each lies in P, exactly its own facets are tight, and every edge
   that leaves it ends in another corner of the list. Since the corners and edges of a polyhedron
   are connected, no corner is missing, and since no edge is endless, P is bounded. So every point
   of P is a mixture of the corners.
2. From every corner v, with its value u, every facet F_i holds after the step whatever the
   disturbance does: F_i (a v + b u + c) + |F_i| spread + lost_i <= g_i. The left side but for the
   last term is linear in (v, u), so the mixture of values keeps the mixture of corners within P.
   The last term pays for measurement (below).
3. From every corner, widened by twice the error, the model keeps the hard limits at all times
   within the step: the margin of a mixture is at least the mixture of margins.

Measurement. What is measured is a box of the error's width on each side. The backup answers for a
point p of P in it, the plant is at another, x, at most twice the error e apart in every state; and
where the whole box lies in P, what follows is looked at as a box again. Two reckonings are sound,
and each facet may have the one that loses less.

- lost_i = 2 |F_i| |a| e: whatever lies beside p by that much, in P or not, is led into P.
- lost_i = s_i + (|F_i| |a| - |F_i a|) e: x lies in P itself, so its own value would keep it there;
  what matters is by how much the value of p differs. The mixture is linear on each simplex that the
  corners are mixed in (see `mixing`) and continuous, and the way from x to p stays in P, so F_i b u
  differs by at most s_i = max over simplices of |F_i b grad u| 2 e. The second term is what a box
  around the step of a box has more than the farthest of its points.

Asking at corners is enough only for a plant that is linear and whose limits are convex, and the
world has to say that it is (`Affine.exact`). It is not believed either: at the corners, and at
mixtures of them, the model has to say what the linear one says, both ways, and margins have to mix
as they should. A plant that bends, and that a linear one only encloses, is none for this proof.

P facets · V corners · X states · D values.
"""

from collections.abc import Iterator
from fractions import Fraction
from typing import NamedTuple

import numpy as np

from flyball.core.batch import Doubles, Longs
from flyball.core.envelope import Affine, Reach, StepModel
from flyball.safety.certificates.losing import Losses
from flyball.safety.certificates.rational import Row, around, dot, exact, inverse

SLACK = 1e-9
"""Share of a facet's size that must be left, so that mixing in floating point breaks nothing."""

AGREE = 1e-6
"""Share of a state's range by which rounding may part `StepModel` and `Affine`."""

MIXTURES = 2000
"""Mixtures of corners at which the model is asked whether it is linear."""


class Polytope(NamedTuple):
    """A polytope that a plant can be kept in."""

    facets: Doubles  # (P, X) F
    bounds: Doubles  # (P,) g
    meets: Longs  # (V, X) the facets that meet in each corner
    values: Doubles  # (V, D) what keeps the plant within, held from there


class Corner(NamedTuple):
    """One corner, exactly."""

    meets: tuple[int, ...]  # the facets
    point: Row  # (X,)
    edges: list[Row]  # X directions, each along which one facet is left and the others stay tight


class Facets(NamedTuple):
    """F and g as fractions."""

    normal: list[Row]
    bound: Row


def facets_of(polytope: Polytope) -> Facets:
    """Return the facets as fractions."""
    return Facets([exact(row) for row in polytope.facets], exact(polytope.bounds))


def corners(facets: Facets, meets: Longs) -> Iterator[Corner | str]:
    """Yield every corner, or what is wrong with it."""
    for own in meets:
        names = tuple(sorted(int(i) for i in own))
        back = inverse([facets.normal[i] for i in names])
        if back is None:
            yield f"facets {names} meet in no point"
            continue
        bound = [facets.bound[i] for i in names]
        point = [dot(row, bound) for row in back]
        edges = [[-row[k] for row in back] for k in range(len(names))]
        yield Corner(names, point, edges)


def incomplete(facets: Facets, found: list[Corner]) -> str:
    """Return why corners are not all that a bounded polytope has; nothing where they are."""
    known = {corner.meets for corner in found}
    if not found or len(known) != len(found):
        return "corners are missing or doubled"
    for corner in found:
        for i, (normal, bound) in enumerate(zip(*facets, strict=True)):
            if i not in corner.meets and not dot(normal, corner.point) < bound:
                return f"corner {corner.meets} is not strictly within facet {i}"
        for k, edge in enumerate(corner.edges):
            end = _end(facets, corner, edge)
            if end < 0:
                return f"an edge from corner {corner.meets} has no end, or two facets end it"
            other = tuple(sorted((*corner.meets[:k], *corner.meets[k + 1 :], end)))
            if other not in known:
                return f"corner {other} is missing"
    return ""


def _end(facets: Facets, corner: Corner, edge: Row) -> int:
    """Return the facet that ends an edge; -1 for none, or for two at once."""
    first: tuple[Fraction, int] | None = None
    tied = False
    for i, (normal, bound) in enumerate(zip(*facets, strict=True)):
        speed = dot(normal, edge)
        if i in corner.meets or speed <= 0:
            continue
        way = (bound - dot(normal, corner.point)) / speed
        if first is None or way < first[0]:
            first, tied = (way, i), False
        elif way == first[0]:
            tied = True
    return -1 if first is None or tied else first[1]


class Plant(NamedTuple):
    """What a proof is about."""

    affine: Affine
    model: StepModel
    error: Doubles  # (X,)
    low: Doubles  # (D,) of the values
    high: Doubles  # (D,)


def refuted(polytope: Polytope, plant: Plant) -> str:
    """Return why a polytope is not proved safe; nothing where it is.

    Everything but the model's own answer is exact.
    """
    if plant.affine.delay != 0:
        return "a delay that is no part of the state"
    if not plant.affine.exact:
        return "a linear step that may only enclose the plant"
    facets = facets_of(polytope)
    found = list(corners(facets, polytope.meets))
    wrong = [each for each in found if isinstance(each, str)]
    sound = [each for each in found if not isinstance(each, str)]
    return (
        (wrong[0] if wrong else "")
        or incomplete(facets, sound)
        or _out_of_range(polytope, plant)
        or _leaving(polytope, facets, sound, plant)
        or _breaking(polytope, sound, plant)
        or _bending(polytope, sound, plant)
    )


def _out_of_range(polytope: Polytope, plant: Plant) -> str:
    inside = (polytope.values >= plant.low) & (polytope.values <= plant.high)
    return "" if inside.all() else "a value of a corner is out of its range"


def _leaving(polytope: Polytope, facets: Facets, found: list[Corner], plant: Plant) -> str:
    """Return the corner and facet where a step leads out, if there is one."""
    a, b = ([exact(row) for row in matrix] for matrix in (plant.affine.a, plant.affine.b))
    c, spread = exact(plant.affine.c), exact(plant.affine.spread)
    columns = [list(column) for column in zip(*a, strict=True)]
    extent = [max(abs(corner.point[k]) for corner in found) for k in range(len(c))]
    points = [corner.point for corner in found]
    lost = Losses(points, polytope.meets, polytope.values, plant.affine, plant.error)
    ahead = []
    for normal, bound in zip(*facets, strict=True):
        turned = [dot(normal, column) for column in columns]
        size = [abs(x) for x in normal]
        fixed = dot(normal, c) + dot(size, spread) + lost.of(normal)
        spare = Fraction(SLACK) * (abs(bound) + dot(size, extent))
        ahead.append((turned, fixed + spare, bound))
    for corner, value in zip(found, polytope.values, strict=True):
        pushed = [dot(row, exact(value)) for row in b]
        for i, (turned, fixed, bound) in enumerate(ahead):
            reached = dot(turned, corner.point) + dot(facets.normal[i], pushed) + fixed
            if not reached <= bound:
                return f"from corner {corner.meets} a step can lead out of facet {i}"
    return ""


def _breaking(polytope: Polytope, found: list[Corner], plant: Plant) -> str:
    """Return the corner from where a hard limit can break within the step, if there is one."""
    own = _boxes(found, plant)
    reach = plant.model.reach(*own, polytope.values, plant.affine.step_s)
    for corner, margin in zip(found, reach.margin, strict=True):
        if not margin >= 0.0:
            return f"from corner {corner.meets} a hard limit can break within the step"
    return _disagreeing(own, polytope.values, reach, plant)


def _bending(polytope: Polytope, found: list[Corner], plant: Plant) -> str:
    """Return how the model differs from a linear one between the corners, if it does."""
    low, high = _boxes(found, plant)
    ends = plant.model.reach(low, high, polytope.values, plant.affine.step_s).margin
    rng = np.random.default_rng(0)
    # Few corners at a time, so that facets and edges are asked about and not the middle alone.
    share = rng.dirichlet(np.full(len(found), 0.05), MIXTURES)
    own, value = (share @ low, share @ high), share @ polytope.values
    reach = plant.model.reach(*own, value, plant.affine.step_s)
    least = share @ ends
    if not (reach.margin >= least - AGREE * (np.abs(ends).max() + np.abs(least))).all():
        return "margins between the corners are smaller than a linear plant's"
    return _disagreeing(own, value, reach, plant)


def _disagreeing(own: tuple[Doubles, Doubles], value: Doubles, reach: Reach, plant: Plant) -> str:
    """Return whether the two models of the step disagree about boxes (n, X)."""
    affine = plant.affine
    mid = (own[0] + own[1]) / 2 @ affine.a.T + value @ affine.b.T + affine.c
    room = (own[1] - own[0]) / 2 @ np.abs(affine.a).T + affine.spread
    near = AGREE * np.ptp(np.concatenate(own), axis=0)
    below = np.abs(reach.low - (mid - room)) <= near
    above = np.abs(reach.high - (mid + room)) <= near
    return "" if (below & above).all() else "the two models of the step disagree"


def smallest_margin(polytope: Polytope, plant: Plant) -> float:
    """Return the smallest distance to a hard limit within the step from any corner."""
    own = boxes(polytope, plant)
    return float(plant.model.reach(*own, polytope.values, plant.affine.step_s).margin.min())


def boxes(polytope: Polytope, plant: Plant) -> tuple[Doubles, Doubles]:
    """Return boxes (V, X) around the corners of a sound polytope, twice the error wider."""
    found = corners(facets_of(polytope), polytope.meets)
    return _boxes([each for each in found if not isinstance(each, str)], plant)


def _boxes(found: list[Corner], plant: Plant) -> tuple[Doubles, Doubles]:
    """Return boxes (V, X) around the corners, twice the error wider."""
    low, high = map(np.array, zip(*(around(each.point) for each in found), strict=True))
    wide = 2.0 * plant.error * (1.0 + 1e-9)
    return np.nextafter(low - wide, -np.inf), np.nextafter(high + wide, np.inf)
