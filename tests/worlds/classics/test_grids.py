# SPDX-License-Identifier: MIT
import warnings

import numpy as np
import pytest

from flyball.core.batch import Action
from flyball.worlds.classics import grids, make
from tests.worlds.classics.play import same_as_twin
from tests.worlds.classics.reference import Board, Sea, TMaze

ROOMS = [
    "#############",
    "#     #     #",
    "#     #     #",
    "#           #",
    "#     #     #",
    "#     #     #",
    "## ####     #",
    "#     ### ###",
    "#     #     #",
    "#     #     #",
    "#           #",
    "#     #     #",
    "#############",
]


@pytest.mark.parametrize(
    ("settings", "lines", "twin"),
    [
        ({"time_limit": 30}, ["....."] * 5, {"start": (0, 0), "goal": (4, 4)}),
        (
            {
                "size": 4,
                "start": (3, 0),
                "goal": (0, 3),
                "walls": ((1, 1), (2, 2), (1, 3)),
                "slip": 0.4,
            },
            ["....", ".#.#", "..#.", "...."],
            {"start": (3, 0), "goal": (0, 3), "slip": 0.4},
        ),
    ],
)
def test_gridworld_agrees_with_its_plain_twin(settings, lines, twin):
    ends = same_as_twin(lambda: Board(lines, **twin), [4], "gridworld", **settings)

    assert ends > 3


def test_four_rooms_agree_with_their_plain_twin_before_and_after_the_goal_moves():
    door, corner = (7, 9), (11, 11)

    ends = same_as_twin(
        lambda: Board(ROOMS, goal=door, slip=1 / 3, rooms=True, switch=(3, corner)),
        [4],
        "four-rooms",
        n_steps=1500,
        switch_after=3,
        new_goal=103,
        time_limit=100,
    )

    assert ends > 3 * 6  # so that most episodes come after the goal has moved


@pytest.mark.parametrize(
    ("front", "treasures"),
    [
        ("concave", (1, 2, 3, 5, 8, 16, 24, 50, 74, 124)),
        ("convex", (0.7, 8.2, 11.5, 14.0, 15.1, 16.1, 19.6, 20.3, 22.4, 23.7)),
    ],
)
def test_the_sea_agrees_with_its_plain_twin(front, treasures):
    ends = same_as_twin(lambda: Sea(treasures), [4], "deep-sea-treasure", front=front)

    assert ends > 20


@pytest.mark.peer
@pytest.mark.parametrize("front", ["concave", "convex"])
def test_the_sea_is_the_one_of_mo_gymnasium(front):
    module = pytest.importorskip(
        "mo_gymnasium.envs.deep_sea_treasure.deep_sea_treasure",
        reason="mo-gymnasium 1.3.2 is not installed",
    )
    chart = module.CONCAVE_MAP if front == "concave" else module.DEFAULT_MAP
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # about the precision of the bounds of its own spaces
        theirs = module.DeepSeaTreasure(dst_map=chart)
    theirs.reset()
    env = make("deep-sea-treasure", 1, front=front)
    env.reset(np.zeros(1, np.int64))
    rng = np.random.default_rng(0)
    ends = 0
    for _ in range(3000):
        # To the right and down more often than not, so that every treasure is met.
        action = int(rng.choice(4, p=[0.1, 0.3, 0.1, 0.5]))
        seen, reward, terminated, _, _ = theirs.step(action)

        step = env.step(Action(np.full((1, 1, 1), action, np.int32), np.zeros((1, 1, 0))))

        ended = step.terminated[0] or step.truncated[0]
        last = step.final if ended else step.observation
        assert last.obs[0, 0].tolist() == seen.tolist()
        np.testing.assert_allclose(step.reward[0, 0], reward, rtol=1e-7)
        assert step.terminated[0] == terminated
        ends += terminated
        if ended:
            theirs.reset()
    assert ends > 100


@pytest.mark.parametrize("corridor", [1, 2, 7])
@pytest.mark.parametrize("walking", [False, True])
def test_the_t_maze_agrees_with_its_plain_twin(corridor, walking):
    ends = same_as_twin(
        lambda: TMaze(corridor, walking=walking),
        [4 if walking else 2],
        "t-maze",
        corridor=corridor,
        walking=walking,
    )

    assert ends > 10


def test_the_cue_of_the_t_maze_is_seen_in_the_first_step_only_and_is_fair():
    env = make("t-maze", 2000, corridor=3)
    first = env.reset(np.arange(2000)).obs[:, 0].copy()
    action = Action(np.zeros((2000, 1, 1), np.int32), np.zeros((2000, 1, 0)))

    later = [env.step(action).observation.obs[:, 0].copy() for _ in range(3)]

    north = (first == [0, 1, 1]).all(1)
    assert ((first == [1, 1, 0]).all(1) == ~north).all()
    assert abs(north.mean() - 0.5) < 4 * 0.5 / np.sqrt(2000)
    for seen, want in zip(later, ([1, 0, 1], [1, 0, 1], [0, 1, 0]), strict=True):
        assert (seen == want).all()


def test_four_rooms_begin_anywhere_but_on_the_goal():
    env = make("four-rooms", 5000)

    starts = env.reset(np.arange(5000)).obs[:, 0].argmax(1)

    counts = np.bincount(starts, minlength=104)
    assert counts[62] == 0
    others = np.delete(counts, 62)
    expected = 5000 / 103
    # chi-squared with 102 degrees of freedom: mean 102, standard deviation 14
    assert ((others - expected) ** 2 / expected).sum() < 102 + 5 * 14


def test_a_slip_of_gridworld_goes_each_other_way_as_often():
    env = make("gridworld", 4000, size=3, start=(1, 1), goal=(2, 2), slip=0.6)
    env.reset(np.arange(4000))
    north = Action(np.full((4000, 1, 1), grids.NORTH, np.int32), np.zeros((4000, 1, 0)))

    cells = env.step(north).observation.obs[:, 0].argmax(1)

    share = np.bincount(cells, minlength=9)[[1, 7, 3, 5]] / 4000
    np.testing.assert_allclose(share, [0.4, 0.2, 0.2, 0.2], atol=0.035)
