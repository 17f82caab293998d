# SPDX-License-Identifier: MIT
"""A row of a guarded plant as plain data for drawing."""

import math
from collections.abc import Callable

from flyball.worlds.classics.guarded.board import FORBIDDEN, GOAL
from flyball.worlds.classics.guarded.env import Guarded
from flyball.worlds.classics.view import Drawing, Picture, Point, Shape


def picture(env: Guarded, row: int) -> Picture:
    """Return what a drawing of one row shows (see `flyball.worlds.classics.view`)."""
    low, high, shapes = DRAWINGS[env.scenario.name](env, row)
    state = env.state
    return Picture(
        problem=env.scenario.name,
        step=int(state.t[row]),
        episode=int(state.episode[row]),
        total=float(state.total[row]),
        low=low,
        high=high,
        shapes=tuple(shapes),
    )


def _line(role: str, *points: Point) -> Shape:
    return Shape("line", points, role)


def _rail(env: Guarded, row: int) -> Drawing:
    wall = env.scenario.plant.wall
    position, _, target = env.state.real[row].tolist()
    shapes = [
        _line("track", (-wall, 0.0), (wall, 0.0)),
        _line("wall", (-wall, -0.5), (-wall, 0.5)),
        _line("wall", (wall, -0.5), (wall, 0.5)),
        Shape("disc", ((target, 0.0),), "goal", size=env.scenario.task.tolerance),
        Shape("cell", ((position, 0.0),), "cart", size=0.3),
    ]
    return (-1.2 * wall, -1.0), (1.2 * wall, 1.0), shapes


def _rod(env: Guarded, row: int) -> Drawing:
    angle, _, aim = env.state.real[row].tolist()
    limit = env.scenario.plant.angle

    def ray(role: str, at: float) -> Shape:
        return _line(role, (0.0, 0.0), (math.sin(at), math.cos(at)))

    shapes = [ray("wall", -limit), ray("wall", limit), ray("goal", aim), ray("rod", angle)]
    return (-1.2, -0.2), (1.2, 1.2), shapes


def _tanks(env: Guarded, row: int) -> Drawing:
    real, plant = env.state.real[row].tolist(), env.scenario.plant
    rim = env.scenario.task.rim
    shapes = []
    for tank in range(2):
        left, right = 0.1 + 0.5 * tank, 0.4 + 0.5 * tank
        shapes.append(_line("tank", (left, rim), (left, 0.0), (right, 0.0), (right, rim)))
        for role, level in (
            ("wall", plant.low),
            ("wall", plant.high),
            ("goal", real[2 + tank]),
            ("level", real[tank]),
        ):
            shapes.append(_line(role, (left, level), (right, level)))
    return (0.0, -0.05), (1.0, rim + 0.05), shapes


def _board(env: Guarded, row: int) -> Drawing:
    plant = env.scenario.plant
    n_rows = len(plant.mark) // plant.n_columns

    def place(cell: int) -> Point:
        return float(cell % plant.n_columns), float(n_rows - 1 - cell // plant.n_columns)

    roles = {FORBIDDEN: "wall", GOAL: "goal"}
    shapes = [
        Shape("cell", (place(cell),), roles[mark], size=1.0)
        for cell, mark in enumerate(plant.mark.tolist())
        if mark in roles
    ]
    shapes.append(Shape("disc", (place(int(env.state.whole[row, 0])),), "agent", size=0.35))
    return (-0.5, -0.5), (plant.n_columns - 0.5, n_rows - 0.5), shapes


def _swarm(env: Guarded, row: int) -> Drawing:
    n, real = env.scenario.plant.n, env.state.real[row].tolist()
    radius = 0.5 * env.scenario.plant.separation
    shapes = []
    for i in range(n):
        goal = (real[8 * n + 2 * i], real[8 * n + 2 * i + 1])
        shapes.append(Shape("disc", (goal,), "goal", label=str(i), size=env.scenario.task.near))
    for i in range(n):
        body = (real[4 * i] + real[4 * (n + i)], real[4 * i + 1] + real[4 * (n + i) + 1])
        shapes.append(Shape("disc", (body,), "agent", label=str(i), size=radius))
    size = 1.2 * env.scenario.task.size
    return (-size, -size), (size, size), shapes


DRAWINGS: dict[str, Callable[[Guarded, int], Drawing]] = {
    "double-integrator": _rail,
    "two-tanks": _tanks,
    "inverted-pendulum": _rod,
    "forbidden-grid": _board,
    "crossing-robots": _swarm,
}
"""How a row of each plant is drawn."""
