# SPDX-License-Identifier: MIT
"""The faces that rooms show each other; none of them needs more than NumPy."""

from typing import Any, Literal, Protocol, runtime_checkable

import numpy as np
from numpy.typing import NDArray

from flyball.core.batch import Action, Floats, Longs, Observation, Step
from flyball.core.spec import Spec

Severity = Literal["hard", "soft", "monitor"]


class Env(Protocol):
    """The stepping interface of a World over B parallel copies.

    Autoreset is SAME_STEP: a row that ends is reset in the same call, its last observation stands
    in `Step.final`. Given actions, results do not depend on B, threads or batching.
    """

    @property
    def spec(self) -> Spec:
        """Names, units and ranges of everything."""
        ...

    @property
    def n_envs(self) -> int:
        """B, the number of parallel copies."""
        ...

    def reset(self, seeds: Longs) -> Observation:
        """Start every row anew; `seeds` has shape (B,)."""
        ...

    def step(self, action: Action) -> Step:
        """Apply one action to each row."""
        ...

    def snapshot(self) -> dict[str, NDArray[Any]]:
        """Return a copy of everything that changes, as named arrays."""
        ...

    def restore(self, snapshot: dict[str, NDArray[Any]]) -> Observation:
        """Go back to a snapshot, bit for bit, and return its observation."""
        ...


class Policy(Protocol):
    """Observations to actions, nothing else."""

    def initial(self, n_envs: int) -> NDArray[np.float32]:
        """Return the memory before the first step, shape (B, memory)."""
        ...

    def act(
        self, observation: Observation, memory: NDArray[np.float32], key: tuple[int, int] | None
    ) -> tuple[Action, Floats, NDArray[np.float32]]:
        """Return action, its log-probability (B, N) and the next memory.

        Parameters
        ----------
        observation
            What is known; memory resets where `start` is True.
        memory
            As returned by the last call or by `initial`.
        key
            (seed, step) that names the random draws, or None for the greedy action.
        """
        ...


@runtime_checkable
class Straying(Protocol):
    """A Policy whose draws can stray more or less from its greedy action, for search."""

    def straying(self, level: float) -> Policy:
        """Return the same policy with draws that stray `level` times as far; level above 0."""
        ...
