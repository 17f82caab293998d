# SPDX-License-Identifier: MIT
"""The filter's program against two solvers and against its own conditions of optimality."""

from itertools import combinations

import daqp
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from flyball.safety.projection import (
    BENT,
    INFEASIBLE,
    INVALID,
    SAME,
    Limits,
    admissible,
    allocate,
    project,
    project_all,
)

ANY = st.floats(allow_nan=True, allow_infinity=True, allow_subnormal=True, width=64)


def problem(rng, n_rows, n_dims, soft=0.0):
    """Return box, scale, rows, bounds and prices; dependent, opposite and doubled rows too."""
    low, high = -rng.uniform(0.2, 2.0, n_dims), rng.uniform(0.2, 2.0, n_dims)
    rows, bound = rng.normal(size=(n_rows, n_dims)), rng.normal(size=n_rows) * 0.7 + 0.4
    if n_rows > 2:
        rows[1], rows[2] = -rows[0], 2.0 * rows[0]
    if n_rows > 3:
        rows[3] = 0.0
        rows[3, 0] = 1.0
    price = np.where(rng.random(n_rows) < soft, 10.0 ** rng.uniform(-2, 2, n_rows), np.inf)
    return low, high, 10.0 ** rng.uniform(-1, 1, n_dims), rows, bound, price


def alone(proposed, low, high, scale, rows, bound, price):
    """Return action and code of one problem, with a refuge in the middle of the box."""
    out = np.empty_like(proposed)
    refuge = np.full_like(proposed, 7.0)
    limits = Limits(low, high, scale, rows, bound, price)
    return out, project(allocate(*rows.shape), limits, proposed, refuge, out)


def by_daqp(proposed, low, high, scale, rows, bound):
    """Return the nearest action that keeps hard rows, or None: DAQP on the scaled problem."""
    n = len(proposed)
    upper = np.concatenate((high / scale, bound))
    lower = np.concatenate((low / scale, np.full(len(bound), -1e30)))
    sense = np.zeros(len(upper), np.int32)
    f = -proposed / scale
    x, _, flag, _ = daqp.solve(np.eye(n), f, rows * scale, upper, lower, sense)
    return np.asarray(x) * scale if flag > 0 else None


def by_enumeration(proposed, low, high, scale, rows, bound, price):
    """Return the least cost over every set of tight and paid rows: slow, and free of pivoting."""
    n = len(proposed)
    normal = np.concatenate((rows, np.eye(n), -np.eye(n))) * scale
    limit = np.concatenate((bound, high, -low))
    prices = np.concatenate((price, np.full(2 * n, np.inf)))
    soft = [r for r in range(len(limit)) if np.isfinite(prices[r])]
    best = np.inf
    for n_paid in range(len(soft) + 1):
        for paid in combinations(soft, n_paid):
            start = proposed / scale - sum((prices[r] * normal[r] for r in paid), np.zeros(n))
            others = [r for r in range(len(limit)) if r not in paid]
            for n_tight in range(n + 1):
                for tight in map(list, combinations(others, n_tight)):
                    a = normal[tight]
                    step = np.linalg.lstsq(a, a @ start - limit[tight], rcond=None)[0]
                    best = min(best, cost(start - step, proposed, scale, normal, limit, prices))
    return best


def cost(v, proposed, scale, normal, limit, prices):
    """Return what a scaled action costs; inf where it breaks a hard row."""
    excess = normal @ v - limit
    if (excess[np.isinf(prices)] > 1e-9).any():
        return np.inf
    paid = np.where(np.isfinite(prices), prices, 0.0) @ np.maximum(excess, 0.0)
    return 0.5 * ((v - proposed / scale) ** 2).sum() + paid


