# SPDX-License-Identifier: MIT
"""All agents' actions as numbers that a critic reads, and how gradients reach the own one.

P transitions · N agents · R = P * N rows · A actions of all choice heads side by side · D values ·
U = A + D numbers of an action: its choices one-hot, then its values in [-1, 1] of their ranges.
"""

import numpy as np
import torch
from numba import njit
from torch import Tensor, nn

from flyball.core.batch import Floats
from flyball.learning import draws
from flyball.policies import Sizes

GUMBEL_STREAM = 1_735_749_986


@njit(cache=True, nogil=True)
def gumbels(seed: int, update: int, n_rows: int, n_actions: int) -> Floats:
    """Return (R, A) standard Gumbel draws with the names (seed, update, row * A + action)."""
    out = np.empty((n_rows, n_actions), np.float32)
    for r in range(n_rows):
        for a in range(n_actions):
            share = draws.uniform(seed, update, r * n_actions + a, GUMBEL_STREAM)
            out[r, a] = -np.log(-np.log(share))
    return out


class Joint:
    """Actions of N agents with these sizes."""

    def __init__(
        self,
        sizes: Sizes,
        seed: int,
        device: torch.device | str = "cpu",
        *,
        alone: bool = False,
    ) -> None:
        """Take the bounds of all values.

        Parameters
        ----------
        sizes
            Of the heads.
        seed
            Names the draws of samples.
        device
            Where the actions are.
        alone
            Whether a critic sees its own agent's action only, zeros for the others.
        """
        self.sizes, self.seed, self.device, self.alone = sizes, seed, device, alone
        shape = (sizes.n_agents, sizes.n_values)
        low, high = torch.zeros(shape), torch.ones(shape)
        if sizes.n_values:
            low, high = torch.tensor(sizes.low), torch.tensor(sizes.high)
        self.low, self.high = low.to(device), high.to(device)
        self.itself = torch.eye(sizes.n_agents, dtype=torch.bool, device=device)[:, :, None]

    def taken(self, choice: Tensor, value: Tensor) -> Tensor:
        """Return (P, N, U) of choices (P, N, H) and values (P, N, D) in native units."""
        parts = [
            nn.functional.one_hot(choice[..., h], size).float()
            for h, size in enumerate(self.sizes.actions)
        ]
        parts.append(2.0 * (value - self.low) / (self.high - self.low) - 1.0)
        return torch.cat(parts, -1)

    def greedy(self, logits: Tensor, mean: Tensor, mask: Tensor) -> Tensor:
        """Return (P, N, U) of the best legal choices and of the means; see `sampled`."""
        legal = _legal(logits, mask).split(self.sizes.actions, -1) if self.sizes.actions else ()
        parts = [_one_hot(own) for own in legal]
        return torch.cat((*parts, mean.tanh()), -1).view(*mask.shape[:2], -1)

    def sampled(self, logits: Tensor, mean: Tensor, mask: Tensor, update: int) -> Tensor:
        """Return (P, N, U) of sampled choices and of the means.

        A sample is exactly one-hot and has the gradient of the softmax that it was drawn from.

        Parameters
        ----------
        logits, mean
            (R, A) and (R, D) of the actors.
        mask
            (P, N, A).
        update
            Names the draws.
        """
        legal: tuple[Tensor, ...] = ()
        if self.sizes.actions:
            noise = torch.from_numpy(gumbels(self.seed, update, *logits.shape)).to(self.device)
            legal = (_legal(logits, mask) + noise).split(self.sizes.actions, -1)
        parts = []
        for own in legal:
            soft = own.softmax(-1)
            parts.append(_one_hot(own) + (soft - soft.detach()))
        return torch.cat((*parts, mean.tanh()), -1).view(*mask.shape[:2], -1)

    def seen(self, every: Tensor, own: Tensor | None = None) -> Tensor:
        """Return (P, N, N * U) all actions as each agent's critic sees them.

        Parameters
        ----------
        every
            (P, N, U) what each agent does in the others' critics.
        own
            (P, N, U) what it does in its own critic; None: the same.
        """
        joint = every[:, None].expand(-1, self.sizes.n_agents, -1, -1)
        if own is not None:
            joint = torch.where(self.itself, own[:, :, None], joint)
        if self.alone:
            joint = joint * self.itself
        return joint.flatten(2)


def _legal(logits: Tensor, mask: Tensor) -> Tensor:
    """Return logits (R, A) that are out of reach where illegal, with gradient 0 there."""
    return logits.masked_fill(~mask.flatten(0, 1), torch.finfo(logits.dtype).min)


def _one_hot(logits: Tensor) -> Tensor:
    return nn.functional.one_hot(logits.argmax(-1), logits.shape[-1]).to(logits.dtype)
