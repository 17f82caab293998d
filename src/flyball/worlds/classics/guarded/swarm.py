# SPDX-License-Identifier: MIT
"""Robots on a plane that cross each other's ways and must keep apart; one row's dynamics.

A robot commands the acceleration of its reference, a double integrator without disturbance, and its
body follows the reference by a critically damped loop that the wind pushes at:

    e'' + 2 rate e' + rate^2 e = wind,   |wind| <= wind_bound,   e = e' = 0 at the start.

**The tube.** e(t) is the integral of s exp(-rate s) wind(t - s) over s from 0 to t. That kernel is
nowhere negative and its integral from 0 to infinity is 1 / rate^2, so that |e| <= wind_bound /
rate^2 at every time, for every wind, in the Euclidean norm; and no smaller number would do, for a
wind that stands still gets as near to it as one likes.

N robots · `state.real`, two numbers an axis: 4N, robot after robot the position and the velocity of
its reference; 4N, robot after robot e and e'; 2N goals; N least distances to the goal so far; N
times since that last fell by PROGRESS_M, s.
"""

import math
from typing import Any, NamedTuple

from flyball.core.batch import Floats
from flyball.worlds.classics.compiling import inlined
from flyball.worlds.classics.guarded.chance import PLACE, SIDE, drawn
from flyball.worlds.classics.guarded.compiling import called
from flyball.worlds.classics.guarded.state import DEEPEST, OWN_SUMS, Out, Seen, State

SHARE, SEPARATION, STUCK = OWN_SUMS, OWN_SUMS + 1, OWN_SUMS + 2
"""Columns of `state.sums`: share of robots at their goal, smallest separation, deadlocked ones."""

N_SEEN = 6
"""Nearest others that a robot sees."""

PROGRESS_M, PATIENCE_S = 1.0, 10.0
"""A robot away from its goal that comes no nearer by this, for this long, is deadlocked."""

SPARE = 1e-6
"""Share by which a speed must pass its limit to count: rounding is no breach."""

ATTEMPTS = 500
"""Places that are tried for a start or a goal until one is far enough from the others."""

CIRCLE, RANDOM = range(2)


class Swarm(NamedTuple):
    """The robots and their limits."""

    n: int  # N
    acceleration: float  # of the reference, largest, Euclidean, m/s2
    speed: float  # of the reference, largest, Euclidean, m/s
    separation: float  # smallest distance of two bodies, m
    wind_bound: float  # largest, Euclidean, m/s2
    rate: float  # of the tracking loop, 1/s


class Crossing(NamedTuple):
    """Where the robots start, and where they go."""

    layout: int  # CIRCLE: each to the opposite point; RANDOM: anywhere in a square
    size: float  # radius of the circle or side of the square, m
    apart: float  # least distance between two starts, and between two goals, m
    near: float  # a robot this near to its goal is there, m
    slow: float  # if it is no faster than this, m/s


@called
def distance(x: float, y: float) -> float:
    """Return the length of a vector."""
    return math.sqrt(x * x + y * y)


@called
def follow(e: float, de: float, pull: float, rate: float, time_s: float) -> tuple[float, float]:
    """Return error and its rate after a time of constant `pull`, one axis; exact."""
    rest = pull / (rate * rate)
    off = e - rest
    slope = de + rate * off
    fade = math.exp(-rate * time_s)
    return rest + (off + slope * time_s) * fade, (de - rate * slope * time_s) * fade


@inlined
def place(problem: Any, row: int, at: int, stream: int, state: State) -> None:
    """Put a start or a goal, two numbers from `at` on every robot's stride, apart from others."""
    n, task, real = problem.plant.n, problem.task, state.real[row]
    stride = 4 if stream == SIDE else 2
    for i in range(n):
        for attempt in range(ATTEMPTS):
            for axis in range(2):
                event = 2 * attempt + axis
                draw = drawn(state.seed[row], state.episode[row], i, event, stream)
                real[at + stride * i + axis] = task.size * (draw - 0.5)
            clear = True
            for j in range(i):
                x = real[at + stride * i] - real[at + stride * j]
                y = real[at + stride * i + 1] - real[at + stride * j + 1]
                clear = clear and distance(x, y) >= task.apart
            if clear:
                break