@pytest.mark.parametrize(("n_dims", "n_rows"), [(1, 1), (3, 1), (3, 5), (6, 8), (12, 20)])
def test_hard_rows_give_the_exact_nearest_action(n_dims, n_rows):
    rng, seen = np.random.default_rng(n_dims), set()
    for _ in range(300):
        low, high, scale, rows, bound, price = problem(rng, n_rows, n_dims)
        proposed = rng.normal(size=n_dims) * 3
        out, code = alone(proposed, low, high, scale, rows, bound, price)
        expected = by_daqp(proposed, low, high, scale, rows, bound)
        seen.add(code)
        assert (code == INFEASIBLE) == (expected is None)
        if expected is None:
            continue
        np.testing.assert_allclose(out / scale, expected / scale, rtol=0, atol=1e-6)
        assert (rows @ out - bound).max() <= 0.0
        assert (low <= out).all()
        assert (out <= high).all()

    assert BENT in seen


@pytest.mark.parametrize("soft", [0.0, 0.5, 1.0])
def test_soft_rows_pay_an_exact_price(soft):
    rng = np.random.default_rng(5)
    for _ in range(60):
        low, high, scale, rows, bound, price = problem(rng, 4, 2, soft)
        proposed = rng.normal(size=2) * 3
        out, code = alone(proposed, low, high, scale, rows, bound, price)
        expected = by_enumeration(proposed, low, high, scale, rows, bound, price)
        assert (code == INFEASIBLE) == np.isinf(expected)
        if code != INFEASIBLE:
            found = cost(out / scale, proposed, scale, rows * scale, bound, price)
            assert found == pytest.approx(expected, rel=1e-6, abs=1e-9)


def test_a_soft_row_that_is_dear_enough_is_kept_and_a_cheap_one_is_broken():
    box = (np.array([-2.0]), np.array([2.0]), np.ones(1))
    row, bound = np.ones((1, 1)), np.zeros(1)

    kept, _ = alone(np.ones(1), *box, row, bound, np.array([1.5]))
    broken, _ = alone(np.ones(1), *box, row, bound, np.array([0.25]))

    assert kept[0] == pytest.approx(0.0, abs=1e-12)
    assert broken[0] == pytest.approx(0.75)  # the price of 0.25 moves it by as much


@given(st.data())
def test_an_action_that_keeps_every_limit_comes_back_bit_for_bit(data):
    n = data.draw(st.integers(1, 4))
    numbers = st.floats(-1e6, 1e6, allow_subnormal=True)
    proposed = data.draw(arrays(np.float64, n, elements=numbers))
    rows = data.draw(arrays(np.float64, (3, n), elements=numbers))
    bound = np.array([sum((row * proposed).tolist()) for row in rows])  # in the filter's order
    low, high = np.minimum(proposed, 0.0), np.maximum(proposed, 0.0)

    out, code = alone(proposed, low, high, np.ones(n), rows, bound, np.full(3, np.inf))

    assert code == SAME
    assert out.tobytes() == proposed.tobytes()


@given(st.data())
def test_whatever_comes_in_what_goes_out_is_finite_and_keeps_the_limits_or_is_the_refuge(data):
    n = data.draw(st.integers(1, 3))
    proposed, low, high = (data.draw(arrays(np.float64, n, elements=ANY)) for _ in range(3))
    rows = data.draw(arrays(np.float64, (2, n), elements=ANY))
    bound = data.draw(arrays(np.float64, 2, elements=ANY))

    out, code = alone(proposed, low, high, np.ones(n), rows, bound, np.full(2, np.inf))

    assert np.isfinite(out).all()
    if code in (SAME, BENT):
        assert ((low <= out) & (out <= high)).all()
        for row, most in zip(rows.tolist(), bound.tolist(), strict=True):
            # In the filter's order; what overflows is beyond any bound but that of no limit.
            terms = [a * b for a, b in zip(row, out.tolist(), strict=True)]
            widest = np.maximum(np.abs(low), np.abs(high)).tolist()
            size = sum(abs(a) * b for a, b in zip(row, widest, strict=True))
            assert sum(terms) <= most + 1e-12 * size
    else:
        assert (out == 7.0).all()


