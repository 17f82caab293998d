# SPDX-License-Identifier: MIT
"""Three states with costs, whose best policy under limits is a small linear program.

In each state one may be careful or hasty; hasty earns more and costs. After every step the episode
goes on with probability `GOES_ON`, so that its undiscounted sums are linear in how often each
choice is met.
"""

from dataclasses import replace
from itertools import combinations
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from flyball.core.batch import Action, Longs, Observation, Step
from flyball.core.random import uniform
from flyball.core.spec import AgentKind, Categorical, Cost, Feature, Kpi, Objective, Spec
from flyball.learning.nets.rows import inputs_of
from tests.learning.toys import observation, step_of

GOES_ON = 0.9
STARTS = np.array([0.6, 0.3, 0.1])
EARNS = np.array([[0.2, 1.0, 0.0], [0.1, 0.6, 0.0], [0.3, 1.4, 0.5]])  # (state, action)
COSTS = np.array(
    [
        [[0.0, 1.0, 0.0], [0.0, 0.3, 0.0], [0.0, 2.0, 0.4]],
        [[0.5, 0.0, 0.0], [0.1, 0.2, 0.0], [0.0, 0.6, 0.9]],
    ]
)  # (cost, state, action)
LEGAL = np.array([[True, True, False], [True, True, False], [True, True, True]])
MOVES = np.array(
    [
        [[0.6, 0.3, 0.1], [0.1, 0.5, 0.4], [1.0, 0.0, 0.0]],
        [[0.2, 0.6, 0.2], [0.5, 0.1, 0.4], [1.0, 0.0, 0.0]],
        [[0.3, 0.3, 0.4], [0.2, 0.7, 0.1], [0.1, 0.1, 0.8]],
    ]
)  # (state, action, next)


class Tolls:
    """`limits` has one number for each cost that counts."""

    def __init__(self, n_envs: int, limits: tuple[float, ...] = (3.0,)) -> None:
        features = tuple(Feature(f"is_{k}", "-", 0, 1) for k in range(3))
        costs = tuple(Cost(f"toll_{k}", "EUR", limit) for k, limit in enumerate(limits))
        self.spec = Spec(
            world="tolls",
            version=1,
            kinds=(AgentKind("driver", 1, features, (Categorical("pace", 3),)),),
            objectives=(Objective("gain_h", "h", "max"),),
            kpis=(Kpi("gain_h", "h", "max", "sum of gains"),),
            costs=costs,
        )
        self.n_envs = n_envs
        self.seed = np.zeros(n_envs, np.int64)
        self.time = np.zeros(n_envs, np.int64)
        self.place = np.zeros(n_envs, np.int64)
        self.total = np.zeros(n_envs)
        self.fresh = np.ones(n_envs, np.bool_)

    def _drawn(self, chances: NDArray[Any], stream: int) -> Longs:
        """Return one index a row, with chances (B, 3)."""
        draw = uniform(self.seed, self.time, stream)
        return np.minimum((draw[:, None] > chances.cumsum(1)).sum(1), 2)

    def reset(self, seeds: Longs) -> Observation:
        self.seed[:], self.time[:], self.total[:], self.fresh[:] = seeds, 0, 0.0, True
        self.place[:] = self._drawn(np.tile(STARTS, (self.n_envs, 1)), 1)
        return self._observe()

    def _observe(self) -> Observation:
        obs = np.eye(3, dtype=np.float32)[self.place][:, None, :]
        return observation(self.n_envs, obs=obs, mask=LEGAL[self.place][:, None], start=self.fresh)

    def step(self, action: Action) -> Step:
        choice = action.choice[:, 0, 0]
        reward = EARNS[self.place, choice]
        cost = COSTS[: len(self.spec.costs), self.place, choice].T
        self.total += reward
        self.time += 1
        ended = uniform(self.seed, self.time, 2) > GOES_ON
        outcome = np.where(ended, self.total, 0.0)
        following = self._drawn(MOVES[self.place, choice], 3)
        starts = self._drawn(np.tile(STARTS, (self.n_envs, 1)), 1)
        self.place = np.where(ended, starts, following)
        self.total[ended] = 0.0
        self.fresh = ended
        never = np.zeros(self.n_envs, np.bool_)
        now = self._observe()
        ends = {"terminated": ended, "truncated": never, "outcome": outcome}
        return replace(step_of(now, observation(self.n_envs), reward, action, **ends), cost=cost)

    def snapshot(self) -> dict[str, NDArray[Any]]:
        names = ("seed", "time", "place", "total", "fresh")
        return {name: getattr(self, name).copy() for name in names}

    def restore(self, snapshot: dict[str, NDArray[Any]]) -> Observation:
        for name, array in snapshot.items():
            setattr(self, name, array.copy())
        return self._observe()


def chances(net: Any) -> NDArray[np.float64]:
    """Return the probability (state, action) of each choice by a network."""
    env = Tolls(3)
    env.place = np.arange(3)
    with torch.inference_mode():
        scores = net.outputs(net.normalise(inputs_of(env._observe()))).scores.double().numpy()
    scores = np.where(LEGAL, scores, -np.inf)
    chance = np.exp(scores - scores.max(1, keepdims=True))
    return chance / chance.sum(1, keepdims=True)


def sums(chance: NDArray[np.float64]) -> tuple[float, NDArray[np.float64]]:
    """Return the exact mean gain of an episode and its mean costs under a policy."""
    moves = np.einsum("sa,sat->st", chance, MOVES)
    met = np.linalg.solve(np.eye(3) - GOES_ON * moves.T, STARTS)
    each = met[:, None] * chance
    return float((each * EARNS).sum()), (COSTS * each).sum((1, 2))


def optimum(limits: tuple[float, ...]) -> float:
    """Return the best mean gain within limits: the best vertex of the linear program."""
    which = [(s, a) for s in range(3) for a in range(3) if LEGAL[s, a]]
    n = len(limits)
    rows = np.zeros((3 + n, len(which) + n))
    for k, (s, a) in enumerate(which):
        rows[:3, k] = (np.arange(3) == s) - GOES_ON * MOVES[s, a]
        rows[3:, k] = COSTS[:n, s, a]
    rows[3:, len(which) :] = np.eye(n)  # what is left of each limit
    right = np.concatenate((STARTS, limits))
    gain = np.array([EARNS[s, a] for s, a in which] + [0.0] * n)
    best = -np.inf
    for basis in map(list, combinations(range(rows.shape[1]), 3 + n)):
        if abs(np.linalg.det(rows[:, basis])) > 1e-12:
            x = np.linalg.solve(rows[:, basis], right)
            if (x >= -1e-12).all():
                best = max(best, float(gain[basis] @ x))
    return best
