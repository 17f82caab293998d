# SPDX-License-Identifier: MIT
"""One copy of a world as Gymnasium and its checkers see it."""

import gymnasium
import numpy as np
import pytest
from gymnasium.utils.env_checker import check_env
from stable_baselines3.common.env_checker import check_env as check_env_of_sb3

from flyball.core.batch import Action
from flyball.interop import adapter_config, jobshop_env
from flyball.interop.single import SingleEnv
from flyball.worlds.jobshop import JobShop
from flyball.worlds.jobshop.generator import random_jobshop
from tests.interop.shops import small


def episode(env, seed, *, best=False):
    """Play one episode; return rewards and the last info. `best` takes the first candidate."""
    _, info = env.reset(seed=seed)
    env.action_space.seed(seed)
    rewards, ended = [], False
    while not ended:
        slot = 0 if best else env.action_space.sample(mask=info["action_mask"])
        _, reward, ended, _, info = env.step(slot)
        rewards.append(reward)
    return rewards, info


@pytest.mark.parametrize(
    "settings", [{}, {"layout": "dict"}, {"cap": 2}, {"compress": False}, {"weights": {}}]
)
def test_gymnasium_has_nothing_to_say_against_it(settings):
    env = gymnasium.make("flyball/JobShop-v0", **settings)

    check_env(env.unwrapped)


def test_stable_baselines3_has_nothing_to_say_against_it():
    check_env_of_sb3(jobshop_env())


def test_the_same_seed_plays_the_same_episode_and_another_one_another():
    first, _ = episode(jobshop_env(), 7)
    again, _ = episode(jobshop_env(), 7)
    other, _ = episode(jobshop_env(), 8)

    assert first == again
    assert first != other


def test_the_rewards_of_an_episode_add_up_to_its_kpis():
    weights = {"weighted_tardiness_h": 1.0, "makespan_h": 0.5}
    rewards, info = episode(jobshop_env(weights=weights), 3, best=True)

    outcome = info["outcome"]
    total = outcome["weighted_tardiness_h"] + 0.5 * outcome["makespan_h"]
    assert -sum(rewards) == pytest.approx(total)
    assert total > 0


def test_masked_samples_are_never_illegal_and_unmasked_ones_survive():
    env = jobshop_env()
    _, info = env.reset(seed=0)
    illegal = {True: 0, False: 0}

    for step in range(400):
        masked = step % 2 == 0
        legal = info["action_mask"] if masked else None
        _, _, ended, _, info = env.step(env.action_space.sample(mask=legal))
        illegal[masked] += info["illegal"]
        if ended:
            _, info = env.reset()

    assert illegal[True] == 0
    assert illegal[False] > 20


def test_both_spellings_of_the_mask_agree_with_the_number_of_candidates():
    env = jobshop_env()
    _, info = env.reset(seed=5)

    mask = env.action_masks()

    assert mask.dtype == np.bool_
    assert info["action_mask"].dtype == np.int8
    np.testing.assert_array_equal(mask, info["action_mask"])
    assert 1 <= mask.sum() < len(mask)


def test_a_reset_after_the_end_begins_the_next_episode_of_the_seed_as_the_batch_does():
    shops = small(64)
    env = jobshop_env(scenarios=shops)
    episode(env, 0, best=True)
    seen, _ = env.reset()

    batch = JobShop(shops, 1)
    first_choice = Action(np.zeros((1, 1, 1), dtype=np.int32), np.zeros((1, 1, 0)))
    step = None
    batch.reset(np.array([0]))
    while step is None or not step.terminated[0]:
        step = batch.step(first_choice)
    first = step.observation.options.features[0]
    np.testing.assert_allclose(seen[: len(first)], np.sign(first) * np.log1p(np.abs(first)))


def test_a_step_after_the_end_asks_for_a_reset():
    env = jobshop_env()
    episode(env, 1)

    with pytest.raises(gymnasium.error.ResetNeeded, match=r"reset\(\) before step"):
        env.step(0)


def test_short_slots_say_how_many_candidates_were_left_out():
    shops = [random_jobshop(12, 2, seed=0)]
    wide = SingleEnv(JobShop(shops, 1), adapter_config(shops, {}))
    narrow = SingleEnv(JobShop(shops, 1), adapter_config(shops, {"cap": 2}))
    _, all_of_them = wide.reset(seed=0)
    _, few = narrow.reset(seed=0)

    assert all_of_them["left_out"] == 0
    assert few["left_out"] == all_of_them["action_mask"].sum() - 2 > 0