@pytest.mark.parametrize("bad", [np.nan, np.inf, -np.inf])
def test_what_is_not_finite_is_refused(bad):
    low, high, scale, rows, bound, price = problem(np.random.default_rng(0), 2, 2)
    row = rows.copy()
    row[1, 1] = bad
    refused = [(np.array([0.0, bad]), low, rows), (np.zeros(2), np.array([0, bad]), rows)]

    for proposed, lower, normal in [*refused, (np.zeros(2), low, row)]:
        assert alone(proposed, lower, high, scale, normal, bound, price)[1] == INVALID


def test_a_bound_of_plus_infinity_is_no_limit_and_nan_is_none_that_can_be_kept():
    box = (np.array([-2.0]), np.array([2.0]), np.ones(1), np.ones((1, 1)))

    codes = [
        alone(np.ones(1), *box, np.array([b]), np.array([np.inf]))[1] for b in (np.inf, np.nan)
    ]

    assert codes == [SAME, INVALID]


def test_limits_that_leave_a_single_action_give_it():
    rows, bound = np.array([[1.0, 0.0], [-1.0, 0.0]]), np.array([0.5, -0.5])
    box = (np.full(2, -1.0), np.full(2, 1.0), np.ones(2))

    out, code = alone(np.array([0.9, 0.2]), *box, rows, bound, np.full(2, np.inf))

    assert code == BENT
    np.testing.assert_allclose(out, [0.5, 0.2], rtol=0, atol=1e-15)


def test_a_batch_is_its_rows_one_by_one():
    rng, rows_alone = np.random.default_rng(3), []
    low, high, scale, rows, bound, price = problem(rng, 6, 3, 0.3)
    proposed = rng.normal(size=(50, 3)) * 2
    rows = rng.normal(size=(50, 6, 3))
    bound = np.abs(rng.normal(size=(50, 6)))
    boxes = np.tile(low, (50, 1)), np.tile(high, (50, 1))
    for b in range(50):
        rows_alone.append(alone(proposed[b], low, high, scale, rows[b], bound[b], price))

    limits = Limits(*boxes, scale, rows, bound, price)
    applied, code, slack = project_all(limits, proposed, np.full((50, 3), 7.0))

    np.testing.assert_array_equal(applied, [out for out, _ in rows_alone])
    np.testing.assert_array_equal(code, [code for _, code in rows_alone])
    broken = np.maximum(np.einsum("brd,bd->br", rows, applied) - bound, 0.0)
    np.testing.assert_allclose(slack, broken, rtol=0, atol=1e-12)
    assert not slack[:, np.isinf(price)].any()


def test_nan_keeps_no_limit():
    one = np.ones(1)
    limits = Limits(-one, one, one, np.ones((1, 1)), one, one)

    assert admissible(limits, np.zeros(1))
    assert not admissible(limits, np.array([np.nan]))
    assert not admissible(limits._replace(bound=np.array([np.nan])), np.zeros(1))


@pytest.mark.parametrize("offset", [50.0, 1e5, -1e6])
def test_values_far_from_zero_lose_no_digits(offset):
    rng = np.random.default_rng(8)
    for _ in range(50):
        low, high, scale, rows, bound, price = problem(rng, 5, 3)
        low, high, rows, bound = low * 0.01, high * 0.01, rows[:2], np.abs(bound[:2]) * 0.01
        proposed, scale, price = rng.normal(size=3) * 0.03, np.full(3, 0.02), price[:2]
        near, code = alone(proposed, low, high, scale, rows, bound, price)

        moved = bound + (rows * offset).sum(axis=1)
        ends = low + offset, high + offset
        out, same = alone(proposed + offset, *ends, scale, rows, moved, price)

        assert code in (SAME, BENT)
        assert (same == SAME) <= (code == SAME)
        np.testing.assert_allclose(out - offset, near, rtol=0, atol=1e-14 * (abs(offset) + 1e3))
        assert ((rows * out).sum(axis=1) - moved).max() <= 1e-15 * abs(offset) * 10


