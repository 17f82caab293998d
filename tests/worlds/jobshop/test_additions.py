# SPDX-License-Identifier: MIT
import numpy as np

from flyball.worlds.jobshop import additions
from flyball.worlds.jobshop.draws import LONGEST_PIECE_S, Pressure
from flyball.worlds.jobshop.generator import Recipe, generate
from tests.worlds.jobshop.small_shops import H, shop, windows

BARE = generate("uniform", 0, 0, Recipe(jobs=30, machines=8, pressure=Pressure(dated=False)))


def test_open_share_counts_open_time_of_four_weeks():
    # 84 of the first 672 hours, then always.
    scenario = shop([[{0: 1}]], calendars=windows([(0, 42), (100, 142), (672, 9999)]))

    assert additions.open_share(scenario) == [0.125]


def test_flow_and_makespan_of_a_shop_that_can_be_added_up():
    scenario = shop([[{0: 2}, {1: 4}], [{0: 3, 1: 5}]])

    np.testing.assert_allclose(additions.flow_s(scenario), [6 * H, 4 * H])
    # Machine 1 has 4 h and half of the 5 h that either machine may do.
    assert additions.makespan_s(scenario) == 6.5 * H


def test_most_operations_have_their_jobs_family():
    scenario = additions.with_setups(np.random.default_rng(0), BARE, 0.3, 4)

    families = np.split(scenario.op_family, scenario.job_op[1:-1])
    commonest = np.mean([np.bincount(each).max() / len(each) for each in families])
    assert 0.6 < commonest < 0.95
    assert 0 < scenario.setup_s.max() < 3 * BARE.mean_duration_s.mean()


def test_what_is_longer_than_a_piece_may_pause():
    slow = generate("uniform", 0, 0, Recipe(unit_s=240, calendars=True, setup=0.8))

    longest = np.maximum.reduceat(slow.pair_duration_s, slow.op_pair[:-1])
    assert np.any(longest > LONGEST_PIECE_S)
    assert np.all(slow.interruptible[longest > LONGEST_PIECE_S])
    assert not np.all(slow.interruptible)
    assert np.all(slow.setup_interruptible[slow.setup_s.max(axis=(1, 2)) > LONGEST_PIECE_S])


def test_a_group_works_in_the_same_shifts():
    scenario = generate("flexible", 0, 0, Recipe(machines=12, calendars=True))

    for group in range(len(scenario.group_name)):
        assert len(set(scenario.machine_calendar[scenario.machine_group == group])) == 1


def test_work_in_progress_runs_at_the_start_on_different_machines():
    scenario = additions.with_work_in_progress(np.random.default_rng(0), BARE, 0.5)

    ops = np.flatnonzero(scenario.fixed_machine >= 0)
    assert 1 <= len(ops) <= 8
    assert set(ops) <= set(scenario.job_op[:-1])
    assert np.all(scenario.fixed_start_s[ops] <= 0)
    assert np.all(scenario.fixed_end_s[ops] > 0)
    assert len(set(scenario.fixed_machine[ops])) == len(ops)
    assert scenario.fixed_machine[scenario.job_op[-2]] == -1
