# SPDX-License-Identifier: MIT
"""A carriage on a rail between two walls: a double integrator that is pushed about.

position' = speed, speed' = u + w with |u| <= acceleration and |w| <= disturbance. Over any time in
which u and w stand still the motion is a parabola, so nothing here is approximate but rounding.

`state.real` is (position, speed, target), `state.whole` the number of targets reached. Targets lie
near the walls, on one side and the other in turns: who hurries must brake.
"""

from typing import Any, NamedTuple

import numpy as np
from numba import njit

from flyball.core.batch import Doubles
from flyball.worlds.classics.compiling import inlined
from flyball.worlds.classics.guarded.chance import PLACE, SIDE, START, between, measured
from flyball.worlds.classics.guarded.state import DEEPEST, Out, Seen, State

ROUNDING = 1e-13
"""Share of the numbers of a row by which its bounds are widened: some hundred times the rounding of
the few operations that make them, and of those of the simulated plant."""


class Rail(NamedTuple):
    """The carriage and its limits."""

    acceleration: float  # largest |u|, m/s2
    disturbance: float  # largest |w|, m/s2
    wall: float  # largest |position|, m
    speed: float  # largest |speed|, m/s


class Targets(NamedTuple):
    """Where the carriage is sent."""

    near: float  # least distance of a target from the middle, m
    far: float  # largest, m
    tolerance: float  # a target is reached from here on, m


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


@inlined
def aim(problem: Any, row: int, state: State) -> None:
    """Draw the next target, on the other side than the last one."""
    task, n = problem.task, state.whole[row, 0]
    first = between(row, 0, SIDE, -1.0, 1.0, state) > 0.0
    right = first == (n % 2 == 0)
    far = between(row, n, PLACE, task.near, task.far, state)
    state.real[row, 2] = far if right else -far


@inlined
def reset_row(problem: Any, row: int, state: State) -> None:
    """Put the carriage at rest, anywhere in the middle half."""
    half = 0.5 * problem.plant.wall
    state.real[row, 0] = between(row, 0, START, -half, half, state)
    state.real[row, 1] = 0.0
    state.whole[row, 0] = 0
    aim(problem, row, state)


@inlined
def step_row(problem: Any, row: int, state: State, out: Out) -> None:
    """Move, measure the way that was covered, and see at every time whether a limit was broken."""
    plant, task, real = problem.plant, problem.task, state.real[row]
    position, speed, target = real[0], real[1], real[2]
    way = max(0.0, abs(target - position) - task.tolerance)
    top = bottom = position
    fast = abs(speed)
    time_s = problem.rules.step_s / out.wind.shape[1]
    for piece in range(out.wind.shape[1]):
        push = out.value[row, 0, 0] + plant.disturbance * out.wind[row, piece, 0]
        top = max(top, highest(position, speed, push, time_s))
        bottom = min(bottom, -highest(-position, -speed, -push, time_s))
        position += time_s * (speed + 0.5 * push * time_s)
        speed += push * time_s
        fast = max(fast, abs(speed))
    real[0], real[1] = position, speed
    wall, over = max(top, -bottom) / plant.wall - 1.0, fast / plant.speed - 1.0
    out.cost[row, 0] = problem.rules.step_s if wall > 0.0 else 0.0
    out.cost[row, 1] = problem.rules.step_s if over > 0.0 else 0.0
    state.sums[row, DEEPEST] = max(state.sums[row, DEEPEST], wall, over)
    out.terminated[row] = wall > 1.0 or over > 3.0
    there = bottom - task.tolerance <= target <= top + task.tolerance
    left = 0.0 if there else max(0.0, abs(target - position) - task.tolerance)
    out.reward[row, 0, 0] = way - left
    if there:
        state.whole[row, 0] += 1
        aim(problem, row, state)


@inlined
def observe_row(problem: Any, row: int, state: State, seen: Seen) -> None:
    """Write position, speed and the way to the target."""
    real, signals, obs = state.real[row], seen.signals[row], seen.obs[row, 0]
    for m in range(2):
        signals[m] = measured(problem.rules, row, m, real[m], state)
        obs[m] = signals[m]
        seen.state[row, m] = real[m]
    obs[2] = real[2] - signals[0]
    seen.state[row, 2] = real[2]
