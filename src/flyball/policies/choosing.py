# SPDX-License-Identifier: MIT
"""From scores or masked logits to the contract's Action, greedy or sampled."""

import numpy as np

from flyball.core.batch import Action, Bools, Floats, Longs, Observation
from flyball.policies.kernels import choose_option, pack_legal

Key = tuple[int, int] | None


def choose_options(
    score: Floats, observation: Observation, key: Key, *, temperature: float = 1.0
) -> tuple[Action, Floats]:
    """Return the action of an options head and its log-probability (B, N).

    Parameters
    ----------
    score
        (L,) one for each candidate.
    observation
        Supplies the offsets and the shape (B, N).
    key
        (seed, step) names the draws; None is greedy.
    temperature
        Above 0.
    """
    n_envs, n_agents = observation.alive.shape
    seed, step = key or (0, 0)
    choice, log_prob = choose_option(
        score, observation.options.offset, temperature, key is not None, seed, step
    )
    return action_of(choice, n_envs, n_agents), log_prob.reshape(n_envs, n_agents)


def choose_masked(
    logits: Floats,
    mask: Bools,
    sizes: tuple[int, ...],
    key: Key,
    *,
    temperature: float = 1.0,
) -> tuple[Longs, Floats]:
    """Return choices (R, H) of masked categorical heads and their joint log-probability (R,).

    Parameters
    ----------
    logits, mask
        (R, A), the heads side by side.
    sizes
        Number of actions of each head; they sum to A.
    key
        (seed, step) names the draws; None is greedy.
    temperature
        Above 0.
    """
    n_rows = len(mask)
    choice = np.zeros((n_rows, len(sizes)), np.int64)
    log_prob = np.zeros(n_rows, np.float32)
    seed, step = key or (0, 0)
    start = 0
    for head, size in enumerate(sizes):
        part = slice(start, start + size)
        score, offset, column = pack_legal(
            np.ascontiguousarray(logits[:, part]), np.ascontiguousarray(mask[:, part])
        )
        picked, part_log_prob = choose_option(
            score, offset, temperature, key is not None, seed, step * len(sizes) + head
        )
        some = offset[1:] > offset[:-1]
        choice[some, head] = column[(offset[:-1] + picked)[some]]
        log_prob += part_log_prob
        start += size
    return choice, log_prob


def action_of(choice: Longs, n_envs: int, n_agents: int) -> Action:
    """Return the Action of flat choices (R,) or (R, H)."""
    return Action(
        choice=choice.reshape(n_envs, n_agents, -1).astype(np.int32),
        value=np.zeros((n_envs, n_agents, 0)),
    )
