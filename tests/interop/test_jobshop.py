# SPDX-License-Identifier: MIT
"""The keywords of the id, and how many slots a shop needs."""

from dataclasses import replace

import gymnasium
import numpy as np
import pytest

from flyball.core.errors import ConfigError
from flyball.interop import adapter_config, jobshop_env, jobshop_vector_env
from flyball.interop.jobshop import MAX_CAP, most_candidates
from flyball.worlds.jobshop import JobShop
from flyball.worlds.jobshop.baselines import Chance
from flyball.worlds.jobshop.generator import random_jobshop
from tests.interop.shops import small
from tests.worlds.jobshop.small_shops import random_shop


@pytest.mark.parametrize("seed", range(6))
def test_no_decision_shows_more_candidates_than_stated(seed):
    shop = random_shop(seed, n_jobs=6, n_machines=4, n_ops=4)
    env = JobShop([shop], 16)
    observation = env.reset(np.arange(16))
    policy = Chance(seed=seed)
    memory = policy.initial(16)
    most = 0
    for _ in range(60):
        most = max(most, int(np.diff(observation.options.offset).max()))
        action, _, memory = policy.act(observation, memory, None)
        observation = env.step(action).observation

    assert 2 <= most <= most_candidates(shop)


def test_one_machine_for_each_operation_needs_a_slot_a_job_and_one_to_wait():
    assert most_candidates(random_jobshop(6, 4, seed=0)) == 7


def test_large_shops_state_a_cap_that_networks_can_bear():
    shops = [random_jobshop(200, 2, seed=0)]

    assert adapter_config(shops, {}).cap == MAX_CAP
    assert adapter_config(shops, {"cap": 300}).cap == 300


def test_settings_reach_both_kinds_of_environment():
    shops = small(2)
    one = jobshop_env(scenarios=shops, cap=5, layout="dict")
    many = jobshop_vector_env(4, scenarios=shops, cap=5, layout="dict")

    assert one.action_space.n == many.single_action_space.n == 5
    assert one.observation_space == many.single_observation_space


def test_a_misspelt_keyword_is_refused_with_the_right_one():
    with pytest.raises(ConfigError, match=r"keywords: 'layuot'; .* did you mean 'layout'"):
        gymnasium.make("flyball/JobShop-v0", layuot="dict")


def test_hours_late_weigh_most_in_the_reward_unless_asked_otherwise():
    shops = small(1)
    late = [replace(shops[0], due_s=np.zeros_like(shops[0].due_s))]

    def total(scenarios):
        env = jobshop_env(scenarios=scenarios)
        env.reset(seed=0)
        rewards, ended = 0.0, False
        while not ended:
            _, reward, ended, _, info = env.step(0)
            rewards += reward
        return rewards, info["outcome"]

    reward, outcome = total(late)

    want = outcome["weighted_tardiness_h"] + 1e-3 * outcome["makespan_h"]
    assert -reward == pytest.approx(want)
