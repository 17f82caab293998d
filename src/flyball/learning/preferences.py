# SPDX-License-Identifier: MIT
"""Weights of the objectives as something that a policy is told, not something it is trained for.

B parallel copies · N agents · K objectives. `Preferring` wraps an Env with several objectives: each
episode of a row gets weights drawn from the simplex, every agent sees them as K more features, and
the one objective that is left is their weighted sum. One policy then serves every trade-off; which
one is asked for is part of its observation (Abels et al., arXiv:1809.07803). Linear weights reach
the convex part of a Pareto front only.
"""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from flyball.core.batch import Action, Doubles, Longs, Observation, Step
from flyball.core.errors import ConfigError, Problem, nearest
from flyball.core.protocols import Env
from flyball.core.random import uniform
from flyball.core.spec import Feature, Objective, Spec

STREAM_PREFERENCE = 7


class Preferring:
    """An Env whose agents are told what is wanted in this episode.

    Parameters
    ----------
    env
        With at least two objectives.
    unit
        Utility per native unit of each objective, by name, before the drawn weights; it brings
        objectives of different units to one scale. Empty: 1 for each.
    fixed
        (K,) weights of every episode; None draws them anew for each.
    """

    def __init__(
        self, env: Env, unit: Mapping[str, float] | None = None, fixed: Doubles | None = None
    ) -> None:
        self.env, self.fixed = env, fixed
        names = [objective.name for objective in env.spec.objectives]
        unit = unit or dict.fromkeys(names, 1.0)
        unknown = [name for name in unit if name not in names]
        if unknown or len(names) < 2:
            raise ConfigError(
                Problem(
                    where=f"preferences of world {env.spec.world}",
                    found=f"'{unknown[0]}'" if unknown else f"{len(names)} objective",
                    allowed=", ".join(names) if unknown else "at least 2 objectives",
                    fix=nearest(unknown[0], names) if unknown else "train it for its objective",
                )
            )
        sign = [1.0 if each.sense == "max" else -1.0 for each in env.spec.objectives]
        self.gain = np.array(sign) * [unit.get(name, 0.0) for name in names]
        self.spec = _told(env.spec)
        self.seeds = np.zeros(env.n_envs, np.int64)
        self.episode = np.zeros(env.n_envs, np.int64)
        self.weight = np.zeros((env.n_envs, len(names)))

    @property
    def n_envs(self) -> int:
        """B."""
        return self.env.n_envs

    def reset(self, seeds: Longs) -> Observation:
        """Start every row anew; `seeds` (B,) name the weights too."""
        self.seeds[:], self.episode[:] = seeds, 0
        self._draw()
        return self._tell(self.env.reset(seeds))

    def step(self, action: Action) -> Step:
        """Apply one action to each row; the reward is the weighted sum of that row."""
        step = self.env.step(action)
        reward = (step.reward * (self.weight * self.gain)[:, None, :]).sum(-1, keepdims=True)
        final = self._tell(step.final)
        ended = step.terminated | step.truncated
        self.episode += ended
        if ended.any():
            self._draw()
        told = self._tell(step.observation)
        return replace(step, observation=told, final=final, reward=reward)

    def _draw(self) -> None:
        """Draw the weights of every row's episode: uniform on the simplex."""
        if self.fixed is not None:
            self.weight[:] = self.fixed
            return
        objective = np.arange(self.weight.shape[1])
        name = (self.seeds[:, None], self.episode[:, None], objective, STREAM_PREFERENCE)
        share = -np.log(uniform(*name))
        self.weight[:] = share / share.sum(1, keepdims=True)

    def _tell(self, observation: Observation) -> Observation:
        n_envs, n_agents = observation.alive.shape
        weight = np.broadcast_to(
            self.weight[:, None, :], (n_envs, n_agents, self.weight.shape[1])
        ).astype(np.float32)
        obs = np.concatenate((observation.obs, weight), -1)
        state = observation.state
        if state.shape[1]:
            state = np.concatenate((state, self.weight.astype(np.float32)), -1)
        return replace(observation, obs=obs, state=state)

    def snapshot(self) -> dict[str, NDArray[Any]]:
        """Return a copy of everything that changes."""
        own = {"seeds": self.seeds, "episode": self.episode, "weight": self.weight}
        inner = {f"inner.{name}": array for name, array in self.env.snapshot().items()}
        return inner | {f"preference.{name}": array.copy() for name, array in own.items()}

    def restore(self, snapshot: dict[str, NDArray[Any]]) -> Observation:
        """Go back to a snapshot, bit for bit."""
        self.seeds[:] = snapshot["preference.seeds"]
        self.episode[:] = snapshot["preference.episode"]
        self.weight[:] = snapshot["preference.weight"]
        inner = {n[6:]: array for n, array in snapshot.items() if n.startswith("inner.")}
        return self._tell(self.env.restore(inner))


def _told(spec: Spec) -> Spec:
    """Return the spec with the weights as features and one objective."""
    weights = tuple(Feature(f"weight_{each.name}", "-", 0.0, 1.0) for each in spec.objectives)
    state = spec.state + weights if spec.state else ()
    utility = (Objective("utility", "-", "max"),)
    return replace(spec.widened(weights), state=state, objectives=utility)
