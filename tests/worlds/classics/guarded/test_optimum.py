# SPDX-License-Identifier: MIT
import numpy as np
import pytest

from flyball.worlds.classics.guarded import NAMES, known, policies, scenario
from flyball.worlds.classics.guarded.optimum import board_values, safe_moves
from tests.worlds.classics.guarded.play import outcomes

FEW = {"crossing-robots": {"n_robots": 4, "episode_s": 30.0}}


@pytest.mark.parametrize("name", NAMES)
def test_nobody_who_keeps_the_limits_passes_what_is_known(name):
    settings = FEW.get(name, {})
    value = min(answer.value for answer in known(name, **settings))
    for policy in policies(name, **settings).values():
        found, _ = outcomes(name, policy, n_envs=16, **settings)

        keeps = found[:, 2] == 0.0
        if name == "forbidden-grid":
            keeps &= keeps.all()  # luck with the slips keeps limits too
        slack = found[:, 0].std() + 1e-9 if name == "forbidden-grid" else 1e-9
        assert (found[keeps, 0].mean() if keeps.any() else -np.inf) <= value + slack


def test_the_safe_path_earns_what_backward_induction_says_and_greed_what_it_says_of_all_moves():
    rules = policies("forbidden-grid")
    kept, free = known("forbidden-grid")

    for key, answer in (("safe path", kept), ("greedy", free)):
        found, _ = outcomes("forbidden-grid", rules[key], n_envs=3000)

        slack = 4 * found[:, 0].std() / np.sqrt(3000)
        assert abs(found[:, 0].mean() - answer.value) <= slack
    assert kept.exact
    assert kept.value < free.value


def test_without_slipping_both_ways_are_counted_by_hand():
    """Straight through the forbidden cells 8 moves; over the top of them 10."""
    kept, free = known("forbidden-grid", slip=0.0)

    assert (kept.value, free.value) == (-10.0, -8.0)


def test_moves_that_may_slip_into_a_forbidden_cell_are_not_safe():
    """From the start only what never turns towards X; from X itself there is none."""
    problem = scenario("forbidden-grid", board=("SX", ".G"))

    moves = safe_moves(problem)

    assert moves[0].tolist() == [True, False, False, False, True]
    assert moves[1].tolist() == [False] * 5
    assert moves[2].tolist() == [True] * 5
    value, best = board_values(problem, kept=True)
    assert best[1] == 0
    assert value[1] == -np.inf


def test_longer_board_episodes_are_worth_more_to_nobody():
    short = known("forbidden-grid", steps=5)[0].value

    assert short == -5.0
