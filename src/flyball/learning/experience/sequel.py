# SPDX-License-Identifier: MIT
"""What was done, and what it came to: examples for a critic that predicts coming costs.

T steps · B parallel copies · N agents · E features of an observation with its action · C costs · n
examples. What counts is the action that the plant got. A cost is summed over a horizon and never
past the end of its episode; where neither has come yet, nothing is known and nothing is kept.
"""

from dataclasses import replace
from typing import NamedTuple

import numpy as np

from flyball.core.batch import Action, Bools, Doubles, Floats, Longs, Observation
from flyball.core.errors import ConfigError, Problem
from flyball.core.protocols import Env, Policy
from flyball.core.spec import Spec
from flyball.learning.experience.finite import require_finite
from flyball.policies import Sizes, sizes_of


class Examples(NamedTuple):
    """What was done, and what it came to."""

    seen: Floats  # (n, E) of an agent and its applied action
    coming: Doubles  # (n, C) cost from there on within the horizon, of its episode
    group: Longs  # (n,) the episode

    def at(self, which: Bools | Longs) -> "Examples":
        """Return some examples (n,)."""
        return Examples(self.seen[which], self.coming[which], self.group[which])


class Encoding:
    """Observation and action of an agent as one row of features."""

    def __init__(self, spec: Spec) -> None:
        """Take the axes from a Spec.

        Raises
        ------
        ConfigError
            When the world has options, whose candidates are no fixed number of features, or no
            costs.
        """
        self.sizes: Sizes = sizes_of(spec)
        found = "an options head" if self.sizes.n_features else "0 costs"
        if self.sizes.n_features or not spec.costs:
            raise ConfigError(
                Problem(
                    where=f"world {spec.world}",
                    found=found,
                    allowed="Categorical, TanhGaussian and Hybrid heads, and at least one cost",
                    fix="do without a learned critic; a Shield does not need one",
                )
            )

    def rows(self, observation: Observation, action: Action) -> tuple[Floats, Bools]:
        """Return features (B * N, E), and which rows (B * N,) the heads could have said."""
        sizes, n_rows = self.sizes, observation.alive.size
        parts = [observation.obs.reshape(n_rows, sizes.n_obs).astype(np.float64)]
        fine: Bools = np.all(np.isfinite(parts[0]), axis=1)
        if sizes.n_index:
            parts.append(np.tile(np.eye(sizes.n_index), (len(observation.alive), 1)))
        choice = action.choice.reshape(n_rows, -1)
        for head, size in enumerate(sizes.actions):
            own = choice[:, head]
            fine &= (own >= 0) & (own < size)
            parts.append((own[:, None] == np.arange(size)).astype(np.float64))
        if sizes.n_values:
            low, high = np.array(sizes.low), np.array(sizes.high)
            with np.errstate(invalid="ignore", over="ignore"):
                share = ((2.0 * action.value - low - high) / (high - low)).reshape(n_rows, -1)
            fine &= (np.abs(share) <= 1.0 + 1e-9).all(1)
            parts.append(share)
        rows = np.where(fine[:, None], np.concatenate(parts, 1), 0.0)
        return rows.astype(np.float32), fine


def lived(env: Env, policy: Policy, n_steps: int, *, horizon: int, seed: int) -> Examples:
    """Return the examples of what a policy lives through in an Env.

    What counts is the action that the plant got, not what was proposed. The last steps of each row
    count only where their horizon is over or their episode has ended.

    Parameters
    ----------
    env
        Is reset.
    policy
        Acts with draws.
    n_steps
        Of every row.
    horizon
        Steps whose costs count, the present one included.
    seed
        Names every draw, of the Env's rows too.
    """
    encoding, shape = Encoding(env.spec), (env.n_envs, env.spec.n_agents)
    observation = env.reset(seed * 1_000_003 + np.arange(env.n_envs, dtype=np.int64))
    memory = policy.initial(env.n_envs)
    seen, alive, cost, ended = [], [], [], []
    for t in range(n_steps):
        action, _, memory = policy.act(observation, memory, (seed, t))
        before = replace(observation, obs=observation.obs.copy(), alive=observation.alive.copy())
        step = env.step(action)
        require_finite("cost", step.cost)
        seen.append(encoding.rows(before, step.applied)[0].reshape(*shape, -1))
        alive.append(before.alive)
        cost.append(step.cost.copy())
        ended.append(step.terminated | step.truncated)
        observation = step.observation
    coming, known = coming_cost(np.stack(cost), np.stack(ended), horizon)
    episode: Longs = np.cumsum(np.stack(ended), 0) - np.stack(
        ended
    )  # number of the episode in its row
    group = episode * env.n_envs + np.arange(env.n_envs)
    counts = np.stack(alive) & known[..., None]
    per_agent = (*counts.shape, coming.shape[-1])
    return Examples(
        np.stack(seen)[counts],
        np.broadcast_to(coming[:, :, None], per_agent)[counts],
        np.broadcast_to(group[..., None], counts.shape)[counts],
    )


def coming_cost(cost: Doubles, ended: Bools, horizon: int) -> tuple[Doubles, Bools]:
    """Return what is still to be paid within a horizon, and where that is known.

    Parameters
    ----------
    cost
        (T, B, C).
    ended
        (T, B); what comes after an end is another episode's.
    horizon
        Steps, the present one included.
    """
    coming, known = np.zeros_like(cost), np.zeros_like(ended)
    for t in range(len(cost)):
        open_rows = np.ones(cost.shape[1], np.bool_)
        for later in range(t, min(t + horizon, len(cost))):
            coming[t] += np.where(open_rows[:, None], cost[later], 0.0)
            open_rows &= ~ended[later]
        known[t] = ~open_rows | (t + horizon <= len(cost))
    return coming, known
