# SPDX-License-Identifier: MIT
"""One row of a problem as plain data for drawing: no colours, no library, JSON can hold it.

A picture is a list of shapes in the problem's own units, x to the right and y up. What has no place
of its own (games) is a table.
"""

import math
from collections.abc import Callable
from typing import Literal, NamedTuple

from flyball.worlds.classics import control, foraging, grids, particles
from flyball.worlds.classics.env import Classic
from flyball.worlds.classics.scenario import Family

Point = tuple[float, float]


class Shape(NamedTuple):
    """Something to draw."""

    kind: Literal["line", "disc", "cell", "text"]
    points: tuple[Point, ...]  # line: two or more; else the centre
    role: str  # what it is: cart, pole, wall, agent, goal, ...
    label: str = ""
    size: float = 0.0  # radius of a disc, side of a cell


class Picture(NamedTuple):
    """Everything that a drawing of one row shows."""

    problem: str
    step: int
    episode: int
    total: float  # return so far
    low: Point  # lower left corner
    high: Point  # upper right corner
    shapes: tuple[Shape, ...]


def picture(env: Classic, row: int) -> Picture:
    """Return what a drawing of one row shows.

    Parameters
    ----------
    env
        Is not changed.
    row
        0 to B - 1.
    """
    low, high, shapes = DRAWINGS[env.scenario.family](env, row)
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


Drawing = tuple[Point, Point, list[Shape]]


def _control(env: Classic, row: int) -> Drawing:
    real = env.state.real[row].tolist()
    number = int(env.scenario.params[0])
    if number == control.CARTPOLE:
        tip = (real[0] + math.sin(real[2]), math.cos(real[2]))
        track = Shape("line", ((-2.4, 0.0), (2.4, 0.0)), "track")
        cart = Shape("cell", ((real[0], 0.0),), "cart", size=0.5)
        return (-2.6, -0.5), (2.6, 1.5), [track, cart, Shape("line", ((real[0], 0.0), tip), "pole")]
    if number == control.ACROBOT:
        elbow = (math.sin(real[0]), -math.cos(real[0]))
        both = real[0] + real[1]
        hand = (elbow[0] + math.sin(both), elbow[1] - math.cos(both))
        links = Shape("line", ((0.0, 0.0), elbow, hand), "links")
        return (-2.2, -2.2), (2.2, 2.2), [Shape("line", ((-2.2, 1.0), (2.2, 1.0)), "goal"), links]
    if number == control.PENDULUM:
        tip = (-math.sin(real[0]), math.cos(real[0]))
        return (-1.2, -1.2), (1.2, 1.2), [Shape("line", ((0.0, 0.0), tip), "rod")]
    goal = control.CAR_GOAL if number == control.CAR else control.CAR_CONTINUOUS_GOAL
    places = [control.CAR_LOW + 0.02 * k for k in range(91)]
    hill = Shape("line", tuple((x, _height(x)) for x in places), "hill")
    flag = Shape("disc", ((goal, _height(goal)),), "goal", size=0.02)
    car = Shape("disc", ((real[0], _height(real[0])),), "agent", size=0.04)
    return (control.CAR_LOW, 0.0), (control.CAR_HIGH, 1.1), [hill, flag, car]


def _height(position: float) -> float:
    """Return the height of the hill as Gymnasium draws it."""
    return math.sin(3 * position) * 0.45 + 0.55


def _grids(env: Classic, row: int) -> Drawing:
    params, whole = env.scenario.params, env.state.whole[row].tolist()
    if int(params[0]) == grids.T_MAZE:
        n = int(params[grids.CORRIDOR])
        way = Shape("line", ((0.0, 0.0), (float(n), 0.0)), "corridor")
        fork = Shape("line", ((float(n), -1.0), (float(n), 1.0)), "junction")
        goal = Shape("disc", ((float(n), 1.0 if whole[1] == 0 else -1.0),), "goal", size=0.3)
        agent = Shape("disc", ((float(whole[0]), 0.0),), "agent", size=0.3)
        return (-1.0, -2.0), (n + 1.0, 2.0), [way, fork, goal, agent]
    rows, columns = int(params[grids.ROWS]), int(params[grids.COLUMNS])
    sea = int(params[0]) == grids.SEA
    shapes = []
    for cell, mark in enumerate(params[grids.BOARD :].tolist()):
        place = (_place(cell, rows, columns),)
        if mark == (grids.ROCK if sea else grids.WALL):
            shapes.append(Shape("cell", place, "wall", size=1.0))
        elif sea and mark > 0:
            shapes.append(Shape("text", place, "goal", label=f"{mark:g}"))
    if not sea:
        shapes.append(Shape("cell", (_place(whole[1], rows, columns),), "goal", size=1.0))
    shapes.append(Shape("disc", (_place(whole[0], rows, columns),), "agent", size=0.35))
    return (-0.5, -0.5), (columns - 0.5, rows - 0.5), shapes


def _place(cell: int, rows: int, columns: int) -> Point:
    """Return the centre of a cell, the first row on top."""
    return float(cell % columns), float(rows - 1 - cell // columns)


def _games(env: Classic, row: int) -> Drawing:
    """Write the state as text: whole numbers have no place of their own."""
    words = ", ".join(str(number) for number in env.state.whole[row].tolist()[:12])
    return (-1.0, -1.0), (1.0, 1.0), [Shape("text", ((0.0, 0.0),), "state", label=words)]


def _particles(env: Classic, row: int) -> Drawing:
    params, real = env.scenario.params, env.state.real[row].tolist()
    guided = int(params[particles.PROBLEM]) == particles.GUIDE
    n = int(params[particles.N_AGENTS])
    goal = int(env.state.whole[row, 0]) if guided else -1
    shapes = []
    for mark in range(particles.N_GOALS if guided else n):
        place = (real[6 * n + 2 * mark], real[6 * n + 2 * mark + 1])
        shapes.append(Shape("disc", (place,), "goal" if mark == goal else "landmark", size=0.05))
    for agent in range(n):
        place = (real[2 * agent], real[2 * agent + 1])
        shapes.append(Shape("disc", (place,), "agent", label=str(agent), size=0.15))
    return (-1.5, -1.5), (1.5, 1.5), shapes


def _foraging(env: Classic, row: int) -> Drawing:
    params, whole = env.scenario.params, env.state.whole[row].tolist()
    size, n = int(params[foraging.SIZE]), int(params[foraging.N_PLAYERS])
    shapes = []
    for thing in range(n + int(params[foraging.N_FOODS])):
        y, x, level = whole[3 * thing : 3 * thing + 3]
        role = "agent" if thing < n else "food"
        if level > 0:
            place = (float(x), float(size - 1 - y))
            shapes.append(Shape("disc", (place,), role, label=str(level), size=0.35))
    return (-0.5, -0.5), (size - 0.5, size - 0.5), shapes


DRAWINGS: dict[Family, Callable[[Classic, int], Drawing]] = {
    "control": _control,
    "grids": _grids,
    "games": _games,
    "particles": _particles,
    "foraging": _foraging,
}
"""How a row of each family is drawn."""
