# SPDX-License-Identifier: MIT
"""What a policy does when it is judged: greedily, on its own and behind the Shield.

E episodes, the same for every policy.
"""

from typing import Any

import numpy as np

from caution.setups import EPISODES, FIRST_EPISODE
from flyball.core.protocols import Policy
from flyball.experiments import proofs
from flyball.safety import Shield, Shielded
from flyball.worlds.classics import guarded

RETURN, BREACH_S, DEEPEST = 0, 2, 3
"""Columns of the outcome of every guarded plant."""


def behind_shield(plant: str, n_envs: int) -> Shielded:
    """Return copies of a plant behind filter and gate, with the shipped proof."""
    env = guarded.make(plant, n_envs)
    step_s = env.scenario.step_s
    shield = Shield(env.spec, proofs.safe(plant), n_envs=n_envs, step_s=step_s)
    return Shielded(env, shield)


def judged(
    plant: str, policy: Policy, *, shielded: bool, episodes: int = EPISODES
) -> dict[str, float]:
    """Return what became of the first episode of every seed.

    Returns
    -------
    dict
        `return` and `breach_s`, means over episodes; `breached`, the share of episodes with any
        breach; `deepest`, the deepest at any time, as a share of the limit; `changed`, the share of
        decisions in which the Shield applied something else.
    """
    env: Any = behind_shield(plant, episodes) if shielded else guarded.make(plant, episodes)
    observation = env.reset(FIRST_EPISODE + np.arange(episodes))
    memory, running = policy.initial(episodes), np.ones(episodes, np.bool_)
    outcome = np.zeros((episodes, len(env.spec.kpis)))
    decisions = changed = 0
    while running.any():
        action, _, memory = policy.act(observation, memory, None)
        step = env.step(action)
        decisions += int(running.sum())
        changed += int(env.noted.changed[running].any(1).sum()) if shielded else 0
        ended = running & (step.terminated | step.truncated)
        outcome[ended] = step.outcome[ended]
        running &= ~ended
        observation = step.observation
    return {
        "return": float(outcome[:, RETURN].mean()),
        "breach_s": float(outcome[:, BREACH_S].mean()),
        "breached": float((outcome[:, BREACH_S] > 0.0).mean()),
        "deepest": float(outcome[:, DEEPEST].max()),
        "changed": changed / decisions,
    }
