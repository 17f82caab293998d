# SPDX-License-Identifier: MIT
from flyball.core.spec import Categorical
from flyball.worlds.classics.guarded import scenario
from flyball.worlds.classics.guarded.board import FORBIDDEN, GOAL


def test_a_board_is_read_row_by_row():
    problem = scenario("forbidden-grid", board=(".S", "XG", ".."))

    assert problem.task.start == 1
    assert problem.plant.mark.tolist() == [0, 0, FORBIDDEN, GOAL, 0, 0]
    assert problem.plant.n_columns == 2
    assert problem.spec.kinds[0].heads == (Categorical("move", 5),)
    assert len(problem.spec.kinds[0].features) == 6


def test_the_shortest_way_of_the_usual_board_leads_through_forbidden_cells():
    problem = scenario("forbidden-grid")
    row = problem.task.start // problem.plant.n_columns

    straight = problem.plant.mark.reshape(-1, problem.plant.n_columns)[row]

    assert straight[-1] == GOAL
    assert (straight == FORBIDDEN).sum() == 4
