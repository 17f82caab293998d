# SPDX-License-Identifier: MIT
"""Look-ups in cells against slow loops over all of them, and the check against false cells."""

from itertools import pairwise, product

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from flyball.core.envelope import Reach
from flyball.safety.certificates.cells import (
    NONE,
    Cells,
    CellsBackup,
    choices,
    covered,
    edges_of,
    grid_of,
    painted,
    refuted,
    spread_out,
    sums_of,
    widened,
)
from tests.safety.certificates.toys import unstable


def random_grid(rng, shape=(7, 5)):
    held = np.where(rng.random(shape) < 0.75, rng.integers(0, 3, shape), NONE)
    return held, np.array([-1.0, 0.0]), np.array([1.0, 3.0])


def interval(n_kept, n=20, choice=None):
    """Return the middle cells of [-2, 2] for x' = 1.5 x + u + w."""
    first = (n - n_kept) // 2
    block = np.arange(first, first + n_kept)[:, None]
    centre = -2.0 + 4.0 * (np.arange(n) + 0.5) / n
    values = np.clip(-1.5 * centre, -1.0, 1.0)[:, None]
    own = block[:, 0] if choice is None else np.full(n_kept, choice)
    size = np.ones(n_kept, np.int64)
    return Cells(np.array([-2.0]), np.array([2.0]), np.array([n]), block, size, own, values)


def boxes(rng, edges, n):
    """Return boxes, some of which lie exactly on edges, and points."""
    low, high = np.empty((n, len(edges))), np.empty((n, len(edges)))
    for k, edge in enumerate(edges):
        span = edge[-1] - edge[0]
        a = rng.uniform(edge[0] - 0.1 * span, edge[-1] + 0.1 * span, n)
        b = a + rng.uniform(0.0, 0.4 * span, n)
        a = np.where(rng.random(n) < 0.3, rng.choice(edge, n), a)
        b = np.where(rng.random(n) < 0.3, rng.choice(edge, n), b)
        b = np.where(rng.random(n) < 0.2, a, b)
        low[:, k], high[:, k] = np.minimum(a, b), np.maximum(a, b)
    return low, high


def twin_covered(held, edges, low, high):
    """Return whether a box lies in the union of closed kept cells: every piece of it does."""
    pieces = []
    for edge, a, b in zip(edges, low, high, strict=True):
        if a < edge[0] or b > edge[-1]:
            return False
        cuts = np.unique([a, b, *edge[(edge > a) & (edge < b)]])
        inner = (cuts[:-1] + cuts[1:]) / 2 if len(cuts) > 1 else cuts
        pieces.append(inner)
    for point in product(*pieces):
        at = [
            [i for i in range(len(edge) - 1) if edge[i] <= x <= edge[i + 1]]
            for edge, x in zip(edges, point, strict=True)
        ]
        if not any(held[cell] != NONE for cell in product(*at)):
            return False
    return True


def twin_choices(held, edges, low, high):
    """Return what every kept cell holds that a box touches; nothing for one that touches none."""
    near = [
        [i for i in range(len(edge) - 1) if edge[i] <= b and a <= edge[i + 1]]
        for edge, a, b in zip(edges, low, high, strict=True)
    ]
    return {int(held[cell]) for cell in product(*near)} - {NONE}


@pytest.mark.parametrize("shape", [(7, 5), (4, 4)])
def test_covered_and_chosen_agree_with_loops_over_all_cells(shape):
    rng, some = np.random.default_rng(0), [0, 0]
    for _ in range(10):
        held, below, above = random_grid(rng, shape)
        grid = grid_of(below, above, held, spread_out(held))
        edge, first = edges_of(below, above, np.array(shape))
        edges = [edge[i:j] for i, j in pairwise(first)]
        low, high = boxes(rng, edges, 150)

        inside, choice = covered(grid, low, high), choices(grid, low, high)

        for row in range(150):
            slow = twin_covered(held, edges, low[row], high[row])
            # A point on an edge may be called outside, never the other way round.
            assert bool(inside[row]) <= slow
            if (low[row] < high[row]).all():
                assert bool(inside[row]) == slow
            touched = twin_choices(held, edges, low[row], high[row])
            assert not touched or choice[row] in touched
            some[int(inside[row])] += 1

    assert min(some) > 100


def test_three_states_work_as_two_do():
    rng = np.random.default_rng(3)
    held = np.where(rng.random((4, 3, 5)) < 0.9, 0, NONE)
    low, high = np.zeros(3), np.ones(3)
    grid = grid_of(low, high, held, spread_out(held))
    edge, first = edges_of(low, high, np.array(held.shape))
    edges = [edge[i:j] for i, j in pairwise(first)]
    below, above = boxes(rng, edges, 400)

    inside = covered(grid, below, above)

    proper = (below < above).all(1)
    slow = [twin_covered(held, edges, below[row], above[row]) for row in range(400)]
    assert (inside[proper] == np.array(slow)[proper]).all()
    assert 20 < inside.sum() < 380


