# SPDX-License-Identifier: MIT
"""Mazes on a board, and the T-maze: dynamics of one row.

`state.whole` of a board is (cell, goal), a cell being row * columns + column; of the T-maze
(position, cue). `state.real` is not used. `params` of a board is a header (see the names below)
and then one number a cell: for gridworld and four rooms its place in the one-hot observation or
WALL, for the sea its treasure or ROCK. `params` of the T-maze is (problem, corridor, walking).

References
----------
.. [1] Bacon, Harb, Precup, *The option-critic architecture*, arXiv:1609.05140, and its
   ``fourrooms.py``, whose steps differ from the paper's text and are what everybody runs.
.. [2] Vamplew et al., *Empirical evaluation methods for multiobjective reinforcement learning*,
   Machine Learning 84, 2011; mo-gymnasium 1.3.2, ``deep_sea_treasure.py``.
.. [3] Bakker, *Reinforcement learning with long short-term memory*, NIPS 2001.
"""

from flyball.core.batch import Doubles, Ints
from flyball.worlds.classics.compiling import inlined
from flyball.worlds.classics.draws import below, uniform
from flyball.worlds.classics.state import Out, Seen, State

GRIDWORLD, ROOMS, SEA, T_MAZE = range(4)

ROWS, COLUMNS, START, SLIP, GOAL, SWITCH_AFTER, NEW_GOAL, BOARD = range(1, 9)
"""Places in `params` of a board; START is -1 for a uniform draw, SWITCH_AFTER 0 for never."""

WALL = -1.0
ROCK = -10.0

CORRIDOR, WALKING = 1, 2
"""Places in `params` of the T-maze."""

NORTH, SOUTH, WEST, EAST = range(4)
"""The actions of a board."""

T_NORTH, T_EAST, T_SOUTH, T_WEST = range(4)
"""The actions of a T-maze with walking; without it 0 is north and 1 is south."""

T_RIGHT, T_WRONG = 4.0, -0.1
"""Bakker's rewards at the junction; his -0.1 is also for not moving."""


@inlined
def reset_row(params: Doubles, row: int, seed: int, episode: int, state: State) -> None:
    """Put the agent at its start and choose the goal, or the cue."""
    whole = state.whole[row]
    if int(params[0]) == T_MAZE:
        whole[0] = 0
        whole[1] = below(2, uniform(seed, episode, 0, 0, 0))
        return
    switched = 0 < params[SWITCH_AFTER] <= episode
    whole[1] = int(params[NEW_GOAL] if switched else params[GOAL])
    whole[0] = int(params[START])
    if params[START] < 0:
        whole[0] = _drawn_start(params, whole[1], uniform(seed, episode, 0, 0, 0))


@inlined
def _drawn_start(params: Doubles, goal: int, draw: float) -> int:
    """Return one of the free cells other than the goal."""
    n_cells = int(params[ROWS]) * int(params[COLUMNS])
    n_free = -1
    for cell in range(n_cells):
        n_free += params[BOARD + cell] != WALL
    left = below(n_free, draw)
    for cell in range(n_cells):
        if params[BOARD + cell] != WALL and cell != goal:
            if left == 0:
                return cell
            left -= 1
    return goal


@inlined
def moved(params: Doubles, cell: int, action: int) -> int:
    """Return the cell that an action leads to; the own one where there is no way."""
    columns = int(params[COLUMNS])
    to_row, to_column = cell // columns, cell % columns
    if action == NORTH:
        to_row -= 1
    elif action == SOUTH:
        to_row += 1
    elif action == WEST:
        to_column -= 1
    else:
        to_column += 1
    if to_row < 0 or to_row >= int(params[ROWS]) or to_column < 0 or to_column >= columns:
        return cell
    to = to_row * columns + to_column
    blocked = ROCK if int(params[0]) == SEA else WALL
    return cell if params[BOARD + to] == blocked else to


@inlined
def step_row(
    params: Doubles,
    row: int,
    choice: Ints,
    value: Doubles,  # noqa: ARG001  one signature for all families
    state: State,
    out: Out,
) -> None:
    """Move one row by one step of its problem."""
    problem, action = int(params[0]), choice[row, 0, 0]
    if problem == T_MAZE:
        _t_maze(params, row, action, state, out)
    elif problem == SEA:
        _sea(params, row, action, state, out)
    elif problem == ROOMS:
        _rooms(params, row, action, state, out)
    else:
        _gridworld(params, row, action, state, out)


