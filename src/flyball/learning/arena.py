# SPDX-License-Identifier: MIT
"""Where trajectories lie: preallocated, written in place, read as index blocks.

T steps · B parallel copies · N agents; a *decision* is one (step, row, agent) that counts, a *row*
of the arena is t * B * N + b * N + n. Ragged options lie end to end and grow by doubling.
"""

from typing import Any, NamedTuple

import numpy as np
import torch
from numba import njit
from numpy.typing import NDArray
from torch import Tensor

from flyball.core.batch import Bools, Doubles, Floats, Longs, Observation
from flyball.learning.nets import Inputs, Sizes


class Decisions(NamedTuple):
    """A minibatch: what the network reads, what was chosen, and how likely that was."""

    inputs: Inputs
    choice: Tensor  # (R, H) i64
    log_prob: Tensor  # (R,) f32  under the policy that collected


@njit(cache=True, nogil=True)
def gather_options(features: Floats, offset: Longs, rows: Longs) -> tuple[Floats, Longs]:
    """Return the candidates of the given rows, end to end, and their offsets."""
    own = np.zeros(len(rows) + 1, np.int64)
    for k in range(len(rows)):
        own[k + 1] = own[k] + offset[rows[k] + 1] - offset[rows[k]]
    out = np.empty((own[-1], features.shape[1]), features.dtype)
    for k in range(len(rows)):
        start = offset[rows[k]]
        for i in range(own[k + 1] - own[k]):
            for j in range(features.shape[1]):
                out[own[k] + i, j] = features[start + i, j]
    return out, own


def _longer(array: NDArray[Any], length: int) -> NDArray[Any]:
    out = np.zeros((length, *array.shape[1:]), array.dtype)
    out[: len(array)] = array
    return out


class Arena:
    """Storage for the trajectories of one iteration; `clear` starts it anew without freeing it."""

    def __init__(self, n_steps: int, n_envs: int, n_agents: int, sizes: Sizes) -> None:
        self.n_envs, self.n_agents, self.sizes = n_envs, n_agents, sizes
        shape = (n_steps, n_envs, n_agents)
        self.obs: Floats = np.zeros((*shape, sizes.n_obs), np.float32)
        self.state: Floats = np.zeros((*shape, sizes.n_state), np.float32)
        self.mask: Bools = np.zeros((*shape, sum(sizes.actions)), np.bool_)
        self.counted: Bools = np.zeros(shape, np.bool_)
        self.choice: Longs = np.zeros((*shape, sizes.n_heads), np.int64)
        self.log_prob: Floats = np.zeros(shape, np.float32)
        self.reward: Doubles = np.zeros(shape)  # utility: scalarised, larger is better
        self.final_value: Doubles = np.zeros(shape)  # of the last observation where truncated
        self.terminated: Bools = np.zeros(shape, np.bool_)
        self.truncated: Bools = np.zeros(shape, np.bool_)
        self.offset: Longs = np.zeros(n_steps * n_envs * n_agents + 1, np.int64)
        self.features: Floats = np.zeros((1024, sizes.n_features), np.float32)
        self.n_steps = 0

    def clear(self) -> None:
        """Forget everything that was stored."""
        self.n_steps = 0

    def store(self, observation: Observation, counted: Bools) -> int:
        """Copy an observation as the next step and return its number t; (B, N) says what counts."""
        t = self.n_steps
        if t == len(self.counted):
            self._grow(2 * t)
        self.obs[t] = observation.obs
        self.state[t] = observation.state[:, None, :]
        self.mask[t] = observation.mask
        self.counted[t] = counted
        self.final_value[t] = 0.0
        self._store_options(t, observation)
        self.n_steps = t + 1
        return t

    def _store_options(self, t: int, observation: Observation) -> None:
        rows = self.n_envs * self.n_agents
        first = self.offset[t * rows] if t else 0
        own = observation.options.offset
        self.offset[t * rows : (t + 1) * rows + 1] = first + own
        last = int(first + own[-1])
        if last > len(self.features):
            self.features = _longer(self.features, max(last, 2 * len(self.features)))
        self.features[first:last] = observation.options.features[: own[-1]]

    def _grow(self, n_steps: int) -> None:
        for name in ("obs", "state", "mask", "counted", "choice", "log_prob", "reward"):
            setattr(self, name, _longer(getattr(self, name), n_steps))
        for name in ("final_value", "terminated", "truncated"):
            setattr(self, name, _longer(getattr(self, name), n_steps))
        self.offset = _longer(self.offset, n_steps * self.n_envs * self.n_agents + 1)

    def decisions(self) -> Longs:
        """Return the arena rows (D,) that count, in time order."""
        return np.flatnonzero(self.counted[: self.n_steps])

    def flat(self, array: NDArray[Any]) -> NDArray[Any]:
        """Return a (T, B, N, ...) array of this arena with its first three axes as one."""
        return array.reshape(np.prod(array.shape[:3]), *array.shape[3:])

    def inputs(self, rows: Longs) -> Inputs:
        """Return what a network reads at the given arena rows."""
        features, offset = gather_options(self.features, self.offset, rows)
        return Inputs(
            torch.from_numpy(self.flat(self.obs)[rows]),
            torch.from_numpy(self.flat(self.state)[rows]),
            torch.from_numpy(self.flat(self.mask)[rows]),
            torch.from_numpy(features),
            torch.from_numpy(offset),
        )

    def minibatch(self, rows: Longs) -> Decisions:
        """Return the decisions at the given arena rows."""
        return Decisions(
            self.inputs(rows),
            torch.from_numpy(self.flat(self.choice)[rows]),
            torch.from_numpy(self.flat(self.log_prob)[rows]),
        )