@pytest.mark.parametrize("wrong", [np.nan, np.inf, -np.inf])
def test_what_is_no_number_is_outside_and_gets_no_value(wrong):
    backup = CellsBackup(interval(10))
    low, high = np.array([[wrong], [0.0]]), np.array([[0.1], [wrong]])

    assert not (backup.margin(low, high) >= 0.0).any()
    assert np.isnan(backup.value(low, high)).all()


ANY = arrays(np.float64, (4, 2), elements=st.floats(allow_nan=True, allow_infinity=True))


@given(ANY)
def test_whatever_is_asked_the_answer_is_a_value_of_the_proof_or_none(ends):
    low, high = ends[:, :1].copy(), ends[:, 1:].copy()
    cells = interval(10)
    backup = CellsBackup(cells)

    margin, value = backup.margin(low, high), backup.value(low, high)

    assert (np.isnan(value) | np.isin(value, cells.values)).all()
    inside = margin >= 0.0
    assert ((low >= -1.0) & (low <= high) & (high <= 1.0))[inside].all()
    assert np.isfinite(value)[inside].all()


def test_a_box_outside_gets_the_value_of_the_nearest_kept_cell():
    backup = CellsBackup(interval(10))

    found = backup.value(np.array([[1.9], [-50.0]]), np.array([[1.9], [-50.0]]))

    assert found[:, 0].tolist() == [backup.values[14, 0], backup.values[5, 0]]


def test_sums_count_the_kept_cells_of_any_box():
    kept = np.random.default_rng(0).integers(0, 2, (4, 5))

    total = sums_of(kept)

    for i, j in product(range(5), range(6)):
        assert total[i, j] == kept[:i, :j].sum()


def test_the_known_interval_is_proved_and_one_more_cell_is_not():
    _, model, most = unstable()  # 1.6: the middle 16 cells of 0.2
    error = np.zeros(1)

    assert most == pytest.approx(1.6)
    assert refuted(interval(14), model, error, 1.0) == ""
    assert "can leave the kept cells" in refuted(interval(18), model, error, 1.0)


def test_twice_the_disturbance_is_refused():
    _, model, _ = unstable(wind=0.4)

    assert "can leave the kept cells" in refuted(interval(14), model, np.zeros(1), 1.0)


def test_an_error_of_measurement_widens_every_cell_twice():
    cells, error = interval(4), np.array([0.01])
    low, high = widened(cells, error)

    np.testing.assert_allclose(low[:, 0], [-0.42, -0.22, -0.02, 0.18])
    np.testing.assert_allclose(high[:, 0], [-0.18, 0.02, 0.22, 0.42])
    assert (low[:, 0] <= np.array([-0.4, -0.2, 0.0, 0.2]) - 0.02).all()


def test_a_wrong_value_is_refused():
    _, model, _ = unstable()

    assert "can leave the kept cells" in refuted(interval(14, choice=0), model, np.zeros(1), 1.0)


def test_a_limit_that_breaks_is_refused_and_so_is_no_number():
    _, model, _ = unstable()
    model.high[:] = 1.0

    assert "hard limit can break" in refuted(interval(14), model, np.zeros(1), 1.0)

    class Blind:
        def reach(self, low, high, *_):
            return Reach(low, high, np.full(len(low), np.nan))

    assert "hard limit can break" in refuted(interval(14), Blind(), np.zeros(1), 1.0)


@pytest.mark.parametrize(
    "changes",
    [
        {"choice": np.full(14, 20)},
        {"choice": np.full(14, -1)},
        {"size": np.full(14, 2)},
        {"size": np.full(14, 0)},
        {"block": np.arange(10, 24)[:, None]},
        {"block": np.arange(-1, 13)[:, None]},
    ],
)
def test_cells_that_make_no_sense_are_refused(changes):
    _, model, _ = unstable()
    cells = interval(14)._replace(**changes)

    assert refuted(cells, model, np.zeros(1), 1.0) != ""


def test_no_cells_prove_nothing():
    _, model, _ = unstable()

    assert refuted(interval(0), model, np.zeros(1), 1.0) == "no cell is kept"


def test_blocks_of_different_sizes_paint_the_cells_they_cover():
    block, size = np.array([[0, 0], [2, 1]]), np.array([2, 1])
    cells = Cells(
        np.zeros(2), np.ones(2), np.array([3, 2]), block, size, np.array([1, 0]), np.zeros((2, 1))
    )

    held = painted(cells)

    assert held.tolist() == [[1, 1], [1, 1], [NONE, 0]]
    assert painted(cells._replace(block=np.array([[0, 0], [1, 1]]))) is None
