# SPDX-License-Identifier: MIT
"""A world with one state, whose values can be written down beforehand."""

from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray

from flyball.core.batch import Action, Longs, Observation, Step
from flyball.core.spec import (
    AgentKind,
    Categorical,
    Feature,
    Head,
    Kpi,
    Objective,
    Spec,
    TanhGaussian,
)
from tests.learning.toys import observation, step_of

Pays = Callable[[Action], NDArray[Any]]


def one(action: Action) -> NDArray[Any]:
    """Pay 1 whatever is done."""
    return np.ones(len(action.choice))


class Steady:
    """One state; an episode ends after `n_steps`, by termination or by truncation.

    `pays` gives the reward (B,) of an action, `plant` what becomes of it before it is applied, as a
    Shield would; `legal` is the mask of a Categorical head.
    """

    def __init__(
        self,
        n_envs: int,
        heads: tuple[Head, ...],
        pays: Pays = one,
        *,
        n_steps: int = 25,
        terminates: bool = False,
        legal: tuple[bool, ...] = (),
        plant: Callable[[Action], Action] = lambda action: action,
    ) -> None:
        features = (Feature("one", "-", 0, 1), Feature("half", "-", 0, 1))
        self.spec = Spec(
            world="steady",
            version=1,
            kinds=(AgentKind("one", 1, features, heads),),
            objectives=(Objective("gain_eur", "EUR", "max"),),
            kpis=(Kpi("gain_eur", "EUR", "max", "sum of gains"),),
        )
        self.n_envs, self.pays, self.n_steps, self.terminates = n_envs, pays, n_steps, terminates
        self.legal, self.plant = np.array(legal, np.bool_), plant
        self.count = np.zeros(n_envs, np.int64)
        self.total = np.zeros(n_envs)

    def reset(self, seeds: Longs) -> Observation:
        self.count[:] = seeds % self.n_steps
        self.total[:] = 0
        return self._observe()

    def _observe(self) -> Observation:
        obs = np.tile(np.array([1.0, 0.5], np.float32), (self.n_envs, 1, 1))
        mask = np.tile(self.legal, (self.n_envs, 1, 1))
        return observation(self.n_envs, obs=obs, mask=mask, start=self.count == 0)

    def step(self, action: Action) -> Step:
        applied = self.plant(action)
        reward = self.pays(applied)
        self.total += reward
        self.count += 1
        ended = self.count >= self.n_steps
        outcome = np.where(ended, self.total, 0.0)
        self.count[ended] = 0
        self.total[ended] = 0
        never = np.zeros(self.n_envs, np.bool_)
        return step_of(
            self._observe(),
            self._observe(),
            reward,
            applied,
            terminated=ended if self.terminates else never,
            truncated=never if self.terminates else ended,
            outcome=outcome,
        )

    def snapshot(self) -> dict[str, NDArray[Any]]:
        return {"count": self.count.copy(), "total": self.total.copy()}

    def restore(self, snapshot: dict[str, NDArray[Any]]) -> Observation:
        self.count[:], self.total[:] = snapshot["count"], snapshot["total"]
        return self._observe()


VALVE = TanhGaussian("valve", "m3/h", 2.0, 6.0)
PUMP = TanhGaussian("pump", "kW", -1.0, 3.0)


def arms(n: int) -> Categorical:
    return Categorical("arm", n)
