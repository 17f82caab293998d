# SPDX-License-Identifier: MIT
"""A team of two kinds of agents that die, with masks, and episodes that end in both ways.

Two scouts see 3 features and have 3 actions, one carrier sees 2 and has 2; `values` continuous
dims besides, if wanted. Everything is a draw named by (row seed, time), and every array is written
over in each call, as the contract allows. A reward is what the agent's own action pays.
"""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from flyball.core.batch import Action, Longs, Observation, Options, Step
from flyball.core.random import uniform
from flyball.core.spec import (
    AgentKind,
    Categorical,
    Feature,
    Kpi,
    Objective,
    Spec,
    TanhGaussian,
)

N_AGENTS, N_FEATURES, N_ACTIONS, LIMIT = 3, 3, 3, 7


def spec_of(n_values: int, n_state: int) -> Spec:
    def kind(name: str, count: int, width: int) -> AgentKind:
        values = tuple(TanhGaussian(f"v{k}", "m", -2.0, 6.0) for k in range(n_values))
        features = tuple(Feature(f"x{k}", "-", 0, 1) for k in range(width))
        return AgentKind(name, count, features, (Categorical("act", width), *values))

    return Spec(
        world="squad",
        version=1,
        kinds=(kind("scout", 2, 3), kind("carrier", 1, 2)),
        objectives=(Objective("gain", "-", "max"),),
        kpis=(Kpi("gain", "-", "max", "sum of rewards"),),
        state=tuple(Feature(f"s{k}", "-", 0, 1) for k in range(n_state)),
    )


class Squad:
    """`end` is the chance that a step terminates; after `LIMIT` steps a row is truncated."""

    def __init__(
        self, n_envs: int, *, end: float = 0.15, n_values: int = 0, n_state: int = 2
    ) -> None:
        self.spec, self.n_envs, self.end = spec_of(n_values, n_state), n_envs, end
        self.seed = np.zeros(n_envs, np.int64)
        self.time = 0
        self.length = np.zeros(n_envs, np.int64)
        self.left = np.zeros((n_envs, N_AGENTS), np.bool_)
        self.gain = np.zeros(n_envs)
        self.n_values, self.n_state = n_values, n_state
        self.now, self.last = self._blank(), self._blank()
        self.reward = np.zeros((n_envs, N_AGENTS, 1))

    def _blank(self) -> Observation:
        b = self.n_envs
        return Observation(
            obs=np.zeros((b, N_AGENTS, N_FEATURES), np.float32),
            state=np.zeros((b, self.n_state), np.float32),
            mask=np.zeros((b, N_AGENTS, N_ACTIONS), np.bool_),
            options=Options(
                np.zeros((0, 0), np.float32),
                np.zeros(b * N_AGENTS + 1, np.int64),
                np.zeros(0, np.int32),
            ),
            alive=np.ones((b, N_AGENTS), np.bool_),
            start=np.ones(b, np.bool_),
            signals=np.zeros((b, 0)),
            age_s=np.zeros((b, 0)),
            quality=np.zeros((b, 0), np.bool_),
        )

    def _draw(self, stream: int, *shape: int) -> NDArray[np.float64]:
        flat = np.arange(int(np.prod(shape))).reshape(shape)
        seed = self.seed.reshape(-1, *(1 for _ in shape))
        return uniform(seed, self.time, flat, stream)

    def _write(self, into: Observation, stream: int) -> None:
        into.obs[...] = self._draw(stream, N_AGENTS, N_FEATURES)
        into.state[...] = self._draw(stream + 1, self.n_state)
        into.mask[...] = self._draw(stream + 2, N_AGENTS, N_ACTIONS) < 0.6
        into.mask[:, :, 0] = True
        into.mask[self.left] = False
        into.obs[:, 2, 2] = 0.0
        into.mask[:, 2, 2] = False
        into.alive[...] = ~self.left

    def reset(self, seeds: Longs) -> Observation:
        self.seed[:], self.time = seeds, 0
        self.length[:], self.left[:], self.gain[:] = 0, False, 0.0
        self._write(self.now, 10)
        self.now.start[...] = True
        return self.now

    def step(self, action: Action) -> Step:
        pays = self._draw(1, N_AGENTS, N_ACTIONS) - 0.3
        own = np.take_along_axis(pays, action.choice[..., :1].astype(np.int64), -1)
        self.reward[...] = own + 0.1 * action.value.sum(-1, keepdims=True)
        self.reward *= self.now.alive[..., None]
        self.gain += self.reward.sum((1, 2))
        self.time += 1
        self.length += 1
        terminated = self._draw(2, 1)[:, 0] < self.end
        truncated = ~terminated & (self.length >= LIMIT)
        ended = terminated | truncated
        self.left |= self._draw(4, N_AGENTS) < 0.1
        self._write(self.last, 20)
        for name in ("obs", "state", "mask", "alive"):
            getattr(self.last, name)[~ended] = 0
        outcome = np.where(ended, self.gain, 0.0)[:, None]
        self.length[ended], self.left[ended], self.gain[ended] = 0, False, 0.0
        self._write(self.now, 10)
        self.now.start[...] = ended
        return Step(
            observation=self.now,
            final=self.last,
            reward=self.reward,
            cost=np.zeros((self.n_envs, 0)),
            outcome=outcome,
            terminated=terminated,
            truncated=truncated,
            elapsed_s=np.ones(self.n_envs),
            applied=Action(action.choice.copy(), action.value.copy()),
            illegal=np.zeros((self.n_envs, N_AGENTS), np.int32),
        )

    def snapshot(self) -> dict[str, NDArray[Any]]:
        names = ("seed", "length", "left", "gain")
        own = {name: getattr(self, name).copy() for name in names}
        return own | {"time": np.array(self.time), "start": self.now.start.copy()}

    def restore(self, snapshot: dict[str, NDArray[Any]]) -> Observation:
        for name in ("seed", "length", "left", "gain"):
            getattr(self, name)[:] = snapshot[name]
        self.time = int(snapshot["time"])
        self._write(self.now, 10)
        self.now.start[...] = snapshot["start"]
        return self.now


def mean_return(env: Any, policy: Any, seeds: Longs) -> float:
    """Play the first episode of every row greedily and return the mean of the first KPI."""
    observation, memory = env.reset(seeds), policy.initial(env.n_envs)
    found = np.full(env.n_envs, np.nan)
    while np.isnan(found).any():
        action, _, memory = policy.act(observation, memory, None)
        step = env.step(action)
        first = (step.terminated | step.truncated) & np.isnan(found)
        found[first] = step.outcome[first, 0]
        observation = step.observation
    return float(found.mean())