@pytest.mark.parametrize("tilt", [1e-3, 1e-6, 1e-9])
def test_rows_that_are_nearly_parallel_give_the_corner_between_them(tilt):
    # x + tilt y <= 0 and x - tilt y <= 0 meet in the origin, which is nearest to (1, 0).
    rows = np.array([[1.0, tilt], [1.0, -tilt]])
    box = (np.full(2, -1.0), np.full(2, 1.0), np.ones(2))

    out, code = alone(np.array([1.0, 0.0]), *box, rows, np.zeros(2), np.full(2, np.inf))
    tipped, second = alone(np.array([1.0, 0.5]), *box, rows, np.zeros(2), np.full(2, np.inf))

    assert (code, second) == (BENT, BENT)
    np.testing.assert_allclose(out, [0.0, 0.0], rtol=0, atol=1e-10 + 1e-15 / tilt)
    # The foot of the upper row lies beyond the corner by no more than the tilt.
    assert tipped[0] <= 0.0
    np.testing.assert_allclose(tipped, [0.0, 0.5], rtol=0, atol=2.0 * tilt)


@pytest.mark.parametrize("far", [1e4, 1e30, 1.7e308])
def test_a_proposal_beyond_all_measure_is_bent_as_one_that_is_far(far):
    box = (np.full(2, -1.0), np.full(2, 1.0), np.ones(2))
    row, bound, price = np.array([[1.0, 2.0]]), np.array([1.0]), np.array([np.inf])

    out, code = alone(np.array([far, far]), *box, row, bound, price)

    assert code == BENT
    assert row[0] @ out <= 1.0
    np.testing.assert_allclose(out, [1.0, 0.0], rtol=0, atol=1e-9)


@pytest.mark.parametrize("scale", [np.inf, np.nan, 0.0, -1.0])
def test_what_has_no_scale_is_refused_unless_it_is_admissible(scale):
    box = (np.full(1, -1.0), np.full(1, 1.0), np.full(1, scale))
    none = np.zeros((0, 1)), np.zeros(0), np.zeros(0)

    assert alone(np.array([2.0]), *box, *none) == (7.0, INVALID)
    assert alone(np.array([0.5]), *box, *none) == (0.5, SAME)


@pytest.mark.parametrize("price", [np.nan, -1.0])
def test_a_price_that_is_none_is_refused(price):
    box = (np.full(1, -1.0), np.full(1, 1.0), np.ones(1))

    found = alone(np.array([0.5]), *box, np.ones((1, 1)), np.ones(1), np.array([price]))

    assert found == (7.0, INVALID)


def test_a_value_that_cannot_move_stays_where_it_is_while_another_gives_way():
    low = np.array([5.0, 0.0])
    box = (low, np.array([5.0, 10.0]), np.array([1e-300, 10.0]))

    out, code = alone(
        np.array([7.0, 9.0]), *box, np.ones((1, 2)), np.array([11.0]), np.array([np.inf])
    )

    assert code == BENT
    np.testing.assert_allclose(out, [5.0, 6.0], rtol=0, atol=1e-9)


def test_without_values_or_rows_there_is_nothing_to_keep_or_nothing_that_can():
    none, two = np.zeros(0), np.zeros((2, 0))
    hard = np.full(2, np.inf)

    assert alone(none, none, none, none, two, np.array([0.0, np.inf]), hard)[1] == SAME
    assert alone(none, none, none, none, two, np.array([0.0, -1.0]), hard)[1] == INFEASIBLE
    one = np.ones(1)
    assert alone(2.0 * one, -one, one, one, np.zeros((0, 1)), none, none) == (1.0, BENT)
    applied, code, slack = project_all(
        Limits(np.zeros((0, 1)), np.zeros((0, 1)), np.ones(1), np.zeros((0, 2, 1)),
               np.zeros((0, 2)), hard), np.zeros((0, 1)), np.zeros((0, 1)))  # fmt: skip
    assert (applied.shape, code.shape, slack.shape) == ((0, 1), (0,), (0, 2))


