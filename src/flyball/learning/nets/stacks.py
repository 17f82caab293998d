# SPDX-License-Identifier: MIT
"""Networks of equal shape side by side: their weights are stacked, a layer is one product.

n networks · P rows of each · one network may also stand for all agents: then n is 1.
"""

from itertools import pairwise

import torch
from torch import Tensor, nn

from flyball.learning.nets.net import GAIN, NetConfig, Outputs
from flyball.policies import Sizes


class Stack(nn.Module):
    """Layers (n, in, out) with orthogonal weights, an activation between them."""

    def __init__(
        self,
        n: int,
        widths: tuple[int, ...],
        activation: str,
        seed: torch.Generator,
        *,
        last_gain: float,
    ) -> None:
        super().__init__()
        self.act = torch.tanh if activation == "tanh" else torch.relu
        self.weights, self.biases = nn.ParameterList(), nn.ParameterList()
        for k, (n_in, n_out) in enumerate(pairwise(widths)):
            gain = last_gain if k == len(widths) - 2 else GAIN
            weight = torch.empty(n, n_in, n_out)
            for own in weight:
                nn.init.orthogonal_(own, gain, generator=seed)
            self.weights.append(nn.Parameter(weight))
            self.biases.append(nn.Parameter(torch.zeros(n, 1, n_out)))

    def forward(self, x: Tensor) -> Tensor:
        """Return (P, N, out) of rows (P, N, in): agent i's by network i, or all by the only one."""
        n = len(self.weights[0])
        rows = x.reshape(1, -1, x.shape[-1]) if n == 1 else x.transpose(0, 1)
        for k, (weight, bias) in enumerate(zip(self.weights, self.biases, strict=True)):
            rows = torch.baddbmm(bias, rows, weight)
            if k + 1 < len(self.weights):
                rows = self.act(rows)
        return rows.view(*x.shape[:-1], -1) if n == 1 else rows.transpose(0, 1)


class SeparateActor(nn.Module):
    """An actor for each agent, which takes the place of `nets.Actor`; no memory."""

    cell = None

    def __init__(self, sizes: Sizes, config: NetConfig, seed: torch.Generator) -> None:
        super().__init__()
        self.n_agents, self.n_actions, self.n_values = (
            sizes.n_agents,
            sum(sizes.actions),
            sizes.n_values,
        )
        width = sizes.n_obs + sizes.n_index
        widths = (width, *config.hidden, self.n_actions + self.n_values)
        self.layers = Stack(sizes.n_agents, widths, config.activation, seed, last_gain=0.01)
        if self.n_values:
            self.log_std = nn.Parameter(torch.full((self.n_values,), config.log_std))

    def forward(self, own: Tensor, features: Tensor, offset: Tensor) -> Outputs:  # noqa: ARG002
        """Return (R, A) logits, (R, D) means and log deviations of rows r = b * N + n."""
        out = self.layers(own.view(-1, self.n_agents, own.shape[-1])).flatten(0, 1)
        mean = out[:, self.n_actions :]
        spread = self.log_std.expand_as(mean) if self.n_values else mean
        return Outputs(out[:, : self.n_actions], mean, spread)
