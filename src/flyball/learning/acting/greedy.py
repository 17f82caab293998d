# SPDX-License-Identifier: MIT
"""Acting on the values of actions: the best legal one, or now and then any legal one.

R = B * N rows · N agents · F features · A actions of all choice heads side by side · H heads · E
encoded features of a row · M floats of memory.
"""

from typing import cast

import numpy as np
import torch
from numba import njit
from numpy.typing import NDArray
from torch import Tensor, nn

from flyball.core.batch import Action, Bools, Floats, Ints, Longs, Observation
from flyball.core.spec import Feature, Spec
from flyball.learning import draws
from flyball.learning.nets.net import Actor, Net

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
    """Act on the values of actions: greedily without a key, else with a share of random ones.

    The memory of an agent is its cell's, then its last action one-hot where the net sees that.
    """

    def __init__(self, net: Net, *, last_action: bool = False) -> None:
        """Keep the network.

        Parameters
        ----------
        net
            Its actor's scores are the values.
        last_action
            Whether it was made for `spec_seen`; then there is one choice head.
        """
        self.net, self.epsilon = net, 0.0
        self.head = net.sizes.starts
        self.n_last = int(self.head[-1]) if last_action else 0

    def initial(self, n_envs: int) -> NDArray[np.float32]:
        """Return the empty memory (B, N * M)."""
        width = self.net.n_memory + self.n_last
        return np.zeros((n_envs, self.net.sizes.n_agents * width), np.float32)

    def act(
        self, observation: Observation, memory: NDArray[np.float32], key: tuple[int, int] | None
    ) -> tuple[Action, Floats, NDArray[np.float32]]:
        """Return action, log-probability (B, N) and memory (see `flyball.core.protocols`)."""
        shape = observation.alive.shape
        q, remembered = self.values(observation, memory)
        mask = observation.mask.reshape(len(q), -1)
        epsilon = self.epsilon if key is not None else 0.0
        choice, log_prob = pick(q, mask, self.head, epsilon, key or (0, 0))
        if self.n_last:
            remembered[:, self.net.n_memory :] = choice == np.arange(self.n_last)
        action = Action(choice.reshape(*shape, -1), np.zeros((*shape, 0)))
        return action, log_prob.reshape(shape), remembered.reshape(memory.shape)

    def values(
        self, observation: Observation, memory: NDArray[np.float32]
    ) -> tuple[Floats, NDArray[np.float32]]:
        """Return the value of every action (R, A), and the memory (R, M) after the cell."""
        net, (b, n) = self.net, observation.alive.shape
        with torch.inference_mode():
            before = torch.from_numpy(memory).view(b, n, -1)
            before = before * torch.from_numpy(~observation.start)[:, None, None]
            cell, last = before.split((net.n_memory, self.n_last), -1)
            rows = self.rows(torch.from_numpy(observation.obs), last)
            remembered = before.flatten(0, 1)
            if net.actor.cell is not None:
                rows, own = net.actor.cell(rows, cell.flatten(0, 1))
                remembered = torch.cat((own, remembered[:, net.n_memory :]), -1)
            return scores(net.actor, rows).numpy(), remembered.numpy()

    def rows(self, obs: Tensor, last: Tensor) -> Tensor:
        """Return the rows (n * N, E) of observations (n, N, F) and last actions (n, N, A or 0)."""
        # Always a copy, in memory that torch aligns: sums then have one order in every process.
        return own_rows(self.net, torch.cat((obs, last), -1))


def spec_seen(spec: Spec, *, last_action: bool) -> Spec:
    """Return the spec that the network is made for: with the last action among the features."""
    if not last_action:
        return spec
    n_actions = spec.choice_starts[-1]
    return spec.widened(tuple(Feature(f"last_action_{k}", "-", 0, 1) for k in range(n_actions)))


def told_apart(net: Net, x: Tensor) -> Tensor:
    """Return normalised rows (n, N, F) with the one-hot index that tells agents apart."""
    if not net.sizes.n_index:
        return x
    return torch.cat((x, torch.eye(net.sizes.n_index).expand(len(x), -1, -1)), -1)


def own_rows(net: Net, obs: Tensor) -> Tensor:
    """Return what the actor's layers read (n * N, E) of observations (n, N, F)."""
    return told_apart(net, net.obs_norm(obs)).flatten(0, 1)


def scores(actor: nn.Module, rows: Tensor) -> Tensor:
    """Return what an actor's layers say of every action (R, A), behind its cell if it has one."""
    own = cast("Actor", actor)
    out: Tensor = own.last(own.layers(rows))
    return out
