# SPDX-License-Identifier: MIT
"""Plays guarded plants for tests, with random wishes."""

import numpy as np

from flyball.core.batch import Action
from flyball.worlds.classics.guarded import make

SMALL = {
    "double-integrator": {"episode_s": 2.0},
    "inverted-pendulum": {"episode_s": 2.0},
    "two-tanks": {"episode_s": 10.0},
    "forbidden-grid": {"steps": 20},
    "crossing-robots": {"episode_s": 3.0, "n_robots": 4},
}
"""Settings with which episodes end within a test."""


def small(name, n_envs):
    """Return a plant whose episodes are short."""
    return make(name, n_envs, **SMALL.get(name, {}))


def wished(env, rng, *, stray=0):
    """Return random actions, up to `stray` choices or shares of a range out of it."""
    rules, n = env.scenario.rules, env.spec.n_agents
    widths = np.diff(rules.head)
    choice = np.zeros((env.n_envs, n, len(widths)), np.int32)
    for h, width in enumerate(widths):
        choice[:, :, h] = rng.integers(-stray, width + stray, (env.n_envs, n))
    middle, half = (rules.high + rules.low) / 2, (rules.high - rules.low) / 2
    share = rng.uniform(-1 - stray, 1 + stray, (env.n_envs, n, rules.low.shape[1]))
    return Action(choice, middle + half * share)


def copied(step):
    """Return what a step says, as arrays that stay."""
    seen = step.observation
    arrays = (
        seen.obs, seen.state, seen.mask, seen.signals, seen.start, step.final.obs,
        step.final.signals, step.reward, step.cost, step.outcome, step.terminated, step.truncated,
        step.illegal, step.applied.choice, step.applied.value,
    )  # fmt: skip
    return [array.copy() for array in arrays]


def sliced(action, rows):
    return Action(action.choice[rows], action.value[rows])


def outcomes(name, policy, *, n_envs, first_seed=1000, **settings):
    """Return the KPIs (B, Q) of one episode a row, and the illegal actions in them."""
    env = make(name, n_envs, **settings)
    observation = env.reset(np.arange(first_seed, first_seed + n_envs))
    memory = policy.initial(n_envs)
    outcome = np.full((n_envs, len(env.spec.kpis)), np.nan)
    illegal = call = 0
    while np.isnan(outcome).any():
        action, _, memory = policy.act(observation, memory, (3, call))
        step = env.step(action)
        ended = (step.terminated | step.truncated) & np.isnan(outcome[:, 0])
        outcome[ended] = step.outcome[ended]
        illegal += int(step.illegal.sum())
        observation, call = step.observation, call + 1
    return outcome, illegal
