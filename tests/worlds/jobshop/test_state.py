# SPDX-License-Identifier: MIT
from dataclasses import replace
from itertools import pairwise

import numpy as np
import pytest

from flyball.worlds.jobshop.state import Shops, State, allocate, pack, starts
from tests.worlds.jobshop.odd_shops import odd_shop
from tests.worlds.jobshop.small_shops import H, ints, longs, shop

POOL = [odd_shop(seed) for seed in range(12)]


def test_blocks_start_where_the_one_before_ends():
    assert starts([3, 0, 2]).tolist() == [0, 3, 3, 5]
    assert starts([]).tolist() == [0]
    assert starts([1]).dtype == np.int64


def test_a_packed_pool_holds_every_shop_unchanged():
    shops = pack(POOL)

    for n, scenario in enumerate(POOL):
        ops = slice(shops.op[n], shops.op[n + 1])
        jobs = slice(shops.job[n], shops.job[n + 1])
        machines = slice(shops.machine[n], shops.machine[n + 1])
        pairs = slice(shops.op_pair[shops.op[n]], shops.op_pair[shops.op[n + 1]])
        np.testing.assert_array_equal(shops.release_s[jobs], scenario.release_s)
        np.testing.assert_array_equal(shops.due_s[jobs], scenario.due_s)
        np.testing.assert_array_equal(shops.weight[jobs], scenario.full_weight)
        np.testing.assert_array_equal(shops.op_family[ops], scenario.op_family)
        np.testing.assert_array_equal(shops.pair_machine[pairs], scenario.pair_machine)
        np.testing.assert_array_equal(shops.pair_duration_s[pairs], scenario.pair_duration_s)
        np.testing.assert_array_equal(
            shops.job_op[jobs.start : jobs.stop + 1] - ops.start, scenario.job_op
        )
        np.testing.assert_array_equal(shops.machine_cell[machines], scenario.machine_cell)
        for machine in range(scenario.n_machines):
            assert windows_of(shops, machines.start + machine) == own_windows(scenario, machine)


def windows_of(shops, wide):
    calendar = shops.machine_calendar[wide]
    window = slice(shops.window[calendar], shops.window[calendar + 1])
    extra = slice(shops.overtime[calendar], shops.overtime[calendar + 1])
    return (
        shops.open_s[window].tolist(), shops.close_s[window].tolist(),
        shops.overtime_open_s[extra].tolist(), shops.overtime_close_s[extra].tolist(),
    )  # fmt: skip


def own_windows(scenario, machine):
    c, calendar = scenario.calendars, scenario.machine_calendar[machine]
    window = slice(c.window[calendar], c.window[calendar + 1])
    extra = slice(c.overtime[calendar], c.overtime[calendar + 1])
    return (
        c.open_s[window].tolist(), c.close_s[window].tolist(),
        c.overtime_open_s[extra].tolist(), c.overtime_close_s[extra].tolist(),
    )  # fmt: skip


def test_fixed_work_stands_by_machine_in_the_order_of_its_starts():
    shops = pack(POOL)
    seen = 0

    for n, scenario in enumerate(POOL):
        for machine in range(scenario.n_machines):
            wide = shops.machine[n] + machine
            own = shops.fixed_op[shops.machine_fixed[wide] : shops.machine_fixed[wide + 1]]
            assert np.all(shops.fixed_machine[own] == machine)
            assert np.all(np.diff(shops.fixed_start_s[own]) >= 0)
            assert np.all((own >= shops.op[n]) & (own < shops.op[n + 1]))
            seen += len(own)

    assert seen == sum(int((scenario.fixed_machine >= 0).sum()) for scenario in POOL) > 0


def test_set_up_matrices_are_found_from_the_machine():
    shops = pack(POOL)

    for n, scenario in enumerate(POOL):
        families = len(scenario.family_name)
        assert shops.setup_families[n] == families
        for machine, group in enumerate(scenario.machine_group):
            at = shops.machine_setup[shops.machine[n] + machine]
            own = shops.setup_s[at : at + (families + 1) * families]
            assert own.tolist() == scenario.setup_s[group].reshape(-1).tolist()


def test_work_ahead_and_behind_is_summed_along_the_route():
    # Two jobs of 1 + (2 or 4) + 3 and 5 hours.
    shops = pack([shop([[{0: 1}, {0: 2, 1: 4}, {1: 3}], [{0: 5}]])])

    assert (shops.tail_s / H).tolist() == [7, 6, 3, 5]
    assert (shops.head_s / H).tolist() == [1, 4, 7, 5]
    assert (shops.min_tail_s / H).tolist() == [5, 3, 0, 0]
    assert shops.mean_s.tolist() == [3 * H]
    assert shops.cell_machines.tolist() == [2]
    assert (shops.cell_load_s / H).tolist() == [12]


def test_the_first_free_operation_comes_after_the_fixed_ones():
    scenario = shop(
        [[{0: 1}, {0: 1}], [{0: 1}], [{0: 1}]],
        fixed_machine=ints([0, -1, 0, -1]),
        fixed_start_s=longs([0, 0, H, 0]),
        fixed_end_s=longs([H, 0, 2 * H, 0]),
    )

    shops = pack([scenario, scenario])

    assert shops.job_free_op.tolist() == [1, 3, 3, 5, 7, 7]


@pytest.mark.parametrize(
    ("changes", "mean_s", "mean_weight"),
    [({"weight": np.zeros(1)}, 2 * H, 1.0), ({"pair_duration_s": longs([0])}, 1.0, 1.0)],
    ids=["no weight", "no duration"],
)
def test_nothing_is_divided_by_a_mean_of_zero(changes, mean_s, mean_weight):
    shops = pack([replace(shop([[{0: 2}]]), **changes)])

    assert shops.mean_s[0] == mean_s
    assert shops.mean_weight[0] == mean_weight


def test_a_row_of_state_has_room_for_the_largest_shop_of_the_pool():
    shops = pack(POOL)

    state = allocate(shops, 3)

    assert state.job_end_s.shape == (3, max(s.n_jobs for s in POOL))
    assert state.plan_s.shape == (3, max(s.n_ops for s in POOL), 4)
    assert state.machine_idle.shape == (3, max(s.n_machines for s in POOL))
    assert state.cell_head.shape == (3, max(s.machine_cell.max() + 1 for s in POOL))
    assert state.last_shop.tolist() == [-1, -1, -1]


def test_no_two_arrays_of_a_state_share_memory():
    state = allocate(pack(POOL), 2)

    for one, other in pairwise(sorted(state, key=lambda array: array.ctypes.data)):
        assert not np.shares_memory(one, other)


@pytest.mark.parametrize("record", [pack(POOL), allocate(pack(POOL), 2)], ids=["shops", "state"])
def test_every_array_is_contiguous_as_compiled_code_expects(record):
    assert isinstance(record, Shops | State)
    for array in record:
        assert array.flags["C_CONTIGUOUS"]
