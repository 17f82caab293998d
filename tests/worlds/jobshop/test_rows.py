# SPDX-License-Identifier: MIT
import numpy as np
import pytest

from flyball.worlds.jobshop.env import SPEC, JobShop
from flyball.worlds.jobshop.features import N_FEATURES
from flyball.worlds.jobshop.rows import STRIDE, Results, observe_rows, start_rows, step_rows
from flyball.worlds.jobshop.state import allocate, pack
from tests.worlds.jobshop.odd_shops import odd_shop
from tests.worlds.jobshop.small_shops import H, longs, shop
from tests.worlds.jobshop.test_kernels import choose

FULL = -1


def results(rows):
    return Results(
        reward=np.zeros((rows, 4)),
        outcome=np.zeros((rows, 7)),
        terminated=np.zeros(rows, dtype=np.bool_),
        start=np.zeros(rows, dtype=np.bool_),
        elapsed_s=np.zeros(rows),
        illegal=np.zeros(rows, dtype=np.int32),
        code=np.zeros(rows, dtype=np.int32),
    )


def test_the_stride_keeps_rows_apart_in_any_pool_but_its_multiples():
    for pool in (1, 2, 3, 7, 64, 100, 1000, 4096):
        met = {episode * STRIDE % pool for episode in range(pool)}
        assert len(met) == pool


def test_each_row_plays_the_scenario_of_its_seed_and_moves_on_by_the_stride():
    pool = [shop([[{0: hours}]]) for hours in range(1, 6)]  # one decision an episode
    env = JobShop(pool, 3)
    env.reset(longs([0, 4, 13]))
    played = [env.snapshot()["shop"].tolist()]
    ends = []

    for _ in range(4):
        step = env.step(choose(0, 0, 0))
        ends.append(step.outcome[:, 3].tolist())
        played.append(env.snapshot()["shop"].tolist())

    expected = [[(s + e * STRIDE) % 5 for s in (0, 4, 13)] for e in range(5)]
    assert played == expected
    assert ends == [[n + 1.0 for n in row] for row in expected[:4]]


def test_buffers_that_are_too_short_are_told_and_nothing_is_written_beyond_them():
    shops = pack([shop([[{0: 1}], [{0: 1}], [{0: 1}]])])
    state = allocate(shops, 2)
    start_rows(shops, state, results(2))
    features = np.full((5, N_FEATURES), 7.0, dtype=np.float32)
    ids, offset, families = np.zeros(5, np.int32), np.zeros(3, np.int64), np.zeros(1, np.int64)

    code = observe_rows(shops, state, features[:4], ids[:4], offset, families)

    assert code == FULL
    assert np.all(features[4] == 7.0)
    assert families.tolist() == [0]


def test_an_env_finds_room_for_more_candidates_than_it_expected():
    env = JobShop([shop([[{0: 1}]] * 150)], 2)  # 300 candidates, where it expects 64

    observation = env.reset(longs([0, 0]))

    assert np.diff(observation.options.offset).tolist() == [150, 150]
    assert observation.options.features.shape == (300, N_FEATURES)
    assert observation.options.id.tolist() == [*range(150), *range(150)]


def test_the_start_share_of_the_objectives_is_paid_with_the_first_decision_only():
    # An hour late whatever is done, and two operations: the bound is due at the start.
    shops = pack([shop([[{0: 1}, {0: 1}]], due_s=longs([H]))])
    state, back = allocate(shops, 1), results(1)
    start_rows(shops, state, back)
    ids, offset = np.zeros(9, np.int32), np.zeros(2, np.int64)
    features, families = np.zeros((9, N_FEATURES), np.float32), np.zeros(1, np.int64)
    rewards = []

    for _ in range(2):
        observe_rows(shops, state, features, ids, offset, families)
        step_rows(shops, state, np.zeros(1, np.int32), ids, offset, back)
        rewards.append(back.reward[0].tolist())

    assert rewards == [[1.0, 1.0, 0.0, 0.0], [0.0, 1.0, 0.0, 0.0]]
    assert back.terminated[0]
    assert back.outcome[0, 0] == 1.0


def test_the_figures_of_an_ended_episode_stand_in_its_row_and_step_only():
    # The first row ends after one decision, the second after two.
    env = JobShop([shop([[{0: 2}]], due_s=longs([H])), shop([[{0: 1}], [{0: 1}]])], 2)
    env.reset(longs([0, 1]))
    figures = {kpi.name: column for column, kpi in enumerate(SPEC.kpis)}

    first = env.step(choose(0, 0)).outcome.copy()
    second = env.step(choose(0, 0)).outcome.copy()

    assert first[0, figures["weighted_tardiness_h"]] == 1.0
    assert first[0, figures["days_late"]] == pytest.approx(1 / 24)
    assert first[0, figures["late_jobs"]] == 1.0
    assert not np.any(first[1])
    assert second[1, figures["makespan_h"]] == 2.0
    assert second[1, figures["late_jobs"]] == 0.0


def test_spread_is_the_deviation_of_the_shares_of_open_time_in_points():
    # Machine 0 works 3 of 3 hours, machine 1 one of 3: shares 100 and 33.3 points.
    env = JobShop([shop([[{0: 3}], [{1: 1}]])], 1)
    env.reset(longs([0]))

    env.step(choose(0))
    step = env.step(choose(0))

    assert step.outcome[0, 6] == pytest.approx(100 / 3)


def test_waiting_moves_time_and_assigns_nothing():
    # Both machines can do the job; the other job keeps machine 1 busy for 2 hours.
    env = JobShop([shop([[{1: 2}], [{0: 5, 1: 1}]])], 1)
    env.reset(longs([0]))
    env.step(choose(0))

    step = env.step(choose(1))

    assert step.elapsed_s[0] == 2 * H
    assert not np.any(step.reward)
    assert step.observation.options.id.tolist() == [1, 2]


def test_a_row_counts_its_own_illegal_choices_only():
    env = JobShop([odd_shop(1), odd_shop(2)], 2)
    env.reset(longs([0, 1]))

    assert env.step(choose(-5, 0)).illegal[:, 0].tolist() == [1, 0]
    assert env.step(choose(0, 10**6)).illegal[:, 0].tolist() == [0, 1]
