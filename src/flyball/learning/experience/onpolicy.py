# SPDX-License-Identifier: MIT
"""What on-policy algorithms share: a fixed number of steps of every row, and their advantages.

T steps · B parallel copies · N agents · C = B * N columns · M floats of memory. Rewards are
vectors, weighted once, never clipped, never shifted; where `scale_rewards` is on they are divided
by the running deviation of the discounted return, which is logged. A truncated episode bootstraps
from its last observation before the reset, seen with the critic's memory of that episode; all such
observations of an iteration are valued after it.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import NamedTuple

import numpy as np
import torch

from flyball.core.batch import Bools, Doubles, Floats, Longs, Observation, Step
from flyball.core.protocols import Env
from flyball.learning.acting.policy import NetPolicy, Sampled
from flyball.learning.checkpoint import Arrays
from flyball.learning.experience.arena import Arena, gather_options
from flyball.learning.experience.collect import Tally
from flyball.learning.experience.finite import require_ended, require_observed
from flyball.learning.experience.gae import gae, scalarise
from flyball.learning.nets.net import Net
from flyball.learning.nets.norm import ReturnScale
from flyball.learning.nets.rows import Inputs, agent_index, inputs_of

VALUED_AT_ONCE = 8192
"""Rows that the critic values in one call: more only take memory."""


@dataclass(frozen=True, kw_only=True)
class Plan:
    """How experience is collected and valued."""

    seed: int
    n_steps: int
    gamma: float
    lam: float
    weights: Mapping[str, float] = field(default_factory=dict)
    scale_rewards: bool = True
    window: int = 16


class Finals(NamedTuple):
    """Last observations of truncated rows of one step, for one critic call later."""

    t: int
    columns: Longs  # (n,)
    inputs: Inputs  # n rows
    memory: Floats  # (n, M) the critic's, after the step
    left: Bools  # (n,) whose agent ended by itself in the very step


class Experience:
    """The stream of experience of one Env, and what the next iteration needs of the last."""

    def __init__(self, env: Env, net: Net, plan: Plan) -> None:
        self.env, self.net, self.plan = env, net, plan
        self.policy = NetPolicy(net)
        n_agents = net.sizes.n_agents
        self.n_columns = env.n_envs * n_agents
        self.arena = Arena(
            plan.n_steps, env.n_envs, net.sizes, n_memory=net.n_memory, window=plan.window
        )
        self.scale = ReturnScale(self.n_columns, plan.gamma)
        first = plan.seed * 1_000_003
        self.observation: Observation = env.reset(first + np.arange(env.n_envs, dtype=np.int64))
        self.memory: Floats = np.zeros((self.n_columns, 2 * net.n_memory), np.float32)
        self.finals: list[Finals] = []

    def collect(self, iteration: int) -> Tally:
        """Play the planned steps of every row into the cleared arena."""
        env, arena, plan = self.env, self.arena, self.plan
        arena.clear()
        self.finals.clear()
        tally = Tally(env.spec)
        for k in range(plan.n_steps):
            observation = self.observation
            t = arena.store(observation, observation.alive, self.memory)
            sampled = self._act(observation, (plan.seed, iteration * plan.n_steps + k))
            arena.flat(arena.choice)[t * self.n_columns : (t + 1) * self.n_columns] = sampled.choice
            shape = observation.alive.shape
            arena.latent[t] = sampled.latent.reshape(*shape, -1)
            arena.log_prob[t] = sampled.log_prob.reshape(shape)
            alive = int(observation.alive.sum())
            step = env.step(sampled.action)
            arena.reap(t, step, scalarise(step.reward, env.spec.objectives, plan.weights))
            arena.terminated[t] = step.terminated[:, None]
            arena.truncated[t] = step.truncated[:, None]
            self._keep_finals(t, step)
            ended = step.terminated | step.truncated
            tally.add(ended, step.outcome, alive, int(step.illegal.sum()))
            self.observation = step.observation
        require_observed(self.observation)  # its value ends every return
        return tally

    def _act(self, observation: Observation, key: tuple[int, int]) -> Sampled:
        """Act, and let actor and critic remember the step."""
        net, width = self.net, self.net.n_memory
        own = np.ascontiguousarray(self.memory[:, :width]).reshape(self.env.n_envs, -1)
        sampled = self.policy.sample(observation, own, key)
        if width and sampled.rows is not None:
            with torch.inference_mode():
                central = torch.from_numpy(self.memory[:, width:].copy())
                start = torch.from_numpy(np.repeat(observation.start, net.sizes.n_agents))
                _, central = net.remember_centrally(sampled.rows, central, start)
            self.memory = np.concatenate(
                (sampled.memory.reshape(self.n_columns, width), central.numpy()), 1
            )
        return sampled

    def _keep_finals(self, t: int, step: Step) -> None:
        """Keep the last observations of the rows that were truncated in this step."""
        if not step.truncated.any():
            return
        envs = np.flatnonzero(step.truncated)
        n_agents = self.net.sizes.n_agents
        columns = (envs[:, None] * n_agents + np.arange(n_agents)).ravel()
        final, sizes = step.final, self.net.sizes
        require_ended(final, step.truncated)
        features, offset = gather_options(final.options.features, final.options.offset, columns)
        inputs = Inputs(
            torch.from_numpy(final.obs[envs].reshape(len(columns), sizes.n_obs)),
            torch.from_numpy(np.repeat(final.state[envs], n_agents, axis=0)),
            torch.from_numpy(final.mask[envs].reshape(len(columns), -1)),
            torch.from_numpy(features),
            torch.from_numpy(offset),
            torch.from_numpy(agent_index(columns, n_agents)),
        )
        memory = self.memory[columns, self.net.n_memory :]
        alive = final.alive[envs]
        # A time limit ends no agent: where nobody is alive, all that acted still are.
        left = alive.any(1, keepdims=True) & ~alive
        self.finals.append(Finals(t, columns, inputs, memory, left.ravel()))

    def estimate(self) -> float:
        """Fill advantage and critic's target of the arena in scaled rewards; return the scale.

        An agent that is no longer alive while its episode goes on has terminated by itself.
        """
        arena, steps, plan = self.arena, self.arena.n_steps, self.plan
        reward = arena.reward[:steps].reshape(steps, -1)
        terminated = arena.terminated[:steps].reshape(steps, -1)
        truncated = arena.truncated[:steps].reshape(steps, -1)
        last = np.append(arena.counted[1:steps], self.observation.alive[None], axis=0)
        left = arena.counted[:steps] & ~last
        ended = terminated | truncated | left.reshape(steps, -1)
        gone = np.zeros_like(ended)
        for final in self.finals:
            gone[final.t, final.columns] = final.left
        if plan.scale_rewards:
            self.scale.learn(reward, ended)
        value, next_value = self.values()
        advantage = gae(
            reward / self.scale.std,
            value,
            next_value,
            terminated=terminated | (ended & ~truncated) | gone,
            truncated=truncated & ~terminated & ~gone,
            gamma=plan.gamma,
            lam=plan.lam,
        )
        arena.advantage[:steps] = advantage.reshape(steps, *arena.counted.shape[1:])
        arena.target[:steps] = (advantage + value).reshape(arena.advantage[:steps].shape)
        return self.scale.std

    def values(self) -> tuple[Doubles, Doubles]:
        """Return value and next value (T, C) of every stored step.

        The next value belongs to the observation that followed a step before any reset: the
        following step's, the critic's of `final` where an episode was truncated, that of the Env's
        latest at the end of the arena.
        """
        arena, net = self.arena, self.net
        with torch.inference_mode():
            value = self._stored_values().reshape(arena.n_steps, self.n_columns)
            rows = net.normalise(inputs_of(self.observation))
            start = torch.from_numpy(np.repeat(self.observation.start, net.sizes.n_agents))
            memory = torch.from_numpy(self.memory[:, net.n_memory :].copy())
            rows, _ = net.remember_centrally(rows, memory, start)
            latest = net.value(rows).double().numpy()
            next_value = np.concatenate((value[1:], latest[None]))
            for final in self.finals:
                start = torch.zeros(len(final.columns), dtype=torch.bool)
                rows = net.normalise(final.inputs)
                rows, _ = net.remember_centrally(rows, torch.from_numpy(final.memory), start)
                next_value[final.t, final.columns] = net.value(rows).double().numpy()
        return value, next_value

    def _stored_values(self) -> Doubles:
        """Return the value (T * C,) of every stored observation."""
        arena, net = self.arena, self.net
        n_rows = arena.n_steps * self.n_columns
        if not net.n_memory:
            parts = np.array_split(np.arange(n_rows), 1 + n_rows // VALUED_AT_ONCE)
            chunks = [
                net.value(net.normalise(arena.inputs(part))).double().numpy() for part in parts
            ]
            return np.concatenate(chunks)
        value, every = np.zeros(n_rows), np.ones(n_rows, np.bool_)
        windows = np.arange((1 + (arena.n_steps - 1) // arena.window) * self.n_columns)
        n_parts = 1 + len(windows) * arena.window // VALUED_AT_ONCE
        for part in np.array_split(windows, min(n_parts, len(windows))):
            batch = arena.windows(part, every)
            value[batch.rows] = net.value(batch.through(net)).double().numpy()
        return value

    def state(self) -> Arrays:
        """Return everything that the next iteration depends on, as named arrays."""
        env = {f"env.{name}": array for name, array in self.env.snapshot().items()}
        return env | {
            "scale.carry": self.scale.carry.copy(),
            "scale.moments": self.scale.moments.copy(),
            "memory": self.memory.copy(),
        }

    def restore(self, arrays: Arrays) -> None:
        """Go back to a `state`, bit for bit."""
        env = {name[4:]: array for name, array in arrays.items() if name.startswith("env.")}
        self.observation = self.env.restore(env)
        self.scale.carry = arrays["scale.carry"].copy()
        self.scale.moments = arrays["scale.moments"].copy()
        self.memory = arrays["memory"].copy()
