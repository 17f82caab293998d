# SPDX-License-Identifier: MIT
"""Plays lbforaging's own environment, where it is installed, and ours from the same field.

`pip install lbforaging==2.0.0`; also how a field is drawn, in plain Python.
"""

from itertools import product

import numpy as np
import pytest

from flyball.core.random import uniform
from flyball.worlds.classics import make


def peer(settings):
    """Return lbforaging's environment for settings of ours, or skip the test."""
    foraging = pytest.importorskip(
        "lbforaging.foraging.environment", reason="lbforaging 2.0.0 is not installed"
    )
    size = settings.get("size", 8)
    return foraging.ForagingEnv(
        players=settings.get("n_players", 2),
        min_player_level=1,
        max_player_level=settings.get("max_level", 2),
        min_food_level=1,
        max_food_level=None,
        field_size=(size, size),
        max_num_food=settings.get("n_foods", 2),
        sight=settings.get("sight", size),
        max_episode_steps=settings.get("max_steps", 50),
        force_coop=settings.get("coop", True),
        penalty=settings.get("penalty", 0.0),
    )


def start_peer(env, seed):
    """Start an episode and return its field: what `start_ours` puts into ours."""
    env.reset(seed=seed)
    return {
        "players": [[int(x) for x in (*each.position, each.level)] for each in env.players],
        "foods": [
            [int(r), int(c), int(env.field[r, c])]
            for r, c in zip(*env.field.nonzero(), strict=True)
        ],
    }


def shown(env):
    """Return what lbforaging's players see and may do."""
    may = [[action.value for action in env._valid_actions[player]] for player in env.players]
    return {"see": [[int(x) for x in seen] for seen in env.test_make_gym_obs()], "may": may}


def step_peer(env, actions):
    """Move lbforaging's environment; return what it gives and shows."""
    _, reward, over, _, _ = env.step(actions)
    return {"reward": [float(x) for x in reward], "over": bool(over)} | shown(env)


def start_ours(starts, settings):
    """Return our environment with one row for each field, and its first observation."""
    env = make("foraging", len(starts), **settings)
    env.reset(np.arange(len(starts)))
    snapshot = env.snapshot()
    for row, start in enumerate(starts):
        n, n_foods = len(start["players"]), settings.get("n_foods", 2)
        whole = snapshot["whole"][row]
        whole[:] = 0
        whole[: 3 * n] = np.ravel(start["players"])
        foods = start["foods"]
        whole[3 * n : 3 * (n + len(foods))] = np.ravel(foods)
        whole[3 * (n + n_foods)] = sum(level for _, _, level in foods)
    return env, env.restore(snapshot)


def agrees(observation, row, truth):
    """Fail unless a row of ours shows what lbforaging shows."""
    assert observation.obs[row].tolist() == truth["see"]
    for mask, may in zip(observation.mask[row], truth["may"], strict=True):
        assert np.flatnonzero(mask).tolist() == may


def drawn(seed, episode, settings):
    """Return the players and the food of an episode, drawn the slow and obvious way."""
    size, n = settings.get("size", 8), settings.get("n_players", 2)
    n_foods, max_level = settings.get("n_foods", 2), settings.get("max_level", 2)

    def pick(count, *name):
        return int(count * uniform(seed, episode, *name))

    players, field = [], {}
    for player in range(n):
        for attempt in range(1000):
            place = tuple(pick(size, player, attempt, axis) for axis in (0, 1))
            if place not in [other[:2] for other in players]:
                break
        players.append((*place, 1 + pick(max_level, player, 0, 2)))
    heaviest = sum(sorted(level for _, _, level in players)[:3])
    for attempt in range(1000):
        if len(field) == n_foods:
            break
        r, c = (1 + pick(size - 2, n, attempt, axis) for axis in (0, 1))
        near = {(r + dr, c + dc) for dr, dc in product((-1, 0, 1), repeat=2)}
        near |= {(r - 2, c), (r + 2, c), (r, c - 2), (r, c + 2)}
        taken = (r, c) in [other[:2] for other in players] or near & set(field)
        if not taken:
            coop = settings.get("coop", True)
            field[r, c] = heaviest if coop else 1 + pick(heaviest, n, attempt, 2)
    return players, [(r, c, level) for (r, c), level in sorted(field.items())]
