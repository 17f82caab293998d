# SPDX-License-Identifier: MIT
"""The steps of the active set: what it keeps about tight rows, and the conditions of an optimum."""

import numpy as np
import pytest

from flyball.safety.activeset import (
    EMPTY,
    OFF,
    PAID,
    SOLVED,
    TIGHT,
    _face,
    _join,
    _leave,
    allocate,
    descend,
)


def loaded(rng, n_rows, n_dims, soft=0.0):
    """Return the memory of a scaled program in a box of width 2 around 0, and what is proposed."""
    work = allocate(n_rows, n_dims)
    work.normal[:n_rows] = rng.normal(size=(n_rows, n_dims))
    work.normal[:n_rows] /= np.linalg.norm(work.normal[:n_rows], axis=1, keepdims=True)
    work.limit[:n_rows] = rng.uniform(0.0, 1.0, n_rows)
    work.limit[n_rows:] = 1.0
    work.price[:n_rows] = np.where(rng.random(n_rows) < soft, rng.uniform(0, 2, n_rows), np.inf)
    work.v[:] = rng.normal(size=n_dims) * 2.0
    return work, work.v.copy()


@pytest.mark.parametrize("n_dims", [1, 2, 5, 9])
def test_rows_that_come_and_go_leave_their_normals_as_basis_times_triangle(n_dims):
    rng, n_tight = np.random.default_rng(n_dims), 0
    work, _ = loaded(rng, 40, n_dims)
    for row in range(40):
        if n_tight == n_dims:
            gone = int(rng.integers(n_tight))
            work.state[work.tight[gone]] = OFF
            _leave(work, n_tight, gone)
            n_tight -= 1
        length = _face(work, n_tight, row)
        tight = work.normal[work.tight[:n_tight]]
        np.testing.assert_allclose(
            work.share[:n_tight] @ tight + work.ahead, work.normal[row], rtol=0, atol=1e-9
        )
        np.testing.assert_allclose(tight @ work.ahead, 0.0, rtol=0, atol=1e-12)
        _join(work, n_tight, row, length)
        n_tight += 1

        basis, upper = work.basis[:n_tight], np.triu(work.upper[:n_tight, :n_tight])
        np.testing.assert_allclose(basis @ basis.T, np.eye(n_tight), rtol=0, atol=1e-12)
        np.testing.assert_allclose(
            upper.T @ basis, work.normal[work.tight[:n_tight]], rtol=0, atol=1e-12
        )


@pytest.mark.parametrize("soft", [0.0, 0.5, 1.0])
def test_the_end_meets_the_conditions_of_an_optimum(soft):
    rng, seen = np.random.default_rng(1), set()
    for _ in range(300):
        work, proposed = loaded(rng, 12, 4, soft)
        assert descend(work) == SOLVED
        seen |= set(work.state.tolist())
        excess = work.normal @ work.v - work.limit
        pull = work.multiplier @ work.normal

        np.testing.assert_allclose(proposed - pull, work.v, rtol=0, atol=1e-12)
        assert (excess[work.state == OFF] <= 1e-12).all()
        np.testing.assert_allclose(excess[work.state == TIGHT], 0.0, rtol=0, atol=1e-12)
        assert (excess[work.state == PAID] >= -1e-12).all()
        assert (work.multiplier >= 0.0).all()
        assert (work.multiplier <= work.price).all()
        assert not work.multiplier[work.state == OFF].any()
        np.testing.assert_array_equal(
            work.multiplier[work.state == PAID], work.price[work.state == PAID]
        )

    assert seen == ({OFF, TIGHT} if soft == 0.0 else {OFF, TIGHT, PAID})


def test_rows_that_exclude_each_other_have_no_end():
    work = allocate(2, 1)
    work.normal[:2, 0], work.limit[:] = (1.0, -1.0), (0.2, -0.4, 1.0, 1.0)

    assert descend(work) == EMPTY
