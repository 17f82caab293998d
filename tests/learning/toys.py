# SPDX-License-Identifier: MIT
"""Small problems with a known answer that follow the batch contract."""

import itertools
from typing import Any

import numpy as np
from numpy.typing import NDArray

from flyball.core.batch import Action, Longs, Observation, Options, Step
from flyball.core.random import bits, uniform
from flyball.core.spec import AgentKind, Categorical, Feature, Kpi, Objective, OptionsHead, Spec


def observation(
    n_envs: int,
    *,
    obs: NDArray[Any] | None = None,
    mask: NDArray[Any] | None = None,
    options: Options | None = None,
    start: NDArray[Any] | None = None,
) -> Observation:
    nothing = Options(
        np.zeros((0, 0), np.float32), np.zeros(n_envs + 1, np.int64), np.zeros(0, np.int32)
    )
    return Observation(
        obs=np.zeros((n_envs, 1, 0), np.float32) if obs is None else obs,
        state=np.zeros((n_envs, 0), np.float32),
        mask=np.zeros((n_envs, 1, 0), np.bool_) if mask is None else mask,
        options=options or nothing,
        alive=np.ones((n_envs, 1), np.bool_),
        start=np.zeros(n_envs, np.bool_) if start is None else start,
        signals=np.zeros((n_envs, 0)),
        age_s=np.zeros((n_envs, 0)),
        quality=np.zeros((n_envs, 0), np.bool_),
    )


def step_of(
    now: Observation,
    final: Observation,
    reward: NDArray[Any],
    action: Action,
    *,
    terminated: NDArray[Any],
    truncated: NDArray[Any],
    outcome: NDArray[Any],
) -> Step:
    n_envs = len(reward)
    return Step(
        observation=now,
        final=final,
        reward=reward[:, None, None],
        cost=np.zeros((n_envs, 0)),
        outcome=outcome[:, None],
        terminated=terminated,
        truncated=truncated,
        elapsed_s=np.ones(n_envs),
        applied=action,
        illegal=np.zeros((n_envs, 1), np.int32),
    )


def options_spec(width: int, sense: str = "min") -> Spec:
    features = tuple(Feature(f"x{k}", "-", -10, 10) for k in range(width))
    return Spec(
        world="queue",
        version=1,
        kinds=(AgentKind("picker", 1, (), (OptionsHead("pick", features),)),),
        objectives=(Objective("cost_h", "h", sense),),  # type: ignore[arg-type]
        kpis=(Kpi("cost_h", "h", "min", "sum of what the choices cost"),),
    )


class Queue:
    """Pick one of 2 to 19 candidates; it costs its first feature plus half of its second.

    Candidates are a function of (seed, episode, step), so the optimum is the cheapest each time.
    """

    def __init__(self, n_envs: int, n_steps: int = 20, width: int = 4) -> None:
        self.spec = options_spec(width)
        self.n_envs, self.n_steps, self.width = n_envs, n_steps, width
        self.at = np.zeros((3, n_envs), np.int64)  # seed, episode, step
        self.total = np.zeros(n_envs)

    def reset(self, seeds: Longs) -> Observation:
        self.at[:] = 0
        self.at[0] = seeds
        self.total[:] = 0
        return self._observe()

    def _observe(self) -> Observation:
        count = (2 + bits(*self.at, 1) % np.uint64(18)).astype(np.int64)
        offset = np.concatenate(([0], np.cumsum(count)))
        row = np.repeat(np.arange(self.n_envs), count)
        item = np.arange(offset[-1]) - offset[row]
        name = [part[row][:, None] for part in self.at]
        x = uniform(*name, item[:, None], np.arange(self.width)[None, :]).astype(np.float32)
        self.features, self.offset = x, offset
        options = Options(x, offset, item.astype(np.int32))
        return observation(self.n_envs, options=options, start=self.at[2] == 0)

    def costs(self) -> NDArray[np.float64]:
        """Return what each candidate costs, (L,)."""
        return self.features[:, 0].astype(np.float64) + 0.5 * self.features[:, 1]

    def step(self, action: Action) -> Step:
        cost = self.costs()[self.offset[:-1] + action.choice[:, 0, 0]]
        self.total += cost
        self.at[2] += 1
        ended = self.at[2] == self.n_steps
        outcome = np.where(ended, self.total, 0.0)
        self.total[ended] = 0
        self.at[1][ended] += 1
        self.at[2][ended] = 0
        never = np.zeros(self.n_envs, np.bool_)
        empty = observation(self.n_envs)
        return step_of(
            self._observe(), empty, cost, action, terminated=ended, truncated=never, outcome=outcome
        )

    def snapshot(self) -> dict[str, NDArray[Any]]:
        return {"at": self.at.copy(), "total": self.total.copy()}

    def restore(self, snapshot: dict[str, NDArray[Any]]) -> Observation:
        self.at[:], self.total[:] = snapshot["at"], snapshot["total"]
        return self._observe()


