# SPDX-License-Identifier: MIT
"""What is left of learning without networks: step, store, advantages."""

import numpy as np
import torch
from measuring import Figure, abba
from stable_baselines3.common.buffers import RolloutBuffer

from flyball.core.batch import Action
from flyball.learning.experience.arena import Arena
from flyball.learning.experience.gae import gae
from flyball.policies import sizes_of
from flyball.worlds import classics
from speed.rates import Rate, cartpoles, compared, spent_s

N_ENVS = 256


def our_plane(n_steps: int) -> Rate:
    """Return what measures our transitions a second, a policy that only draws included."""
    env = classics.make("cartpole", N_ENVS)
    arena = Arena(n_steps, N_ENVS, sizes_of(env.spec))
    value = np.zeros((N_ENVS, 1, 0))
    draws = np.random.default_rng(0)
    observation = env.reset(np.arange(N_ENVS, dtype=np.int64))

    def work() -> None:
        nonlocal observation
        arena.clear()
        for _ in range(n_steps):
            choice = draws.integers(0, 2, (N_ENVS, 1, 1), np.int32)
            t = arena.store(observation, observation.alive)
            arena.choice[t] = choice
            step = env.step(Action(choice, value))
            arena.reward[t] = step.reward[:, :, 0]
            arena.terminated[t] = step.terminated[:, None]
            arena.truncated[t] = step.truncated[:, None]
            observation = step.observation
        parts = (arena.reward, arena.terminated, arena.truncated)
        reward, terminated, truncated = (part.reshape(n_steps, N_ENVS) for part in parts)
        zeros = np.zeros((n_steps, N_ENVS))
        ends = {"terminated": terminated, "truncated": truncated}
        gae(reward, zeros, zeros, **ends, gamma=0.99, lam=0.95)

    work()
    return lambda: n_steps * N_ENVS / spent_s(work)


def their_plane(n_steps: int) -> Rate:
    """Return what measures theirs, with what collects for their on-policy algorithms."""
    env = cartpoles(N_ENVS)
    buffer = RolloutBuffer(n_steps, env.observation_space, env.action_space, n_envs=N_ENVS)
    draws = np.random.default_rng(0)
    seen: np.ndarray = env.reset()  # type: ignore[type-arg,assignment]
    start, zero = np.ones(N_ENVS, bool), torch.zeros(N_ENVS)

    def work() -> None:
        nonlocal seen, start
        buffer.reset()
        for _ in range(n_steps):
            choice = draws.integers(0, 2, N_ENVS)
            following, reward, ended, _ = env.step(choice)
            buffer.add(seen, choice[:, None], reward, start, zero, zero)
            seen, start = following, ended  # type: ignore[assignment]
        buffer.compute_returns_and_advantage(zero, start)

    return lambda: n_steps * N_ENVS / spent_s(work)


def data_plane(pairs: int, scale: int) -> list[Figure]:
    """Step, store and advantages with a policy that only draws, 256 copies, 2,048 steps."""
    n_steps = 2048 if scale > 1 else 256
    return [
        compared(
            "step_store_gae_transitions_per_s",
            abba(our_plane(n_steps), their_plane(n_steps), pairs),
            peer="stable-baselines3 2.9 DummyVecEnv and RolloutBuffer",
            target=40.0,
            note=f"cart-pole, {N_ENVS} copies, {n_steps:,} steps, a policy that only draws",
        )
    ]