EVIL = np.array([0.0, -0.0, 5e-324, 1e-310, 1e-200, 1e-16, 1.0, 3.0, 1e16, 1e200, 1.7e308])


@pytest.mark.parametrize("seed", range(2))
def test_no_mixture_of_sizes_gets_a_number_out_of_the_limits(seed):
    rng = np.random.default_rng(seed)

    def some(*shape):
        drawn = rng.choice(EVIL, shape) * rng.choice([-1.0, 1.0], shape)
        return np.where(rng.random(shape) < rng.choice([0.1, 0.9]), drawn, rng.normal(size=shape))

    codes = set()
    for _ in range(4000):
        n, r = rng.integers(0, 5), rng.integers(0, 6)
        low, high = np.sort((some(n), some(n)), axis=0)
        rows, bound, scale = some(r, n), some(r), np.abs(some(n))
        price = np.where(rng.random(r) < 0.4, np.abs(some(r)), np.inf)
        out, code = alone(some(n), low, high, scale, rows, bound, price)
        codes.add(code)
        assert np.isfinite(out).all()
        if code in (SAME, BENT):
            assert ((low <= out) & (out <= high)).all()
            with np.errstate(over="ignore", invalid="ignore"):
                size = (np.abs(rows) * np.maximum(np.abs(low), np.abs(high))).sum(axis=1)
                broken = (rows * out).sum(axis=1) - bound > 1e-11 * size
            assert not broken[np.isinf(price)].any()
        else:
            assert (out == 7.0).all()
    assert {SAME, BENT, INFEASIBLE} <= codes


@pytest.mark.parametrize("part", ["low", "high", "scale", "rows", "bound", "price", "proposed"])
@pytest.mark.parametrize("n", [0, 1, 3])
def test_shapes_that_differ_are_refused_and_never_read_beyond(part, n):
    two = np.ones(2)
    parts = {
        "low": -two, "high": two, "scale": two, "rows": np.ones((2, 2)),
        "bound": np.zeros(2), "price": np.full(2, np.inf), "proposed": two,
    }  # fmt: skip
    parts[part] = np.ones((2, n)) if part == "rows" else np.ones(n)
    proposed, out = parts.pop("proposed"), np.zeros(2)

    code = project(allocate(2, 2), Limits(**parts), proposed, np.full(2, 7.0), out)

    assert code == INVALID
    assert (out == 7.0).all()


@pytest.mark.parametrize("part", ["low", "high", "rows", "bound", "proposed", "scale", "price"])
def test_a_batch_with_a_row_missing_is_refused_as_a_whole(part):
    parts = {
        "low": -np.ones((3, 2)), "high": np.ones((3, 2)), "rows": np.ones((3, 1, 2)),
        "bound": np.zeros((3, 1)), "proposed": np.ones((3, 2)), "scale": np.ones(2),
        "price": np.full(1, np.inf),
    }  # fmt: skip
    parts[part] = parts[part][:-1]
    proposed = parts.pop("proposed")
    limits = Limits(**parts)

    applied, code, slack = project_all(limits, proposed, np.full((3, 2), 7.0))

    assert (code == INVALID).all()
    assert (applied == 7.0).all()
    assert not slack.any()


def test_memory_for_other_sizes_and_a_refuge_of_another_length_are_survived():
    one = np.ones(1)
    limits, out = Limits(-one, one, one, np.ones((1, 1)), np.zeros(1), np.full(1, np.inf)), -one

    assert project(allocate(2, 1), limits, one, one, out) == INVALID
    assert project(allocate(1, 2), limits, one, one, out) == INVALID
    assert project(allocate(1, 1), limits, np.array([np.nan]), np.ones(2), out) == INVALID
    assert np.isnan(out).all()
