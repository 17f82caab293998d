# SPDX-License-Identifier: MIT
from itertools import permutations

import numpy as np
import pytest

from flyball.core.batch import Action
from flyball.worlds.classics import make
from flyball.worlds.classics.foragers import (
    FAR,
    WAYS,
    beside,
    forage,
    moves,
    plan,
    steps_from,
    teams,
    tour,
)


def play(n_envs, **settings):
    """Return the return and the steps of the first episode of each row."""
    env = make("foraging", n_envs, **settings)
    seen, rows = env.reset(np.arange(500, 500 + n_envs)), np.full((n_envs, 2), np.nan)
    while np.isnan(rows).any():
        wish, _ = forage(env.scenario, seen, np.zeros((n_envs, 0)))
        step = env.step(Action(wish, np.zeros((*wish.shape[:2], 0))))
        assert not step.illegal.any()
        new = (step.terminated | step.truncated) & np.isnan(rows[:, 0])
        rows[new], seen = step.outcome[new], step.observation
    return rows


def fewest_steps(players, foods, size):
    """Return a bound from below: the best order and cells, were players able to pass each other."""
    best = FAR
    for one, other in permutations(foods):
        first = [steps_from(player, frozenset(foods), size) for player in players]
        for cells in permutations(beside(one), 2):
            walked = max(first[i].get(cells[i], FAR) for i in (0, 1)) + 1
            if walked < best:
                second = [steps_from(cell, frozenset([other]), size) for cell in cells]
                best = min(
                    best,
                    *(
                        walked + max(second[i].get(ends[i], FAR) for i in (0, 1)) + 1
                        for ends in permutations(beside(other), 2)
                    ),
                )
    return best


def test_two_players_load_all_food_hardly_later_than_the_bound():
    rows = play(100)

    field = make("foraging", 100).reset(np.arange(500, 600)).state.astype(int).reshape(100, 4, 3)
    cells = [[(int(r), int(c)) for r, c, _ in things] for things in field]
    bound = np.array([fewest_steps(each[:2], each[2:], 8) for each in cells])
    np.testing.assert_allclose(rows[:, 0], 1.0)
    assert (rows[:, 1] >= bound).all()
    assert rows[:, 1].mean() < 1.03 * bound.mean()


@pytest.mark.parametrize(
    "settings",
    [
        {"n_players": 3, "n_foods": 3, "sight": 1},
        {"n_players": 4, "n_foods": 3, "size": 6, "coop": False, "penalty": 0.5},
        {"n_players": 9, "n_foods": 4, "size": 5, "coop": False},
    ],
)
def test_larger_teams_load_all_food_too_and_never_pay_the_penalty(settings):
    rows = play(40, **settings)

    np.testing.assert_allclose(rows[:, 0], 1.0)


def test_a_way_leads_around_food_and_not_through_it():
    free = steps_from((2, 0), frozenset(), 5)
    around = steps_from((2, 0), frozenset([(2, 2)]), 5)

    assert free[2, 4] == 4
    assert around[2, 4] == 6
    assert (2, 2) not in around


def test_a_cell_that_is_shut_in_cannot_be_reached():
    steps = steps_from((4, 4), frozenset([(0, 1), (1, 0)]), 5)

    assert (0, 0) not in steps


def test_a_team_is_strong_enough_and_has_nobody_to_spare():
    players = [(0, 0, 1), (1, 1, 2), (2, 2, 3)]

    assert teams(players, 3) == [(2,), (0, 1)]
    assert teams(players, 6) == [(0, 1, 2)]
    assert teams(players, 7) == []


def test_the_tour_takes_the_nearer_food_first():
    foods = [(0, 7, 1), (0, 2, 1)]

    assert tour(((0, 0),), foods) == 2 + 5


def test_food_that_no_team_can_load_is_left_alone():
    assert plan([(0, 0, 1)], [(2, 2, 2)], 5) == {}
    assert moves([(0, 0, 1)], [(2, 2, 2)], 5) == [0]


def test_no_two_players_step_into_one_cell():
    rng, n_walked = np.random.default_rng(0), 0
    ways = [(0, 0), *WAYS.values(), (0, 0)]
    for _ in range(300):
        cells = rng.permutation(36)[:4]
        players = [(int(cell) // 6, int(cell) % 6, 1) for cell in cells]
        foods = [(1, 1, 4), (4, 3, 2)]
        players = [player for player in players if player[:2] not in ((1, 1), (4, 3))]

        chosen = moves(players, foods, 6)

        steps = [ways[move] for move in chosen]
        after = [(r + dr, c + dc) for (r, c, _), (dr, dc) in zip(players, steps, strict=True)]
        assert len(set(after)) == len(players)
        n_walked += sum(step != (0, 0) for step in steps)
    assert n_walked > 300
