# SPDX-License-Identifier: MIT
import numpy as np
import pytest

from flyball.learning.quadratic import Case, Quadratic, best_move

HALF = np.sqrt(0.75)


def region(gradient, slopes, c, delta=0.5, hessian=None):
    """Return the numbers of a problem in the plane, and the directions u and w_k."""
    g, b = np.asarray(gradient, float), np.atleast_2d(np.asarray(slopes, float))
    h = np.eye(len(g)) if hessian is None else hessian
    u, w = np.linalg.solve(h, g), np.linalg.solve(h, b.T).T
    return Quadratic(float(g @ u), w @ g, b @ w.T, np.atleast_1d(np.asarray(c, float)), delta), u, w


def point(move, u, w):
    return move.reward * u + move.cost @ w


@pytest.mark.parametrize(
    ("case", "gradient", "slope", "c", "x", "multiplier"),
    [
        (Case.FREE, (2, 0), (0, 0), -1.0, (1, 0), 0.0),
        (Case.INSIDE, (1, 1), (1, 0), -2.0, (np.sqrt(0.5), np.sqrt(0.5)), 0.0),
        (Case.BORDER, (1, 1), (1, 0), -0.5, (0.5, HALF), 1.0 - 0.5 / HALF),
        (Case.BORDER, (-1, 1), (1, 0), -0.5, (-np.sqrt(0.5), np.sqrt(0.5)), 0.0),
        (Case.REPAIR, (1, 1), (1, 0), 0.5, (-0.5, HALF), 1.0 + 0.5 / HALF),
        (Case.REPAIR, (-3, 0), (1, 0), 0.5, (-1, 0), 0.0),
        (Case.RETREAT, (1, 1), (1, 0), 2.0, (-1, 0), 0.0),
    ],
)
def test_each_case_of_the_plane_has_its_step_and_its_multiplier(
    case, gradient, slope, c, x, multiplier
):
    problem, u, w = region(gradient, slope, c)

    move = best_move(problem)

    assert move.case == case
    np.testing.assert_allclose(point(move, u, w), x, atol=1e-12)
    np.testing.assert_allclose(move.multiplier, [multiplier], atol=1e-12)


@pytest.mark.parametrize("c", [-0.5, 0.5])
def test_a_reward_that_only_the_cost_can_pay_for_goes_straight_to_the_limit(c):
    problem, u, w = region((3, 0), (1, 0), c)

    move = best_move(problem)

    np.testing.assert_allclose(point(move, u, w), (-c, 0), atol=1e-12)
    assert move.multiplier[0] == pytest.approx(3.0)


def test_without_a_reward_to_gain_a_broken_limit_is_still_mended():
    problem, u, w = region((0, 0), (2, 0), 0.5)

    move = best_move(problem)

    assert move.case == Case.REPAIR
    np.testing.assert_allclose(point(move, u, w), (-0.25, 0), atol=1e-12)


def test_two_limits_meet_in_a_corner_and_both_are_paid_for():
    problem, u, w = region((1, 1), ((1, 0), (0, 1)), (-0.3, -0.4))

    move = best_move(problem)

    np.testing.assert_allclose(point(move, u, w), (0.3, 0.4), atol=1e-9)
    np.testing.assert_allclose(move.multiplier, [1, 1], atol=1e-9)


def test_two_costs_that_are_one_are_kept_like_one():
    one, u, w = region((1, 1), (1, 0), -0.5)
    two, _, ww = region((1, 1), ((1, 0), (2, 0)), (-0.5, -1.0))

    np.testing.assert_allclose(point(best_move(two), u, ww), point(best_move(one), u, w))


def test_limits_out_of_reach_are_approached_together_whatever_their_units():
    problem, u, w = region((1, 1), ((1, 0), (0, 100)), (3.0, 200.0))

    move = best_move(problem)

    assert move.case == Case.RETREAT
    np.testing.assert_allclose(point(move, u, w), (-np.sqrt(0.5), -np.sqrt(0.5)), atol=1e-9)


