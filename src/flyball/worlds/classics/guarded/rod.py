# SPDX-License-Identifier: MIT
"""A rod that stands on its hinge: an inverted pendulum whose torque is too weak to save it always.

angle' = spin, spin' = pull sin(angle) + (u + w) / inertia - damping spin; the angle is 0 upright.
On |angle| <= pi/2 the system is cooperative: d spin' / d angle = pull cos(angle) is not negative.

The bounds follow from Taylor's series with Lagrange's remainder. The derivatives of a solution are
bounded by a majorant: with |sin|, |cos| <= 1 and |spin| <= S over the step, the recurrences of the
series with every sign made positive bound every coefficient at every moment.

`state.real` is (angle, spin, aim): the angle that the rod should have.
"""

import math
from typing import Any, NamedTuple

import numpy as np
from numba import njit

from flyball.core.batch import Doubles
from flyball.worlds.classics.compiling import inlined
from flyball.worlds.classics.guarded.chance import PLACE, START, between, measured
from flyball.worlds.classics.guarded.compiling import called
from flyball.worlds.classics.guarded.state import DEEPEST, Out, Seen, State

ORDER = 12
"""Of the series."""

PIECE_S = 0.025
"""Longest piece of a step that one series spans."""

ROUNDING = 1e-12
"""Share of the numbers by which a bound is widened after each piece: thousands of times the
rounding of a series."""

COVER = 1e-9
"""By how much bounds are widened at the end, rad and rad/s, for the simulated plant is integrated
by a method that is not exact; `tests/worlds/classics/guarded/test_rod.py` measures it."""

LYING = 0.5 * math.pi
"""Largest |angle| that the bounds speak of, rad."""

RUNGE_S = 0.002
"""Longest piece of a Runge-Kutta step of the simulated plant."""

FASTEST, LONGEST_S = 50.0, 10.0
"""Largest |spin|, rad/s, and longest step, s, that they speak of; beyond, series grow long."""


class Rod(NamedTuple):
    """The rod and its limits."""

    pull: float  # gravity over length, 1/s2
    inertia: float  # kg m2
    damping: float  # 1/s
    torque: float  # largest |u|, Nm
    disturbance: float  # largest |w|, Nm
    angle: float  # largest |angle|, rad, below pi/2


class Aims(NamedTuple):
    """What the rod's angle should be."""

    widest: float  # rad
    held_s: float  # how long each stands


@njit(cache=True, nogil=True)
def series(rod: Rod, angle: float, spin: float, drive: float, out: Doubles) -> None:
    """Write the coefficients of angle(t) at t = 0 to row 0 of `out` (3, ORDER + 1).

    Rows 1 and 2 are those of sine and cosine; `drive` is torque over inertia, 1/s2.
    """
    a, sin, cos = out[0], out[1], out[2]
    a[0], a[1] = angle, spin
    sin[0], cos[0] = math.sin(angle), math.cos(angle)
    a[2] = 0.5 * (rod.pull * sin[0] + drive - rod.damping * spin)
    for k in range(1, ORDER - 1):
        up = down = 0.0
        for j in range(1, k + 1):
            up += j * a[j] * cos[k - j]
            down += j * a[j] * sin[k - j]
        sin[k], cos[k] = up / k, -down / k
        a[k + 2] = (rod.pull * sin[k] - rod.damping * (k + 1) * a[k + 1]) / ((k + 1) * (k + 2))


@njit(cache=True, nogil=True)
def remainder(rod: Rod, fastest: float, drive: float, out: Doubles) -> float:
    """Return a bound of coefficient ORDER + 1 while |spin| <= fastest; `out` as in `series`."""
    a, wave = out[0], out[1]
    a[1], wave[0] = fastest, 1.0
    a[2] = 0.5 * (rod.pull + abs(drive) + rod.damping * fastest)
    for k in range(1, ORDER):
        total = 0.0
        for j in range(1, k + 1):
            total += j * a[j] * wave[k - j]
        wave[k] = total / k
        last = (rod.pull * wave[k] + rod.damping * (k + 1) * a[k + 1]) / ((k + 1) * (k + 2))
        if k < ORDER - 1:
            a[k + 2] = last
    return float(last)


