# SPDX-License-Identifier: MIT
"""A carriage on a rail between two walls: a double integrator that is pushed about.

position' = speed, speed' = u + w with |u| <= acceleration and |w| <= disturbance. Over any time in
which u and w stand still the motion is a parabola, so nothing here is approximate but rounding.
"""

from typing import NamedTuple

import numpy as np
from numba import njit

from flyball.core.batch import Doubles

ROUNDING = 1e-13
"""Share of the numbers of a row by which its bounds are widened: some hundred times the rounding of
the few operations that make them, and of those of the simulated plant."""


class Rail(NamedTuple):
    """The carriage and its limits."""

    acceleration: float  # largest |u|, m/s2
    disturbance: float  # largest |w|, m/s2
    wall: float  # largest |position|, m
    speed: float  # largest |speed|, m/s


@njit(cache=True, nogil=True)
def highest(position: float, speed: float, push: float, time_s: float) -> float:
    """Return the highest position of a parabola from now until `time_s`."""
    top = max(position, position + time_s * (speed + 0.5 * push * time_s))
    if speed > 0.0 and speed + push * time_s < 0.0:
        top = max(top, position - 0.5 * speed * speed / push)
    return top


@njit(cache=True, nogil=True)
def reach(
    rail: Rail, low: Doubles, high: Doubles, value: Doubles, step_s: float
) -> tuple[Doubles, Doubles, Doubles]:
    """Return the tightest boxes around every motion of n carriages, and their margins.

    Parameters
    ----------
    rail
        The plant.
    low, high
        Boxes (n, 2) of position and speed.
    value
        Acceleration (n, 1) that is held; beyond its range the nearest bound, as the plant does.
    step_s
        For how long, at least 0.

    Returns
    -------
    low, high : Doubles
        (n, 2) after the step.
    margin : Doubles
        (n,) smallest distance to a wall, m, or to the speed limit, m/s, at any time; NaN where a
        number is not finite or a box is inside out.

    Notes
    -----
    The system is cooperative (its Jacobian has no negative number off the diagonal): the upper
    corner pushed by +disturbance stays above every motion, the lower one by -disturbance below.
    """
    n = len(low)
    out_low, out_high, margin = np.empty((n, 2)), np.empty((n, 2)), np.empty(n)
    for row in range(n):
        p_low, v_low, p_high, v_high = low[row, 0], low[row, 1], high[row, 0], high[row, 1]
        u = value[row, 0]
        push = min(max(u, -rail.acceleration), rail.acceleration)
        up, down = push + rail.disturbance, push - rail.disturbance
        top = highest(p_high, v_high, up, step_s)
        bottom = -highest(-p_low, -v_low, -down, step_s)
        fast = max(abs(v_low), abs(v_high)) + max(abs(up), abs(down)) * step_s
        size = 1.0 + max(abs(p_low), abs(p_high)) + fast * (1.0 + step_s)
        pad = ROUNDING * size
        out_low[row, 0] = p_low + step_s * (v_low + 0.5 * down * step_s) - pad
        out_high[row, 0] = p_high + step_s * (v_high + 0.5 * up * step_s) + pad
        out_low[row, 1] = v_low + down * step_s - pad
        out_high[row, 1] = v_high + up * step_s + pad
        slow = min(
            rail.speed - max(v_high, v_high + up * step_s),
            rail.speed + min(v_low, v_low + down * step_s),
        )
        margin[row] = min(rail.wall - top, rail.wall + bottom, slow) - pad
        sound = p_low <= p_high and v_low <= v_high and step_s >= 0.0
        if not (sound and np.isfinite(size) and np.isfinite(u)):
            out_low[row], out_high[row], margin[row] = np.nan, np.nan, np.nan
    return out_low, out_high, margin
