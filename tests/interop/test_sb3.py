# SPDX-License-Identifier: MIT
"""Stable-Baselines3 trains on the batch as on any VecEnv of its own."""

import gymnasium
import numpy as np
import pytest
import torch
from sb3_contrib import MaskablePPO
from sb3_contrib.common.maskable.utils import get_action_masks, is_masking_supported
from stable_baselines3.common.callbacks import BaseCallback
from stable_baselines3.common.vec_env import DummyVecEnv, VecMonitor

from flyball.interop import adapter_config, jobshop_env
from flyball.interop.sb3 import BatchVecEnv
from flyball.worlds.jobshop import JobShop
from tests.interop.shops import small

ROWS = 3
SHOPS = small(5)


@pytest.fixture(autouse=True)
def one_thread():
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


def batch(n_envs=ROWS, **settings):
    return BatchVecEnv(JobShop(SHOPS, n_envs), adapter_config(SHOPS, settings))


class Counting(BaseCallback):
    """Adds up what the infos say about illegal choices and ended episodes."""

    def __init__(self):
        super().__init__()
        self.illegal = 0
        self.episodes = 0

    def _on_step(self):
        self.illegal += sum(info["illegal"] for info in self.locals["infos"])
        self.episodes += sum("episode" in info for info in self.locals["infos"])
        return True


@pytest.mark.parametrize("layout", ["flat", "dict"])
def test_it_agrees_with_stable_baselines3_own_vec_env(layout):
    fast = batch(layout=layout)
    slow = DummyVecEnv([lambda: jobshop_env(scenarios=SHOPS, layout=layout)] * ROWS)
    rng = np.random.default_rng(1)
    keys = ("observations", "action_mask") if layout == "dict" else (None,)
    ends = 0
    fast.seed(4)
    slow.seed(4)
    ours, theirs = fast.reset(), slow.reset()
    for _ in range(100):
        for key in keys:
            mine, other = (ours, theirs) if key is None else (ours[key], theirs[key])
            np.testing.assert_array_equal(mine, other)
        slots = np.array([rng.choice(np.flatnonzero(row)) for row in fast.action_masks()])
        ours, reward, ended, infos = fast.step(slots)
        theirs, other_reward, other_ended, other_infos = slow.step(slots)
        np.testing.assert_array_equal(reward, other_reward)
        np.testing.assert_array_equal(ended, other_ended)
        assert [set(info) for info in infos] == [set(info) for info in other_infos]
        for mine, other in zip(infos, other_infos, strict=True):
            assert mine["TimeLimit.truncated"] is other["TimeLimit.truncated"] is False
            assert mine.get("outcome") == other.get("outcome")
        ends += ended.sum()

    assert ends >= ROWS


def test_the_last_observation_of_an_episode_lies_in_the_space():
    env = batch()
    env.reset()
    ended = np.zeros(ROWS, dtype=bool)
    while not ended.any():
        _, _, ended, infos = env.step(np.zeros(ROWS, dtype=np.int64))

    last = infos[int(np.argmax(ended))]["terminal_observation"]
    assert last in env.observation_space


def test_masks_are_found_by_sb3_contrib_for_all_rows_and_for_some():
    env = batch()
    env.reset()

    assert is_masking_supported(env)
    masks = get_action_masks(env)
    assert masks.shape == (ROWS, env.action_space.n)
    np.testing.assert_array_equal(env.env_method("action_masks", indices=1)[0], masks[1])


def test_attributes_are_kept_for_each_row():
    env = batch()

    env.set_attr("shift", "night", indices=[0, 2])

    assert env.get_attr("shift", indices=[0, 2]) == ["night", "night"]
    assert not env.has_attr("shift")
    assert env.get_attr("render_mode") == [None] * ROWS
    assert env.env_is_wrapped(gymnasium.Wrapper) == [False] * ROWS
    assert env.get_images() == [None] * ROWS
    env.close()


def test_maskable_ppo_trains_on_it_without_one_illegal_choice():
    env = VecMonitor(batch(8))
    model = MaskablePPO(
        "MlpPolicy", env, n_steps=64, batch_size=128, n_epochs=2, seed=0, device="cpu"
    )
    before = [parameter.detach().clone() for parameter in model.policy.parameters()]
    seen = Counting()

    model.learn(1024, callback=seen)

    after = list(model.policy.parameters())
    assert seen.illegal == 0
    assert seen.episodes > 8
    assert any(not torch.equal(old, new) for old, new in zip(before, after, strict=True))
