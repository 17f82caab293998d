# SPDX-License-Identifier: MIT
"""Faults of popular recurrent code: memory that is lost, made up or cut off in training."""

import numpy as np
import pytest
import torch

from flyball.core.clock import SystemClock
from flyball.learning.experience.onpolicy import Experience, Plan
from flyball.learning.nets.net import Net, NetConfig
from flyball.learning.ppo import PPO, PPOConfig
from flyball.learning.training import Budget, train
from flyball.worlds import classics
from tests.learning.toys import Chain, Queue


@pytest.mark.parametrize("cell", ["none", "lstm", "slstm"])
def test_the_first_minibatch_has_ratio_one_though_normalisers_learn(cell):
    env = Chain(8, n_steps=7)
    net = Net(env.spec, NetConfig(hidden=(8,), norm="standard", cell=cell, cell_size=4), 0)
    run = PPO(env, net, PPOConfig(n_steps=16, window=4, compiled=False))
    for k in range(3):
        run.iterate(k, 0.0)

    run.experience.collect(3)
    run.experience.estimate()
    arena = run.experience.arena
    block = next(arena.blocks(arena.decisions(), 64, 1))
    figures = run.update(block)

    assert abs(float(figures[0])) < 1e-10
    assert float(figures[1]) == 0.0


@pytest.mark.filterwarnings("ignore:Initializing zero-element tensors")  # a queue has no features
@pytest.mark.parametrize("n_steps", [8, 10], ids=["whole windows", "a window cut short"])
@pytest.mark.parametrize("kind", [Chain, Queue], ids=["choices", "options"])
def test_what_is_replayed_with_memory_has_the_log_probability_of_the_rollout(kind, n_steps):
    env = kind(4)
    net = Net(env.spec, NetConfig(hidden=(8, 8), norm="none", cell="lstm", cell_size=4), 0)
    with torch.no_grad():  # far from uniform, so that a candidate too many is seen
        for weight in net.actor.parameters():
            weight.add_(0.3 * torch.randn(weight.shape, generator=torch.Generator().manual_seed(1)))
    run = PPO(env, net, PPOConfig(n_steps=n_steps, window=4))
    run.experience.collect(0)
    run.experience.estimate()
    arena = run.experience.arena

    for some in (arena.decisions(), arena.decisions()[::3]):
        for block in arena.blocks(some, 10_000, 1):
            log_prob, _ = net.terms(block.through(net), block.taken)
            torch.testing.assert_close(log_prob.float(), block.log_prob, rtol=0, atol=1e-5)


def test_memory_is_carried_from_one_iteration_into_the_next():
    env = Chain(4, n_steps=1000)
    net = Net(env.spec, NetConfig(hidden=(8,), norm="none", cell="lstm", cell_size=4), 0)
    experience = Experience(env, net, Plan(seed=0, n_steps=6, gamma=0.9, lam=0.9, window=3))
    experience.collect(0)
    memory = experience.memory.copy()

    experience.collect(1)

    assert np.abs(memory).min() > 0
    np.testing.assert_array_equal(experience.arena.memory[0], memory)


@pytest.mark.parametrize("cell", ["lstm", "slstm"])
def test_a_cue_is_remembered_beyond_the_window_through_which_gradients_flow(cell):
    env = classics.make("t-maze", 32, corridor=20)
    sizes = {"hidden": (32,), "critic_hidden": (32,), "cell_size": 32, "memory_steps": 40}
    net = Net(env.spec, NetConfig(**sizes, cell=cell, norm="none"), 1)
    rates = {"rate": 5e-3, "entropy": 0.03, "target_kl": None, "epochs": 4, "minibatch": 512}
    run = PPO(env, net, PPOConfig(seed=1, n_steps=64, window=8, **rates))

    train(run, Budget(iterations=40), SystemClock())

    fresh = classics.make("t-maze", 200, corridor=20)
    seen, memory = fresh.reset(np.arange(200) + 10**7), run.policy.initial(200)
    won, over = np.zeros(200), np.zeros(200, np.bool_)
    while not over.all():
        action, _, memory = run.policy.act(seen, memory, None)
        step = fresh.step(action)
        won += np.where(over, 0.0, step.reward[:, 0, 0])
        over |= step.terminated | step.truncated
        seen = step.observation
    assert won.mean() > 0.95  # a guess at the turn is worth half
