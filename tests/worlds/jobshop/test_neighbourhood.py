# SPDX-License-Identifier: MIT
import numpy as np
import pytest

from flyball.optimize import CpSettings, run
from flyball.worlds.jobshop import neighbourhood
from flyball.worlds.jobshop.cost import Cost
from flyball.worlds.jobshop.horizon import look_ahead
from flyball.worlds.jobshop.model import ShopModel
from flyball.worlds.jobshop.neighbourhood import Neighbourhoods
from flyball.worlds.jobshop.timing import list_schedule
from tests.worlds.jobshop.small_shops import H, longs, random_shop, shop

TARDINESS = {"weighted_tardiness_h": 1.0}


def parts_of(scenario):
    hint = list_schedule(scenario)
    cost = Cost.of(scenario, TARDINESS)
    return Neighbourhoods(scenario, cost, look_ahead(scenario, cost, hint)), hint


@pytest.mark.parametrize("seed", range(5))
def test_what_does_not_move_bounds_what_does(seed):
    scenario = random_shop(seed, n_jobs=8, n_machines=3, n_ops=3)
    parts, hint = parts_of(scenario)

    task = parts.part(hint, 6, np.random.default_rng(seed))

    unit_s = task.pieces.unit_s
    assert task.moving == sorted(set(task.moving))
    for op in task.moving:
        job = scenario.op_job[op]
        if op > scenario.job_op[job] and op - 1 not in task.moving:
            assert task.earliest[op] * unit_s >= hint.end_s[op - 1]
        if op + 1 < scenario.job_op[job + 1] and op + 1 not in task.moving:
            assert task.latest[op] * unit_s <= hint.start_s[op + 1]


def test_parts_gather_around_the_job_that_costs_most():
    # Only J5 is late, having come last, and only work on M1 stands in its way.
    routes = [[{0: 2}] for _ in range(6)] + [[{1: 2}] for _ in range(6)]
    scenario = shop(
        routes,
        due_s=longs([99] * 4 + [1] + [99] * 7) * H,
        release_s=longs([0] * 4 + [1] + [0] * 7) * H,
    )
    parts, hint = parts_of(scenario)
    rng = np.random.default_rng(0)

    counts = np.zeros(scenario.n_ops)
    for _ in range(50):
        counts[parts.part(hint, 3, rng).moving] += 1

    assert counts[4] == counts.max()
    assert counts[:6].sum() > 2 * counts[6:].sum()


def test_a_shop_with_too_many_orders_looks_only_at_near_ones(monkeypatch):
    monkeypatch.setattr(neighbourhood, "ARC_LIMIT", 100)
    scenario = shop([[{0: 1}] for _ in range(30)], setup_s=longs([[[1], [0]]]) * H)
    parts, hint = parts_of(scenario)

    task = parts.everything(hint)

    assert task.near == 5
    assert run(ShopModel(task).cp, CpSettings(time_s=1)).found
