# SPDX-License-Identifier: MIT
"""The actor of continuous values with its passes written out (see `passes`).

R rows · E encoded features of a row · D continuous dims.
"""

import torch
from torch import Tensor, nn

from flyball.learning.nets.net import LOG_STD_RANGE, Actor
from flyball.learning.nets.passes import Passes


class Squashed:
    """Means and deviations of an actor without memory and without choices, and their slopes."""

    def __init__(self, actor: Actor) -> None:
        """Keep the actor's parameters; it stays the one that acts."""
        layers = [part for part in actor.layers if isinstance(part, nn.Linear)]
        layers.append(actor.last)
        bends = any(isinstance(part, nn.Tanh) for part in actor.layers)
        weights, biases = [part.weight for part in layers], [part.bias for part in layers]
        self.passes = Passes(weights, biases, "tanh" if bends else "relu")
        self.n_values = actor.n_values
        self.log_std = actor.log_std if actor.free else None
        self._inside = torch.zeros(0)

    @torch.no_grad()
    def __call__(self, own: Tensor) -> tuple[Tensor, Tensor]:
        """Return means and log deviations (R, D) of latent values, of encoded rows (R, E)."""
        out = self.passes(own)[0]
        mean = out[:, : self.n_values]
        if self.log_std is not None:
            return mean, self.log_std.detach().expand_as(mean)
        raw = out[:, self.n_values :]
        log_std = raw.clamp(*LOG_STD_RANGE)
        self._inside = raw == log_std
        return mean, log_std

    @torch.no_grad()
    def learn(self, mean: Tensor, log_std: Tensor) -> None:
        """Write the slope of a loss with respect to every parameter into its `grad`.

        Parameters
        ----------
        mean, log_std
            (R, D) its slopes with respect to what the last call returned.
        """
        if self.log_std is None:
            self.passes.learn(torch.cat((mean, log_std * self._inside), -1)[None])
            return
        self.passes.learn(mean[None])
        if self.log_std.grad is None:
            self.log_std.grad = torch.zeros_like(self.log_std)
        torch.sum(log_std, 0, out=self.log_std.grad)
