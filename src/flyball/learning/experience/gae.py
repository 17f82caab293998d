# SPDX-License-Identifier: MIT
"""Generalised advantage estimation, compiled (Schulman et al., arXiv:1506.02438)."""

import math
from collections.abc import Mapping
from typing import Any

import numpy as np
from numba import njit
from numpy.typing import NDArray

from flyball.core.batch import Bools, Doubles
from flyball.core.errors import ConfigError, Problem, nearest
from flyball.core.spec import Objective


@njit(cache=True, nogil=True)
def _backward(delta: Doubles, cut: Bools, decay: float) -> Doubles:
    advantage = np.zeros_like(delta)
    for column in range(delta.shape[1]):
        carry = 0.0
        for t in range(len(delta) - 1, -1, -1):
            if cut[t, column]:
                carry = 0.0
            carry = delta[t, column] + decay * carry
            advantage[t, column] = carry
    return advantage


def gae(  # noqa: PLR0913
    reward: Doubles,
    value: Doubles,
    next_value: Doubles,
    *,
    terminated: Bools,
    truncated: Bools,
    gamma: float,
    lam: float,
) -> Doubles:
    """Return the advantage of every step.

    Parameters
    ----------
    reward, value, next_value
        (T, M) in one unit. `next_value[t]` belongs to the observation that followed step t, before
        any reset: a truncated episode still bootstraps, a terminated one does not.
    terminated, truncated
        (T, M); the advantage is carried over neither.
    gamma, lam
        Discount and trace decay, in [0, 1].
    """
    delta = reward + gamma * next_value * ~terminated - value
    return _backward(delta, terminated | truncated, gamma * lam)


def scalarise(
    reward: NDArray[Any], objectives: tuple[Objective, ...], weights: Mapping[str, float]
) -> Doubles:
    """Return the weighted utility (...) of vector rewards (..., K): larger is always better.

    Parameters
    ----------
    reward
        Native units, the last axis in the order of `objectives`.
    objectives
        Names and senses; a "min" objective counts negatively.
    weights
        Utility per native unit of each named objective; one that is not named counts nothing.
        Empty: the first objective alone, with weight 1.

    Raises
    ------
    ConfigError
        When the weights are refused (see `require_weights`).
    """
    require_weights(weights, objectives)
    if not weights:
        weights = {objectives[0].name: 1.0}
    sign = [1.0 if objective.sense == "max" else -1.0 for objective in objectives]
    weight = [weights.get(objective.name, 0.0) for objective in objectives]
    utility: Doubles = np.asarray(reward, np.float64) @ (np.array(sign) * np.array(weight))
    return utility


def require_weights(
    weights: Mapping[str, float], objectives: tuple[Objective, ...], where: str = "weights"
) -> None:
    """Raise ConfigError when nothing, or not what was meant, would be learned with these weights.

    Parameters
    ----------
    weights
        By objective; each has to be named among `objectives` and finite, and one not 0. Empty is
        allowed.
    objectives
        That there are.
    where
        Full name of the setting, ``ppo.weights``.
    """
    names = [objective.name for objective in objectives]
    problems = [
        Problem(where=where, found=f"'{name}'", allowed=", ".join(names), fix=nearest(name, names))
        for name in weights
        if name not in names
    ]
    problems += [
        Problem(
            where=f"{where}.{name}", found=str(weight), allowed="finite", fix="take 1, as is usual"
        )
        for name, weight in weights.items()
        if not math.isfinite(weight)
    ]
    if weights and not any(weights.values()):
        found, allowed = "0 for every objective", "at least one that is not 0"
        fix = f"take {names[0]} = 1, or leave the weights out for that"
        problems.append(Problem(where=where, found=found, allowed=allowed, fix=fix))
    if problems:
        raise ConfigError(problems)
