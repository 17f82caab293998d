# SPDX-License-Identifier: MIT
"""Level-based foraging on a grid: players load food that none of them can lift alone. One row.

Equal to lbforaging's environment state by state [1]_, but for two things. Its time limit is a
truncation here, where lbforaging reports a termination. And a player may start on the cell where
a later one stood when the last episode ended, which lbforaging forbids by an oversight. `params`
is named below. `state.whole` holds row, column and level of each player; then the same of each
food in reading order, level 0 for food that is gone; the levels of all food at the start; then
row and column where each player wants to go. The scenario is in `teams`.

References
----------
.. [1] Papoudakis et al., *Benchmarking multi-agent deep reinforcement learning algorithms in
   cooperative tasks*, arXiv:2006.07869; lbforaging 2.0.0, ``lbforaging/foraging/environment.py``.
"""

from flyball.core.batch import Doubles, Ints, Longs
from flyball.worlds.classics.compiling import inlined
from flyball.worlds.classics.draws import below, uniform
from flyball.worlds.classics.state import Out, Seen, State

SIZE, N_PLAYERS, N_FOODS, SIGHT, COOP, MAX_LEVEL, PENALTY = range(1, 8)

MOVES = ("none", "north", "south", "west", "east", "load")
NONE, NORTH, SOUTH, WEST, EAST, LOAD = range(6)

MOST_ATTEMPTS = 1000
"""Places tried for a player or for all the food; then it is left as it is."""

LEVEL_MAKERS = 3
"""No food is heavier than the levels of so many of the weakest players together."""


@inlined
def reset_row(params: Doubles, row: int, seed: int, episode: int, state: State) -> None:
    """Put players anywhere, then food away from the walls and from other food."""
    whole, n, size = state.whole[row], int(params[N_PLAYERS]), int(params[SIZE])
    whole[:] = 0
    for player in range(n):
        at = 3 * player
        for attempt in range(MOST_ATTEMPTS):
            whole[at] = below(size, uniform(seed, episode, player, attempt, 0))
            whole[at + 1] = below(size, uniform(seed, episode, player, attempt, 1))
            if not _met(whole, 0, player, whole[at], whole[at + 1]):
                break
        level = below(int(params[MAX_LEVEL]), uniform(seed, episode, player, 0, 2))
        whole[at + 2] = 1 + level
    _spawn_food(params, row, seed, episode, state)


@inlined
def _spawn_food(params: Doubles, row: int, seed: int, episode: int, state: State) -> None:
    """Put food of a level that the weakest players can load together, or with `coop` just so."""
    whole, n, n_foods = state.whole[row], int(params[N_PLAYERS]), int(params[N_FOODS])
    inside = int(params[SIZE]) - 2
    heaviest = _weakest(whole, n, int(params[MAX_LEVEL]))
    found = 0
    for attempt in range(MOST_ATTEMPTS):
        if found == n_foods:
            break
        r = 1 + below(inside, uniform(seed, episode, n, attempt, 0))
        c = 1 + below(inside, uniform(seed, episode, n, attempt, 1))
        if _met(whole, 0, n, r, c) or _crowded(whole, 3 * n, found, r, c):
            continue
        level = heaviest
        if params[COOP] == 0.0:
            level = 1 + below(heaviest, uniform(seed, episode, n, attempt, 2))
        at = 3 * (n + found)
        while at > 3 * n and (whole[at - 3], whole[at - 2]) > (r, c):
            for k in range(3):
                whole[at + k] = whole[at - 3 + k]
            at -= 3
        whole[at], whole[at + 1], whole[at + 2] = r, c, level
        whole[3 * (n + n_foods)] += level
        found += 1


@inlined
def _weakest(whole: Longs, n: int, max_level: int) -> int:
    """Return the sum of the levels of the three weakest players, or of all where fewer play."""
    total = taken = 0
    for level in range(1, max_level + 1):
        for player in range(n):
            if whole[3 * player + 2] == level and taken < LEVEL_MAKERS:
                total += level
                taken += 1
    return total


@inlined
def _met(whole: Longs, first: int, count: int, r: int, c: int) -> bool:
    """Return whether one of `count` players stands on a cell; their triples begin at `first`."""
    for at in range(first, first + 3 * count, 3):  # noqa: SIM110  a generator would allocate
        if whole[at] == r and whole[at + 1] == c:
            return True
    return False


@inlined
def _crowded(whole: Longs, first: int, count: int, r: int, c: int) -> bool:
    """Return whether food lies on the cell, on one of its 8 neighbours or two cells straight on."""
    for at in range(first, first + 3 * count, 3):
        down, right = abs(whole[at] - r), abs(whole[at + 1] - c)
        if max(down, right) <= 1 or (min(down, right) == 0 and down + right == 2):
            return True
    return False


@inlined
def _food_at(whole: Longs, first: int, count: int, r: int, c: int) -> bool:
    """Return whether there still is food on a cell."""
    for at in range(first, first + 3 * count, 3):
        if whole[at] == r and whole[at + 1] == c and whole[at + 2] > 0:
            return True
    return False


@inlined
def _food_beside(whole: Longs, first: int, count: int, r: int, c: int) -> bool:
    """Return whether there still is food on one of the four neighbours of a cell."""
    for at in range(first, first + 3 * count, 3):
        if abs(whole[at] - r) + abs(whole[at + 1] - c) == 1 and whole[at + 2] > 0:
            return True
    return False


