# SPDX-License-Identifier: MIT
"""The one loop of algorithms that learn from a replay: act, store, count; and go on after a kill.

An algorithm owns its networks and its updates; the loop owns the Env, the store and the counters::

    self.replay = Replay(env.spec, env.n_envs, config, folder)
    self.loop = Loop(env, self.replay, seed=config.seed, learning_starts=config.learning_starts)

    def iterate(self, iteration, share):
        self.loop.collect(self._act, config.train_freq)      # steps of every row
        if self.loop.ready:
            places = self.replay.draw(n, seed=..., update=self.updates, n_updates=k)
            ...                                              # k gradient steps, self.updates += k
        return self.loop.figures() | {"loss": ...}

    def state(self):    return self.loop.state() | learner_arrays(...) | {"updates": ...}
    def restore(self, arrays): self.loop.restore(arrays); ...

`_act(observation, key) -> Action` explores; `key` = (seed, tick) names its draws. The first
`learning_starts` transitions are collected by `RandomPolicy`. The store is a `Replay`, `Episodes`,
or anything else with the face of `Store`. Draws are functions of (seed, tick), so that what is kept
are counters; `state` holds the Env, the store and them.
"""

from collections.abc import Callable
from typing import Any, Protocol

import numpy as np
from numba import njit
from numpy.typing import NDArray

from flyball.core.batch import Action, Bools, Doubles, Floats, Ints, Longs, Observation, Step
from flyball.core.protocols import Env
from flyball.learning import draws
from flyball.learning.checkpoint import Arrays
from flyball.policies import Sizes, sizes_of

Act = Callable[[Observation, tuple[int, int]], Action]
"""(observation, (seed, tick)) to the action to play; its arrays may be used again by the next."""

CHOICE_STREAM, VALUE_STREAM = 1_667_852_137, 1_986_096_245

ROW_STRIDE = 1_000_003
"""Row b of a run with seed s starts as seed s * ROW_STRIDE + b: no batch is that wide."""


class Store(Protocol):
    """Where experience goes: `replay.Replay`, `sequences.Episodes`."""

    @property
    def size(self) -> int:
        """What can be sampled, transitions or episodes."""
        ...

    def observe(self, observation: Observation) -> None:
        """Copy what is about to be acted on."""
        ...

    def add(self, step: Step) -> None:
        """Copy what came of it."""
        ...

    def state(self) -> Arrays:
        """Return what a checkpoint must hold."""
        ...

    def restore(self, arrays: Arrays) -> None:
        """Go back to a `state`, bit for bit."""
        ...


@njit(cache=True, nogil=True)
def random_choices(mask: Bools, head: Longs, seed: int, step: int) -> Ints:
    """Return (R, H) uniform choices among what is legal; 0 where nothing is.

    Parameters
    ----------
    mask
        (R, A).
    head
        (H + 1,) head h owns mask columns head[h]..head[h + 1].
    seed, step
        Name of the draws, with the row and the head.
    """
    out = np.zeros((len(mask), len(head) - 1), np.int32)
    for row in range(len(mask)):
        for h in range(len(head) - 1):
            n_legal = 0
            for a in range(head[h], head[h + 1]):
                n_legal += mask[row, a]
            share = draws.uniform(seed, step, row * (len(head) - 1) + h, CHOICE_STREAM)
            left = int(share * n_legal)
            for a in range(head[h], head[h + 1]):
                if mask[row, a]:
                    if left == 0:
                        out[row, h] = a - head[h]
                    left -= 1
    return out


@njit(cache=True, nogil=True)
def random_values(low: Doubles, high: Doubles, n_envs: int, seed: int, step: int) -> Doubles:
    """Return (B, N, D) uniform values between bounds (N, D), in native units."""
    n_agents, n_values = low.shape
    out = np.empty((n_envs, n_agents, n_values))
    for b in range(n_envs):
        for n in range(n_agents):
            for d in range(n_values):
                item = (b * n_agents + n) * n_values + d
                share = draws.uniform(seed, step, item, VALUE_STREAM)
                out[b, n, d] = low[n, d] + share * (high[n, d] - low[n, d])
    return out