@njit(cache=True, nogil=True)
def highest(rod: Rod, start: tuple[float, float], end: float, drive: float, time_s: float) -> float:
    """Return a bound of the angle on the way of one motion from (angle, spin) to an angle.

    A motion whose acceleration is always at least -m lies below its chord and m time^2 / 8; one
    whose acceleration is at most -m < 0 rises by no more than spin^2 / 2m.
    """
    angle, spin = start
    fastest = (abs(spin) + time_s * (rod.pull + abs(drive))) * math.exp(rod.damping * time_s)
    most = rod.pull + abs(drive) + rod.damping * fastest
    now = rod.pull * math.sin(angle) + drive - rod.damping * spin
    change = time_s * (rod.pull * fastest + rod.damping * most)
    least, largest = now - change, now + change
    top = max(angle, end)
    if spin + min(0.0, least) * time_s < 0.0 < spin + max(0.0, largest) * time_s:
        bound = top + 0.125 * time_s * time_s * max(0.0, -least)
        if largest < 0.0:
            bound = min(bound, angle + 0.5 * max(spin, 0.0) ** 2 / -largest)
        top = max(top, bound)
    return float(top)


@njit(cache=True, nogil=True)
def above(
    rod: Rod, angle: float, spin: float, drive: float, step_s: float, terms: Doubles
) -> tuple[float, float, float]:
    """Return angle and spin that are not below those of a motion after a step, and its highest.

    Parameters
    ----------
    rod
        The plant.
    angle, spin
        Where the motion begins, rad and rad/s.
    drive
        Torque over inertia, 1/s2.
    step_s
        For how long.
    terms
        (3, ORDER + 1) to compute in.
    """
    n_pieces = max(1, math.ceil(step_s / PIECE_S))
    h = step_s / n_pieces
    fastest = (abs(spin) + step_s * (rod.pull + abs(drive))) * math.exp(rod.damping * step_s)
    last = remainder(rod, fastest * (1.0 + ROUNDING) + ROUNDING, drive, terms)
    pad = ROUNDING * (1.0 + fastest + rod.pull + abs(drive))
    up_angle, up_spin = last * h ** (ORDER + 1) + pad, (ORDER + 1) * last * h**ORDER + pad
    top = angle
    for _ in range(n_pieces):
        series(rod, angle, spin, drive, terms)
        next_angle = next_spin = 0.0
        for k in range(ORDER, 0, -1):
            next_angle = (next_angle + terms[0, k]) * h
            next_spin = next_spin * h + k * terms[0, k]
        next_angle += angle + up_angle
        top = max(top, highest(rod, (angle, spin), next_angle, drive, h) + pad)
        angle, spin = next_angle, next_spin + up_spin
    return angle, spin, top


@njit(cache=True, nogil=True)
def reach(
    rod: Rod, low: Doubles, high: Doubles, value: Doubles, step_s: float
) -> tuple[Doubles, Doubles, Doubles]:
    """Return boxes around every motion of n rods, tight to about 1e-8, and their margins.

    Parameters
    ----------
    rod
        The plant.
    low, high
        Boxes (n, 2) of angle and spin.
    value
        Torque (n, 1) that is held; beyond its range the nearest bound, as the plant does.
    step_s
        For how long, at least 0.

    Returns
    -------
    low, high : Doubles
        (n, 2) after the step.
    margin : Doubles
        (n,) smallest distance to the largest angle at any time, rad; NaN where a number is not
        finite, a box is inside out, or a motion could lie down.

    Notes
    -----
    The upper corner of a box under the largest torque stays above every motion, and adding to it
    whatever the series leaves out keeps it there. The lower corner is its mirror image.
    """
    n = len(low)
    out_low, out_high, margin = np.empty((n, 2)), np.empty((n, 2)), np.empty(n)
    terms = np.empty((3, ORDER + 1))
    for row in range(n):
        a_low, s_low, a_high, s_high = low[row, 0], low[row, 1], high[row, 0], high[row, 1]
        u = value[row, 0]
        out_low[row], out_high[row], margin[row] = np.nan, np.nan, np.nan
        sound = a_low <= a_high and s_low <= s_high and 0.0 <= step_s <= LONGEST_S
        if not (sound and np.isfinite(u) and max(-a_low, a_high) <= LYING):
            continue
        if not max(-s_low, s_high) <= FASTEST:
            continue
        push = min(max(u, -rod.torque), rod.torque)
        up, down = (push + rod.disturbance) / rod.inertia, (push - rod.disturbance) / rod.inertia
        a_up, s_up, top = above(rod, a_high, s_high, up, step_s, terms)
        a_down, s_down, bottom = above(rod, -a_low, -s_low, -down, step_s, terms)
        if not max(top, bottom) <= LYING:
            continue
        out_low[row, 0], out_low[row, 1] = -a_down - COVER, -s_down - COVER
        out_high[row, 0], out_high[row, 1] = a_up + COVER, s_up + COVER
        margin[row] = rod.angle - max(top, bottom) - COVER
    return out_low, out_high, margin


