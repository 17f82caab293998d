# SPDX-License-Identifier: MIT
"""Experience from an Env into the arena: a fixed number of steps, or whole episodes."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

import numpy as np
import torch

from flyball.core.batch import Action, Bools, Doubles, Floats, Longs, Observation
from flyball.core.protocols import Env
from flyball.core.spec import Spec
from flyball.learning.acting import NetPolicy
from flyball.learning.arena import Arena
from flyball.learning.gae import scalarise
from flyball.learning.nets import inputs_of

Act = Callable[[Observation, int], tuple[Action, Action, Floats]]
"""(observation, step) to (action to play, action to learn from, its log-probability (B, N))."""


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


def collect_steps(  # noqa: PLR0913
    env: Env,
    policy: NetPolicy,
    arena: Arena,
    observation: Observation,
    *,
    n_steps: int,
    weights: Mapping[str, float],
    seed: int,
    first_step: int,
) -> tuple[Observation, Tally]:
    """Play `n_steps` steps of every row into the cleared arena.

    Parameters
    ----------
    env, policy
        The policy's critic values the last observation of truncated rows, before their reset.
    arena
        Is cleared, then holds the steps.
    observation
        The Env's latest.
    n_steps
        At least 1.
    weights
        Utility per native unit of each objective (see `scalarise`).
    seed, first_step
        Name of the draws of the first step; the next ones count up.

    Returns
    -------
    observation : Observation
        The Env's latest.
    tally : Tally
    """
    arena.clear()
    tally = Tally(env.spec)
    memory = policy.initial(env.n_envs)
    for k in range(n_steps):
        action, log_prob, memory = policy.act(observation, memory, (seed, first_step + k))
        t = arena.store(observation, observation.alive)
        alive = int(observation.alive.sum())
        arena.choice[t], arena.log_prob[t] = action.choice, log_prob
        step = env.step(action)
        arena.reward[t] = scalarise(step.reward, env.spec.objectives, weights)
        arena.terminated[t] = step.terminated[:, None]
        arena.truncated[t] = step.truncated[:, None]
        if step.truncated.any():
            arena.final_value[t] = _value(policy, step.final) * step.truncated[:, None]
        ended = step.terminated | step.truncated
        tally.add(ended, step.outcome, alive, int(step.illegal.sum()))
        observation = step.observation
    return observation, tally


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
        t = arena.store(observation, counted)
        action, label, log_prob = act(observation, t)
        arena.choice[t], arena.log_prob[t] = label.choice, log_prob
        step = env.step(action)
        ended = running & (step.terminated | step.truncated)
        gain = scalarise(step.reward, spec.objectives, weights)
        arena.reward[t] = np.where(running[:, None], gain, 0.0)
        reward[running] += step.reward[running].sum(1)
        outcome[ended] = step.outcome[ended]
        illegal = int(step.illegal[running].sum())
        tally.add(ended, step.outcome, int(counted.sum()), illegal)
        running &= ~ended
        observation = step.observation
    utility = scalarise(reward, spec.objectives, weights)
    return Trajectories(utility, reward, outcome, tally)


def _value(policy: NetPolicy, observation: Observation) -> Doubles:
    with torch.inference_mode():
        value = policy.net.value(policy.net.normalise(inputs_of(observation))).double().numpy()
    return value.reshape(observation.alive.shape)


def values(policy: NetPolicy, arena: Arena, last: Observation) -> tuple[Doubles, Doubles]:
    """Return value and next value (T, B*N) of every stored step.

    The next value belongs to the observation that followed a step before any reset: the following
    step's, the critic's estimate of `final` where an episode was truncated, that of `last` at the
    end of the arena; 0 where it terminated.
    """
    columns = arena.n_envs * arena.n_agents
    rows = np.arange(arena.n_steps * columns)
    with torch.inference_mode():
        chunks = [
            policy.net.value(policy.net.normalise(arena.inputs(part))).double().numpy()
            for part in np.array_split(rows, max(1, len(rows) // 8192))
        ]
    value = np.concatenate(chunks).reshape(arena.n_steps, columns)
    following = np.concatenate((value[1:], _value(policy, last).reshape(1, columns)))
    final = arena.final_value[: arena.n_steps].reshape(arena.n_steps, columns)
    truncated = arena.truncated[: arena.n_steps].reshape(arena.n_steps, columns)
    terminated = arena.terminated[: arena.n_steps].reshape(arena.n_steps, columns)
    return value, np.where(terminated, 0.0, np.where(truncated, final, following))
