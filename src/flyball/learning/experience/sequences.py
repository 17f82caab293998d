# SPDX-License-Identifier: MIT
"""Replay of whole episodes, for agents that remember: a ring of the newest E complete ones.

An episode of L steps holds L + 1 observations; the last one is `Step.final`, before the reset.
Samples are padded to the longest of them and lie time first, `filled` says which steps are real.
E episodes kept · T longest episode · n sampled · N agents; other letters as in `core.batch`.

The face is that of `replay.Replay`: `observe`, step the Env, `add`; then `draw` and `sample`.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np
import torch
from numba import njit
from numpy.typing import NDArray
from torch import Tensor

from flyball.core.batch import Longs, Observation, Step
from flyball.core.errors import ConfigError, Problem
from flyball.core.spec import Spec
from flyball.learning import draws
from flyball.learning.checkpoint import Arrays
from flyball.learning.experience.finite import require_ended, require_finite, require_observed
from flyball.learning.experience.gae import scalarise
from flyball.learning.settings import require
from flyball.policies import Sizes, sizes_of


@dataclass(frozen=True, kw_only=True)
class EpisodesConfig:
    """Settings of `Episodes`."""

    capacity: int = 5000
    """Complete episodes that are kept."""

    max_steps: int = 100
    """Steps of the longest episode that the world can have."""

    def __post_init__(self) -> None:
        require("capacity", self.capacity, "at least 1", ok=self.capacity > 0, usual="5000")
        require("max_steps", self.max_steps, "at least 1", ok=self.max_steps > 0, usual="25 to 500")


class EpisodeBatch(NamedTuple):
    """Sampled episodes, padded with zeros; valid until as many are sampled again."""

    obs: Tensor  # (T + 1, n, N, F) f32
    state: Tensor  # (T + 1, n, S) f32
    mask: Tensor  # (T + 1, n, N, A) bool; nothing is legal in padded steps
    alive: Tensor  # (T + 1, n, N) bool  who acts next
    choice: Tensor  # (T, n, N, H) i64  applied
    value: Tensor  # (T, n, N, D) f32  applied, native units
    reward: Tensor  # (T, n, N) f32  utility
    terminated: Tensor  # (T, n) bool  after this step: the value of what follows is 0
    truncated: Tensor  # (T, n) bool  after this step: what follows still has a value
    filled: Tensor  # (T, n) bool  False: padded, must enter no loss and no mean


SEEN = ("obs", "state", "mask", "alive")
TOLD = ("choice", "value", "reward", "terminated", "truncated")


def shapes(sizes: Sizes, n_objectives: int) -> dict[str, tuple[str, tuple[int, ...]]]:
    """Return type and shape of what is kept of one step, by name."""
    n = sizes.n_agents
    return {
        "obs": ("f4", (n, sizes.n_obs)),
        "state": ("f4", (sizes.n_state,)),
        "mask": ("?", (n, sum(sizes.actions))),
        "alive": ("?", (n,)),
        "choice": ("i8", (n, sizes.n_heads)),
        "value": ("f4", (n, sizes.n_values)),
        "reward": ("f4", (n, n_objectives)),
        "terminated": ("?", ()),
        "truncated": ("?", ()),
    }


@njit(cache=True, nogil=True)
def gather_steps(
    source: NDArray[Any], out: NDArray[Any], slots: Longs, steps: Longs, longest: int
) -> None:
    """Copy `steps[i]` steps of each slot (E, T, W) into column i (T, n, W), zeros up to longest."""
    for i in range(len(slots)):
        slot = slots[i]
        for t in range(longest):
            for w in range(source.shape[2]):
                out[t, i, w] = source[slot, t, w] if t < steps[i] else 0


class Episodes:
    """The newest complete episodes, and the one that each of B parallel rows is in."""

    def __init__(
        self,
        spec: Spec,
        n_envs: int,
        config: EpisodesConfig,
        *,
        weights: Mapping[str, float] | None = None,
    ) -> None:
        """Claim the memory.

        Parameters
        ----------
        spec
            Of the Env; options heads have no fixed size and cannot be kept.
        n_envs
            B, parallel rows.
        config
            Sizes.
        weights
            Utility per native unit of each objective (see `gae.scalarise`).
        """
        self.sizes = sizes = sizes_of(spec)
        require(
            "replay",
            f"an options head of world {spec.world}",
            "heads of a fixed size",
            ok=not sizes.n_features,
            usual="an on-policy algorithm such as ppo",
        )
        self.config, self.n_envs, n_objectives = config, n_envs, len(spec.objectives)
        weight = scalarise(np.eye(n_objectives), spec.objectives, weights or {})
        self.weight = torch.from_numpy(weight).float()
        self.shapes = shapes(sizes, n_objectives)
        n_slots = config.capacity + n_envs
        self.arrays: dict[str, NDArray[Any]] = {
            name: np.zeros((n_slots, config.max_steps + (name in SEEN), *shape), kind)
            for name, (kind, shape) in self.shapes.items()
        }
        self.steps = np.zeros(n_slots, np.int64)
        self.n_complete = 0  # since the beginning
        self.complete = np.zeros(config.capacity, np.int64)  # slot of each, a ring
        self.open = np.arange(n_envs)  # slot that each row writes
        self._outputs: dict[int, dict[str, NDArray[Any]]] = {}

    @property
    def nbytes(self) -> int:
        """Bytes of memory."""
        return sum(array.nbytes for array in self.arrays.values())

    @property
    def size(self) -> int:
        """Episodes that can be sampled."""
        return min(self.n_complete, self.config.capacity)

    def observe(self, observation: Observation) -> None:
        """Copy what is about to be acted on: an Env may overwrite it in its next step.

        Raises
        ------
        RunError
            When it is not finite.
        """
        require_observed(observation)
        t = self.steps[self.open]
        for name in SEEN:
            self.arrays[name][self.open, t] = getattr(observation, name)

    def add(self, step: Step) -> None:
        """Complete the step that the last `observe` began, and the episodes that ended with it.

        Raises
        ------
        ConfigError
            When an episode is longer than `max_steps`.
        RunError
            When a reward, or the last observation of an episode, is not finite.
        """
        require_finite("reward", step.reward)
        slots, t = self.open, self.steps[self.open]
        told = (step.applied.choice, step.applied.value, step.reward)
        for name, array in zip(TOLD, (*told, step.terminated, step.truncated), strict=True):
            self.arrays[name][slots, t] = array
        self.steps[slots] += 1
        ended = step.terminated | step.truncated
        rows = np.flatnonzero(ended)
        if rows.size:
            for name in SEEN:
                final = getattr(step.final, name)
                self.arrays[name][slots[rows], t[rows] + 1] = final[rows]
            require_ended(step.final, ended)
            for row in rows.tolist():
                self._close(row)
        if (self.steps[self.open] >= self.config.max_steps).any():
            raise ConfigError(
                Problem(
                    where="max_steps",
                    found=f"an episode of more than {self.config.max_steps} steps",
                    allowed="at least as many steps as the world's longest episode has",
                    fix="set max_steps to the world's time limit",
                )
            )

    def _close(self, row: int) -> None:
        """Put a row's episode into the ring and give the row the slot that drops out."""
        at, full = self.n_complete % self.config.capacity, self.size == self.config.capacity
        free = int(self.complete[at]) if full else self.n_envs + self.n_complete
        self.complete[at] = self.open[row]
        self.open[row] = free
        self.steps[free] = 0
        self.n_complete += 1

    def draw(self, n: int, *, seed: int, update: int, n_updates: int = 1) -> Longs:
        """Return `n` uniform episodes for each of `n_updates` updates (see `Replay.draw`)."""
        return draws.indices(seed, update, n_updates, n, self.size)

    def sample(self, places: Longs) -> EpisodeBatch:
        """Return the episodes at `places` (n,), in 0..size - 1."""
        slots = self.complete[places]
        steps = self.steps[slots]
        longest = int(steps.max())
        out = self._buffers(len(places))
        found = {}
        for name, source in self.arrays.items():
            more = int(name in SEEN)
            flat = source.reshape(*source.shape[:2], -1)
            into = out[name].reshape(*out[name].shape[:2], -1)
            gather_steps(flat, into, slots, steps + more, longest + more)
            found[name] = torch.from_numpy(out[name][: longest + more])
        found["reward"] = found["reward"] @ self.weight
        filled = torch.from_numpy(np.arange(longest)[:, None] < steps)
        return EpisodeBatch(**found, filled=filled)

    def _buffers(self, n: int) -> dict[str, NDArray[Any]]:
        if n not in self._outputs:
            self._outputs[n] = {
                name: np.zeros((array.shape[1], n, *array.shape[2:]), array.dtype)
                for name, array in self.arrays.items()
            }
        return self._outputs[n]

    def state(self, prefix: str = "episodes.") -> Arrays:
        """Return everything that was written so far."""
        used = self.n_envs + self.size
        kept: Arrays = {
            f"{prefix}{name}": array[:used].copy() for name, array in self.arrays.items()
        }
        return kept | {
            f"{prefix}steps": self.steps[:used].copy(),
            f"{prefix}complete": self.complete.copy(),
            f"{prefix}open": self.open.copy(),
            f"{prefix}n_complete": np.array(self.n_complete),
        }

    def restore(self, arrays: Arrays, prefix: str = "episodes.") -> None:
        """Go back to a `state`, bit for bit."""
        for name, array in (self.arrays | {"steps": self.steps}).items():
            saved = arrays[f"{prefix}{name}"]
            array[: len(saved)] = saved
        self.complete[:] = arrays[f"{prefix}complete"]
        self.open[:] = arrays[f"{prefix}open"]
        self.n_complete = int(arrays[f"{prefix}n_complete"])
