# SPDX-License-Identifier: MIT
"""Whole episodes of a policy, one for each seed: what is compared and what is watched."""

from typing import NamedTuple

import numpy as np

from flyball.core.batch import Doubles
from flyball.core.protocols import Policy
from flyball.core.spec import Spec
from flyball.experiments.streams import Stream
from flyball.experiments.subject import Subject

ROWS = 64
"""Episodes that are played side by side; no figure depends on it."""


class Played(NamedTuple):
    """What became of D episodes."""

    kpi: Doubles  # (D, Q) in the Spec's order
    cost: Doubles  # (D, C) sums over the episode, without discount
    changed: Doubles  # (D,) share of the decisions in which the Shield applied something else


def outcomes(
    subject: Subject, policy: Policy, stream: Stream, n_episodes: int, *, draw: int | None = None
) -> Played:
    """Return what became of the first episode of every seed from 0 on.

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
    kpi = np.zeros((n_episodes, len(env.spec.kpis)))
    cost = np.zeros((n_episodes, len(env.spec.costs)))
    changed, length = np.zeros(n_episodes), np.zeros(n_episodes)
    for first in range(0, n_episodes, rows):
        observation = env.reset(first + np.arange(rows, dtype=np.int64))
        memory = policy.initial(rows)
        running = np.arange(rows) < n_episodes - first
        t = 0
        while running.any():
            key = None if draw is None else (draw, first + t)
            action, _, memory = policy.act(observation, memory, key)
            step = env.step(action)
            on = first + np.flatnonzero(running)
            cost[on] += step.cost[running]
            changed[on] += env.changed[running]
            length[on] += 1.0
            ended = running & (step.terminated | step.truncated)
            kpi[first + np.flatnonzero(ended)] = step.outcome[ended]
            running &= ~ended
            observation = step.observation
            t += 1
    return Played(kpi, cost, changed / np.maximum(length, 1.0))


def over(spec: Spec, found: Played) -> float:
    """Return by how much mean costs are above their limits, all added up; 0: none is.

    It tells policies that keep every limit from others. Among those the units of the costs, which
    may differ, decide; none of them may run.
    """
    limits = np.array([cost.limit for cost in spec.costs])
    beyond = np.maximum(found.cost.mean(0) - limits, 0.0)
    return float(np.where(np.isnan(beyond), np.inf, beyond).sum())
