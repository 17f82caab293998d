# SPDX-License-Identifier: MIT
import numpy as np
import pytest

from flyball.core.batch import Action
from flyball.core.errors import ConfigError
from flyball.worlds.classics.guarded import envelope, make, scenario

MAP = ("S.X", "...", "X.G")
TURN = {"N": "NWE", "E": "ENS", "S": "SEW", "W": "WSN"}  # straight, left, right
WAY = {"N": (-1, 0), "E": (0, 1), "S": (1, 0), "W": (0, -1)}
MOVES = " NESW"


def walked(rows, cell, move, outcome):
    """Return the cell after one move on a map, by hand."""
    y, x = divmod(cell, len(rows[0]))
    if move == " " or rows[y][x] == "G":
        return cell
    down, right = WAY[TURN[move][outcome]]
    if 0 <= y + down < len(rows) and 0 <= x + right < len(rows[0]):
        return (y + down) * len(rows[0]) + x + right
    return cell


def step_from(env, cells, choice, share):
    kept = env.snapshot()
    kept["whole"][:, 0] = cells
    env.restore(kept)
    env.disturb(2.0 * share[:, None, None] - 1.0)
    return env.step(Action(choice[:, None, None].astype(np.int32), np.zeros((len(cells), 1, 0))))


@pytest.mark.parametrize("slip", [0.0, 0.2, 1.0])
def test_every_move_from_every_cell_is_that_of_the_twin(slip):
    rows = MAP
    cells, moves, shares = (
        each.ravel() for each in np.meshgrid(np.arange(9), np.arange(5), np.linspace(0, 1, 41))
    )
    cells, moves = cells.astype(int), moves.astype(int)
    env = make("forbidden-grid", len(cells), board=MAP, slip=slip)
    env.reset(np.arange(len(cells)))

    step = step_from(env, cells, moves, shares)

    for row in range(len(cells)):
        outcome = 0
        if slip > 0 and shares[row] >= 1 - slip:
            outcome = 1 if shares[row] < 1 - slip / 2 else 2
        there = walked(rows, cells[row], MOVES[moves[row]], outcome)
        mark = "".join(rows)[there]
        assert step.cost[row, 0] == (mark == "X")
        assert step.terminated[row] == (mark == "G")
        assert step.reward[row, 0, 0] == -1.0
        if mark != "G":
            assert env.state.whole[row, 0] == there
            assert step.observation.signals[row, 0] == there
            assert step.observation.obs[row, 0].argmax() == there


def test_what_can_follow_is_known_and_all_of_it_occurs():
    found = envelope(scenario("forbidden-grid", board=MAP)).finite
    env = make("forbidden-grid", 4000, board=MAP)
    env.reset(np.arange(4000))

    seen = set()
    for _ in range(3):
        choice = np.full((4000, 1, 1), 2, np.int32)
        before = env.state.whole[:, 0].copy()
        step = env.step(Action(choice, np.zeros((4000, 1, 0))))
        stays = ~(step.terminated | step.truncated)
        seen |= set(zip(before[stays], env.state.whole[stays, 0], strict=True))

    assert {after for before, after in seen if before == 0} == set(found.following[0, 2])
    assert all(after in found.following[before, 2] for before, after in seen)
    assert found.forbidden.tolist() == [mark == "X" for mark in "".join(MAP)]
    assert found.legal.all()


def test_a_drawn_move_slips_as_often_as_said():
    env = make("forbidden-grid", 20_000, board=("...", ".S.", "..G"), slip=0.3)
    env.reset(np.arange(20_000))

    env.step(Action(np.ones((20_000, 1, 1), np.int32), np.zeros((20_000, 1, 0))))

    share = np.bincount(env.state.whole[:, 0], minlength=9) / 20_000
    np.testing.assert_allclose(share[[1, 3, 5]], [0.7, 0.15, 0.15], atol=0.012)


def test_a_signal_that_is_no_cell_is_no_state():
    state_of = envelope(scenario("forbidden-grid", board=MAP)).finite.state_of

    found = state_of(np.array([[0.0], [8.0], [9.0], [-1.0], [0.5], [np.nan], [np.inf]]))

    assert found.tolist() == [0, 8, -1, -1, -1, -1, -1]


@pytest.mark.parametrize(
    ("board", "words"),
    [
        ((), "rows of cells"),
        (("S.", "G"), "rows of one length"),
        (("S?G",), r"'\?'; allowed: \., S, X, G"),
        (("S.S", "..G"), "2 starts, 1 goals"),
        (("S..",), "1 starts, 0 goals"),
        ((1, 2), "rows of cells"),
    ],
)
def test_what_is_no_board_is_refused(board, words):
    with pytest.raises(ConfigError, match=words):
        scenario("forbidden-grid", board=board)
