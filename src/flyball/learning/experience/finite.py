# SPDX-License-Identifier: MIT
"""What no learner can take: a reward or an observation that is no number, or too large for one.

One NaN in a normaliser, a reward's scale or a replay stays there for ever, and so it is refused
where experience is stored, with the row that it came from.
"""

from typing import Any, NoReturn

import numpy as np
from numba import njit
from numpy.typing import NDArray

from flyball.core.batch import Bools, Longs, Observation
from flyball.core.errors import Problem, RunError

Array = NDArray[Any]

LARGEST = float(np.finfo(np.float32).max)
"""Networks learn in 32 bits: what is larger is infinite there."""


@njit(cache=True, nogil=True)
def all_finite(x: Array) -> bool:
    """Return whether every number of an array of any shape is finite in 32 bits."""
    fine = True
    for value in x.ravel():
        fine &= abs(value) <= LARGEST
    return fine


def require_finite(what: str, x: Array) -> None:
    """Raise RunError unless all numbers of `x` (B, ...), one row for each env, are finite."""
    if not all_finite(x):
        refuse(what, x)


def require_observed(observation: Observation) -> None:
    """Raise RunError unless all that a network reads of an observation is finite."""
    if not (all_finite(observation.obs) and all_finite(observation.state)):
        refuse_observation(observation.obs, observation.state)
    features, offset = observation.options.features, observation.options.offset
    if features.size and not all_finite(features[: offset[-1]]):
        refuse("option", features[: offset[-1]], offset, observation.alive.shape[1])


def require_ended(final: Observation, ended: Bools) -> None:
    """Raise RunError unless the last observations of the rows that `ended` (B,) are finite."""
    rows = np.flatnonzero(ended)
    if all_finite(final.obs[rows]) and all_finite(final.state[rows]):
        return
    obs = np.where(ended[:, None, None], final.obs, 0.0)
    refuse_observation(obs, np.where(ended[:, None], final.state, 0.0))


def refuse_observation(obs: Array, state: Array) -> NoReturn:
    """Refuse an observation (B, N, F) with its state (B, S)."""
    if not all_finite(obs):
        refuse("observation", obs)
    refuse("state", state)


def refuse(what: str, x: Array, offset: Longs | None = None, n_agents: int = 1) -> NoReturn:
    """Refuse an array that is not finite.

    Parameters
    ----------
    what
        It is.
    x
        (B, ...), one row for each env; or (L, G), whose rows `offset` shares out.
    offset, n_agents
        (B * N + 1,) row b * N + n of B envs with N agents owns offset[r]..offset[r + 1].
    """
    with np.errstate(invalid="ignore"):
        bad = np.argwhere(~(np.abs(x) <= LARGEST))
    at, rows = tuple(bad[0].tolist()), bad[:, 0]
    if offset is not None:
        rows = (np.searchsorted(offset, rows, "right") - 1) // n_agents
    raise RunError(
        Problem(
            where=f"{what} of env row {rows[0]}",
            found=f"{x[at]}",
            allowed=f"finite numbers of at most {LARGEST:.1e}",
            fix="correct the world or its sensors, or give it a Shield; nothing was learned from "
            "this and the last good checkpoint stands",
            more=len(np.unique(rows)) - 1,
        )
    )