@pytest.mark.parametrize("angle", [120.0, 150.0, 175.0])
def test_of_two_broken_costs_that_pull_apart_none_is_raised_to_lower_the_other(angle):
    second = (np.cos(np.radians(angle)), np.sin(np.radians(angle)))
    problem, u, w = region((0, 1), ((1, 0), second), (3.0, 2.0))

    move = best_move(problem)

    change = np.array(((1, 0), second)) @ point(move, u, w)
    assert move.case == Case.RETREAT
    assert (change < -0.01).all()


def test_a_retreat_breaks_no_limit_that_is_kept():
    problem, u, w = region((0, 1), ((1, 0), (-1, 0.2)), (3.0, -0.1))

    move = best_move(problem)

    x = point(move, u, w)
    assert move.case == Case.RETREAT
    assert x[0] < -0.05
    assert np.array((-1, 0.2)) @ x <= 0.1 + 1e-9


@pytest.mark.parametrize("n_costs", [1, 2, 3])
@pytest.mark.parametrize("seed", range(15))
def test_a_step_meets_the_conditions_of_an_optimum_or_there_is_no_point_to_find(seed, n_costs):
    draws = np.random.default_rng([seed, n_costs])
    root = draws.normal(size=(6, 6))
    hessian = root @ root.T + 0.1 * np.eye(6)
    g, b = draws.normal(size=6), draws.normal(size=(n_costs, 6)) * 10.0 ** draws.uniform(-3, 3)
    reach = np.sqrt(2 * 0.02 * np.diag(b @ np.linalg.solve(hessian, b.T)))
    c = draws.uniform(-1.3, 1.0, n_costs) * reach
    problem, u, w = region(g, b, c, 0.02, hessian)

    move = best_move(problem)
    x = point(move, u, w)

    tries = np.linalg.solve(np.linalg.cholesky(hessian).T, draws.normal(size=(6, 4000))).T
    length = np.sqrt(2 * 0.02 * draws.random((4000, 1)) ** (1 / 6))
    tries *= length / np.sqrt(np.einsum("ni,ij,nj->n", tries, hessian, tries))[:, None]
    kept = (c + tries @ b.T <= 0).all(1)
    assert x @ hessian @ x <= 0.04 * (1 + 1e-9)
    if move.case == Case.RETREAT:
        assert not kept.any()
        return
    assert (c + b @ x <= 1e-9 * reach).all()
    assert not kept.any() or g @ x >= (tries[kept] @ g).max() - 1e-12
    slope = g - move.multiplier @ b  # the Lagrangian's: parallel to Hx, not against it
    scale = slope @ x / 0.04
    assert scale >= 0
    np.testing.assert_allclose(slope, scale * hessian @ x, atol=1e-8 * np.linalg.norm(g))
    assert (move.multiplier >= 0).all()
    np.testing.assert_allclose(move.multiplier * (c + b @ x), 0.0, atol=1e-8)


def test_all_five_cases_were_met_among_random_problems():
    draws, seen = np.random.default_rng(0), set()

    for _ in range(400):
        slope = draws.normal(size=2) * (draws.random() < 0.9)
        c = draws.uniform(-2, 2) if slope.any() else -1.0
        seen.add(best_move(region(draws.normal(size=2), slope, c)[0]).case)

    assert seen == {Case.FREE, Case.INSIDE, Case.BORDER, Case.REPAIR, Case.RETREAT}


@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf])
@pytest.mark.parametrize("where", ["q", "r", "s", "c", "delta"])
def test_a_number_that_is_none_moves_nothing(where, value):
    problem, _, _ = region((1, 1), (1, 0), -0.5)
    spoilt = np.full_like(getattr(problem, where), value) if where in "rsc" else value

    move = best_move(problem._replace(**{where: spoilt}))

    assert move.case == Case.STILL
    assert move.reward == 0.0
    assert not move.cost.any()


def test_a_broken_limit_that_no_step_changes_moves_nothing():
    assert best_move(region((1, 1), (0, 0), 0.1)[0]).case == Case.STILL
