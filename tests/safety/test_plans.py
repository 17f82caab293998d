# SPDX-License-Identifier: MIT
"""What a gate asks about, and from where."""

import numpy as np
import pytest

from flyball.safety import plans
from flyball.safety.gate import _memory
from flyball.safety.gating import LOST, SHARES, Times, Ways
from flyball.safety.pool import pooled

N, X, D = 5, 3, 2


def made(fall=np.inf, bound=np.inf):
    """Return a pool and its parts: D values within 0 to 1, plans of two holds of two steps."""
    ways = Ways(
        np.zeros(D),
        np.ones(D),
        np.full(D, fall),
        np.full(D, np.inf),
        np.ones((1, D)),
        np.array([bound]),
        np.zeros((0, X)),
        np.zeros(0),
    )
    times = Times(np.array([0.1, 0.2]), np.array([2]))
    return pooled(ways, times, *_memory(N, 2, X, D))


def question(low=0.0, high=0.0, proposed=0.5, before=0.5, late=False):
    return (
        np.full((N, X), low),
        np.full((N, X), high),
        np.full((N, D), proposed),
        np.full((N, D), before),
        np.full(N, late),
    )


@pytest.mark.parametrize(
    ("asked", "n"),
    [
        (question(), N),
        (question(proposed=1.5), 0),
        (question(proposed=np.nan), 0),
        (question(low=np.nan, high=np.nan), 0),
        (question(before=0.9), 0),  # falls too fast
        (question(before=np.nan), 0),
        (question(proposed=0.8, before=0.8), 0),  # both together
    ],
)
def test_the_model_is_asked_about_what_limits_allow_from_where_the_plant_is(asked, n):
    pool, _ = made(fall=0.3, bound=1.2)
    plans.start(pool, asked)

    assert plans.propose(pool, asked, 0) == n


def test_only_who_has_a_plan_is_eased_and_goes_part_of_the_way_from_it():
    pool, (_, _, held, out, turn) = made()
    held.ticks[1], held.plan[1] = 2, 0.25
    asked = question(proposed=0.75)
    plans.start(pool, asked)

    assert [plans.propose(pool, asked, k) for k in range(len(SHARES))] == [N, 1, 1]
    assert turn.row[0] == 1
    assert turn.value[0].tolist() == [0.375, 0.375]
    assert (out.code == LOST).all()


@pytest.mark.parametrize("measured", [(1.0, 2.0), (-9.0, 9.0), (5.0, 6.0), (np.nan, np.nan)])
def test_where_a_row_is_is_what_was_predicted_met_with_what_is_measured(measured):
    pool, (_, _, held, out, turn) = made()
    held.low[:], held.high[:] = 0.0, 1.5
    expected = {(1.0, 2.0): (1.0, 1.5), (5.0, 6.0): (0.0, 6.0)}.get(measured, (0.0, 1.5))

    plans.start(pool, question(*measured))

    assert (turn.low[0, 0], turn.high[0, 0]) == expected
    assert out.doubted.all() == (measured[0] == 5.0)
    assert turn.known.all()
    assert turn.seen.all() == np.isfinite(measured[0])


def test_a_row_that_is_late_forgets_its_plan_and_where_it_was():
    pool, (_, _, held, _, turn) = made()
    held.low[:], held.high[:], held.ticks[:] = 0.0, 1.0, 2

    plans.start(pool, question(np.nan, np.nan, late=True))

    assert not turn.known.any()
    assert not held.ticks.any()
