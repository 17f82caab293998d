# SPDX-License-Identifier: MIT
import numpy as np
import pytest
import torch

from flyball.core.batch import Action
from flyball.learning.experience.offpolicy import RandomPolicy
from flyball.learning.experience.packed import lambda_targets, pack, recall
from flyball.learning.experience.sequences import Episodes, EpisodesConfig
from flyball.learning.nets.cells import cell_of
from flyball.policies import sizes_of
from tests.learning.squad import LIMIT, N_AGENTS, Squad


def batch_of(n_steps=60, **settings):
    """Return every episode that random play completes, of lengths 1 to 7 in no order."""
    env = Squad(4, **settings)
    episodes = Episodes(env.spec, 4, EpisodesConfig(capacity=100, max_steps=LIMIT))
    policy, observation = RandomPolicy(sizes_of(env.spec)), env.reset(np.arange(4) + 3)
    for t in range(n_steps):
        episodes.observe(observation)
        action = policy.action(observation, (0, t))
        step = env.step(Action(action.choice, action.value))
        episodes.add(step)
        observation = step.observation
    return episodes.sample(np.arange(episodes.size))


def rows_of(packed):
    """Return (time, column) of each packed observation."""
    return [(t, i) for t, n in enumerate(packed.columns) for i in range(n)]


def test_packing_keeps_every_real_step_once_and_nothing_else():
    batch = batch_of()
    steps = batch.filled.sum(0).tolist()

    packed = pack(batch)

    order = sorted(range(len(steps)), key=lambda i: -steps[i])
    rows = rows_of(packed)
    assert len(set(steps)) > 3
    assert sum(packed.columns) == sum(steps) + len(steps)
    assert len(packed.now) == sum(steps)
    for name in ("obs", "state", "mask"):
        for row, (t, i) in enumerate(rows):
            assert torch.equal(getattr(packed, name)[row], getattr(batch, name)[t, order[i]])
    for p, (now, then) in enumerate(zip(packed.now, packed.then, strict=True)):
        (t, i), episode = rows[now], order[rows[now][1]]
        assert rows[then] == (t + 1, i)
        assert batch.filled[t, episode]
        assert torch.equal(packed.choice[p], batch.choice[t, episode, :, 0])
        assert torch.equal(packed.reward[p], batch.reward[t, episode])
        assert torch.equal(packed.alive[p], batch.alive[t, episode])


def test_a_value_goes_on_after_a_truncation_but_after_neither_a_termination_nor_a_death():
    batch = batch_of()
    steps = batch.filled.sum(0).tolist()
    order = sorted(range(len(steps)), key=lambda i: -steps[i])

    packed = pack(batch)

    rows, seen = rows_of(packed), set()
    for p, now in enumerate(packed.now):
        t, episode = rows[now][0], order[rows[now][1]]
        for agent in range(N_AGENTS):
            terminated = bool(batch.terminated[t, episode])
            truncated = bool(batch.truncated[t, episode])
            after = batch.alive[t + 1, episode]
            died = bool(batch.alive[t, episode, agent] & ~after[agent])
            died &= bool(after.any()) or not truncated
            lives = bool(batch.alive[t, episode, agent])
            assert bool(packed.follows[p, agent]) == (lives and not died and not terminated)
            seen.add((died, terminated, truncated))
    assert seen >= {(False, False, True), (False, True, False), (True, False, False)}


def test_a_time_limit_kills_no_one_even_where_the_world_calls_nobody_alive_then():
    batch = batch_of(end=0.0)
    batch.alive[LIMIT] = False

    packed = pack(batch)

    last = packed.now >= sum(packed.columns[: LIMIT - 1])
    assert packed.alive[last].any()
    assert torch.equal(packed.follows[last], packed.alive[last])


@pytest.mark.parametrize("kind", ["lstm", "slstm"])
def test_a_cell_runs_through_packed_episodes_as_through_each_alone(kind):
    batch = batch_of()
    packed = pack(batch)
    cell = cell_of(kind, 3, 8, 0, torch.Generator().manual_seed(0))
    rows = rows_of(packed)

    found = recall(cell, packed.obs.flatten(0, 1), packed.columns, N_AGENTS)

    found = found.view(-1, N_AGENTS, 8)
    for i in range(packed.columns[0]):
        own = [row for row, (_, column) in enumerate(rows) if column == i]
        memory = torch.zeros(N_AGENTS, cell.n_memory)
        for row in own:
            out, memory = cell(packed.obs[row], memory)
            torch.testing.assert_close(found[row], out, rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize("lam", [0.0, 0.6, 1.0])
def test_targets_are_those_of_the_recursion_run_through_each_episode_alone(lam):
    packed = pack(batch_of())
    draws = torch.Generator().manual_seed(0)
    shape = packed.reward.shape
    reward, value = torch.randn(shape, generator=draws), torch.randn(shape, generator=draws)
    discount = 0.9 * packed.follows

    found = lambda_targets(
        reward.numpy(), discount.numpy(), value.numpy(), np.array(packed.columns[1:]), lam
    )

    rows = rows_of(packed)
    for i in range(packed.columns[0]):
        own = [p for p, now in enumerate(packed.now) if rows[now][1] == i]
        for agent in range(N_AGENTS):
            ahead = value[own[-1], agent]
            for p in reversed(own):
                ahead = (1 - lam) * value[p, agent] + lam * ahead
                ahead = reward[p, agent] + discount[p, agent] * ahead
                np.testing.assert_allclose(found[p, agent], ahead, rtol=1e-5, atol=1e-5)
