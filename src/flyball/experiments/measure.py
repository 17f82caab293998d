# SPDX-License-Identifier: MIT
"""Whole episodes of a policy, one for each seed: what is compared and what is watched."""

import numpy as np

from flyball.core.batch import Doubles
from flyball.core.protocols import Policy
from flyball.experiments.streams import Stream
from flyball.experiments.subject import Subject

ROWS = 64
"""Episodes that are played side by side; no figure depends on it."""


def outcomes(
    subject: Subject, policy: Policy, stream: Stream, n_episodes: int, *, draw: int | None = None
) -> Doubles:
    """Return the KPIs of the first episode of every seed from 0 on, shape (D, Q).

    Parameters
    ----------
    subject
        The problem.
    policy
        Plays every row from its own memory.
    stream
        Which seeds.
    n_episodes
        D, at least 1.
    draw
        Seed of the policy's own draws; None: the greedy action.
    """
    rows = min(ROWS, n_episodes)
    env = subject.env(rows, stream)
    found = np.zeros((n_episodes, len(env.spec.kpis)))
    for first in range(0, n_episodes, rows):
        observation = env.reset(first + np.arange(rows, dtype=np.int64))
        memory = policy.initial(rows)
        running = np.arange(rows) < n_episodes - first
        t = 0
        while running.any():
            key = None if draw is None else (draw, first + t)
            action, _, memory = policy.act(observation, memory, key)
            step = env.step(action)
            ended = running & (step.terminated | step.truncated)
            found[first + np.flatnonzero(ended)] = step.outcome[ended]
            running &= ~ended
            observation = step.observation
            t += 1
    return found
