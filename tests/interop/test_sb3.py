# SPDX-License-Identifier: MIT
"""Stable-Baselines3 trains on the batch as on any VecEnv of its own."""

import sys

import gymnasium
import numpy as np
import pytest
import torch
from sb3_contrib import MaskablePPO
from sb3_contrib.common.maskable.utils import get_action_masks, is_masking_supported
from stable_baselines3 import PPO
from stable_baselines3.common.callbacks import BaseCallback
from stable_baselines3.common.vec_env import DummyVecEnv, VecMonitor

from flyball.core.batch import Action
from flyball.core.errors import ConfigError
from flyball.interop import AdapterConfig, SingleEnv, adapter_config, jobshop_env
from flyball.interop.sb3 import BatchVecEnv
from flyball.worlds.classics import make as make_classic
from flyball.worlds.jobshop import JobShop
from tests.interop.meadow import MIXED, Meadow, alone, drawn_action, flock
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


@pytest.mark.parametrize("heads", ["one", "several", "values"])
def test_every_form_that_sb3_knows_agrees_with_its_own_vec_env(heads):
    config = AdapterConfig()
    fast = BatchVecEnv(Meadow(alone(heads), ROWS), config)
    slow = DummyVecEnv([lambda: SingleEnv(Meadow(alone(heads), 1), config)] * ROWS)
    rng = np.random.default_rng(1)
    cut = 0
    for each in (fast, slow):
        each.seed(4)
    ours, theirs = fast.reset(), slow.reset()
    for _ in range(60):
        np.testing.assert_array_equal(ours, theirs)
        fast.action_space.seed(int(rng.integers(1000)))
        actions = np.array([fast.action_space.sample() for _ in range(ROWS)])
        ours, reward, ended, infos = fast.step(actions)
        theirs, other_reward, other_ended, other_infos = slow.step(actions)
        np.testing.assert_array_equal(reward, other_reward)
        np.testing.assert_array_equal(ended, other_ended)
        for mine, other in zip(infos, other_infos, strict=True):
            assert set(mine) == set(other)
            assert mine["TimeLimit.truncated"] == other["TimeLimit.truncated"]
            cut += mine["TimeLimit.truncated"]
            if "terminal_observation" in mine:
                np.testing.assert_array_equal(
                    mine["terminal_observation"], other["terminal_observation"]
                )

    assert cut > 0


@pytest.mark.parametrize("facts", [True, False])
def test_every_agent_of_every_copy_is_a_row_and_one_that_left_is_zeros(facts):
    env = BatchVecEnv(
        Meadow(flock(4), 3, leave=0.2), AdapterConfig(weights={"grass": 1.0}), facts=facts
    )
    batch = Meadow(flock(4), 3, leave=0.2)
    rng = np.random.default_rng(0)
    env.seed(0)
    seen = env.reset()
    now = batch.reset(np.array([0, 4, 8]))
    gone, ends = 0, 0
    for _ in range(60):
        alive = now.alive.reshape(-1)
        gone += np.sum(~alive)
        np.testing.assert_array_equal(seen, now.obs.reshape(12, 3))
        np.testing.assert_array_equal(env.action_masks()[alive], now.mask.reshape(12, 3)[alive])
        assert env.action_masks()[~alive].all()
        assert not seen[~alive].any()
        action = drawn_action(batch, now, rng)
        seen, reward, ended, infos = env.step(action.choice.reshape(-1))
        step = batch.step(action)
        np.testing.assert_array_equal(reward, step.reward[:, :, 0].reshape(-1).astype(np.float32))
        assert not reward[~alive].any()
        np.testing.assert_array_equal(ended, np.repeat(step.terminated | step.truncated, 4))
        for row in np.flatnonzero(ended):
            last = step.final.obs.reshape(12, 3)[row]
            np.testing.assert_array_equal(infos[row]["terminal_observation"], last)
        assert facts or all(not info for info in np.array(infos)[~ended])
        ends += ended.sum()
        now = step.observation

    assert gone > 0
    assert ends > 0


def _python_calls(count):
    """Return how many Python functions one step of `count` agents calls, the world's left out."""
    world = Meadow(flock(count), 2)
    env = BatchVecEnv(world, AdapterConfig(), facts=False)
    env.reset()
    step = world.step(Action(np.zeros((2, count, 1), np.int32), np.zeros((2, count, 0))))
    step.truncated[:] = step.terminated[:] = False
    world.step = lambda _: step
    calls = 0

    def tally(_frame, event, _argument):
        nonlocal calls
        calls += event == "call"

    sys.setprofile(tally)
    env.step(np.zeros(2 * count, dtype=np.int64))
    env.env_method("action_masks")
    sys.setprofile(None)
    return calls


def test_a_hundred_agents_run_no_more_python_functions_than_ten():
    assert _python_calls(100) == _python_calls(10)


@pytest.mark.parametrize(
    ("kinds", "message"),
    [
        (MIXED, "agents of the kinds dog, sheep, cloud; allowed: agents of one kind"),
        (alone("hybrid"), "a choice with values beside it; allowed: choices alone"),
    ],
)
def test_what_no_policy_of_sb3_can_act_in_is_refused(kinds, message):
    with pytest.raises(ConfigError, match=message):
        BatchVecEnv(Meadow(kinds, 2), AdapterConfig())


@pytest.mark.parametrize(
    ("algorithm", "world"),
    [
        (PPO, lambda: make_classic("pendulum", 4)),
        (PPO, lambda: make_classic("two-step", 4)),
        (MaskablePPO, lambda: make_classic("masked-multi", 4)),
        (MaskablePPO, lambda: Meadow(flock(3, "several"), 2, leave=0.2)),
    ],
    ids=["box", "agents", "multi", "leaving"],
)
def test_algorithms_of_others_learn_on_every_form(algorithm, world):
    env = VecMonitor(BatchVecEnv(world(), AdapterConfig(weights=None)))
    model = algorithm("MlpPolicy", env, n_steps=32, batch_size=64, n_epochs=1, device="cpu")
    before = [parameter.detach().clone() for parameter in model.policy.parameters()]

    model.learn(300)

    after = list(model.policy.parameters())
    assert any(not torch.equal(old, new) for old, new in zip(before, after, strict=True))
    assert all(torch.isfinite(parameter).all() for parameter in after)


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
