# SPDX-License-Identifier: MIT
"""Finding a polytope within which a linear plant can be kept; nothing here has to be believed.

From the polytope of the limits everything is cut off from where no value keeps the step within
what is left, until nothing is left to cut (Bertsekas & Rhodes, 1971; Blanchini & Miani, *Set-
Theoretic Methods in Control*, chapter 5). The cuts ask for a little more than is needed, a step
into `contraction` times the polytope, and take a little more than they ask for, so that they come
to an end after few facets and leave room for rounding.

Cuts are found only where they matter: at corners that break the condition, each the deepest of the
projections (Fourier and Motzkin) of the condition onto the states.

P facets · V corners · X states · D values · R rows of the condition.
"""

from itertools import combinations
from math import comb
from typing import NamedTuple, NoReturn

import numpy as np

from flyball.core.batch import Doubles, Longs
from flyball.core.envelope import Affine
from flyball.core.errors import Problem, SolverError
from flyball.safety.certificates.polytopes import Plant, Polytope, refuted, smallest_margin
from flyball.safety.projection import BENT, SAME, Limits, allocate, project

NEAR = 1e-10
"""Of a polytope scaled to 1: nearer than this is the same."""

BLUR = 1e-6
"""Share by which bounds are drawn in at random, so that no more than X facets meet anywhere."""

SWAYS = (1.0, 1.4, 2.0, 2.8)
"""Multiples of the sway that is asked for which are tried."""

MOST_RETREATS = 8
"""Times that the limits are drawn in for what happens between samples."""

MOST_ROUNDS = 500
"""Of cutting."""

SMOOTHINGS = 300
"""Passes over the corners in which values are drawn to those beside them."""

MOST_COMBINATIONS = 2_000_000
"""Sets of facets that are tried for corners."""


class Search(NamedTuple):
    """What is looked for, and how."""

    within: tuple[Affine, ...]
    """The plant over the whole hold, and before it over parts, at whose ends limits hold too."""

    facets: Doubles  # (P, X) of the hard limits on states
    bounds: Doubles  # (P,)
    low: Doubles  # (D,) of the values
    high: Doubles  # (D,)
    error: Doubles  # (X,) of measurement
    contraction: float = 0.99
    """Share of the polytope in which a step has to end, below 1; nearer to 1, more facets."""

    depth: float = 0.001
    """Share of the polytope's width that each cut takes more than is needed; more, fewer facets."""

    sway: Doubles | None = None
    """(D,) by how much a value may change within twice the error; None: as if it could by all."""

    most_facets: int = 60
    """Of what is returned; on the way there may be more."""


class Shape(NamedTuple):
    """A polytope with its corners, in floating point."""

    facets: Doubles  # (P, X)
    bounds: Doubles  # (P,)
    points: Doubles  # (V, X)
    meets: Longs  # (V, X) facets that meet in each


class Rows(NamedTuple):
    """A condition: by_state x + by_value u <= bound."""

    by_state: Doubles  # (R, X)
    by_value: Doubles  # (R, D)
    bound: Doubles  # (R,)


def proved(search: Search, plant: Plant) -> Polytope:
    """Return the largest polytope that is found and proved.

    What values may sway by is guessed, and more where the proof says that they sway further.

    Raises
    ------
    SolverError
        Where there is none.
    """
    if search.sway is None:
        guesses: list[Doubles | None] = [None]
    else:
        guesses = [*(times * search.sway for times in SWAYS), None]
    why = ""
    for guess in guesses:
        found = drawn_in(search._replace(sway=guess), plant)
        if isinstance(found, Polytope):
            return found
        why = found
    return _refuse(why)


def drawn_in(search: Search, plant: Plant) -> Polytope | str:
    """Return a polytope within limits that are drawn in until it is proved, or why none is.

    Between the samples a limit can be passed by a little; limits are drawn in by what the model
    says, until it is content.
    """
    bounds = search.bounds
    if search.sway is not None:  # what is measured at a limit may be beyond it
        bounds = bounds - 2.0 * (1.0 + BLUR) * (np.abs(search.facets) @ search.error)
    why = ""
    for _ in range(MOST_RETREATS):
        polytope = narrowed(search._replace(bounds=bounds))
        why = refuted(polytope, plant)
        if not why:
            return polytope
        short = -smallest_margin(polytope, plant)
        if not short > 0.0:
            break
        bounds = bounds - 1.1 * short * np.linalg.norm(search.facets, axis=1)
    return why


