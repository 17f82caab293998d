# SPDX-License-Identifier: MIT
"""The rows of an Observation as a network reads them.

R = B * N rows, row r = b * N + n · L candidates · G features of a candidate · F features of a row ·
S state features · A actions of all choice heads side by side · H choice heads · D continuous dims.
"""

from typing import NamedTuple

import numpy as np
import torch
from torch import Tensor

from flyball.core.batch import Longs, Observation


class Inputs(NamedTuple):
    """What a network reads of R rows, as tensors; an axis that is not used has length zero."""

    obs: Tensor  # (R, F) f32
    state: Tensor  # (R, S) f32
    mask: Tensor  # (R, A) bool
    features: Tensor  # (L, G) f32
    offset: Tensor  # (R + 1,) i64
    agent: Tensor  # (R,) i64  number of the agent in its row of the batch


class Taken(NamedTuple):
    """What was decided in R rows, as a policy's log-probability needs it."""

    choice: Tensor  # (R, H) i64
    latent: Tensor  # (R, D) f32  before the tanh, so that a saturated action loses nothing


def inputs_of(observation: Observation) -> Inputs:
    """Return the rows of an observation as tensors on the same memory where possible."""
    n_envs, n_agents = observation.alive.shape
    rows = n_envs * n_agents
    state = observation.state
    if n_agents > 1:
        state = np.repeat(state, n_agents, axis=0)
    return Inputs(
        torch.from_numpy(
            np.ascontiguousarray(observation.obs).reshape(rows, observation.obs.shape[-1])
        ),
        torch.from_numpy(np.ascontiguousarray(state)),
        torch.from_numpy(
            np.ascontiguousarray(observation.mask).reshape(rows, observation.mask.shape[-1])
        ),
        torch.from_numpy(np.ascontiguousarray(observation.options.features)),
        torch.from_numpy(np.ascontiguousarray(observation.options.offset)),
        torch.from_numpy(agent_index(np.arange(rows), n_agents)),
    )


def agent_index(rows: Longs, n_agents: int) -> Longs:
    """Return the agent's number of each row r = b * N + n."""
    return rows % n_agents
