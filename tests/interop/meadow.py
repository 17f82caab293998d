# SPDX-License-Identifier: MIT
"""A world of draws with any kinds and heads: every number is a function of its name."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from flyball.core.batch import Action, Longs, Observation, Options, Step
from flyball.core.random import uniform
from flyball.core.spec import (
    AgentKind,
    Categorical,
    Feature,
    Hybrid,
    Kpi,
    Objective,
    Spec,
    TanhGaussian,
)


def features(count: int) -> tuple[Feature, ...]:
    return tuple(Feature(f"x{k}", "-", -1.0, 1.0) for k in range(count))


HEADS: dict[str, tuple[Any, ...]] = {
    "one": (Categorical("turn", 3),),
    "several": (Categorical("turn", 3), Categorical("gear", 2)),
    "values": (TanhGaussian("valve", "m", -2.0, 3.0), TanhGaussian("speed", "m/s", 0.1, 0.7)),
    "hybrid": (
        Hybrid("tool", 3, ((), ("force",), ("force", "depth"))),
        TanhGaussian("force", "N", 0.0, 10.0),
        TanhGaussian("depth", "mm", -1.0, 1.0),
    ),
}


def alone(heads: str) -> tuple[AgentKind, ...]:
    return (AgentKind("walker", 1, features(2), HEADS[heads]),)


def flock(count: int, heads: str = "one") -> tuple[AgentKind, ...]:
    return (AgentKind("sheep", count, features(3), HEADS[heads]),)


MIXED = (
    AgentKind("dog", 1, features(4), HEADS["several"]),
    AgentKind("sheep", 3, features(2), (Categorical("turn", 4),)),
    AgentKind("cloud", 2, features(1), HEADS["values"]),
)


class Meadow:
    """Observations, masks and who leaves are drawn; what agents do is added to the reward.

    An agent leaves with probability `leave` a step, an episode terminates with probability 0.04 a
    step or when all have left, and is truncated after `limit` steps.
    """

    def __init__(
        self,
        kinds: tuple[AgentKind, ...],
        n_envs: int,
        *,
        leave: float = 0.0,
        limit: int = 12,
        ends: float = 0.04,
    ) -> None:
        self.spec = Spec(
            world="meadow",
            version=1,
            kinds=kinds,
            objectives=(Objective("grass", "kg", "max"), Objective("way", "m", "min")),
            kpis=(Kpi("grass", "kg", "max", "sum of grass over agents"),),
            state=features(2),
        )
        self.n_envs, self.leave, self.limit, self.ends = n_envs, leave, limit, ends
        self.n = self.spec.n_agents
        self._sizes()
        self.at = np.zeros((3, n_envs), np.int64)  # seed, episode, step
        self.drawn, self.drawn_at = np.zeros((0, 0, 0)), -self.at - 1
        self.alive = np.ones((n_envs, self.n), np.bool_)
        self.total = np.zeros(n_envs)

    def _sizes(self) -> None:
        kinds = [kind for kind in self.spec.kinds for _ in range(kind.count)]
        sizes = [[h.n for h in k.heads if isinstance(h, Categorical | Hybrid)] for k in kinds]
        depth = max(len(own) for own in sizes)
        widths = [max(own[h] for own in sizes if h < len(own)) for h in range(depth)]
        self.first = np.concatenate([[0], np.cumsum(widths)]).astype(int)
        self.sizes = sizes
        self.widths = [len(kind.features) for kind in kinds]
        self.ranges = [[h for h in k.heads if isinstance(h, TanhGaussian)] for k in kinds]
        self.n_values = max(len(own) for own in self.ranges)

    def draw(self, agent: int, event: int) -> NDArray[np.float64]:
        """Return the draw (B,) of an agent, n for none, and an event below 100."""
        if not np.array_equal(self.at, self.drawn_at):
            name = [part[:, None, None] for part in self.at]
            agents, events = np.arange(self.n + 1)[None, :, None], np.arange(100)[None, None, :]
            self.drawn, self.drawn_at = uniform(*name, agents, events), self.at.copy()
        drawn: NDArray[np.float64] = self.drawn[:, agent, event]
        return drawn

    def reset(self, seeds: Longs) -> Observation:
        self.at[:] = 0
        self.at[0] = seeds
        self.alive[:] = True
        self.total[:] = 0
        return self.observe()

    def observe(self) -> Observation:
        b = self.n_envs
        obs = np.zeros((b, self.n, max(self.widths)), np.float32)
        mask = np.zeros((b, self.n, self.first[-1]), np.bool_)
        for n in range(self.n):
            for k in range(self.widths[n]):
                obs[:, n, k] = 2 * self.draw(n, k) - 1
            for h, size in enumerate(self.sizes[n]):
                own = np.stack([self.draw(n, 50 + 10 * h + k) for k in range(size)], 1)
                mask[:, n, self.first[h] : self.first[h] + size] = (own > 0.4) | (
                    own == own.max(1, keepdims=True)
                )
        obs *= self.alive[:, :, None]
        mask &= self.alive[:, :, None]
        return Observation(
            obs=obs,
            state=np.stack([self.draw(self.n, 0), self.draw(self.n, 1)], 1).astype(np.float32),
            mask=mask,
            options=Options(
                np.zeros((0, 0), np.float32), np.zeros(b * self.n + 1, np.int64), np.zeros(0, int)
            ),
            alive=self.alive.copy(),
            start=self.at[2] == 0,
            signals=np.zeros((b, 0)),
            age_s=np.zeros((b, 0)),
            quality=np.zeros((b, 0), np.bool_),
        )

    def step(self, action: Action) -> Step:
        illegal = self._illegal(action)
        reward = np.zeros((self.n_envs, self.n, 2))
        reward[:, :, 0] = np.stack([self.draw(n, 90) for n in range(self.n)], 1)
        reward[:, :, 0] += (action.choice * (1 + np.arange(action.choice.shape[2]))).sum(2)
        reward[:, :, 0] += (action.value * (1 + np.arange(action.value.shape[2]))).sum(2)
        reward[:, :, 1] = 0.25
        reward *= self.alive[:, :, None]
        self.total += reward[:, :, 0].sum(1)
        self.at[2] += 1
        leaves = np.stack([self.draw(n, 91) for n in range(self.n)], 1) < self.leave
        self.alive &= ~leaves
        terminated = (self.draw(0, 92) < self.ends) | ~self.alive.any(1)
        truncated = (self.at[2] >= self.limit) & ~terminated
        return self._close(action, reward, illegal, terminated, truncated)

    def _illegal(self, action: Action) -> NDArray[Any]:
        illegal = np.zeros((self.n_envs, self.n), np.int32)
        mask = self.observe().mask
        for n in range(self.n):
            for h, size in enumerate(self.sizes[n]):
                wish = action.choice[:, n, h]
                legal = mask[np.arange(self.n_envs), n, self.first[h] + np.clip(wish, 0, size - 1)]
                illegal[:, n] += self.alive[:, n] & ~((wish >= 0) & (wish < size) & legal)
            for d, head in enumerate(self.ranges[n]):
                value = action.value[:, n, d]
                illegal[:, n] += self.alive[:, n] & ~((value >= head.low) & (value <= head.high))
        return illegal

    def _close(self, action, reward, illegal, terminated, truncated) -> Step:
        ended = terminated | truncated
        final = self.observe()
        final.alive[truncated] = self.alive[truncated]
        for array in (final.obs, final.state, final.mask, final.alive):
            array[~ended] = 0
        outcome = np.where(ended, self.total, 0.0)[:, None]
        self.at[1][ended] += 1
        self.at[2][ended] = 0
        self.total[ended] = 0
        self.alive[ended] = True
        return Step(
            observation=self.observe(),
            final=final,
            reward=reward,
            cost=np.zeros((self.n_envs, 0)),
            outcome=outcome,
            terminated=terminated,
            truncated=truncated,
            elapsed_s=np.full(self.n_envs, 0.5),
            applied=action,
            illegal=illegal,
        )

    def snapshot(self) -> dict[str, NDArray[Any]]:
        return {"at": self.at.copy(), "alive": self.alive.copy(), "total": self.total.copy()}

    def restore(self, snapshot: dict[str, NDArray[Any]]) -> Observation:
        self.at[:], self.alive[:] = snapshot["at"], snapshot["alive"]
        self.total[:] = snapshot["total"]
        return self.observe()


def drawn_action(env: Meadow, observation: Observation, rng: np.random.Generator) -> Action:
    """Return legal choices and values within range, drawn."""
    choice = np.zeros((env.n_envs, env.n, len(env.first) - 1), np.int32)
    value = np.zeros((env.n_envs, env.n, env.n_values))
    for n in range(env.n):
        for h, size in enumerate(env.sizes[n]):
            own = observation.mask[:, n, env.first[h] : env.first[h] + size]
            for b in range(env.n_envs):
                legal = np.flatnonzero(own[b])
                choice[b, n, h] = rng.choice(legal) if len(legal) else 0
        for d, head in enumerate(env.ranges[n]):
            value[:, n, d] = rng.uniform(head.low, head.high, env.n_envs).astype(np.float32)
    return Action(choice, value)
