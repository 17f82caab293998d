# SPDX-License-Identifier: MIT
"""Agents that act on the values of their own actions and may remember, also what they did last.

R = B * N rows · O observations · N agents · F features · A actions of the only head · E encoded
features of a row · M floats of memory.
"""

from dataclasses import replace
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from flyball.core.batch import Action, Floats, Observation
from flyball.core.spec import Feature, Spec
from flyball.learning.greedy import pick, told_apart
from flyball.learning.nets import Net
from flyball.policies import sizes_of


class QPolicy:
    """Act on the agents' values: greedily without a key, else explore with `epsilon`.

    The memory of an agent is its cell's, then its last action one-hot where the net sees that.
    """

    def __init__(self, net: Net, *, last_action: bool) -> None:
        self.net, self.epsilon = net, 0.0
        self.n_actions = net.sizes.actions[0]
        self.n_last = self.n_actions if last_action else 0
        self.head = np.array([0, self.n_actions])

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
        epsilon = self.epsilon if key is not None else 0.0
        mask = observation.mask.reshape(len(q), -1)
        choice, log_prob = pick(q, mask, self.head, epsilon, key or (0, 0))
        if self.n_last:
            remembered[:, self.net.n_memory :] = choice == np.arange(self.n_last)
        action = Action(choice.reshape(*shape, 1), np.zeros((*shape, 0)))
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
            x = self.seen(torch.from_numpy(observation.obs), last)
            remembered = before.flatten(0, 1)
            if net.actor.cell is not None:
                x, own = net.actor.cell(x, cell.flatten(0, 1))
                remembered = torch.cat((own, remembered[:, net.n_memory :]), -1)
            return scores(net.actor, x).numpy(), remembered.numpy()

    def seen(self, obs: Tensor, last: Tensor) -> Tensor:
        """Return the rows (O * N, E) of observations (O, N, F) and last actions (O, N, A or 0)."""
        # Always a copy, in memory that torch aligns: sums then have one order in every process.
        own = torch.cat((obs, last), -1)
        return told_apart(self.net, self.net.obs_norm(own)).flatten(0, 1)


def scores(actor: Any, x: Tensor) -> Tensor:
    """Return what an actor says of every action (R, A) of encoded rows (R, E)."""
    none = x.new_zeros(0)
    q: Tensor = actor(x, none, none).scores
    return q


def spec_seen(spec: Spec, *, last_action: bool) -> Spec:
    """Return the spec that the network is made for: with the last action among the features."""
    if not last_action:
        return spec
    sizes = sizes_of(spec)
    last = tuple(Feature(f"last_action_{k}", "-", 0, 1) for k in range(sum(sizes.actions)))
    kinds = []
    for kind in spec.kinds:
        missing = range(len(kind.features), sizes.n_obs)
        padding = tuple(Feature(f"padding_{k}", "-", 0, 0) for k in missing)
        kinds.append(replace(kind, features=(*kind.features, *padding, *last)))
    return replace(spec, kinds=tuple(kinds))
