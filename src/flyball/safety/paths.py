# SPDX-License-Identifier: MIT
"""Paths of bodies that step, brake and rest, and whether two of them keep apart in continuous time.

The distance between two bodies that accelerate evenly is bounded from below by that of their linear
motion about the middle of an interval, less what their accelerations can change in half of it; the
interval is cut in halves until the bound decides. What stays undecided counts as too near.

N bodies · K dimensions · a path has four pieces of even acceleration: the step, full braking, the
last tick of braking, rest.
"""

from typing import NamedTuple

import numpy as np

from flyball.core.batch import Doubles
from flyball.safety.kernels import kernel

CUTS = 20
"""Halvings of an interval before a pair counts as too near."""


class Path(NamedTuple):
    """Paths of N bodies."""

    start: Doubles  # (N, 4) s from now
    place: Doubles  # (N, 4, K) m, at the start of the piece
    speed: Doubles  # (N, 4, K) m/s
    push: Doubles  # (N, 4, K) m/s2


class Rules(NamedTuple):
    """What all bodies must keep."""

    step_s: float
    acceleration: float  # m/s2
    speed: float  # m/s
    apart: float  # m, between references


@kernel
def chart(
    paths: Path, i: int, place: Doubles, speed: Doubles, push: Doubles, rules: Rules
) -> float:
    """Write path i: one step of an acceleration (K,), then a stop; return its length at most.

    Braking is full but for its last tick, which ends it exactly.
    """
    step_s, fast, n_dims = rules.step_s, 0.0, len(place)
    paths.place[i, 0], paths.speed[i, 0], paths.push[i, 0] = place, speed, push
    for k in range(n_dims):
        paths.place[i, 1, k] = place[k] + speed[k] * step_s + 0.5 * push[k] * step_s**2
        paths.speed[i, 1, k] = speed[k] + push[k] * step_s
        fast += paths.speed[i, 1, k] ** 2
    fast = np.sqrt(fast)
    tick = rules.acceleration * step_s
    n_full = np.floor(fast / tick)
    left = fast - n_full * tick
    spans = (step_s, n_full * step_s, step_s if left > 0.0 else 0.0)
    sizes = (0.0, rules.acceleration if n_full > 0.0 else 0.0, left / step_s)
    paths.start[i, 0] = 0.0
    length = 0.0
    for piece in range(3):
        paths.start[i, piece + 1] = paths.start[i, piece] + spans[piece]
        quick, hard = 0.0, 0.0
        for k in range(n_dims):
            if piece > 0:
                way = paths.speed[i, 1, k] / fast if fast > 0.0 else 0.0
                paths.push[i, piece, k] = -sizes[piece] * way
                paths.place[i, piece + 1, k] = (
                    paths.place[i, piece, k]
                    + paths.speed[i, piece, k] * spans[piece]
                    + 0.5 * paths.push[i, piece, k] * spans[piece] ** 2
                )
                # What is left of the speed is told, not summed up: rest is rest.
                paths.speed[i, piece + 1, k] = left * way if piece == 1 else 0.0
            quick += paths.speed[i, piece, k] ** 2
            hard += paths.push[i, piece, k] ** 2
        length += np.sqrt(quick) * spans[piece] + 0.5 * np.sqrt(hard) * spans[piece] ** 2
    paths.push[i, 3] = 0.0
    return float(length)


@kernel
def apart(place: Doubles, speed: Doubles, push: Doubles, span: float, least: float) -> bool:
    """Return whether |place + speed t + push t^2 / 2| >= least for t in [0, span]; (K,) each."""
    stack = np.empty((CUTS + 2, 2))
    stack[0, 0], stack[0, 1] = 0.0, span
    n, curve = 1, 0.0
    for k in range(len(place)):
        curve += push[k] ** 2
    curve = 0.5 * np.sqrt(curve)
    shortest = span * 0.5**CUTS
    while n > 0:
        n -= 1
        begin, end = stack[n, 0], stack[n, 1]
        middle, half = 0.5 * (begin + end), 0.5 * (end - begin)
        near, along, fast = 0.0, 0.0, 0.0
        for k in range(len(place)):
            p = place[k] + speed[k] * middle + 0.5 * push[k] * middle**2
            v = speed[k] + push[k] * middle
            near += p * p
            along += p * v
            fast += v * v
        shift = min(max(-along / fast, -half), half) if fast > 0.0 else 0.0
        closest = np.sqrt(max(near + 2.0 * along * shift + fast * shift * shift, 0.0))
        if closest - curve * half * half >= least:
            continue
        if not (np.sqrt(near) >= least) or end - begin <= shortest or n + 2 > len(stack):
            return False
        stack[n, 0], stack[n, 1] = begin, middle
        stack[n + 1, 0], stack[n + 1, 1] = middle, end
        n += 2
    return True


@kernel
def _piece(start: Doubles, i: int, time: float) -> int:
    """Return which piece of path i is on at a time."""
    own = 0
    for piece in range(1, 4):
        if start[i, piece] <= time:
            own = piece
    return own


@kernel
def compatible(first: Path, i: int, second: Path, j: int, least: float) -> bool:
    """Return whether path i of some and path j of others keep a distance `least` for all time."""
    n_dims = first.place.shape[2]
    place, speed, push = np.empty(n_dims), np.empty(n_dims), np.empty(n_dims)
    time = 0.0
    while True:
        a, b = _piece(first.start, i, time), _piece(second.start, j, time)
        end = first.start[i, a + 1] if a < 3 else np.inf
        end = min(end, second.start[j, b + 1]) if b < 3 else end
        s, t = time - first.start[i, a], time - second.start[j, b]
        for k in range(n_dims):
            push[k] = first.push[i, a, k] - second.push[j, b, k]
            speed[k] = (first.speed[i, a, k] + first.push[i, a, k] * s) - (
                second.speed[j, b, k] + second.push[j, b, k] * t
            )
            here = first.place[i, a, k] + (first.speed[i, a, k] + 0.5 * first.push[i, a, k] * s) * s
            there = (
                second.place[j, b, k] + (second.speed[j, b, k] + 0.5 * second.push[j, b, k] * t) * t
            )
            place[k] = here - there
        if not apart(place, speed, push, end - time if end < np.inf else 0.0, least):
            return False
        if end == np.inf:
            return True
        time = end