@inlined
def reset_row(problem: Any, row: int, state: State) -> None:
    """Put every robot at rest on its start, without error."""
    n, task, real = problem.plant.n, problem.task, state.real[row]
    real[:] = 0.0
    if task.layout == CIRCLE:
        turn = drawn(state.seed[row], state.episode[row], 0, 0, PLACE)
        for i in range(n):
            angle = 2.0 * math.pi * (i + turn) / n
            x, y = task.size * math.cos(angle), task.size * math.sin(angle)
            real[4 * i], real[4 * i + 1] = x, y
            real[8 * n + 2 * i], real[8 * n + 2 * i + 1] = -x, -y
    else:
        place(problem, row, 0, SIDE, state)
        place(problem, row, 8 * n, PLACE, state)
    for i in range(n):
        real[10 * n + i] = way(n, row, i, state)
    state.sums[row, SEPARATION] = math.inf


@inlined
def way(n: int, row: int, i: int, state: State) -> float:
    """Return the distance of a robot's reference to its goal."""
    real = state.real[row]
    return distance(real[8 * n + 2 * i] - real[4 * i], real[8 * n + 2 * i + 1] - real[4 * i + 1])


@inlined
def fly(plant: Swarm, rules: Any, row: int, i: int, state: State, out: Out) -> float:
    """Move one robot, write its body's way to `out.path`; return how far that led it at most."""
    real, n, n_pieces = state.real[row], plant.n, out.wind.shape[1]
    ax, ay = out.value[row, i, 0], out.value[row, i, 1]
    size = distance(ax, ay)
    if size > plant.acceleration:
        ax, ay = ax * (plant.acceleration / size), ay * (plant.acceleration / size)
        out.value[row, i, 0], out.value[row, i, 1] = ax, ay
    x, y, vx, vy = real[4 * i], real[4 * i + 1], real[4 * i + 2], real[4 * i + 3]
    at = 4 * (n + i)
    ex, ey, dx, dy = real[at], real[at + 1], real[at + 2], real[at + 3]
    first_x, first_y, swept = x + ex, y + ey, 0.0
    out.path[0, 2 * i], out.path[0, 2 * i + 1] = first_x, first_y
    piece_s = rules.step_s / n_pieces
    for piece in range(n_pieces):
        wx, wy = out.wind[row, piece, 2 * i], out.wind[row, piece, 2 * i + 1]
        scale = plant.wind_bound / max(1.0, distance(wx, wy))
        ex, dx = follow(ex, dx, wx * scale, plant.rate, piece_s)
        ey, dy = follow(ey, dy, wy * scale, plant.rate, piece_s)
        t = (piece + 1) * piece_s
        body_x, body_y = x + t * (vx + 0.5 * ax * t) + ex, y + t * (vy + 0.5 * ay * t) + ey
        out.path[piece + 1, 2 * i], out.path[piece + 1, 2 * i + 1] = body_x, body_y
        swept = max(swept, distance(body_x - first_x, body_y - first_y))
    real[at], real[at + 1], real[at + 2], real[at + 3] = ex, ey, dx, dy
    t = rules.step_s
    real[4 * i], real[4 * i + 1] = x + t * (vx + 0.5 * ax * t), y + t * (vy + 0.5 * ay * t)
    real[4 * i + 2], real[4 * i + 3] = vx + ax * t, vy + ay * t
    return swept


@inlined
def nearest(out: Out, i: int, j: int) -> float:
    """Return the least distance of two bodies whose ways are straight between the samples."""
    path = out.path
    least = math.inf
    x, y = path[0, 2 * i] - path[0, 2 * j], path[0, 2 * i + 1] - path[0, 2 * j + 1]
    for piece in range(1, len(path)):
        next_x = path[piece, 2 * i] - path[piece, 2 * j]
        next_y = path[piece, 2 * i + 1] - path[piece, 2 * j + 1]
        go_x, go_y = next_x - x, next_y - y
        length = go_x * go_x + go_y * go_y
        share = -(x * go_x + y * go_y) / length if length > 0.0 else 0.0
        share = min(max(share, 0.0), 1.0)
        least = min(least, distance(x + share * go_x, y + share * go_y))
        x, y = next_x, next_y
    return least