class RandomPolicy:
    """Uniform over what is legal and within the bounds; greedy it is no different."""

    def __init__(self, sizes: Sizes) -> None:
        self.sizes = sizes
        self.head = sizes.starts
        self.low = np.array(sizes.low, np.float64).reshape(sizes.n_agents, sizes.n_values)
        self.high = np.array(sizes.high, np.float64).reshape(sizes.n_agents, sizes.n_values)

    def initial(self, n_envs: int) -> NDArray[np.float32]:
        """Return the empty memory (B, 0)."""
        return np.zeros((n_envs, 0), np.float32)

    def act(
        self, observation: Observation, memory: NDArray[np.float32], key: tuple[int, int] | None
    ) -> tuple[Action, Floats, NDArray[np.float32]]:
        """Return an action, zeros for its log-probability, and the memory."""
        action = self.action(observation, key or (0, 0))
        return action, np.zeros(observation.alive.shape, np.float32), memory

    def action(self, observation: Observation, key: tuple[int, int]) -> Action:
        """Return the action that `key` names."""
        n_envs, n_agents, n_actions = observation.mask.shape
        mask = observation.mask.reshape(n_envs * n_agents, n_actions)
        choice = random_choices(mask, self.head, *key).reshape(n_envs, n_agents, -1)
        return Action(choice, random_values(self.low, self.high, n_envs, *key))


@njit(cache=True, nogil=True)
def count_decisions(totals: Doubles, alive: Bools) -> None:
    """Count the agents (B, N) that act."""
    for b in range(alive.shape[0]):
        for n in range(alive.shape[1]):
            totals[1] += alive[b, n]


@njit(cache=True, nogil=True)
def count_step(
    totals: Doubles, terminated: Bools, truncated: Bools, outcome: Doubles, illegal: Ints
) -> None:
    """Count illegal actions (B, N) and the outcome (B, Q) of rows that ended."""
    for b in range(len(terminated)):
        for n in range(illegal.shape[1]):
            totals[2] += illegal[b, n]
        if terminated[b] or truncated[b]:
            totals[0] += 1.0
            for q in range(outcome.shape[1]):
                totals[3 + q] += outcome[b, q]


class Loop:
    """Experience from an Env into a store; everything that changes but the learner."""

    def __init__(
        self,
        env: Env,
        store: Store,
        *,
        seed: int,
        learning_starts: int = 0,
        on_add: Callable[[], None] | None = None,
    ) -> None:
        """Reset the Env; its rows get seeds of their own.

        Parameters
        ----------
        env, store
            Of equal sizes.
        seed
            Names the draws of actions.
        learning_starts
            Transitions, all rows together, that are collected at random before learning begins.
        on_add
            Called after each step of all rows was stored: new priorities, for example.
        """
        self.env, self.store, self.seed = env, store, seed
        self.learning_starts, self.on_add = learning_starts, on_add
        self.random = RandomPolicy(sizes_of(env.spec))
        self.ticks = 0
        self.totals = np.zeros(3 + len(env.spec.kpis))  # episodes, decisions, illegal, KPIs
        first = seed * ROW_STRIDE
        self.observation = env.reset(first + np.arange(env.n_envs, dtype=np.int64))

    @property
    def steps(self) -> int:
        """Transitions so far, all rows together."""
        return self.ticks * self.env.n_envs

    @property
    def ready(self) -> bool:
        """Whether the random start is over and there is something to learn from."""
        return self.steps > self.learning_starts and self.store.size > 0

    def collect(self, act: Act, n_steps: int) -> None:
        """Take `n_steps` steps of every row, the first ones of a run at random."""
        for _ in range(n_steps):
            observation = self.observation
            self.store.observe(observation)
            count_decisions(self.totals, observation.alive)
            play = self.random.action if self.steps < self.learning_starts else act
            step = self.env.step(play(observation, (self.seed, self.ticks)))
            self.store.add(step)
            if self.on_add is not None:
                self.on_add()
            count_step(self.totals, step.terminated, step.truncated, step.outcome, step.illegal)
            self.observation = step.observation
            self.ticks += 1

    def figures(self) -> dict[str, float]:
        """Return counts and the mean of each KPI since the last call, and the steps so far."""
        episodes, decisions, illegal = self.totals[:3].tolist()
        names = [kpi.name for kpi in self.env.spec.kpis]
        means = (self.totals[3:] / max(1.0, episodes)).tolist()
        self.totals[:] = 0.0
        counts = {
            "episodes": episodes,
            "decisions": decisions,
            "illegal": illegal,
            "steps": float(self.steps),
        }
        return counts | (dict(zip(names, means, strict=True)) if episodes else {})

    def state(self) -> Arrays:
        """Return the Env, the store and the counters."""
        env = {f"env.{name}": array for name, array in self.env.snapshot().items()}
        counters: dict[str, NDArray[Any]] = {
            "loop.ticks": np.array(self.ticks),
            "loop.totals": self.totals.copy(),
        }
        return env | self.store.state() | counters

    def restore(self, arrays: Arrays) -> None:
        """Go back to a `state`, bit for bit; other arrays are ignored."""
        own = {n.removeprefix("env."): a for n, a in arrays.items() if n.startswith("env.")}
        self.observation = self.env.restore(own)
        self.store.restore(arrays)
        self.ticks = int(arrays["loop.ticks"])
        self.totals[:] = arrays["loop.totals"]
