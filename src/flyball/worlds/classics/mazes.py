# SPDX-License-Identifier: MIT
"""The scenarios of the mazes; their dynamics are in `grids`."""

from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np

from flyball.core.batch import Doubles, Longs
from flyball.core.spec import AgentKind, Categorical, Feature, Objective
from flyball.worlds.classics import grids
from flyball.worlds.classics.scenario import Recipe, Scenario, describe, features, require

Cell = tuple[int, int]
"""Row and column."""

ROOMS = """\
#############
#     #     #
#     #     #
#           #
#     #     #
#     #     #
## ####     #
#     ### ###
#     #     #
#     #     #
#           #
#     #     #
#############
"""
"""Bacon's four rooms: 104 free cells."""

N_ROOM_CELLS = 104
EAST_DOOR = 62
"""His first goal: the door between the two rooms on the right."""

TREASURES: dict[str, tuple[float, ...]] = {
    "concave": (1.0, 2.0, 3.0, 5.0, 8.0, 16.0, 24.0, 50.0, 74.0, 124.0),
    "convex": (0.7, 8.2, 11.5, 14.0, 15.1, 16.1, 19.6, 20.3, 22.4, 23.7),
}
"""Treasure of each column of the sea."""

DEPTHS = (1, 2, 3, 4, 4, 4, 7, 7, 9, 10)
"""Row of each column's treasure."""


@dataclass(frozen=True, kw_only=True)
class GridworldSettings:
    """Find the goal on a square board; every step costs 1."""

    size: int = 5
    """Rows and columns, 2 to 50."""
    start: Cell = (0, 0)
    goal: Cell | None = None
    """None: the corner opposite to the start of the board."""
    walls: tuple[Cell, ...] = ()
    """Cells that nobody enters."""
    slip: float = 0.0
    """Probability that a step goes one of the other three ways, in [0, 1)."""
    time_limit: int = 100
    """Steps, at least 1."""


@dataclass(frozen=True, kw_only=True)
class RoomsSettings:
    """Bacon's four rooms: 1 at the goal, 0 elsewhere, from a random cell."""

    slip: float = 1 / 3
    """Probability that a step is followed by one to a random neighbour, in [0, 1]."""
    goal: int = EAST_DOOR
    """Number of a free cell, row by row from 0 to 103."""
    switch_after: int = 0
    """Episodes of a row after which the goal moves; 0 for never."""
    new_goal: int = 90
    """Where the goal moves to: a cell of the room at the lower right."""
    time_limit: int = 1000
    """Steps, at least 1."""


@dataclass(frozen=True, kw_only=True)
class SeaSettings:
    """Deep sea treasure: the farther the treasure, the richer."""

    front: Literal["concave", "convex"] = "concave"
    """Vamplew's treasures, whose front is concave, or Yang's, whose front is convex."""
    time_limit: int = 100
    """Steps, at least 1."""


@dataclass(frozen=True, kw_only=True)
class TMazeSettings:
    """Remember a cue that is seen in the first step only."""

    corridor: int = 10
    """Steps between the cue and the junction, at least 1."""
    walking: bool = False
    """Bakker's maze with four actions and his rewards, instead of being carried along."""


def gridworld(name: str, settings: GridworldSettings) -> Scenario:
    """Return a board with walls."""
    size = settings.size
    require(2 <= size <= 50, f"{name}.size", size, "2 to 50", "5 is usual")
    require(0 <= settings.slip < 1, f"{name}.slip", settings.slip, "0 to below 1", "0 is no slip")
    (start,) = _cells(f"{name}.start", [settings.start], size)
    (goal,) = _cells(f"{name}.goal", [settings.goal or (size - 1, size - 1)], size)
    walls = _cells(f"{name}.walls", settings.walls, size)
    require(
        start not in walls and goal not in walls,
        f"{name}.walls",
        walls,
        "cells other than start and goal",
        "take those out",
    )
    board = np.zeros((size, size))
    for cell in walls:
        board[cell] = grids.WALL
    header = (start[0] * size + start[1], settings.slip, goal[0] * size + goal[1])
    scenario = _maze(name, grids.GRIDWORLD, board, (*header, 0, 0), settings.time_limit)
    known = steps_to(scenario.params, header[2])[header[0]] >= 0
    require(known, f"{name}.walls", walls, "walls with a way from start to goal", "open a way")
    return scenario


def _cells(where: str, given: Sequence[object], size: int) -> list[Cell]:
    """Return cells of a board; raise ConfigError where one is no pair or lies outside."""
    inside = all(
        isinstance(cell, tuple | list)
        and len(cell) == 2
        and all(type(x) is int and 0 <= x < size for x in cell)
        for cell in given
    )
    allowed = f"pairs of whole numbers, 0 to {size - 1}"
    require(inside, where, list(given), allowed, "give row and column, both from 0")
    pairs: Any = given
    return [(row, column) for row, column in pairs]


