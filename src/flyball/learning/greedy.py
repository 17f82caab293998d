# SPDX-License-Identifier: MIT
"""Acting on the values of actions: the best legal one, or now and then any legal one.

R = B * N rows · A actions of all choice heads side by side · H heads · E encoded features of a row.
"""

from typing import cast

import numpy as np
import torch
from numba import njit
from numpy.typing import NDArray
from torch import Tensor

from flyball.core.batch import Action, Bools, Floats, Ints, Longs, Observation
from flyball.learning import draws
from flyball.learning.nets import Actor, Net
from flyball.learning.offpolicy import head_columns

EXPLORE_STREAM, PICK_STREAM = 1_701_868_594, 1_701_868_595


@njit(cache=True, nogil=True)
def pick(
    q: Floats, mask: Bools, head: Longs, epsilon: float, key: tuple[int, int]
) -> tuple[Ints, Floats]:
    """Choose in every head the best legal action, or with probability `epsilon` any legal one.

    Parameters
    ----------
    q, mask
        (R, A).
    head
        (H + 1,) head h owns columns head[h]..head[h + 1].
    epsilon
        In [0, 1].
    key
        Name of the draws, with the row and the head.

    Returns
    -------
    choice : (R, H) int32
        0 where nothing is legal.
    log_prob : (R,) float32
        Of all heads together.
    """
    n_heads = len(head) - 1
    choice = np.zeros((len(q), n_heads), np.int32)
    log_prob = np.zeros(len(q), np.float32)
    for row in range(len(q)):
        for h in range(n_heads):
            best, n_legal = -1, 0
            for a in range(head[h], head[h + 1]):
                if mask[row, a]:
                    n_legal += 1
                    if best < 0 or q[row, a] > q[row, best]:
                        best = a
            if n_legal == 0:
                continue
            item, taken = row * n_heads + h, best
            if draws.uniform(key[0], key[1], item, EXPLORE_STREAM) < epsilon:
                left = int(draws.uniform(key[0], key[1], item, PICK_STREAM) * n_legal)
                for a in range(head[h], head[h + 1]):
                    if mask[row, a]:
                        taken = a if left == 0 else taken
                        left -= 1
            choice[row, h] = taken - head[h]
            log_prob[row] += np.log(epsilon / n_legal + (1.0 - epsilon) * (taken == best))
    return choice, log_prob


class EpsilonGreedy:
    """Act on the values of actions: greedily without a key, else with a share of random ones."""

    def __init__(self, net: Net) -> None:
        self.net, self.epsilon = net, 0.0
        self.head = head_columns(net.sizes)
        self.seen = torch.zeros(0)

    def initial(self, n_envs: int) -> NDArray[np.float32]:
        """Return the empty memory (B, 0)."""
        return np.zeros((n_envs, 0), np.float32)

    def act(
        self, observation: Observation, memory: NDArray[np.float32], key: tuple[int, int] | None
    ) -> tuple[Action, Floats, NDArray[np.float32]]:
        """Return action, log-probability (B, N) and memory (see `flyball.core.protocols`)."""
        n_envs, n_agents, n_features = observation.obs.shape
        if len(self.seen) != n_envs:
            # A copy in memory that torch aligns: sums then have one order in every process.
            self.seen = torch.zeros(n_envs, n_agents, n_features)
        self.seen.numpy()[...] = observation.obs
        with torch.inference_mode():
            q = scores(self.net, own_rows(self.net, self.seen)).numpy()
        mask = observation.mask.reshape(len(q), -1)
        epsilon = self.epsilon if key is not None else 0.0
        choice, log_prob = pick(q, mask, self.head, epsilon, key or (0, 0))
        shape = (n_envs, n_agents)
        action = Action(choice.reshape(*shape, -1), np.zeros((*shape, 0)))
        return action, log_prob.reshape(shape), memory


def told_apart(net: Net, x: Tensor) -> Tensor:
    """Return normalised rows (n, N, F) with the one-hot index that tells agents apart."""
    if not net.sizes.n_index:
        return x
    return torch.cat((x, torch.eye(net.sizes.n_index).expand(len(x), -1, -1)), -1)


def own_rows(net: Net, obs: Tensor) -> Tensor:
    """Return what the actor's layers read (n * N, E) of observations (n, N, F)."""
    return told_apart(net, net.obs_norm(obs)).flatten(0, 1)


def scores(net: Net, rows: Tensor) -> Tensor:
    """Return what the layers of an actor without memory say of every action (R, A)."""
    actor = cast("Actor", net.actor)
    out: Tensor = actor.last(actor.layers(rows))
    return out
