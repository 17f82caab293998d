# SPDX-License-Identifier: MIT
"""An Env of random numbers with everything that a replay must keep apart, and its history.

Every number is a draw named by (row seed, time), so that rows differ, snapshots are two counters,
and nothing repeats. All arrays are written over in each call, as the contract allows.
"""

from typing import Any, NamedTuple

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

WEIGHTS = {"gain_eur": 2.0, "late_h": 0.5}


def spec_of(n_agents: int) -> Spec:
    features = tuple(Feature(f"x{k}", "-", 0, 1) for k in range(3))
    heads = (Categorical("a", 3), Categorical("b", 2), TanhGaussian("v", "m", -2.0, 6.0))
    return Spec(
        world="scripted",
        version=1,
        kinds=(AgentKind("agent", n_agents, features, heads),),
        objectives=(Objective("gain_eur", "EUR", "max"), Objective("late_h", "h", "min")),
        kpis=(Kpi("length", "-", "max", "steps"), Kpi("sum", "-", "max", "sum of draws")),
        state=(Feature("s0", "-", 0, 1), Feature("s1", "-", 0, 1)),
    )


class Seen(NamedTuple):
    obs: NDArray[Any]
    state: NDArray[Any]
    mask: NDArray[Any]
    alive: NDArray[Any]


class Past(NamedTuple):
    """One step of one row, copied; `after` is what followed, before any reset."""

    before: Seen
    choice: NDArray[Any]
    value: NDArray[Any]
    reward: NDArray[Any]
    terminated: bool
    truncated: bool
    after: Seen


class Scripted:
    """Ends at random; with `deaths` an agent leaves for the rest of an episode now and then."""

    def __init__(
        self, n_envs: int, n_agents: int = 1, *, end: float = 0.2, deaths: bool = False
    ) -> None:
        self.spec, self.n_envs, self.n_agents = spec_of(n_agents), n_envs, n_agents
        self.end, self.deaths = end, deaths
        self.seed = np.zeros(n_envs, np.int64)
        self.time = 0
        self.length = np.zeros(n_envs, np.int64)
        self.left = np.zeros((n_envs, n_agents), np.bool_)
        self.now, self.last = self._blank(), self._blank()
        self.reward = np.zeros((n_envs, n_agents, 2))
        self.applied = Action(
            np.zeros((n_envs, n_agents, 2), np.int32), np.zeros((n_envs, n_agents, 1))
        )
        self.history: list[list[Past]] = [[] for _ in range(n_envs)]

    def _blank(self) -> Observation:
        b, n = self.n_envs, self.n_agents
        options = Options(
            np.zeros((0, 0), np.float32), np.zeros(b * n + 1, np.int64), np.zeros(0, np.int32)
        )
        return Observation(
            obs=np.zeros((b, n, 3), np.float32),
            state=np.zeros((b, 2), np.float32),
            mask=np.zeros((b, n, 5), np.bool_),
            options=options,
            alive=np.ones((b, n), np.bool_),
            start=np.ones(b, np.bool_),
            signals=np.zeros((b, 0)),
            age_s=np.zeros((b, 0)),
            quality=np.zeros((b, 0), np.bool_),
        )

    def _draw(self, stream: int, *shape: int) -> NDArray[np.float64]:
        axes = np.indices((self.n_envs, *shape))[1:]
        flat = np.zeros((self.n_envs, *shape), np.int64)
        for axis, width in zip(axes, shape, strict=True):
            flat = flat * width + axis
        seed = self.seed.reshape(-1, *(1 for _ in shape))
        return uniform(seed, self.time, flat, stream)

    def _write(self, into: Observation, stream: int) -> None:
        n = self.n_agents
        into.obs[...] = self._draw(stream, n, 3)
        into.state[...] = self._draw(stream + 1, 2)
        into.mask[...] = self._draw(stream + 2, n, 5) < 0.6
        into.alive[...] = ~self.left

    def reset(self, seeds: Longs) -> Observation:
        self.seed[:], self.time = seeds, 0
        self.length[:], self.left[:] = 0, False
        self._write(self.now, 10)
        return self.now

    def _seen(self, observation: Observation, b: int) -> Seen:
        return Seen(*(getattr(observation, name)[b].copy() for name in Seen._fields))

    def step(self, action: Action) -> Step:
        before = [self._seen(self.now, b) for b in range(self.n_envs)]
        self.time += 1
        self.length += 1
        # What the plant got is not what was wanted.
        self.applied.choice[...] = (action.choice + 1) % (3, 2)
        self.applied.value[...] = 0.5 * action.value
        self.reward[...] = self._draw(1, self.n_agents, 2) - 0.3
        terminated = self._draw(2) < self.end / 2
        truncated = ~terminated & (self._draw(3) < self.end / 2)
        ended = terminated | truncated
        if self.deaths:
            self.left |= self._draw(4, self.n_agents) < 0.2
        outcome = np.stack((self.length, self._draw(5)), -1) * ended[:, None]
        self._write(self.last, 20)
        for name in Seen._fields:
            getattr(self.last, name)[~ended] = 0
        self.length[ended] = 0
        self.left[ended] = False
        self._write(self.now, 10)
        self.now.start[...] = ended
        for b in range(self.n_envs):
            after = self._seen(self.last if ended[b] else self.now, b)
            self.history[b].append(
                Past(
                    before[b],
                    self.applied.choice[b].copy(),
                    self.applied.value[b].copy(),
                    self.reward[b].copy(),
                    bool(terminated[b]),
                    bool(truncated[b]),
                    after,
                )
            )
        return Step(
            observation=self.now,
            final=self.last,
            reward=self.reward,
            cost=np.zeros((self.n_envs, 0)),
            outcome=outcome,
            terminated=terminated,
            truncated=truncated,
            elapsed_s=np.ones(self.n_envs),
            applied=self.applied,
            illegal=np.zeros((self.n_envs, self.n_agents), np.int32),
        )

    def snapshot(self) -> dict[str, NDArray[Any]]:
        return {
            "seed": self.seed.copy(),
            "time": np.array(self.time),
            "length": self.length.copy(),
            "left": self.left.copy(),
            "start": self.now.start.copy(),
        }

    def restore(self, snapshot: dict[str, NDArray[Any]]) -> Observation:
        self.seed[:], self.time = snapshot["seed"], int(snapshot["time"])
        self.length[:], self.left[:] = snapshot["length"], snapshot["left"]
        self._write(self.now, 10)
        self.now.start[...] = snapshot["start"]
        return self.now

    def wish(self) -> Action:
        """Return an action named by the time, legal or not."""
        choice = (self._draw(6, self.n_agents, 2) * (3, 2)).astype(np.int32)
        return Action(choice, 8.0 * self._draw(7, self.n_agents, 1) - 2.0)


def play(env: Scripted, store: Any, n_steps: int) -> None:
    """Put steps into a store, from where the env stands."""
    for _ in range(n_steps):
        store.observe(env.now)
        store.add(env.step(env.wish()))