@inlined
def closest(plant: Swarm, piece_s: float, out: Out) -> float:
    """Return a distance that no two bodies were nearer than, at any time of the step.

    Between samples a body strays from the straight line by at most piece^2 / 8 times its
    acceleration: that of its reference, and |e''| <= |wind| + 2 rate |e'| + rate^2 |e|, which is
    below 3.5 times the largest wind, because |e'| <= 2 wind_bound / (2.718 rate).
    """
    n = plant.n
    stray = 0.25 * piece_s * piece_s * (plant.acceleration + 3.5 * plant.wind_bound)
    least = math.inf
    for i in range(n):
        for j in range(i):
            x = out.path[0, 2 * i] - out.path[0, 2 * j]
            y = out.path[0, 2 * i + 1] - out.path[0, 2 * j + 1]
            if distance(x, y) - out.swept[i] - out.swept[j] < least:
                least = min(least, nearest(out, i, j))
    return max(0.0, least - stray)


@inlined
def step_row(problem: Any, row: int, state: State, out: Out) -> None:
    """Move all robots, find how near any two came, and reward the way to the goals."""
    plant, task, rules, n = problem.plant, problem.task, problem.rules, problem.plant.n
    real, sums = state.real[row], state.sums[row]
    fastest = 0.0
    arrived = stuck = 0
    for i in range(n):
        before = way(n, row, i, state)
        out.swept[i] = fly(plant, rules, row, i, state, out)
        after, speed = way(n, row, i, state), distance(real[4 * i + 2], real[4 * i + 3])
        out.reward[row, i, 0] = before - after
        fastest = max(fastest, speed)
        there = after <= task.near and speed <= task.slow
        real[11 * n + i] += rules.step_s
        if there or after <= real[10 * n + i] - PROGRESS_M:
            real[10 * n + i] = after
            real[11 * n + i] = 0.0
        arrived += there
        stuck += real[11 * n + i] >= PATIENCE_S
    near = closest(plant, rules.step_s / out.wind.shape[1], out)
    over = fastest / plant.speed - 1.0
    out.cost[row, 0] = rules.step_s if not near >= plant.separation else 0.0
    out.cost[row, 1] = rules.step_s if over > SPARE else 0.0
    sums[DEEPEST] = max(sums[DEEPEST], 1.0 - near / plant.separation)
    if over > SPARE:
        sums[DEEPEST] = max(sums[DEEPEST], over)
    sums[SHARE], sums[STUCK] = arrived / n, stuck
    sums[SEPARATION] = min(sums[SEPARATION], near)
    out.terminated[row] = arrived == n


@inlined
def observe_row(problem: Any, row: int, state: State, seen: Seen) -> None:
    """Write for each robot its way, its velocity, and place and velocity of the nearest others."""
    n, real = problem.plant.n, state.real[row]
    for k in range(4 * n):
        seen.signals[row, k] = real[k]
    for i in range(n):
        obs = seen.obs[row, i]
        for axis in range(2):
            obs[axis] = real[8 * n + 2 * i + axis] - real[4 * i + axis]
            obs[2 + axis] = real[4 * i + 2 + axis]
        n_seen = find(n, row, i, state, obs)
        for k in range(n_seen):
            at = int(obs[4 + 4 * k])
            for axis in range(4):
                obs[4 + 4 * k + axis] = real[4 * at + axis] - real[4 * i + axis]


@inlined
def find(n: int, row: int, i: int, state: State, obs: Floats) -> int:
    """Write the numbers of the nearest others to every fourth column, and return how many."""
    n_seen, farthest = 0, math.inf
    for j in range(n):
        far = between_references(row, i, j, state)
        if j == i or (n_seen == N_SEEN and not far < farthest):
            continue
        k = min(n_seen, N_SEEN - 1)
        while k > 0 and far < between_references(row, i, int(obs[4 * k]), state):
            obs[4 + 4 * k] = obs[4 * k]
            k -= 1
        obs[4 + 4 * k] = j
        n_seen = min(n_seen + 1, N_SEEN)
        farthest = between_references(row, i, int(obs[4 * n_seen]), state)
    return n_seen


@inlined
def between_references(row: int, i: int, j: int, state: State) -> float:
    """Return the square of the distance of two references."""
    real = state.real[row]
    x, y = real[4 * j] - real[4 * i], real[4 * j + 1] - real[4 * i + 1]
    return float(x * x + y * y)