@inlined
def _gridworld(params: Doubles, row: int, action: int, state: State, out: Out) -> None:
    """With probability SLIP the step goes one of the other three ways, each as likely."""
    whole, seed, episode, t = state.whole[row], state.seed[row], state.episode[row], state.t[row]
    if uniform(seed, episode, 0, t, 1) < params[SLIP]:
        action = (action + 1 + below(3, uniform(seed, episode, 0, t, 2))) % 4
    whole[0] = moved(params, whole[0], action)
    out.reward[row, 0, 0] = -1.0
    out.terminated[row] = whole[0] == whole[1]


@inlined
def _rooms(params: Doubles, row: int, action: int, state: State, out: Out) -> None:
    """With probability SLIP a step that succeeds is followed by one to a random free neighbour."""
    whole, seed, episode, t = state.whole[row], state.seed[row], state.episode[row], state.t[row]
    cell = moved(params, whole[0], action)
    if cell != whole[0] and uniform(seed, episode, 0, t, 1) < params[SLIP]:
        n_ways = 0
        for way in range(4):
            n_ways += moved(params, cell, way) != cell
        left = below(n_ways, uniform(seed, episode, 0, t, 2))
        for way in range(4):
            to = moved(params, cell, way)
            if to != cell:
                if left == 0:
                    cell = to
                    break
                left -= 1
    whole[0] = cell
    out.terminated[row] = cell == whole[1]
    out.reward[row, 0, 0] = 1.0 if cell == whole[1] else 0.0


@inlined
def _sea(params: Doubles, row: int, action: int, state: State, out: Out) -> None:
    """End the submarine's trip at the first treasure; two objectives."""
    whole = state.whole[row]
    whole[0] = moved(params, whole[0], action)
    treasure = params[BOARD + whole[0]]
    out.reward[row, 0, 0] = treasure
    out.reward[row, 0, 1] = -1.0
    out.terminated[row] = treasure != 0.0


@inlined
def _t_maze(params: Doubles, row: int, action: int, state: State, out: Out) -> None:
    """Go along the corridor, then turn where the cue of the first step said."""
    whole, corridor = state.whole[row], int(params[CORRIDOR])
    at_junction = whole[0] == corridor
    if params[WALKING] == 0.0:
        right = at_junction and action == whole[1]
        whole[0] += not at_junction
        out.terminated[row] = at_junction
        out.reward[row, 0, 0] = 1.0 if right else 0.0
        return
    turns = at_junction and action % 2 == T_NORTH % 2
    before = whole[0]
    if action == T_EAST and not at_junction:
        whole[0] += 1
    elif action == T_WEST and before > 0:
        whole[0] -= 1
    out.terminated[row] = turns
    reward = T_WRONG if whole[0] == before else 0.0
    if turns and action == (T_NORTH if whole[1] == 0 else T_SOUTH):
        reward = T_RIGHT
    out.reward[row, 0, 0] = reward


@inlined
def observe_row(params: Doubles, row: int, state: State, seen: Seen) -> None:
    """Write the cell one-hot, its row and column, or Bakker's three bits."""
    problem, whole, obs = int(params[0]), state.whole[row], seen.obs[row, 0]
    seen.mask[row] = True
    if problem == T_MAZE:
        start, junction = whole[0] == 0, whole[0] == int(params[CORRIDOR])
        # 011 and 110 at the start, 101 on the way, 010 at the junction.
        obs[0] = 0.0 if junction or (start and whole[1] == 0) else 1.0
        obs[1] = 1.0 if junction or start else 0.0
        obs[2] = 0.0 if junction or (start and whole[1] == 1) else 1.0
    elif problem == SEA:
        obs[0] = whole[0] // int(params[COLUMNS])
        obs[1] = whole[0] % int(params[COLUMNS])
    else:
        for i in range(len(obs)):
            obs[i] = 0.0
        obs[int(params[BOARD + whole[0]])] = 1.0
