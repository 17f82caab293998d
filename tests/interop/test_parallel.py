# SPDX-License-Identifier: MIT
"""PettingZoo's own tests, whole episodes beside the batch, and what a hundred agents cost."""

import gc
import sys

import gymnasium
import numpy as np
import pytest
from gymnasium.utils.env_checker import data_equivalence
from pettingzoo.test import parallel_api_test, parallel_seed_test

from flyball.core.batch import Action
from flyball.interop import AdapterConfig, SingleEnv, adapter_config
from flyball.interop.parallel import AgentsEnv
from flyball.worlds.classics import make as make_classic
from flyball.worlds.jobshop import JobShop
from tests.interop.meadow import HEADS, MIXED, Meadow, alone, drawn_action, flock
from tests.interop.shops import small

SHOPS = small(3)


def shop(layout="dict"):
    return AgentsEnv(JobShop(SHOPS, 1), adapter_config(SHOPS, {"layout": layout}))


def meadow(kinds=MIXED, *, layout="flat", **settings):
    return AgentsEnv(Meadow(kinds, 1, **settings), AdapterConfig(layout=layout))


def leaving():
    return meadow(leave=0.15, limit=20)


@pytest.mark.parametrize(
    "make",
    [
        shop,
        lambda: shop("flat"),
        meadow,
        leaving,
        lambda: meadow(flock(5), layout="dict", leave=0.1),
        lambda: meadow(alone("hybrid")),
        lambda: AgentsEnv(make_classic("two-step", 1), AdapterConfig(layout="dict")),
    ],
    ids=["shop", "shop-flat", "kinds", "leaving", "masked", "hybrid", "two-step"],
)
def test_pettingzoo_has_nothing_to_say_against_it(make, capsys):
    parallel_api_test(make(), num_cycles=100)

    assert "Passed Parallel API test" in capsys.readouterr().out


@pytest.mark.parametrize("make", [shop, leaving])
def test_pettingzoos_seed_test_passes(make):
    parallel_seed_test(make, num_cycles=100)


@pytest.mark.parametrize("make", [shop, leaving])
def test_two_copies_with_one_seed_agree_over_whole_episodes(make):
    # PettingZoo's test compares the first step only: any(dict of agents) is true at once.
    one, other = make(), make()
    assert data_equivalence(one.reset(seed=4), other.reset(seed=4), exact=True)
    ends = 0
    for step in range(120):
        for k, name in enumerate(one.agents):
            one.action_space(name).seed(step * 100 + k)
        actions = {name: one.action_space(name).sample() for name in one.agents}
        assert data_equivalence(one.step(actions), other.step(actions), exact=True)
        if not one.agents:
            ends += 1
            assert data_equivalence(one.reset(), other.reset(), exact=True)

    assert ends >= 3


def test_another_seed_is_another_episode():
    env = meadow()
    first, _ = env.reset(seed=1)
    other, _ = env.reset(seed=2)

    assert not np.array_equal(first["dog"], other["dog"])


def test_it_plays_what_the_single_environment_plays():
    env = shop()
    single = SingleEnv(JobShop(SHOPS, 1), adapter_config(SHOPS, {"layout": "dict"}))
    seen, infos = env.reset(seed=2)
    other, _ = single.reset(seed=2)
    steps = 0

    while env.agents:
        np.testing.assert_array_equal(seen["dispatcher"]["observations"], other["observations"])
        seen, rewards, terminated, _, infos = env.step({"dispatcher": 0})
        other, reward, ended, _, info = single.step(0)
        assert (rewards["dispatcher"], terminated["dispatcher"]) == (reward, ended)
        steps += 1

    assert steps > 5
    assert infos["dispatcher"]["outcome"] == info["outcome"]


def _spoken(env, world, action):
    """Return an Action of the batch in PettingZoo's words, for the living agents only."""
    said = {}
    for n, name in enumerate(env.possible_agents):
        choice = action.choice[0, n, : len(world.sizes[n])]
        value = action.value[0, n, : len(world.ranges[n])].astype(np.float32)
        parts = [int(choice[0]) if len(choice) == 1 else choice] if len(choice) else []
        parts += [value] if len(value) else []
        said[name] = parts[0] if len(parts) == 1 else tuple(parts)
    return {name: said[name] for name in env.agents}


