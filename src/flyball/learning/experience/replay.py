# SPDX-License-Identifier: MIT
"""Replay: a ring of transitions of B parallel rows with N agents each, sampled with n-step returns.

The action is the applied one (`Step.applied`), since that is what the reward belongs to. Rewards
are kept as vectors in native units and weighted when they are sampled. What a transition holds, and
why, stands in `transitions`; where it lies and how it survives a kill, in `ring`.

A *place* names a transition: (t mod T) * B + b for row b at time t, with T the slots that can be
sampled. Places 0..size - 1 are filled.
"""

from collections.abc import Mapping
from pathlib import Path
from typing import Any, NamedTuple, Protocol

import numpy as np
import torch
from torch import Tensor

from flyball.core.batch import Longs, Observation, Step
from flyball.core.spec import Spec
from flyball.learning import draws
from flyball.learning.checkpoint import Arrays
from flyball.learning.experience.finite import refuse, refuse_observation
from flyball.learning.experience.gae import scalarise
from flyball.learning.experience.ring import Ring
from flyball.learning.experience.transitions import (
    After,
    Before,
    Ends,
    Returns,
    Told,
    Turn,
    Words,
    gather,
    gather_single,
    record_of,
    seen_of,
    write_after,
    write_before,
    write_following,
)
from flyball.learning.settings import require
from flyball.policies import sizes_of


class Kept(Protocol):
    """Settings of an algorithm that say what its replay keeps."""

    @property
    def capacity(self) -> int:
        """Transitions that are kept, all parallel rows together."""
        ...

    @property
    def n_step(self) -> int:
        """Steps of reward before the bootstrap, at least 1."""
        ...

    @property
    def gamma(self) -> float:
        """Discount per step, in [0, 1]."""
        ...

    @property
    def file_above_mb(self) -> float:
        """A larger replay lies in a file of the run's folder, where there is one, MB."""
        ...

    @property
    def weights(self) -> Mapping[str, float]:
        """Utility per native unit of each objective (see `gae.scalarise`)."""
        ...


class Batch(NamedTuple):
    """Sampled transitions, n of them; valid until as many are sampled again."""

    obs: Tensor  # (n, N, F) f32
    state: Tensor  # (n, S) f32
    mask: Tensor  # (n, N, A) bool
    alive: Tensor  # (n, N) bool  who acted
    choice: Tensor  # (n, N, H) i64  applied
    value: Tensor  # (n, N, D) f32  applied, native units
    reward: Tensor  # (n, N) f32  discounted sum of utilities over the k <= n_step steps taken
    discount: Tensor  # (n, N) f32  of the value of `next`: gamma^k, 0 where nothing follows
    next_obs: Tensor  # (n, N, F) f32  k steps on, before any reset
    next_state: Tensor  # (n, S) f32
    next_mask: Tensor  # (n, N, A) bool
    next_alive: Tensor  # (n, N) bool
    terminated: Tensor  # (n,) bool  within the k steps
    truncated: Tensor  # (n,) bool

    def to(self, device: torch.device) -> "Batch":
        """Return the same there."""
        return Batch(*(part.to(device) for part in self))


