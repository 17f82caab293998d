# SPDX-License-Identifier: MIT
"""Two tanks in a row, each with a pump: the first drains into the second, that one away.

With levels h and outflows by Torricelli's law,

    h1' = fill (q1 + w1) - first sqrt(h1)
    h2' = fill (q2 + w2) + first sqrt(h1) - second sqrt(h2),   0 <= q <= flow,  |w| <= disturbance.

An empty tank stays empty while more is drawn than comes in. The system is cooperative: more in the
first tank never means less in the second (d h2' / d h1 >= 0, d h1' / d h2 = 0), and h1', h2' rise
with every flow. A pump whose range is reached, a tank that floods: neither is in the equations.

`state.real` is (level 1, level 2, aim 1, aim 2): the levels that should be.
"""

import math
from typing import Any, NamedTuple

import numpy as np
from numba import njit

from flyball.core.batch import Doubles
from flyball.worlds.classics.compiling import inlined
from flyball.worlds.classics.guarded.chance import PLACE, SIDE, START, between, measured
from flyball.worlds.classics.guarded.compiling import called
from flyball.worlds.classics.guarded.state import DEEPEST, Out, Seen, State

ORDER = 8
"""Of the series."""

PIECE_S = 0.05
"""Longest piece of a step that one series spans."""

FLOOR_M = 0.01
"""Below this level no series is summed, for that of a root gets long near 0; bounds are coarse."""

ROUNDING, COVER = 1e-13, 1e-9
"""As in `rod`, m: share for rounding, and what the simulated plant's own error may be."""

LONGEST_S = 10.0
"""Longest step that the bounds speak of, s."""


class Tanks(NamedTuple):
    """The tanks and their limits."""

    fill: float  # what a flow of 1 l/s adds to a level, m/s
    first: float  # outflow of the first tank at a level of 1 m, m/s
    second: float  # of the second
    flow: float  # largest of a pump, l/s
    disturbance: float  # largest, of each tank, l/s
    low: float  # lowest level, m
    high: float  # highest level, m


class Levels(NamedTuple):
    """Which levels there should be."""

    lowest: float  # m
    highest: float  # m
    held_s: float  # how long each pair stands
    tolerance: float  # sum of both differences at which nothing is earned any more, m
    rim: float  # where a tank floods, which ends the episode, m


class Inflow(NamedTuple):
    """What flows into the tanks from outside while nothing changes, m/s of level."""

    first: float
    second: float


@njit(cache=True, nogil=True)
def series(tanks: Tanks, first: float, second: float, inflow: Inflow, out: Doubles) -> None:
    """Write the coefficients of both levels to rows 0 and 1 of `out` (4, ORDER + 1).

    Rows 2 and 3 are those of the roots, the last one left out: root^2 = level gives one after the
    other.
    """
    out[0, 0], out[1, 0] = first, second
    out[2, 0], out[3, 0] = math.sqrt(first), math.sqrt(second)
    for k in range(ORDER):
        if k > 0:
            for tank in range(2):
                total = out[tank, k]
                for j in range(1, k):
                    total -= out[2 + tank, j] * out[2 + tank, k - j]
                out[2 + tank, k] = total / (2.0 * out[2 + tank, 0])
        drained = tanks.first * out[2, k]
        left = tanks.second * out[3, k]
        out[0, k + 1] = ((inflow.first if k == 0 else 0.0) - drained) / (k + 1)
        out[1, k + 1] = ((inflow.second if k == 0 else 0.0) + drained - left) / (k + 1)


@njit(cache=True, nogil=True)
def remainder(
    tanks: Tanks, least: tuple[float, float], rates: tuple[float, float], out: Doubles
) -> None:
    """Write bounds of all coefficients, ORDER + 1 included, to `out` (4, ORDER + 2).

    Parameters
    ----------
    tanks
        The plant.
    least, rates
        No level is below the first, no level changes faster than the second, on all the way.
    out
        Rows as in `series`; every sign there is positive here.
    """
    out[0, 1], out[1, 1] = rates
    for k in range(1, ORDER + 1):
        for tank in range(2):
            total = out[tank, k]
            for j in range(1, k):
                total += out[2 + tank, j] * out[2 + tank, k - j]
            out[2 + tank, k] = total / (2.0 * math.sqrt(least[tank]))
        out[0, k + 1] = tanks.first * out[2, k] / (k + 1)
        out[1, k + 1] = (tanks.first * out[2, k] + tanks.second * out[3, k]) / (k + 1)


