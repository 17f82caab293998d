# SPDX-License-Identifier: MIT
"""One copy of a world as Gymnasium and its checkers see it."""

import gymnasium
import numpy as np
import pytest
from gymnasium.utils.env_checker import check_env
from stable_baselines3.common.env_checker import check_env as check_env_of_sb3

from flyball.core.batch import Action
from flyball.core.errors import ConfigError
from flyball.interop import AdapterConfig, adapter_config, jobshop_env
from flyball.interop.single import SingleEnv
from flyball.worlds.jobshop import JobShop
from flyball.worlds.jobshop.generator import random_jobshop
from tests.interop.meadow import HEADS, MIXED, Meadow, alone
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


# Native units are meant, and there is no id to make it by.
@pytest.mark.filterwarnings("ignore:.*symmetric and normalized", "ignore:.*gymnasium.make")
@pytest.mark.parametrize("heads", HEADS)
@pytest.mark.parametrize("layout", ["flat", "dict"])
def test_gymnasium_has_nothing_to_say_against_any_form_of_heads(heads, layout):
    check_env(SingleEnv(Meadow(alone(heads), 1), AdapterConfig(layout=layout)))


@pytest.mark.parametrize("heads", HEADS)
def test_it_plays_what_the_batch_plays_and_shows_the_end_before_the_reset(heads):
    env = SingleEnv(Meadow(alone(heads), 1), AdapterConfig())
    batch = Meadow(alone(heads), 1)
    env.action_space.seed(1)
    seen, _ = env.reset(seed=5)
    now = batch.reset(np.array([5]))
    ends = {"terminated": 0, "truncated": 0}
    for _ in range(200):
        np.testing.assert_array_equal(seen, now.obs[0, 0])
        np.testing.assert_array_equal(env.action_masks(), now.mask[0, 0])
        taken = env.action_space.sample(mask=env.sampling_mask())
        seen, reward, terminated, truncated, info = env.step(taken)
        step = batch.step(_of_batch(taken, heads, batch))
        assert reward == step.reward[0, 0, 0] - step.reward[0, 0, 1]
        assert (terminated, truncated) == (step.terminated[0], step.truncated[0])
        assert info["illegal"] == 0
        assert info["elapsed_s"] == 0.5
        now = step.observation
        if terminated or truncated:
            np.testing.assert_array_equal(seen, step.final.obs[0, 0])
            assert info["outcome"]["grass"] == step.outcome[0, 0]
            ends["terminated" if terminated else "truncated"] += 1
            seen, _ = env.reset()

    assert min(ends.values()) > 0


def _of_batch(taken, heads, batch):
    discrete, real = taken if heads == "hybrid" else (taken, taken)
    choice = np.zeros((1, 1, len(batch.first) - 1), np.int32)
    value = np.zeros((1, 1, batch.n_values))
    if heads != "values":
        choice[0, 0] = discrete
    if heads in ("values", "hybrid"):
        value[0, 0] = real
    return Action(choice, value)


def test_a_world_of_several_agents_is_sent_to_the_adapters_that_serve_it():
    with pytest.raises(ConfigError, match="6 agents; allowed: one agent"):
        SingleEnv(Meadow(MIXED, 1), AdapterConfig())


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