@called
def turned(plant: Any, angle: float, spin: float, drive: float, h: float) -> tuple[float, float]:
    """Return angle and spin after one classical Runge-Kutta step of `h` seconds."""
    pull, damping = plant.pull, plant.damping
    a_1 = pull * math.sin(angle) + drive - damping * spin
    s_2 = spin + 0.5 * h * a_1
    a_2 = pull * math.sin(angle + 0.5 * h * spin) + drive - damping * s_2
    s_3 = spin + 0.5 * h * a_2
    a_3 = pull * math.sin(angle + 0.5 * h * s_2) + drive - damping * s_3
    s_4 = spin + h * a_3
    a_4 = pull * math.sin(angle + h * s_3) + drive - damping * s_4
    sixth = h / 6.0
    angle += sixth * (spin + 2.0 * s_2 + 2.0 * s_3 + s_4)
    return angle, spin + sixth * (a_1 + 2.0 * a_2 + 2.0 * a_3 + a_4)


@inlined
def aim(problem: Any, row: int, steps: int, state: State) -> float:
    """Return the angle that the rod should have after so many steps."""
    task = problem.task
    which = int((steps + 1e-9) * problem.rules.step_s / task.held_s)
    return between(row, which, PLACE, -task.widest, task.widest, state)


@inlined
def reset_row(problem: Any, row: int, state: State) -> None:
    """Put the rod near upright, at rest."""
    state.real[row, 0] = between(row, 0, START, -0.1, 0.1, state) * problem.plant.angle
    state.real[row, 1] = 0.0
    state.real[row, 2] = aim(problem, row, 0, state)


@inlined
def step_row(problem: Any, row: int, state: State, out: Out) -> None:
    """Turn, and see at every time whether the largest angle was passed; a fallen rod lies."""
    plant, rules, real = problem.plant, problem.rules, state.real[row]
    angle, spin, torque = real[0], real[1], out.value[row, 0, 0]
    widest, fallen = abs(angle), abs(angle) > LYING
    piece_s = rules.step_s / out.wind.shape[1]
    n = math.ceil(piece_s / RUNGE_S - 1e-9)
    h = piece_s / n
    for piece in range(out.wind.shape[1]):
        drive = (torque + plant.disturbance * out.wind[row, piece, 0]) / plant.inertia
        for _ in range(n):
            if fallen:
                break
            before = spin
            start = angle
            angle, spin = turned(plant, angle, spin, drive, h)
            widest = max(widest, abs(angle))
            if before * spin < 0.0:
                # It turned at about this share of the piece, after this way.
                share = before / (before - spin)
                widest = max(widest, abs(start + 0.5 * before * h * share))
            fallen = widest > LYING
    real[0], real[1] = angle, spin
    over = widest / plant.angle - 1.0
    out.cost[row, 0] = rules.step_s if over > 0.0 else 0.0
    state.sums[row, DEEPEST] = max(state.sums[row, DEEPEST], over)
    out.terminated[row] = fallen
    off, effort = (angle - real[2]) / plant.angle, torque / plant.torque
    out.reward[row, 0, 0] = rules.step_s * max(0.0, 1.0 - off * off - 0.01 * effort * effort)
    real[2] = aim(problem, row, state.t[row] + 1, state)


@inlined
def observe_row(problem: Any, row: int, state: State, seen: Seen) -> None:
    """Write angle, spin and the angle that should be."""
    real, signals, obs = state.real[row], seen.signals[row], seen.obs[row, 0]
    for m in range(2):
        signals[m] = measured(problem.rules, row, m, real[m], state)
        obs[m] = signals[m]
        seen.state[row, m] = real[m]
    obs[2] = seen.state[row, 2] = real[2]
