# SPDX-License-Identifier: MIT
"""Cells that are found, beside the largest sets that are known and beside a slow fixed point."""

from itertools import product

import numpy as np
import pytest

from flyball.core.errors import SolverError
from flyball.safety.certificates.bisecting import Raster, bisected
from flyball.safety.certificates.cells import NONE, CellsBackup, painted, refuted
from tests.safety.certificates.toys import Carriage, attacked, unstable

ERROR = np.array([0.004, 0.006])


def quiet(stage, share, figures):
    assert 0.0 <= share <= 1.0
    assert figures["cells"] > 0
    assert stage == "proving"


def raster(coarse=8, halvings=4, error=(0.0, 0.0), **changes):
    own = Raster(
        low=np.array([-1.0, -1.0]),
        high=np.array([1.0, 1.0]),
        coarse=np.array([coarse, coarse]),
        halvings=halvings,
        values=np.linspace(-1.0, 1.0, 5)[:, None],
        error=np.array(error),
        hold_s=0.2,
    )
    return own._replace(**changes)


def fixed_point(own, model):
    """Return which of the finest cells are kept, by asking again and again for every one."""
    n = own.coarse << own.halvings
    edges = [
        low + (high - low) * (np.arange(k + 1) / k)
        for low, high, k in zip(own.low, own.high, n, strict=True)
    ]
    kept = np.ones(n, np.bool_)
    ahead = {}
    for cell in product(*map(range, n)):
        low = np.array([[edge[i] for edge, i in zip(edges, cell, strict=True)]])
        high = np.array([[edge[i + 1] for edge, i in zip(edges, cell, strict=True)]])
        wide = 2 * own.error
        ahead[cell] = [
            model.reach(low - wide, high + wide, v[None], own.hold_s) for v in own.values
        ]
    while True:
        new = kept.copy()
        for cell in zip(*np.nonzero(kept), strict=True):
            new[cell] = any(_returns(reach, edges, kept) for reach in ahead[cell])
        if (new == kept).all():
            return kept
        kept = new


def _returns(reach, edges, kept):
    low, high = reach.low[0], reach.high[0]
    if not reach.margin[0] >= 0 or any(
        a < e[0] or b > e[-1] for e, a, b in zip(edges, low, high, strict=True)
    ):
        return False
    own = tuple(
        slice(np.flatnonzero(e <= a)[-1], np.flatnonzero(e >= b)[0])
        for e, a, b in zip(edges, low, high, strict=True)
    )
    return bool(kept[own].all())


@pytest.mark.parametrize("error", [0.0, 0.01])
def test_what_is_kept_is_the_largest_fixed_point_of_the_finest_cells(error):
    own = raster(coarse=4, halvings=2, error=(error, error))

    found = bisected(own, Carriage(), quiet)

    np.testing.assert_array_equal(painted(found) != NONE, fixed_point(own, Carriage()))
    assert refuted(found, Carriage(), own.error, own.hold_s) == ""
    assert len(np.unique(found.size)) > 1  # cells that need not be small are not


def test_a_carriage_is_kept_within_its_parabolas_and_in_most_of_them():
    carriage = Carriage()

    found = bisected(raster(halvings=5), carriage, quiet)

    state = np.random.default_rng(0).uniform(-1.0, 1.0, (100_000, 2))
    kept, known = CellsBackup(found).margin(state, state) >= 0.0, carriage.can_stop(state)
    assert not (kept & ~known).any()
    assert kept.sum() >= 0.9 * known.sum()


def test_an_unstable_plant_is_kept_in_nearly_all_of_its_known_interval():
    _, model, most = unstable()
    own = Raster(
        np.array([-2.0]), np.array([2.0]), np.array([8]), 6, np.linspace(-1, 1, 21)[:, None],
        np.zeros(1), 1.0,
    )  # fmt: skip

    found = bisected(own, model, quiet)

    width = 4.0 / 512
    cells = (painted(found) != NONE).sum()
    assert 0.9 * 2 * most <= cells * width <= 2 * most


def test_no_attacker_within_the_bounds_breaks_what_is_proved():
    carriage, rng = Carriage(), np.random.default_rng(1)
    backup = CellsBackup(bisected(raster(error=ERROR), carriage, quiet))
    state = rng.uniform(-1.0, 1.0, (6000, 2))
    start = state[backup.margin(state, state) >= 0.0]

    worst = attacked(carriage, backup, start, ERROR, 0.2, 60, rng)

    assert len(start) > 2000
    assert worst <= 0.0


def test_attackers_with_twice_the_disturbance_find_a_breach():
    rng = np.random.default_rng(1)
    backup = CellsBackup(bisected(raster(halvings=5), Carriage(wind=0.2), quiet))
    state = rng.uniform(-1.0, 1.0, (20_000, 2))
    start = state[backup.margin(state, state) >= 0.0]

    worst = attacked(Carriage(wind=0.4), backup, start, np.zeros(2), 0.2, 60, rng)

    assert worst > 0.0


def test_a_disturbance_stronger_than_the_values_leaves_no_cell():
    with pytest.raises(SolverError, match=r"no cell from where .* fix: cut cells once more"):
        bisected(raster(), Carriage(wind=1.1), quiet)