@pytest.mark.parametrize("kinds", [MIXED, flock(4, "hybrid")], ids=["kinds", "hybrid"])
def test_every_agent_sees_and_earns_what_the_batch_says(kinds):
    env, batch = meadow(kinds, leave=0.1, limit=9), Meadow(kinds, 1, leave=0.1, limit=9)
    rng = np.random.default_rng(0)
    seen, _ = env.reset(seed=7)
    now = batch.reset(np.array([7]))
    names = env.possible_agents
    counts = {"left": 0, "terminated": 0, "truncated": 0}
    for _ in range(150):
        acting = [names[n] for n in np.flatnonzero(now.alive[0])]
        assert env.agents == acting
        for n, name in enumerate(names):
            if name in acting:
                np.testing.assert_array_equal(seen[name], now.obs[0, n, : batch.widths[n]])
        np.testing.assert_array_equal(env.state(), now.state[0])
        action = drawn_action(batch, now, rng)
        seen, rewards, over, cut, infos = env.step(_spoken(env, batch, action))
        step = batch.step(Action(action.choice, action.value.astype(np.float32).astype(float)))
        assert list(seen) == list(rewards) == list(over) == list(cut) == list(infos) == acting
        ended = step.terminated[0] or step.truncated[0]
        stays = step.final.alive[0] if step.truncated[0] else step.observation.alive[0]
        for name in acting:
            n = names.index(name)
            assert rewards[name] == step.reward[0, n, 0] - step.reward[0, n, 1]
            assert cut[name] == (step.truncated[0] and stays[n])
            assert over[name] == (step.terminated[0] or not stays[n])
            assert infos[name]["illegal"] == 0
            if ended:
                assert infos[name]["outcome"]["grass"] == step.outcome[0, 0]
                np.testing.assert_array_equal(seen[name], step.final.obs[0, n, : batch.widths[n]])
            counts["left"] += not ended and over[name]
        now = step.observation
        if ended:
            np.testing.assert_array_equal(env.state(), step.final.state[0])
            counts["terminated" if step.terminated[0] else "truncated"] += 1
            assert env.agents == []
            seen, _ = env.reset()

    assert min(counts.values()) > 0


def test_a_world_without_state_says_so_as_pettingzoo_does():
    env = shop()
    env.reset(seed=0)

    with pytest.raises(NotImplementedError, match="has no state"):
        env.state()


def test_the_state_lies_in_its_space():
    env = meadow()
    env.reset(seed=0)

    assert env.state() in env.state_space


def test_a_step_after_the_end_asks_for_a_reset():
    env = meadow(limit=1)
    env.reset(seed=0)
    env.step({name: env.action_space(name).sample() for name in env.agents})

    with pytest.raises(gymnasium.error.ResetNeeded, match=r"reset\(\) before step"):
        env.step({})


def _python_calls(env):
    """Return how many Python functions one step calls, the world's own left out."""
    env.reset(seed=0)
    actions = dict.fromkeys(env.agents, 0)
    world, calls = env._env, 0
    step = world.step(Action(np.zeros((1, world.n, 1), np.int32), np.zeros((1, world.n, 0))))
    world.step = lambda _: step

    def count(_frame, event, _argument):
        nonlocal calls
        calls += event == "call"

    gc.collect()
    gc.disable()  # other libraries' finalisers would be counted
    sys.setprofile(count)
    env.step(actions)
    sys.setprofile(None)
    gc.enable()
    return calls


def test_a_hundred_agents_run_no_more_python_functions_than_ten():
    few = _python_calls(meadow(flock(10)))
    many = _python_calls(meadow(flock(100)))

    assert many == few


@pytest.mark.parametrize("heads", HEADS)
def test_agents_of_a_kind_share_one_space_object(heads):
    env = meadow(flock(3, heads))

    assert env.action_space("sheep_0") is env.action_space("sheep_2")
    assert env.observation_space("sheep_1") is env.observation_space("sheep_1")