@njit(cache=True, nogil=True)
def coarse(
    tanks: Tanks, start: tuple[float, float], inflow: Inflow, step_s: float
) -> tuple[float, float, float, float]:
    """Return bounds of both levels that hold at every time of a step: low, low, high, high."""
    up_1 = start[0] + step_s * max(0.0, inflow.first)
    drained = tanks.first * math.sqrt(up_1)
    up_2 = start[1] + step_s * (max(0.0, inflow.second) + drained)
    down_1 = start[0] - step_s * (drained + max(0.0, -inflow.first))
    down_2 = start[1] - step_s * (tanks.second * math.sqrt(up_2) + max(0.0, -inflow.second))
    pad = ROUNDING * (1.0 + up_1 + up_2)
    return max(0.0, down_1 - pad), max(0.0, down_2 - pad), up_1 + pad, up_2 + pad


@njit(cache=True, nogil=True)
def along(
    tanks: Tanks, corner: tuple[float, float, float], inflow: Inflow, step_s: float, terms: Doubles
) -> tuple[float, float, float]:
    """Return levels that a motion ends above or below, and the highest or lowest of both.

    Parameters
    ----------
    tanks
        The plant.
    corner
        Both levels at first, m; and 1 for what lies above the motion, -1 for what lies below.
    inflow
        That stands for all the step.
    step_s
        For how long.
    terms
        (8, ORDER + 2) to compute in.
    """
    first, second, side = corner
    low_1, low_2, up_1, up_2 = coarse(tanks, (first, second), inflow, step_s)
    if not min(low_1, low_2) >= FLOOR_M:
        return (up_1, up_2, max(up_1, up_2)) if side > 0 else (low_1, low_2, min(low_1, low_2))
    drained = tanks.first * math.sqrt(up_1)
    rate_1 = abs(inflow.first) + drained
    rate_2 = abs(inflow.second) + drained + tanks.second * math.sqrt(up_2)
    n_pieces = max(1, math.ceil(step_s / PIECE_S))
    h = step_s / n_pieces
    bound, a = terms[4:], terms[:4]
    remainder(tanks, (low_1, low_2), (rate_1, rate_2), bound)
    pad = ROUNDING * (1.0 + up_1 + up_2)
    rest_1 = side * (bound[0, ORDER + 1] * h ** (ORDER + 1) + pad)
    rest_2 = side * (bound[1, ORDER + 1] * h ** (ORDER + 1) + pad)
    bend = 0.25 * h * h * max(bound[0, 2], bound[1, 2])  # h^2 / 8 times the second derivative
    extreme = side * max(side * first, side * second)
    for _ in range(n_pieces):
        series(tanks, first, second, inflow, a)
        first = second = 0.0
        for k in range(ORDER, -1, -1):
            first, second = first * h + a[0, k], second * h + a[1, k]
        first, second = first + rest_1, second + rest_2
        extreme = side * max(side * extreme, side * first, side * second)
    return first, second, extreme + side * (bend + pad)


@njit(cache=True, nogil=True)
def reach(
    tanks: Tanks, low: Doubles, high: Doubles, value: Doubles, step_s: float
) -> tuple[Doubles, Doubles, Doubles]:
    """Return boxes around every motion of n pairs of tanks, and their margins.

    Parameters
    ----------
    tanks
        The plant.
    low, high
        Boxes (n, 2) of both levels; no level is below 0, whatever was measured.
    value
        Flows (n, 2) that are held, l/s; beyond their range the nearest bound, as the plant does.
    step_s
        For how long, at least 0.

    Returns
    -------
    low, high : Doubles
        (n, 2) after the step; tight to about 1e-8 m where levels stay above FLOOR_M.
    margin : Doubles
        (n,) smallest distance of a level to the highest or the lowest, m, at any time; NaN where a
        number is not finite or a box is inside out.
    """
    n = len(low)
    out_low, out_high, margin = np.empty((n, 2)), np.empty((n, 2)), np.empty(n)
    terms = np.empty((8, ORDER + 2))
    for row in range(n):
        out_low[row], out_high[row], margin[row] = np.nan, np.nan, np.nan
        first, second = max(0.0, low[row, 0]), max(0.0, low[row, 1])
        sound = low[row, 0] <= high[row, 0] < np.inf and low[row, 1] <= high[row, 1] < np.inf
        sound = sound and first <= high[row, 0] and second <= high[row, 1]
        q_1, q_2 = value[row, 0], value[row, 1]
        if not (sound and np.isfinite(q_1 + q_2) and 0.0 <= step_s <= LONGEST_S):
            continue
        if not min(low[row, 0], low[row, 1]) > -np.inf:
            continue
        q_1, q_2 = min(max(q_1, 0.0), tanks.flow), min(max(q_2, 0.0), tanks.flow)
        more, less = tanks.fill * tanks.disturbance, -tanks.fill * tanks.disturbance
        upper = Inflow(tanks.fill * q_1 + more, tanks.fill * q_2 + more)
        lower = Inflow(tanks.fill * q_1 + less, tanks.fill * q_2 + less)
        end = along(tanks, (high[row, 0], high[row, 1], 1.0), upper, step_s, terms)
        out_high[row, 0], out_high[row, 1] = end[0] + COVER, end[1] + COVER
        top = end[2]
        end = along(tanks, (first, second, -1.0), lower, step_s, terms)
        out_low[row, 0], out_low[row, 1] = max(0.0, end[0] - COVER), max(0.0, end[1] - COVER)
        margin[row] = min(tanks.high - top, end[2] - tanks.low) - COVER
    return out_low, out_high, margin