def narrowed(search: Search) -> Polytope:
    """Return the largest polytope that is found, with its corners and their values.

    Raises
    ------
    SolverError
        Where nothing is left, or more facets than allowed would be needed.
    """
    shape = trimmed(search.facets, search.bounds)
    centre = shape.points.mean(0) if len(shape.points) else np.zeros(shape.facets.shape[1])
    enough = 1.0 - 0.25 * (1.0 - search.contraction)
    for _ in range(MOST_ROUNDS):
        if not len(shape.points):
            _refuse("no state is left from where a value keeps the plant within the limits")
        needed = projected(condition(search, shape, centre, enough))
        if (shape.points @ needed.by_state.T <= needed.bound).all():
            if len(shape.facets) > search.most_facets:
                _refuse(f"{len(shape.facets)} facets would be needed")
            return blurred(search, shape, centre)
        aim = projected(condition(search, shape, centre, search.contraction))
        shape = cut(shape, aim, search.depth)
    return _refuse("there is no end to the cuts")


def condition(search: Search, shape: Shape, centre: Doubles, share: float) -> Rows:
    """Return what a value has to keep at a state so that a step ends in a share of a polytope."""
    parts = []
    inner = share * shape.bounds + (1.0 - share) * (shape.facets @ centre)
    aims = [(search.facets, search.bounds)] * (len(search.within) - 1) + [(shape.facets, inner)]
    for affine, (normal, bound) in zip(search.within, aims, strict=True):
        grown = np.abs(normal) @ (np.abs(affine.a) @ search.error)
        lost = 2.0 * grown
        if normal is shape.facets and search.sway is not None:
            swing = np.abs(normal @ affine.b) @ search.sway
            lost = np.minimum(lost, swing + grown - np.abs(normal @ affine.a) @ search.error)
        room = bound - normal @ affine.c - np.abs(normal) @ affine.spread - lost
        parts.append(Rows(normal @ affine.a, normal @ affine.b, room))
    n_values, n_states = len(search.low), shape.facets.shape[1]
    still = np.zeros((n_values, n_states))
    parts.append(Rows(still, np.eye(n_values), search.high))
    parts.append(Rows(still, -np.eye(n_values), -search.low))
    return Rows(*(np.concatenate(each) for each in zip(*parts, strict=True)))


def projected(rows: Rows) -> Rows:
    """Return the condition on states alone: one value after the other is eliminated."""
    n_states = rows.by_state.shape[1]
    for _ in range(rows.by_value.shape[1]):
        matrix = np.column_stack(rows)
        sign = rows.by_value[:, 0]
        up, down = sign > 0.0, sign < 0.0
        pairs = matrix[up][:, None] * -sign[down][None, :, None]
        pairs = pairs + matrix[down][None] * sign[up][:, None, None]
        left = np.concatenate((matrix[sign == 0.0], pairs.reshape(-1, matrix.shape[1])))
        rows = Rows(left[:, :n_states], left[:, n_states + 1 : -1], left[:, -1])
    return rows


def cut(shape: Shape, rows: Rows, depth: float) -> Shape:
    """Return what is left of a polytope, cut at each of its corners by the row it breaks most."""
    length = np.linalg.norm(rows.by_state, axis=1)
    size = np.abs(shape.points).max() + np.abs(rows.bound)
    real = length > NEAR * np.abs(rows.by_state).max(initial=1.0)
    if (rows.bound[~real] < -NEAR * size[~real]).any():
        return trimmed(shape.facets, np.full_like(shape.bounds, -np.inf))
    normal, bound = rows.by_state[real] / length[real, None], rows.bound[real] / length[real]
    broken = shape.points @ normal.T - bound
    worst = broken.argmax(1)
    taken = np.unique(worst[broken.max(1) > 0.0])
    across = np.ptp(shape.points @ normal[taken].T, axis=0)
    facets = np.concatenate((shape.facets, normal[taken]))
    return trimmed(facets, np.concatenate((shape.bounds, bound[taken] - depth * across)))