@inlined
def step_row(
    params: Doubles,
    row: int,
    choice: Ints,
    value: Doubles,  # noqa: ARG001  the same signature in every family
    state: State,
    out: Out,
) -> None:
    """Move all players at once, then load; nobody enters a cell that two of them want."""
    whole, n, n_foods = state.whole[row], int(params[N_PLAYERS]), int(params[N_FOODS])
    wish = 3 * (n + n_foods) + 1
    for player in range(n):
        move = choice[row, player, 0]
        at = wish + 2 * player
        whole[at] = whole[3 * player] + (move == SOUTH) - (move == NORTH)
        whole[at + 1] = whole[3 * player + 1] + (move == EAST) - (move == WEST)
        out.reward[row, player, 0] = 0.0
    for player in range(n):
        at, wanted = wish + 2 * player, 0
        for other in range(wish, wish + 2 * n, 2):
            wanted += whole[other] == whole[at] and whole[other + 1] == whole[at + 1]
        if wanted == 1:
            whole[3 * player], whole[3 * player + 1] = whole[at], whole[at + 1]
    left = 0
    for food in range(3 * n, 3 * (n + n_foods), 3):
        if whole[food + 2] > 0:
            _load(params, row, food, choice, state, out)
        left += whole[food + 2]
    out.terminated[row] = left == 0


@inlined
def _load(params: Doubles, row: int, food: int, choice: Ints, state: State, out: Out) -> None:
    """Let the loading players beside one food share it, or pay the penalty if it is too heavy.

    A player never stands beside two foods, so that each loads one at most.
    """
    whole, n, n_foods = state.whole[row], int(params[N_PLAYERS]), int(params[N_FOODS])
    r, c, weight = whole[food], whole[food + 1], whole[food + 2]
    strength = 0
    for player in range(n):
        beside = abs(whole[3 * player] - r) + abs(whole[3 * player + 1] - c) == 1
        if beside and choice[row, player, 0] == LOAD:
            strength += whole[3 * player + 2]
    loaded, all_food = strength >= weight, whole[3 * (n + n_foods)]
    for player in range(n):
        beside = abs(whole[3 * player] - r) + abs(whole[3 * player + 1] - c) == 1
        if beside and choice[row, player, 0] == LOAD:
            share = float(whole[3 * player + 2] * weight) / float(strength * all_food)
            out.reward[row, player, 0] = share if loaded else 0.0 - params[PENALTY]
    if loaded:
        whole[food + 2] = 0


@inlined
def observe_row(params: Doubles, row: int, state: State, seen: Seen) -> None:
    """Write what each player sees and may do, and for critics the whole field."""
    whole, n, n_foods = state.whole[row], int(params[N_PLAYERS]), int(params[N_FOODS])
    for player in range(n):
        _observe_player(params, row, player, state, seen)
        _allow(params, row, player, state, seen)
    for at in range(0, 3 * (n + n_foods), 3):
        gone = at >= 3 * n and whole[at + 2] == 0
        for k in range(3):
            seen.state[row, at + k] = -1.0 if gone and k < 2 else whole[at + k]


@inlined
def _observe_player(params: Doubles, row: int, player: int, state: State, seen: Seen) -> None:
    """Write food in reading order, then oneself, then the others, each (row, column, level).

    Places count from the corner of what the player sees, which is the field's corner where the
    sight reaches beyond it. What is not seen is (-1, -1, 0).
    """
    whole, n, n_foods = state.whole[row], int(params[N_PLAYERS]), int(params[N_FOODS])
    obs, sight = seen.obs[row, player], int(params[SIGHT])
    r, c = whole[3 * player], whole[3 * player + 1]
    top, left = max(r - sight, 0), max(c - sight, 0)
    for at in range(0, 3 * (n_foods + n), 3):
        obs[at] = obs[at + 1] = -1.0
        obs[at + 2] = 0.0
    at = 0
    for food in range(3 * n, 3 * (n + n_foods), 3):
        near = max(abs(whole[food] - r), abs(whole[food + 1] - c)) <= sight
        if near and whole[food + 2] > 0:
            obs[at], obs[at + 1] = whole[food] - top, whole[food + 1] - left
            obs[at + 2] = whole[food + 2]
            at += 3
    at = 3 * n_foods
    obs[at], obs[at + 1], obs[at + 2] = r - top, c - left, whole[3 * player + 2]
    for other in range(n):
        y, x = whole[3 * other] - top, whole[3 * other + 1] - left
        if other != player and min(y, x) >= 0 and max(y, x) <= 2 * sight:
            at += 3
            obs[at], obs[at + 1], obs[at + 2] = y, x, whole[3 * other + 2]


@inlined
def _allow(params: Doubles, row: int, player: int, state: State, seen: Seen) -> None:
    """Write what a player may do: not into walls or food, and load only beside food."""
    whole, n, n_foods = state.whole[row], int(params[N_PLAYERS]), int(params[N_FOODS])
    mask, size = seen.mask[row, player], int(params[SIZE])
    r, c = whole[3 * player], whole[3 * player + 1]
    mask[NONE] = True
    mask[NORTH] = r > 0 and not _food_at(whole, 3 * n, n_foods, r - 1, c)
    mask[SOUTH] = r < size - 1 and not _food_at(whole, 3 * n, n_foods, r + 1, c)
    mask[WEST] = c > 0 and not _food_at(whole, 3 * n, n_foods, r, c - 1)
    mask[EAST] = c < size - 1 and not _food_at(whole, 3 * n, n_foods, r, c + 1)
    mask[LOAD] = _food_beside(whole, 3 * n, n_foods, r, c)
