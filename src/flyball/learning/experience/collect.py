# SPDX-License-Identifier: MIT
"""Whole episodes from an Env into the arena, and what happened in them."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import NamedTuple

import numpy as np

from flyball.core.batch import Action, Bools, Doubles, Floats, Longs, Observation
from flyball.core.protocols import Env
from flyball.core.spec import Spec
from flyball.learning.experience.arena import Arena
from flyball.learning.experience.gae import scalarise


class Played(NamedTuple):
    """What is done in one step, and what is learned from it; rows r = b * N + n."""

    action: Action
    choice: Longs  # (R, H) to learn from
    latent: Floats  # (R, D) to learn from
    log_prob: Floats  # (R,) of those
    memory: Floats | None = None  # (R, 2M) of actor and critic before the step


Act = Callable[[Observation, int], Played]
"""(observation, step) to what is done."""


@dataclass
class Tally:
    """What happened in an iteration, in native units; means over the episodes that ended."""

    spec: Spec
    episodes: int = 0
    decisions: int = 0
    illegal: int = 0
    kpi: Doubles = field(init=False)

    def __post_init__(self) -> None:
        self.kpi = np.zeros(len(self.spec.kpis))

    def add(self, ended: Bools, outcome: Doubles, decisions: int, illegal: int) -> None:
        """Count one step; `ended` (B,) says whose `outcome` (B, Q) is an episode's."""
        self.episodes += int(ended.sum())
        self.kpi += outcome[ended].sum(0)
        self.decisions += decisions
        self.illegal += illegal

    def figures(self) -> dict[str, float]:
        """Return the counts, and the mean of each KPI under its name."""
        counts = {
            "episodes": float(self.episodes),
            "decisions": float(self.decisions),
            "illegal": float(self.illegal),
        }
        names = [kpi.name for kpi in self.spec.kpis]
        means = self.kpi / max(1, self.episodes)
        return counts | (dict(zip(names, means.tolist(), strict=True)) if self.episodes else {})


@dataclass(frozen=True)
class Trajectories:
    """Whole episodes, one for each row."""

    utility: Doubles  # (B,) undiscounted weighted sum of rewards, larger is better
    reward: Doubles  # (B, K) undiscounted sums in native units
    outcome: Doubles  # (B, Q)
    tally: Tally


def collect_episodes(
    env: Env, seeds: Longs, act: Act, arena: Arena, weights: Mapping[str, float]
) -> Trajectories:
    """Play one whole episode of every row into the cleared arena.

    Rows that end early go on with their next episode until the last row has ended; what they do
    then neither counts nor is learned from.

    Parameters
    ----------
    env
        Is reset.
    seeds
        (B,) rows with the same seed meet the same scenario and the same events.
    act
        Plays and labels; `arena.choice` holds the labels.
    arena
        Is cleared, then holds the steps, as many as the longest episode has. After a row's end its
        rewards are 0.
    weights
        Utility per native unit of each objective (see `scalarise`).
    """
    arena.clear()
    spec = env.spec
    observation = env.reset(seeds)
    tally = Tally(spec)
    running = np.ones(env.n_envs, np.bool_)
    reward = np.zeros((env.n_envs, len(spec.objectives)))
    outcome = np.zeros((env.n_envs, len(spec.kpis)))
    while running.any():
        counted = observation.alive & running[:, None]
        played = act(observation, arena.n_steps)
        t = arena.store(observation, counted, played.memory)
        arena.choice[t] = played.choice.reshape(arena.choice[t].shape)
        arena.latent[t] = played.latent.reshape(arena.latent[t].shape)
        arena.log_prob[t] = played.log_prob.reshape(counted.shape)
        step = env.step(played.action)
        ended = running & (step.terminated | step.truncated)
        gain = scalarise(step.reward, spec.objectives, weights)
        arena.reap(t, step, np.where(running[:, None], gain, 0.0))
        reward[running] += step.reward[running].sum(1)
        outcome[ended] = step.outcome[ended]
        illegal = int(step.illegal[running].sum())
        tally.add(ended, step.outcome, int(counted.sum()), illegal)
        running &= ~ended
        observation = step.observation
    utility = scalarise(reward, spec.objectives, weights)
    return Trajectories(utility, reward, outcome, tally)