def trimmed(facets: Doubles, bounds: Doubles) -> Shape:
    """Return a polytope with its corners and without the facets that touch too few of them.

    Raises
    ------
    SolverError
        When there are too many facets to look for corners.
    """
    n_facets, n_states = facets.shape
    if comb(n_facets, n_states) > MOST_COMBINATIONS:
        _refuse(f"{n_facets} facets in {n_states} states are too many")
    sets = np.array(list(combinations(range(n_facets), n_states)), np.int64)
    matrix = facets[sets]
    size = np.linalg.norm(facets, axis=1)[sets].prod(1)
    meeting = (np.abs(np.linalg.det(matrix)) > NEAR * size) & np.isfinite(bounds[sets]).all(1)
    sets = sets[meeting]
    points = np.linalg.solve(matrix[meeting], bounds[sets][:, :, None])[:, :, 0]
    over = points @ facets.T - bounds
    room = NEAR * (np.abs(points) @ np.abs(facets).T + np.abs(bounds))
    inside = (over <= room).all(1)
    points, sets, tight = points[inside], sets[inside], np.abs(over[inside]) <= room[inside]
    extent = np.abs(points).max(0, initial=1e-300)
    _, first = np.unique(np.round(points / extent, 8), axis=0, return_index=True)
    points, sets, tight = points[first], sets[first], tight[first]
    used = tight.sum(0) >= n_states
    number = np.cumsum(used) - 1
    return Shape(facets[used], bounds[used], points, number[sets])


def blurred(search: Search, shape: Shape, centre: Doubles) -> Polytope:
    """Return a polytope in which exactly X facets meet in every corner, with the corners' values.

    Facets that touch it in less than a face of their own would make the proof ambiguous.
    """
    rng = np.random.default_rng(0)
    reach = np.abs(shape.facets) @ np.ptp(shape.points, axis=0)
    shape = trimmed(shape.facets, shape.bounds - BLUR * rng.uniform(0.5, 1.0, len(reach)) * reach)
    rows = condition(search, shape, centre, 1.0)
    values = np.array([roomiest(rows, point, search.low, search.high) for point in shape.points])
    if search.sway is not None:
        share = 1.0 - 0.1 * (1.0 - search.contraction)
        values = smoothed(condition(search, shape, centre, share), shape, values, search)
    return Polytope(shape.facets, shape.bounds, shape.meets, values)


def smoothed(rows: Rows, shape: Shape, values: Doubles, search: Search) -> Doubles:
    """Return values (V, D) that differ as little as they can from those of the corners beside them.

    Each is drawn to the mean of its neighbours, the nearer the more, as far as the condition lets
    it; again and again, as heat spreads. Where the condition lets nothing pass a value stays.
    """
    extent, scale = np.ptp(shape.points, axis=0), np.maximum(search.high - search.low, NEAR)
    shared = (shape.meets[:, None, :, None] == shape.meets[None, :, None, :]).any(3).sum(2)
    beside = shared == shape.meets.shape[1] - 1
    apart = np.linalg.norm((shape.points[:, None] - shape.points[None]) / extent, axis=2)
    weight = np.where(beside, 1.0 / np.maximum(apart, NEAR), 0.0)
    weight /= weight.sum(1, keepdims=True)
    work, price = allocate(*rows.by_value.shape), np.full(len(rows.bound), np.inf)
    room = rows.bound - shape.points @ rows.by_state.T
    values, out = values.copy(), values[0].copy()
    for _ in range(SMOOTHINGS):
        for v in range(len(values)):
            limits = Limits(search.low, search.high, scale, rows.by_value, room[v], price)
            wanted = weight[v] @ values
            if project(work, limits, wanted, wanted, out) in (SAME, BENT):
                values[v] = out
    return values


def roomiest(rows: Rows, state: Doubles, low: Doubles, high: Doubles) -> Doubles:
    """Return the value (D,) that keeps the condition with the most room, found by bisection.

    Raises
    ------
    SolverError
        Where no value keeps it.
    """
    bound, scale = rows.bound - rows.by_state @ state, np.maximum(high - low, NEAR)
    length = np.linalg.norm(rows.by_value * scale, axis=1)
    work, middle = allocate(*rows.by_value.shape), (low + high) / 2.0
    price = np.full(len(bound), np.inf)
    found, out, least, most = middle.copy(), middle.copy(), 0.0, 1.0
    for k in range(40):
        room = least if k == 0 else (least + most) / 2.0
        limits = Limits(low, high, scale, rows.by_value, bound - room * length, price)
        if project(work, limits, middle, middle, out) in (SAME, BENT):
            found[:], least = out, room
        elif k == 0:
            _refuse("no value keeps a corner")
        else:
            most = room
    return found


def _refuse(found: str) -> NoReturn:
    raise SolverError(
        Problem(
            where="invariant polytope",
            found=found,
            allowed="a polytope that some value can always keep the plant in",
            fix="allow less disturbance or error, stronger values, a shorter hold, wider limits, "
            "or more facets",
        )
    )
