# SPDX-License-Identifier: MIT
"""How a good engineer would let a team forage: the right players walk to the nearest food together.

Plain Python, row by row; it looks at the whole field, which players with a short sight do not.
"""

from collections import deque
from functools import lru_cache
from itertools import combinations, permutations

import numpy as np
from numpy.typing import NDArray

from flyball.core.batch import Doubles, Observation
from flyball.worlds.classics import foraging
from flyball.worlds.classics.scenario import Scenario

Cell = tuple[int, int]
Player = tuple[int, int, int]
"""Row, column and level."""

WAYS: dict[int, Cell] = {
    foraging.NORTH: (-1, 0),
    foraging.SOUTH: (1, 0),
    foraging.WEST: (0, -1),
    foraging.EAST: (0, 1),
}

FAR = 10**6
"""Steps to a cell that cannot be reached."""


def beside(cell: Cell) -> tuple[Cell, ...]:
    """Return the four neighbours of a cell, in the order of the moves."""
    return tuple((cell[0] + down, cell[1] + right) for down, right in WAYS.values())


@lru_cache(maxsize=4096)
def steps_from(start: Cell, blocked: frozenset[Cell], size: int) -> dict[Cell, int]:
    """Return the fewest steps from a cell to every other that can be reached."""
    steps, queue = {start: 0}, deque([start])
    while queue:
        cell = queue.popleft()
        for near in beside(cell):
            inside = 0 <= near[0] < size and 0 <= near[1] < size
            if inside and near not in blocked and near not in steps:
                steps[near] = steps[cell] + 1
                queue.append(near)
    return steps


def teams(players: list[Player], weight: int) -> list[tuple[int, ...]]:
    """Return every team that can load food of that weight and none of whose members is spare.

    At most four players fit around food.
    """
    levels = [level for _, _, level in players]
    found = []
    for count in range(1, min(len(players), 4) + 1):
        for team in combinations(range(len(players)), count):
            strength = sum(levels[who] for who in team)
            if strength >= weight > strength - min(levels[who] for who in team):
                found.append(team)
    return found


def tour(cells: tuple[Cell, ...], foods: list[Player]) -> int:
    """Return about how long a team that stands on cells needs for the food that is left.

    It goes to the nearest next food, as the crow walks, and on from there.
    """
    left, total = list(foods), 0
    while left:
        far, food = min(
            (max(abs(r - food[0]) + abs(c - food[1]) for r, c in cells), food) for food in left
        )
        left.remove(food)
        total, cells = total + far, (food[:2],)
    return total


def plan(players: list[Player], foods: list[Player], size: int) -> dict[int, Cell]:
    """Return where the members of the best team should stand, by player.

    The best team for the best food has all food soonest, around all who stay where they are; among
    equals it is the one that walks least. Empty if no team can get to any food.
    """
    best, found = (FAR, FAR), {}
    for food in foods:
        for team in teams(players, food[2]):
            idle = {player[:2] for who, player in enumerate(players) if who not in team}
            blocked = frozenset(idle.union(each[:2] for each in foods))
            reach = [steps_from(players[who][:2], blocked, size) for who in team]
            for cells in permutations(beside(food[:2]), len(team)):
                walks = [steps.get(cell, FAR) for steps, cell in zip(reach, cells, strict=True)]
                if max(walks) >= best[0]:
                    continue
                rest = [other for other in foods if other is not food]
                cost = (max(walks) + tour(cells, rest), sum(walks))
                if cost < best:
                    best, found = cost, dict(zip(team, cells, strict=True))
    return found


def moves(players: list[Player], foods: list[Player], size: int) -> list[int]:
    """Return one move for each player: walk to its cell, load when the whole team is there.

    Players move in turn: each takes a shortest step into a cell that no earlier one wants and
    that nobody stands on for good; if there is none, it waits.
    """
    goal = plan(players, foods, size)
    if goal and all(players[who][:2] == cell for who, cell in goal.items()):
        return [foraging.LOAD if who in goal else foraging.NONE for who in range(len(players))]
    walking = [who for who, cell in goal.items() if players[who][:2] != cell]
    stay = {player[:2] for who, player in enumerate(players) if who not in walking}
    blocked = frozenset(stay.union(food[:2] for food in foods))
    chosen, taken = [foraging.NONE] * len(players), set(stay)
    for who in walking:
        r, c, _ = players[who]
        left = steps_from(goal[who], blocked, size)
        open_cells = {move: (r + down, c + right) for move, (down, right) in WAYS.items()}
        open_cells = {move: cell for move, cell in open_cells.items() if cell not in taken}
        best = min(open_cells, key=lambda move: left.get(open_cells[move], FAR), default=0)
        if best and left.get(open_cells[best], FAR) < left.get((r, c), FAR):
            chosen[who] = best
        taken.add(open_cells[best] if chosen[who] else (r, c))
    return chosen


def forage(
    problem: Scenario, observation: Observation, memory: Doubles
) -> tuple[NDArray[np.generic], Doubles]:
    """Return the moves (B, N, 1) of a team that loads one food after the other."""
    size, n = int(problem.params[foraging.SIZE]), int(problem.params[foraging.N_PLAYERS])
    wish = np.zeros((len(observation.state), n, 1), np.int32)
    for row, things in enumerate(observation.state.astype(int).reshape(len(wish), -1, 3).tolist()):
        triples = [(r, c, level) for r, c, level in things]
        foods = [food for food in triples[n:] if food[2] > 0]
        if foods:
            wish[row, :, 0] = moves(triples[:n], foods, size)
    return wish, memory