class Cheapest:
    """The rule that solves `Queue`; `sign` -1 is its opposite."""

    def __init__(self, sign: float = 1.0) -> None:
        self.sign = sign

    def initial(self, n_envs: int) -> NDArray[np.float32]:
        return np.zeros((n_envs, 0), np.float32)

    def act(self, now: Observation, memory: Any, key: Any) -> Any:  # noqa: ARG002
        x, offset = now.options.features, now.options.offset
        cost = self.sign * (x[:, 0] + 0.5 * x[:, 1])
        choice = np.array([np.argmin(cost[a:b]) for a, b in itertools.pairwise(offset)], np.int32)
        action = Action(choice[:, None, None], np.zeros((len(choice), 1, 0)))
        return action, np.zeros((len(choice), 1), np.float32), memory


class Chain:
    """Two states; `stay` earns 0 in state 0 and 1 in state 1, `move` changes state for nothing.

    In state 1 a third action is legal that costs 1. Truncated after `n_steps`. With discount g the
    best value is 1 / (1 - g) in state 1 and g / (1 - g) in state 0.
    """

    def __init__(self, n_envs: int, n_steps: int = 50, n_states: int = 2) -> None:
        features = tuple(Feature(f"is_{k}", "-", 0, 1) for k in range(n_states))
        self.spec = Spec(
            world="chain",
            version=1,
            kinds=(AgentKind("walker", 1, features, (Categorical("act", 3),)),),
            objectives=(Objective("gain_h", "h", "max"),),
            kpis=(Kpi("gain_h", "h", "max", "sum of gains"),),
        )
        self.n_envs, self.n_steps, self.n_states = n_envs, n_steps, n_states
        self.place = np.zeros(n_envs, np.int64)
        self.count = np.zeros(n_envs, np.int64)
        self.total = np.zeros(n_envs)

    def reset(self, seeds: Longs) -> Observation:
        self.place[:] = seeds % self.n_states
        self.count[:] = seeds % self.n_steps
        self.total[:] = 0
        return self._observe()

    def _observe(self) -> Observation:
        obs = np.eye(self.n_states, dtype=np.float32)[self.place][:, None, :]
        mask = np.ones((self.n_envs, 1, 3), np.bool_)
        mask[:, 0, 2] = self.place == 1
        if self.n_states == 1:
            mask[:, 0, 1:] = False
        return observation(self.n_envs, obs=obs, mask=mask, start=self.count == 0)

    def step(self, action: Action) -> Step:
        choice = action.choice[:, 0, 0]
        earns = self.place == self.n_states - 1
        reward = np.where(choice == 0, earns, np.where(choice == 2, -1.0, 0.0)).astype(np.float64)
        self.place = np.where(choice == 1, 1 - self.place, self.place)
        self.total += reward
        self.count += 1
        truncated = self.count >= self.n_steps
        final = self._observe()
        final.obs = final.obs * truncated[:, None, None].astype(np.float32)
        outcome = np.where(truncated, self.total, 0.0)
        self.count[truncated] = 0
        self.total[truncated] = 0
        self.place[truncated] = 0
        never = np.zeros(self.n_envs, np.bool_)
        return step_of(
            self._observe(),
            final,
            reward,
            action,
            terminated=never,
            truncated=truncated,
            outcome=outcome,
        )

    def snapshot(self) -> dict[str, NDArray[Any]]:
        return {"place": self.place.copy(), "count": self.count.copy(), "total": self.total.copy()}

    def restore(self, snapshot: dict[str, NDArray[Any]]) -> Observation:
        self.place = snapshot["place"].copy()
        self.count = snapshot["count"].copy()
        self.total = snapshot["total"].copy()
        return self._observe()


class Plant(Chain):
    """The chain with any heads; what they do is drawn, so that every gradient is wanted."""

    def __init__(self, n_envs, heads):
        super().__init__(n_envs, n_steps=9)
        x = tuple(Feature(f"x{k}", "-", -9, 9) for k in range(5))
        kpis = (Kpi("gain_h", "h", "max", "sum"),)
        gain = (Objective("gain_h", "h", "max"),)
        self.spec = Spec("plant", 1, (AgentKind("plant", 1, x, heads),), gain, kpis)
        self.width = sum(head.n for head in heads if isinstance(head, Categorical))

    def _observe(self):
        draws = np.random.default_rng(int(self.count.sum()))
        obs = draws.normal(size=(self.n_envs, 1, 5)).astype(np.float32)
        mask = draws.random((self.n_envs, 1, self.width)) < 0.6
        mask[:, 0, :1] = True
        mask[0] = False  # a row with nothing legal must be survived
        return observation(self.n_envs, obs=obs, mask=mask, start=self.count == 0)

    def step(self, action):
        reward = action.value.sum((1, 2)) + action.choice.sum((1, 2))
        self.count += 1
        truncated = self.count >= self.n_steps
        final = self._observe()
        self.count[truncated] = 0
        never = np.zeros(self.n_envs, np.bool_)
        ends = {"terminated": never, "truncated": truncated, "outcome": np.zeros(self.n_envs)}
        return step_of(self._observe(), final, reward, action, **ends)


def mean_cost_h(env: Queue, policy: Any, seeds: Longs) -> float:
    """Play one episode of every row greedily and return the mean cost."""
    observation, memory = env.reset(seeds), policy.initial(env.n_envs)
    while True:
        action, _, memory = policy.act(observation, memory, None)
        step = env.step(action)
        observation = step.observation
        if step.terminated.all():
            return float(step.outcome.mean())
