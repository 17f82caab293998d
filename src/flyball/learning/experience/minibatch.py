# SPDX-License-Identifier: MIT
"""Sampled transitions as actors and critics of continuous control read them.

n transitions · N agents · R = n * N rows, row r = i * N + n · E what an actor reads of a row · S
state features · D continuous dims. Critics read what the actor reads, the privileged state where
there is one, and the action; actions are in [-1, 1] of their range, not in native units. Everything
lies in memory that torch aligns, so that sums have one order in every process, and goes through one
place to the device.
"""

from collections.abc import Iterator
from typing import NamedTuple, Protocol

import numpy as np
import torch
from torch import Tensor

from flyball.core.batch import Doubles, Floats
from flyball.core.errors import InvariantError
from flyball.core.spec import Spec, TanhGaussian
from flyball.learning.acting.greedy import own_rows
from flyball.learning.experience.replay import Batch, Replay
from flyball.learning.nets.net import Net


class Minibatch(NamedTuple):
    """What one gradient step learns from; R rows."""

    own: Tensor  # (R, E) what the actor reads
    seen: Tensor  # (R, E + S) what critics read, but for the action
    mask: Tensor  # (R, A) bool
    choice: Tensor  # (R, H) i64 applied
    value: Tensor  # (R, D) applied, in [-1, 1]
    reward: Tensor  # (R,)
    discount: Tensor  # (R,) of the value of what follows; 0 where nothing does
    weight: Tensor  # (R,) of the row in a mean over who acted; 0 for who did not
    next_own: Tensor  # (R, E)
    next_seen: Tensor  # (R, E + S)
    next_mask: Tensor  # (R, A) bool


class Practice(Protocol):
    """Settings of an algorithm that say what its gradient steps learn from."""

    @property
    def seed(self) -> int:
        """Names every random draw of the run."""
        ...

    @property
    def minibatch(self) -> int:
        """Transitions in one gradient step."""
        ...

    @property
    def norm_updates(self) -> int:
        """Gradient steps after which the feature normalisers stand still."""
        ...


class Reader:
    """Turn batches of a replay into minibatches, and actions into native units."""

    def __init__(self, net: Net, spec: Spec, device: torch.device) -> None:
        """Keep the network, whose normalisers stay on the CPU.

        Parameters
        ----------
        net
            Its normalisers are used, and whether its critic sees the state.
        spec
            Of the Env.
        device
            Where the minibatches go.
        """
        sizes = net.sizes
        self.net, self.device = net, device
        shape = (sizes.n_agents, sizes.n_values)
        low, high = (np.array(side).reshape(shape) for side in (sizes.low, sizes.high))
        self.middle: Doubles = 0.5 * (low + high)
        self.half: Doubles = 0.5 * (high - low)
        self.used = _used(spec, sizes.n_values)
        self._shift = torch.from_numpy(self.middle.astype(np.float32))
        self._scale = torch.from_numpy((1.0 / self.half).astype(np.float32))

    @property
    def width(self) -> int:
        """E + S, columns of what critics read but for the action."""
        sizes = self.net.sizes
        state = sizes.n_state if self.net.critic.sees_state else 0
        return sizes.n_obs + sizes.n_index + state

    def lessons(
        self, replay: Replay, config: Practice, updates: int, n: int
    ) -> Iterator[Minibatch]:
        """Yield the minibatches of n gradient steps; the first ones of a run teach the normalisers.

        Parameters
        ----------
        replay
            What is drawn from.
        config
            The algorithm's settings.
        updates
            Gradient steps taken before.
        n
            Gradient steps to come.

        Raises
        ------
        InvariantError
            When nothing is stored.
        """
        if not replay.size:
            msg = "a gradient step before the first transition"
            raise InvariantError(msg)
        places = replay.draw(config.minibatch, seed=config.seed, update=updates, n_updates=n)
        for k, own in enumerate(places.reshape(n, -1)):
            batch = replay.sample(own)
            if updates + k < config.norm_updates and self.net.config.norm != "none":
                self.net.obs_norm.learn(batch.obs.flatten(0, 1).numpy())
                self.net.state_norm.learn(batch.state.numpy())
            yield self.read(batch)

    def read(self, batch: Batch) -> Minibatch:
        """Return a minibatch of sampled transitions."""
        own, seen = self._seen(batch.obs, batch.state)
        next_own, next_seen = self._seen(batch.next_obs, batch.next_state)
        value = (batch.value - self._shift) * self._scale
        if self.used is not None:
            value *= self.used
        alive = batch.alive.flatten().float()
        parts = Minibatch(
            own=own,
            seen=seen,
            mask=batch.mask.flatten(0, 1),
            choice=batch.choice.flatten(0, 1),
            value=value.flatten(0, 1),
            reward=batch.reward.flatten(),
            discount=batch.discount.flatten(),
            weight=alive / alive.sum().clamp_(min=1.0),
            next_own=next_own,
            next_seen=next_seen,
            next_mask=batch.next_mask.flatten(0, 1),
        )
        if self.device.type == "cpu":
            return parts
        return Minibatch(*(part.to(self.device) for part in parts))

    def native(self, action: Floats) -> Doubles:
        """Return values (B, N, D) in native units of actions (R, D) in [-1, 1]."""
        value: Doubles = self.middle + action.reshape(-1, *self.half.shape) * self.half
        return value

    def _seen(self, obs: Tensor, state: Tensor) -> tuple[Tensor, Tensor]:
        """Return what the actor reads (R, E), and with the state (R, E + S)."""
        own = own_rows(self.net, obs).clone(memory_format=torch.contiguous_format)
        if not self.net.critic.sees_state:
            return own, own
        central = self.net.state_norm(state).repeat_interleave(self.net.sizes.n_agents, 0)
        return own, torch.cat((own, central), -1)


def _used(spec: Spec, n_values: int) -> Tensor | None:
    """Return (N, D) which dims an agent has; None when all have all."""
    counts = [
        sum(isinstance(head, TanhGaussian) for head in kind.heads)
        for kind in spec.kinds
        for _ in range(kind.count)
    ]
    used = torch.arange(n_values) < torch.tensor(counts)[:, None]
    return None if bool(used.all()) else used
