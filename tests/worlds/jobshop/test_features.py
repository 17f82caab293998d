# SPDX-License-Identifier: MIT
import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from flyball.worlds.jobshop.env import JobShop
from flyball.worlds.jobshop.features import FEATURES
from tests.worlds.jobshop.odd_shops import odd_shop
from tests.worlds.jobshop.reference import Shop
from tests.worlds.jobshop.seen import Eyes
from tests.worlds.jobshop.small_shops import H, longs, random_shop, shop
from tests.worlds.jobshop.test_kernels import choose

INDEX = {feature.name: column for column, feature in enumerate(FEATURES)}


def same_sight(scenario, seed):
    """Compare every candidate's features at every decision of a random episode."""
    env, twin = JobShop([scenario], 1), Shop(scenario)
    observation = env.reset(longs([0]))
    rng = np.random.default_rng(seed)
    while not twin.finished:
        rows, indices = Eyes(twin).rows()
        seen = observation.options.features
        # ATC gaps are differences of indices that may be large: single precision of the index.
        scale = np.where(
            [name in ("atc_gap", "atcs_gap", "arriving_gap") for name in INDEX],
            1 + max(abs(index) for index in indices),
            1.0,
        )
        assert np.all(np.abs(seen - np.array(rows)) <= 1e-5 * np.maximum(scale, np.abs(rows)))
        choice = int(rng.integers(len(rows)))
        observation = env.step(choose(choice)).observation
        twin.assign(choice)


@settings(max_examples=100)
@given(st.integers(0, 10**6))
def test_features_agree_with_the_plain_python_twin_in_odd_shops(seed):
    same_sight(odd_shop(seed), seed)


@settings(max_examples=30)
@given(st.integers(0, 10**6))
def test_features_agree_with_the_twin_in_shops_with_breaks(seed):
    same_sight(random_shop(seed, n_jobs=6, n_machines=3, n_ops=4), seed)


def test_features_keep_the_ranges_they_state():
    low = np.array([feature.low for feature in FEATURES])
    high = np.array([feature.high for feature in FEATURES])
    for seed in range(20):
        env = JobShop([random_shop(seed, n_jobs=8, n_machines=3, n_ops=4)], 1)
        observation = env.reset(longs([0]))
        for number in range(20):
            rows = observation.options.features
            assert np.all((rows >= low - 1e-4) & (rows <= high + 1e-4))
            observation = env.step(choose(number % len(rows))).observation


def test_jobs_without_due_date_still_differ_by_atc():
    # Slack is at its bound and the other operations are long: the index is far below zero.
    env = JobShop([shop([[{0: 1}], [{0: 2}], [{1: 90}]])], 1)

    rows = env.reset(longs([0])).options.features

    gap = rows[:2, INDEX["atc_gap"]]
    assert gap[0] == 0.0
    np.testing.assert_allclose(gap[1], -np.log(2), atol=1e-2)


def test_features_do_not_change_when_the_shop_stands_twice_in_the_pool():
    scenario = random_shop(5, n_jobs=6, n_machines=3, n_ops=4)
    alone, second = JobShop([scenario], 1), JobShop([random_shop(6), scenario], 1)

    first = alone.reset(longs([0])).options.features.copy()

    np.testing.assert_array_equal(first, second.reset(longs([1])).options.features)


def test_the_wait_candidate_tells_when_the_next_event_comes():
    # The third job comes after an hour; mean work is 2 h.
    jobs = [[{0: 2, 1: 2}], [{0: 2, 1: 2}], [{0: 2, 1: 2}]]
    env = JobShop([shop(jobs, release_s=longs([0, 0, H]))], 1)

    observation = env.reset(longs([0]))

    assert observation.options.id.tolist() == [0, 1, 2, 3, -1]
    assert observation.options.features[-1, INDEX["wait"]] == 1.0
    assert observation.options.features[-1, INDEX["next_event"]] == 0.5
