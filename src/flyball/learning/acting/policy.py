# SPDX-License-Identifier: MIT
"""A network as a Policy of the contract, for collecting experience and for evaluating."""

import os
from collections.abc import Callable
from typing import NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray

from flyball.core.batch import Action, Floats, Longs, Observation
from flyball.learning.nets.net import Net, Rows
from flyball.learning.nets.rows import inputs_of
from flyball.policies import Said, action_of, choose

Say = Callable[[Floats], Said]
"""What the actor does, but compiled (see `surrogate`)."""


class Sampled(NamedTuple):
    """An action and what learning needs of it; rows r = b * N + n."""

    action: Action
    choice: Longs  # (R, H)
    latent: Floats  # (R, D)  before the tanh
    log_prob: Floats  # (R,)
    rows: Rows | None  # what torch read, normalised, before any memory
    memory: NDArray[np.float32]  # (B, N * M)


class NetPolicy:
    """Act with a torch network; draws as in a bundle, so both act alike under one key."""

    def __init__(self, net: Net, temperature: float = 1.0) -> None:
        self.net = net
        self.temperature = temperature
        self.say: Say | None = None

    def initial(self, n_envs: int) -> NDArray[np.float32]:
        """Return the empty memory (B, N * M)."""
        return np.zeros((n_envs, self.net.sizes.n_agents * self.net.n_memory), np.float32)

    def act(
        self, observation: Observation, memory: NDArray[np.float32], key: tuple[int, int] | None
    ) -> tuple[Action, Floats, NDArray[np.float32]]:
        """Return action, log-probability (B, N) and memory (see `flyball.core.protocols`)."""
        sampled = self.sample(observation, memory, key)
        shape = observation.alive.shape
        return sampled.action, sampled.log_prob.reshape(shape), sampled.memory

    def sample(
        self, observation: Observation, memory: NDArray[np.float32], key: tuple[int, int] | None
    ) -> Sampled:
        """Return the action of `act` with everything that learning from it needs."""
        sizes, rows = self.net.sizes, None
        if self.say is not None:
            said = self.say(self._own(observation))
        else:
            with torch.inference_mode():
                rows = self.net.normalise(inputs_of(observation))
                encoded, memory = self._remember(rows, observation, memory)
                out = self.net.outputs(encoded)
            said = Said(out.scores.numpy(), out.mean.numpy(), out.log_std.detach().numpy())
        mask = observation.mask.reshape(observation.alive.size, -1)
        offset = observation.options.offset
        choice, latent, log_prob = choose(
            said, mask, offset, sizes, key, temperature=self.temperature
        )
        action = action_of(choice, latent, sizes)
        return Sampled(action, choice, latent, log_prob, rows, memory)

    def _own(self, observation: Observation) -> Floats:
        """Return what the actor reads (R, E), without torch."""
        obs = observation.obs.reshape(observation.alive.size, self.net.sizes.n_obs)
        own = self.net.obs_norm.of_array(obs)
        if self.net.sizes.n_index:
            index = np.eye(self.net.sizes.n_index, dtype=np.float32)
            own = np.concatenate((own, np.tile(index, (len(observation.alive), 1))), 1)
        return own

    def _remember(
        self, rows: Rows, observation: Observation, memory: NDArray[np.float32]
    ) -> tuple[Rows, NDArray[np.float32]]:
        net, n_agents = self.net, self.net.sizes.n_agents
        if not net.n_memory:
            return rows, memory
        flat = torch.from_numpy(memory.reshape(len(memory) * n_agents, net.n_memory))
        start = torch.from_numpy(np.repeat(observation.start, n_agents))
        encoded, flat = net.remember(rows, flat, start)
        return encoded, flat.numpy().reshape(memory.shape)


def set_threads(n_threads: int | None = None) -> int:
    """Set torch's threads once for the process and return their number.

    Parameters
    ----------
    n_threads
        None: two where the machine has them. More rarely helps: the batches are small.
    """
    chosen = n_threads or min(2, len(os.sched_getaffinity(0)))
    if torch.get_num_threads() != chosen:
        torch.set_num_threads(chosen)
    return chosen