class Replay:
    """The newest transitions of B parallel rows: `observe`, step the Env, `add`; then `sample`."""

    def __init__(
        self,
        spec: Spec,
        n_envs: int,
        config: Kept,
        folder: Path | None = None,
    ) -> None:
        """Touch neither memory nor disk before the first observation or a restore.

        Parameters
        ----------
        spec
            Of the Env; options heads have no fixed size and cannot be kept.
        n_envs
            B, parallel rows; at most `config.capacity`.
        config
            The algorithm's settings.
        folder
            Of the run; None keeps a replay of any size in memory.
        """
        self.sizes = sizes = sizes_of(spec)
        require(
            "replay",
            f"an options head of world {spec.world}",
            "heads of a fixed size",
            ok=not sizes.n_features,
            usual="an on-policy algorithm such as ppo",
        )
        require(
            "capacity",
            config.capacity,
            f"at least the {n_envs} parallel rows",
            ok=config.capacity >= n_envs,
            usual="100000",
        )
        self.config, self.n_envs = config, n_envs
        self.n_slots = config.capacity // n_envs
        self.record = record_of(sizes, len(spec.objectives))
        self.weight = scalarise(np.eye(len(spec.objectives)), spec.objectives, config.weights)
        nbytes = self.n_slots * n_envs * self.record.itemsize
        on_disk = folder is not None and nbytes > config.file_above_mb * 1e6
        self.ring = Ring(self.record, n_envs, self.n_slots, folder if on_disk else None)
        self._bound: np.ndarray[Any, Any] | None = None
        self._outputs: dict[int, tuple[Words, Ends, Returns, Batch]] = {}

    @property
    def nbytes(self) -> int:
        """Bytes of memory, or of the file, once it is used."""
        return self.ring.nbytes

    @property
    def size(self) -> int:
        """Transitions that can be sampled."""
        return min(self.ring.count, self.n_slots) * self.n_envs

    @property
    def newest(self) -> int:
        """Place of the row 0 that was added last; the other rows' places follow."""
        return (self.ring.count - 1) % self.n_slots * self.n_envs

    def observe(self, observation: Observation) -> None:
        """Copy what is about to be acted on: an Env may overwrite it in its next step.

        Raises
        ------
        RunError
            When it is not finite.
        """
        first = self.ring.claim()
        self._bind()
        if not write_before(self._before, seen_of(observation), first):
            refuse_observation(observation.obs, observation.state)

    def add(self, step: Step) -> None:
        """Complete the transitions of the last `observe` with what came of them.

        Raises
        ------
        RunError
            When a reward or what followed is not finite; nothing is completed then.
        """
        first, applied = self.ring.first, step.applied
        told = Told(applied.choice, applied.value, step.reward, step.terminated, step.truncated)
        if not write_after(self._after, told, first):
            refuse("reward", step.reward)
        alive = self._before.alive
        seen, final = seen_of(step.observation), seen_of(step.final)
        if not write_following(self._following, seen, final, told, alive, first):
            written = slice(first, first + self.n_envs)
            refuse_observation(self._following.obs[written], self._following.state[written])
        self.ring.count += 1

    def draw(self, n: int, *, seed: int, update: int, n_updates: int = 1) -> Longs:
        """Return `n` uniform places for each of `n_updates` updates, (n_updates * n,).

        Update number `update` of `seed` draws the same however many are drawn together.
        """
        return draws.indices(seed, update, n_updates, n, self.size)

    def sample(self, places: Longs) -> Batch:
        """Return the transitions at `places` (n,) in buffers that are used again for the same n."""
        self._bind()
        words, copies, returns, batch = self._buffers(len(places))
        if returns.n_step == 1:
            gather_single(words, copies, returns, places, self._turn())
        else:
            gather(words, self._ends, returns, places, self._turn())
        return batch

    def state(self, prefix: str = "replay.") -> Arrays:
        """Return what a checkpoint must hold: everything, or counters where it lies in a file."""
        return self.ring.state(prefix)

    def restore(self, arrays: Arrays, prefix: str = "replay.") -> None:
        """Go back to a `state`, bit for bit; raise RunError where the file does not fit."""
        self.ring.restore(arrays, prefix)

    def _bind(self) -> None:
        """Look into the ring's records field by field; anew when it has moved."""
        rows = self.ring.rows
        if rows is self._bound:
            return
        self._bound = rows
        self._outputs.clear()
        self._words = rows.view(np.uint64).reshape(len(rows), -1)
        self._half = self.record.fields["next_obs"][1] // 8  # type: ignore[index]
        self._before = Before(rows["obs"], rows["state"], rows["mask"], rows["alive"])
        self._after = After(
            rows["choice"], rows["value"], rows["reward"], rows["terminated"], rows["truncated"]
        )
        self._following = Before(*(rows[f"next_{name}"] for name in Before._fields))
        self._ends = Ends(*(rows[name] for name in Ends._fields))

    def _buffers(self, n: int) -> tuple[Words, Ends, Returns, Batch]:
        if n not in self._outputs:
            # torch aligns memory alike in every process, and so sums in the same order.
            out = torch.zeros(n * self.record.itemsize, dtype=torch.uint8).numpy().view(self.record)
            shape = (n, self.sizes.n_agents)
            own = {"reward": torch.zeros(shape), "discount": torch.zeros(shape)}
            shared = {
                name: torch.from_numpy(out[name]) for name in Batch._fields if name not in own
            }
            words = Words(self._words, out.view(np.uint64).reshape(n, -1), self._half)
            reward, discount = own["reward"].numpy(), own["discount"].numpy()
            gamma, n_step = self.config.gamma, self.config.n_step
            returns = Returns(self.weight, gamma, n_step, reward, discount)
            copies = Ends(*(out[name] for name in Ends._fields))
            self._outputs[n] = (words, copies, returns, Batch(**own, **shared))
        return self._outputs[n]

    def _turn(self) -> Turn:
        ring, last = self.ring, self.ring.count - 1
        slot, place = last % ring.length, last % self.n_slots
        b = self.n_envs
        return Turn(
            ring.length * b, b, slot * b, (slot - place) * b, (place + 1) * b, self.n_slots * b
        )
