# SPDX-License-Identifier: MIT
"""Seeds that never meet: training, validation, tuning and judging each have a stream of their own.

Whatever seed s somebody asks an Env of a stream for, the world is given 4 s + (the stream's
number), so that no two streams share a draw, whichever seeds an algorithm chooses.
"""

from enum import IntEnum
from typing import Any

import numpy as np
from numpy.typing import NDArray

from flyball.core.batch import Action, Bools, Longs, Observation, Step
from flyball.core.protocols import Env
from flyball.core.spec import Spec
from flyball.safety import Shielded


class Stream(IntEnum):
    """What the episodes are for."""

    TRAIN = 0
    VALIDATE = 1
    EVALUATE = 2
    TUNE = 3


COUNT = "streamed.steps"
"""Name of the step count in a snapshot."""


class Streamed:
    """An Env that draws from one stream and counts its steps, over all rows together."""

    def __init__(self, env: Env, stream: Stream) -> None:
        self._env, self._stream = env, stream
        self.steps = 0
        """Steps of all rows so far; part of a snapshot."""

    @property
    def changed(self) -> Bools:
        """(B,) where the Shield applied something else in the last step; nowhere without one."""
        own = self._env
        if not isinstance(own, Shielded) or own.noted is None:
            return np.zeros(self.n_envs, np.bool_)
        return np.asarray(own.noted.changed.any(axis=1))

    @property
    def spec(self) -> Spec:
        """Names, units and ranges of everything."""
        return self._env.spec

    @property
    def n_envs(self) -> int:
        """B, the number of parallel copies."""
        return self._env.n_envs

    def reset(self, seeds: Longs) -> Observation:
        """Start every row anew with the stream's own draws; `seeds` has shape (B,)."""
        return self._env.reset(len(Stream) * np.asarray(seeds, np.int64) + int(self._stream))

    def step(self, action: Action) -> Step:
        """Apply one action to each row."""
        self.steps += self._env.n_envs
        return self._env.step(action)

    def snapshot(self) -> dict[str, NDArray[Any]]:
        """Return a copy of everything that changes, the count included."""
        return self._env.snapshot() | {COUNT: np.array(self.steps, np.int64)}

    def restore(self, snapshot: dict[str, NDArray[Any]]) -> Observation:
        """Go back to a snapshot, bit for bit."""
        self.steps = int(snapshot[COUNT])
        return self._env.restore({k: v for k, v in snapshot.items() if k != COUNT})