@called
def slopes(plant: Any, first: float, second: float, inflow: Inflow) -> tuple[float, float]:
    """Return how fast both levels rise."""
    drained = plant.first * math.sqrt(max(0.0, first))
    left = plant.second * math.sqrt(max(0.0, second))
    return inflow.first - drained, inflow.second + drained - left


@called
def filled(
    plant: Any, first: float, second: float, inflow: Inflow, h: float
) -> tuple[float, float]:
    """Return both levels after one classical Runge-Kutta step of `h` seconds."""
    a_1, b_1 = slopes(plant, first, second, inflow)
    a_2, b_2 = slopes(plant, first + 0.5 * h * a_1, second + 0.5 * h * b_1, inflow)
    a_3, b_3 = slopes(plant, first + 0.5 * h * a_2, second + 0.5 * h * b_2, inflow)
    a_4, b_4 = slopes(plant, first + h * a_3, second + h * b_3, inflow)
    first += h / 6.0 * (a_1 + 2.0 * a_2 + 2.0 * a_3 + a_4)
    second += h / 6.0 * (b_1 + 2.0 * b_2 + 2.0 * b_3 + b_4)
    return max(0.0, first), max(0.0, second)


@inlined
def aim(problem: Any, row: int, steps: int, state: State) -> None:
    """Draw the levels that should be after so many steps, such that pumps can hold them."""
    task, plant, real = problem.task, problem.plant, state.real[row]
    which = int((steps + 1e-9) * problem.rules.step_s / task.held_s)
    real[2] = between(row, which, PLACE, task.lowest, task.highest, state)
    # The second tank drains at least what the first one gives it.
    given = 1.05 * (plant.first / plant.second) ** 2 * real[2]
    least = min(max(task.lowest, given), task.highest)
    real[3] = between(row, which, SIDE, least, task.highest, state)


@inlined
def reset_row(problem: Any, row: int, state: State) -> None:
    """Fill both tanks to about the middle."""
    task, real = problem.task, state.real[row]
    quarter = 0.25 * (task.highest - task.lowest)
    for tank in range(2):
        low, high = task.lowest + quarter, task.highest - quarter
        real[tank] = between(row, tank, START, low, high, state)
    aim(problem, row, 0, state)


@inlined
def step_row(problem: Any, row: int, state: State, out: Out) -> None:
    """Pump and drain, and see at every time whether a level was too low or too high."""
    plant, rules, real = problem.plant, problem.rules, state.real[row]
    first, second = real[0], real[1]
    top, bottom = max(first, second), min(first, second)
    h = rules.step_s / out.wind.shape[1]
    for piece in range(out.wind.shape[1]):
        w_1 = plant.disturbance * out.wind[row, piece, 0]
        w_2 = plant.disturbance * out.wind[row, piece, 1]
        flow_1, flow_2 = out.value[row, 0, 0] + w_1, out.value[row, 0, 1] + w_2
        inflow = Inflow(plant.fill * flow_1, plant.fill * flow_2)
        _, before = slopes(plant, first, second, inflow)
        start = second
        first, second = filled(plant, first, second, inflow, h)
        _, after = slopes(plant, first, second, inflow)
        if before * after < 0.0:  # the first level never turns while nothing changes
            turn = start + 0.5 * before * h * before / (before - after)
            top, bottom = max(top, turn), min(bottom, turn)
        top, bottom = max(top, first, second), min(bottom, first, second)
    real[0], real[1] = first, second
    dry, over = 1.0 - bottom / plant.low, top / plant.high - 1.0
    out.cost[row, 0] = rules.step_s if dry > 0.0 else 0.0
    out.cost[row, 1] = rules.step_s if over > 0.0 else 0.0
    state.sums[row, DEEPEST] = max(state.sums[row, DEEPEST], dry, over)
    out.terminated[row] = top > problem.task.rim
    off = (abs(first - real[2]) + abs(second - real[3])) / problem.task.tolerance
    out.reward[row, 0, 0] = rules.step_s * max(0.0, 1.0 - off)
    aim(problem, row, state.t[row] + 1, state)


@inlined
def observe_row(problem: Any, row: int, state: State, seen: Seen) -> None:
    """Write both levels and the levels that should be."""
    real, signals, obs = state.real[row], seen.signals[row], seen.obs[row, 0]
    for m in range(2):
        signals[m] = measured(problem.rules, row, m, real[m], state)
        obs[m] = signals[m]
        obs[2 + m] = real[2 + m]
        seen.state[row, m] = real[m]
        seen.state[row, 2 + m] = real[2 + m]
