# SPDX-License-Identifier: MIT
"""The Gymnasium environments that both sides are trained and judged on, by name."""

from collections.abc import Mapping
from typing import Any

import gymnasium
import numpy as np
from sb3_contrib.common.envs import (
    InvalidActionEnvDiscrete,
    InvalidActionEnvMultiBinary,
    InvalidActionEnvMultiDiscrete,
)

VELOCITIES = {"CartPoleNoVel-v1": ("CartPole-v1", (1, 3))}
"""Problem without velocities: the whole one, and the features that are set to 0."""

MASKED = {
    "InvalidActionDiscrete": InvalidActionEnvDiscrete,
    "InvalidActionMultiDiscrete": InvalidActionEnvMultiDiscrete,
    "InvalidActionMultiBinary": InvalidActionEnvMultiBinary,
}


class WithoutVelocity(gymnasium.ObservationWrapper[Any, Any, Any]):
    """Sets features to 0, as rl_zoo3's environments without velocity do; the size stays."""

    def __init__(self, env: gymnasium.Env[Any, Any], hidden: tuple[int, ...]) -> None:
        super().__init__(env)
        self._hidden = list(hidden)

    def observation(self, observation: Any) -> Any:
        """Return a copy (F,) without the hidden features."""
        seen = np.array(observation)
        seen[self._hidden] = 0.0
        return seen


def make(problem: str, arguments: Mapping[str, Any] | None = None) -> gymnasium.Env[Any, Any]:
    """Return a new environment."""
    if problem in MASKED:
        masked: gymnasium.Env[Any, Any] = MASKED[problem](**(arguments or {}))
        return masked
    if problem in VELOCITIES:
        whole, hidden = VELOCITIES[problem]
        return WithoutVelocity(gymnasium.make(whole), hidden)
    return gymnasium.make(problem, **(arguments or {}))
