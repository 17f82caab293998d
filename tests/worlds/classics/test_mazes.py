# SPDX-License-Identifier: MIT
import numpy as np
import pytest

from flyball.core.batch import Doubles
from flyball.core.errors import ConfigError
from flyball.worlds.classics import grids, mazes, scenario
from flyball.worlds.classics.compiling import compiled


@compiled
def kernel_step(params: Doubles, cell: int, action: int) -> int:
    return grids.moved(params, cell, action)


BOARDS = [
    scenario("gridworld", size=4, walls=((1, 1), (2, 3))),
    scenario("four-rooms"),
    scenario("deep-sea-treasure"),
]


@pytest.mark.parametrize("problem", BOARDS, ids=lambda problem: problem.name)
def test_the_kernel_moves_as_its_slow_twin(problem):
    params = problem.params
    n_cells = int(params[grids.ROWS] * params[grids.COLUMNS])
    for cell in range(n_cells):
        for action in range(4):
            assert kernel_step(params, cell, action) == mazes.step_from(params, cell, action)


def test_fewest_steps_go_around_walls():
    params = scenario("gridworld", size=3, start=(0, 0), goal=(0, 2), walls=((0, 1), (1, 1))).params

    steps = mazes.steps_to(params, 2).reshape(3, 3)

    assert steps.tolist() == [[6, -1, 0], [5, -1, 1], [4, 3, 2]]


def test_four_rooms_have_104_cells_and_the_first_goal_is_the_east_door():
    params = scenario("four-rooms").params

    assert (params[grids.BOARD :] != grids.WALL).sum() == mazes.N_ROOM_CELLS
    assert divmod(int(params[grids.GOAL]), 13) == (7, 9)


def test_the_new_goal_lies_in_the_room_at_the_lower_right():
    row, column = divmod(int(scenario("four-rooms").params[grids.NEW_GOAL]), 13)

    assert row > 7
    assert column > 6


@pytest.mark.parametrize(
    ("name", "settings", "words"),
    [
        ("gridworld", {"size": 1}, r"gridworld\.size: 1; allowed: 2 to 50"),
        ("gridworld", {"slip": 1.0}, r"gridworld\.slip: 1\.0"),
        ("gridworld", {"start": (5, 0)}, r"gridworld\.start: \[\(5, 0\)\]; allowed: pairs of"),
        ("gridworld", {"goal": (0, -1)}, r"gridworld\.goal"),
        ("gridworld", {"walls": ((1, 2, 3),)}, r"gridworld\.walls"),
        ("gridworld", {"walls": (1, 2)}, r"gridworld\.walls: \[1, 2\]; allowed: pairs of whole"),
        ("gridworld", {"goal": (0.5, 1)}, r"gridworld\.goal: \[\(0\.5, 1\)\]"),
        ("gridworld", {"walls": ((0, 0),)}, "cells other than start and goal"),
        ("gridworld", {"walls": ((0, 1), (1, 0))}, "walls with a way from start to goal"),
        ("gridworld", {"time_limit": 0}, r"gridworld\.time_limit: 0"),
        ("four-rooms", {"slip": -0.1}, r"four-rooms\.slip"),
        ("four-rooms", {"goal": 104}, r"four-rooms\.goal: 104; allowed: 0 to 103"),
        ("four-rooms", {"new_goal": -1}, r"four-rooms\.new_goal"),
        ("four-rooms", {"switch_after": -1}, r"four-rooms\.switch_after"),
        ("deep-sea-treasure", {"front": "flat"}, r"allowed: concave, convex"),
        ("deep-sea-treasure", {"time_limit": 0}, r"time_limit: 0"),
        ("t-maze", {"corridor": 0}, r"t-maze\.corridor: 0; allowed: 1 step or more"),
    ],
)
def test_a_setting_out_of_range_is_refused(name, settings, words):
    with pytest.raises(ConfigError, match=words):
        scenario(name, **settings)


def test_cells_may_be_lists_as_toml_has_them():
    lists = scenario("gridworld", size=4, start=[1, 0], goal=[3, 3], walls=[[1, 1], [2, 2]])
    tuples = scenario("gridworld", size=4, start=(1, 0), goal=(3, 3), walls=((1, 1), (2, 2)))

    np.testing.assert_array_equal(lists.params, tuples.params)


def test_who_walks_in_the_t_maze_has_time_to_turn_back():
    assert scenario("t-maze", corridor=30).time_limit == 31
    assert scenario("t-maze", corridor=30, walking=True).time_limit > 3 * 30
