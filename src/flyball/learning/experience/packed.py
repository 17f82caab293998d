# SPDX-License-Identifier: MIT
"""Sampled episodes without their padding, and how agents and targets run through them.

n episodes sorted from the longest to the shortest lie time first, and only what was played: at
time t stand the observations of those that reached it, so an episode keeps its column while the
columns behind it fall away. A padded step cannot enter a loss because there is none.

O observations of all episodes, P < O steps, C_t columns at time t · N agents · other letters as in
`core.batch`. Rows of a network are r = o * N + agent.
"""

from typing import NamedTuple

import numpy as np
import torch
from numba import njit
from torch import Tensor

from flyball.core.batch import Floats, Longs
from flyball.learning.experience.sequences import EpisodeBatch
from flyball.learning.nets.cells import Cell


class Packed(NamedTuple):
    """Episodes without padding."""

    columns: tuple[int, ...]  # C_t of the observations, falling
    now: Tensor  # (P,) i64  number of the observation that a step was taken from
    then: Tensor  # (P,) i64  number of the observation that followed
    obs: Tensor  # (O, N, F) f32
    state: Tensor  # (O, S) f32
    mask: Tensor  # (O, N, A) bool
    alive: Tensor  # (P, N) bool  who acted
    follows: Tensor  # (P, N) bool  whose value goes on after the step
    choice: Tensor  # (P, N) i64  of the only head
    reward: Tensor  # (P, N) f32  utility

    def to(self, device: torch.device) -> "Packed":
        """Return the same there."""
        return Packed(self.columns, *(part.to(device) for part in self[1:]))


def pack(batch: EpisodeBatch) -> Packed:
    """Return the episodes of a batch without padding.

    Nobody's value goes on after a termination or after the own death; after a truncation it does,
    also where the world calls nobody alive in its last observation: a time limit kills no one.
    """
    steps = batch.filled.sum(0).numpy()  # (n,)
    order = np.argsort(-steps, kind="stable")
    times = np.arange(int(steps[order[0]]) + 1)[:, None]
    seen = steps[order] >= times  # (T + 1, n)
    taken = (steps[order] > times)[:-1]
    columns = seen.sum(1)
    number = np.cumsum(columns)[:, None] - columns[:, None] + np.arange(len(steps))
    place = times * len(steps) + order  # in the padded batch
    every = torch.from_numpy(place[seen])
    own = torch.from_numpy(place[:-1][taken])
    now = torch.from_numpy(number[:-1][taken])
    then = torch.from_numpy(number[1:][taken])
    alive_at = batch.alive.flatten(0, 1)[every]
    alive, after = alive_at[now], alive_at[then]
    ended = batch.terminated.flatten()[own][:, None]
    cut = batch.truncated.flatten()[own][:, None] & ~after.any(-1, keepdim=True)
    return Packed(
        columns=tuple(columns.tolist()),
        now=now,
        then=then,
        obs=batch.obs.flatten(0, 1)[every],
        state=batch.state.flatten(0, 1)[every],
        mask=batch.mask.flatten(0, 1)[every],
        alive=alive,
        follows=alive & (after | cut) & ~ended,
        choice=batch.choice.flatten(0, 1)[own][..., 0],
        reward=batch.reward.flatten(0, 1)[own],
    )


def recall(cell: Cell, x: Tensor, columns: tuple[int, ...], n_agents: int) -> Tensor:
    """Return what a cell puts out (O * N, H) of inputs (O * N, F), every episode from its start."""
    sizes = [n * n_agents for n in columns]
    memory = x.new_zeros(sizes[0], cell.n_memory)
    outputs = []
    # `split` and not slices: the gradient of a slice is as large as the whole.
    for projected in cell.x(x).split(sizes):
        if len(memory) > len(projected):
            memory = memory[: len(projected)]
        out, memory = cell.advance(projected, memory)
        outputs.append(out)
    return torch.cat(outputs)


@njit(cache=True, nogil=True)
def lambda_targets(
    reward: Floats, discount: Floats, next_value: Floats, columns: Longs, lam: float
) -> Floats:
    """Return the targets of Peng's Q(lambda), each from its episode's end backwards.

    ``target_t = r_t + discount_t * ((1 - lam) * next_value_t + lam * target_{t+1})``, with the
    value alone after an episode's last step. The tail is that of the behaviour, not cut where it
    explored (Peng & Williams 1996; Kozuno et al., arXiv:2103.00107); lam 0 is one-step Q-learning.

    Parameters
    ----------
    reward, next_value
        (P, C) of packed steps; the value of what followed.
    discount
        (P, C) gamma, 0 where nothing follows.
    columns
        (T,) steps at each time, falling; they sum to P.
    lam
        In [0, 1].
    """
    target = np.empty_like(reward)
    first = len(reward)
    for t in range(len(columns) - 1, -1, -1):
        behind = columns[t + 1] if t + 1 < len(columns) else 0
        following = first
        first -= columns[t]
        for i in range(columns[t]):
            for c in range(reward.shape[1]):
                value = next_value[first + i, c]
                if i < behind:
                    value += lam * (target[following + i, c] - value)
                target[first + i, c] = reward[first + i, c] + discount[first + i, c] * value
    return target