def rooms(name: str, settings: RoomsSettings) -> Scenario:
    """Return Bacon's four rooms."""
    require(0 <= settings.slip <= 1, f"{name}.slip", settings.slip, "0 to 1", "1/3 is Bacon's")
    n = settings.switch_after
    require(n >= 0, f"{name}.switch_after", n, "0 or more episodes", "0 is never")
    for key, number in (("goal", settings.goal), ("new_goal", settings.new_goal)):
        inside = 0 <= number < N_ROOM_CELLS
        require(inside, f"{name}.{key}", number, "0 to 103", f"{EAST_DOOR} is the east door")
    lines = ROOMS.splitlines()
    board = np.array([[grids.WALL if mark == "#" else 0.0 for mark in line] for line in lines])
    cells = np.flatnonzero(board.ravel() != grids.WALL)
    goals = cells[settings.goal], settings.switch_after, cells[settings.new_goal]
    return _maze(name, grids.ROOMS, board, (-1, settings.slip, *goals), settings.time_limit)


def _maze(
    name: str, number: int, board: Doubles, header: Sequence[float], time_limit: int
) -> Scenario:
    """Return a board whose free cells are seen one-hot; `header` is start, slip and the goals."""
    require(time_limit >= 1, f"{name}.time_limit", time_limit, "1 step or more", "100 is usual")
    flat = board.ravel().copy()
    free = flat != grids.WALL
    flat[free] = np.arange(free.sum())
    columns = board.shape[1]
    seen = tuple(
        Feature(f"cell_{cell // columns}_{cell % columns}", "-", 0.0, 1.0, "1 where the agent is")
        for cell in np.flatnonzero(free)
    )
    kind = AgentKind("agent", 1, seen, (Categorical("move", 4),))
    return Scenario(
        name=name,
        family="grids",
        params=np.concatenate([[number, *board.shape], header, flat]).astype(np.float64),
        spec=describe(name, (kind,)),
        n_real=0,
        n_whole=2,
        time_limit=time_limit,
    )


def sea(name: str, settings: SeaSettings) -> Scenario:
    """Return the sea of eleven rows and columns."""
    known = ", ".join(TREASURES)
    require(settings.front in TREASURES, f"{name}.front", settings.front, known, "leave it out")
    limit = settings.time_limit
    require(limit >= 1, f"{name}.time_limit", limit, "1 step or more", "100 is usual")
    board = np.zeros((11, 11))
    for column, depth in enumerate(DEPTHS):
        board[depth, column] = TREASURES[settings.front][column]
        board[depth + 1 :, column] = grids.ROCK
    seen = features(("row", "cells", 0.0, 10.0), ("column", "cells", 0.0, 10.0))
    kind = AgentKind("submarine", 1, seen, (Categorical("move", 4),))
    objectives = (Objective("treasure", "-", "max"), Objective("time", "steps", "max"))
    return Scenario(
        name=name,
        family="grids",
        params=np.concatenate([[grids.SEA, 11, 11, 0, 0, -1, 0, 0], board.ravel()]),
        spec=describe(name, (kind,), objectives=objectives),
        n_real=0,
        n_whole=2,
        time_limit=limit,
    )


def t_maze(name: str, settings: TMazeSettings) -> Scenario:
    """Return a corridor with a junction at its end."""
    n = settings.corridor
    require(n >= 1, f"{name}.corridor", n, "1 step or more", "10 is usual")
    seen = features(*((f"bit_{i}", "-", 0.0, 1.0) for i in range(3)))
    head = Categorical("move", 4) if settings.walking else Categorical("turn", 2)
    return Scenario(
        name=name,
        family="grids",
        params=np.array([grids.T_MAZE, n, float(settings.walking)]),
        spec=describe(name, (AgentKind("agent", 1, seen, (head,)),)),
        n_real=0,
        n_whole=2,
        # Who is carried decides in step n + 1; who walks may turn back, but not for ever.
        time_limit=5 * n + 20 if settings.walking else n + 1,
    )


def steps_to(params: Doubles, goal: int) -> Longs:
    """Return the fewest steps from each cell of a board to `goal` without slipping; -1 for none."""
    n_cells = int(params[grids.ROWS] * params[grids.COLUMNS])
    steps = np.full(n_cells, -1, np.int64)
    steps[goal] = 0
    queue = deque([goal])
    while queue:
        cell = queue.popleft()
        # Moves can be taken back on every board of this world.
        for action in range(4):
            to = step_from(params, cell, action)
            if steps[to] < 0:
                steps[to] = steps[cell] + 1
                queue.append(to)
    return steps


def step_from(params: Doubles, cell: int, action: int) -> int:
    """Return the cell that a move leads to: the slow twin of `grids.moved`."""
    rows, columns = int(params[grids.ROWS]), int(params[grids.COLUMNS])
    row, column = divmod(cell, columns)
    row += (action == grids.SOUTH) - (action == grids.NORTH)
    column += (action == grids.EAST) - (action == grids.WEST)
    if not (0 <= row < rows and 0 <= column < columns):
        return cell
    blocked = grids.ROCK if int(params[0]) == grids.SEA else grids.WALL
    to = row * columns + column
    return cell if params[grids.BOARD + to] == blocked else to


PROBLEMS = {
    "t-maze": Recipe(TMazeSettings, t_maze),
    "gridworld": Recipe(GridworldSettings, gridworld),
    "four-rooms": Recipe(RoomsSettings, rooms),
    "deep-sea-treasure": Recipe(SeaSettings, sea),
}
