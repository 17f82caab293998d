# SPDX-License-Identifier: MIT
"""A network as a Policy of the contract, for collecting experience and for evaluating."""

import os

import numpy as np
import torch
from numpy.typing import NDArray

from flyball.core.batch import Action, Floats, Observation
from flyball.learning.nets import Net, inputs_of
from flyball.policies import action_of, choose_masked, choose_options


class NetPolicy:
    """Act with a torch network; draws as in a bundle, so both act alike under one key."""

    def __init__(self, net: Net, temperature: float = 1.0) -> None:
        self.net = net
        self.temperature = temperature

    def initial(self, n_envs: int) -> NDArray[np.float32]:
        """Return the empty memory (B, 0)."""
        return np.zeros((n_envs, 0), np.float32)

    def act(
        self, observation: Observation, memory: NDArray[np.float32], key: tuple[int, int] | None
    ) -> tuple[Action, Floats, NDArray[np.float32]]:
        """Return action, log-probability (B, N) and memory (see `flyball.core.protocols`)."""
        with torch.inference_mode():
            inputs = inputs_of(observation)
            scores = self.net.scores(self.net.normalise(inputs)).numpy()
        sizes = self.net.sizes.actions
        if not sizes:
            action, log_prob = choose_options(
                scores, observation, key, temperature=self.temperature
            )
            return action, log_prob, memory
        shape = observation.alive.shape
        choice, joint = choose_masked(
            scores, inputs.mask.numpy(), sizes, key, temperature=self.temperature
        )
        return action_of(choice, *shape), joint.reshape(shape), memory


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
