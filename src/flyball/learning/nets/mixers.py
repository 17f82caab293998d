# SPDX-License-Identifier: MIT
"""From the value of each agent's own action to values that the team learns from.

P steps · N agents · S features of the team's state · E width of the mixing layer · C values of a
step that are learned from: one of the team, or one an agent.

- `Monotonic`: QMIX (Rashid et al., arXiv:1803.11485). Two layers whose weights are the absolute
  outputs of hypernetworks on the state, so that no agent's better action can lower the team's
  value; biases are free, the last one is a value of the state.
- `Additive`: VDN (Sunehag et al., arXiv:1706.05296). The sum.
- `Apart`: independent learners; every agent keeps its own value, and nothing is mixed.

With the first two, each agent's greedy action together are the team's greedy action.
"""

from dataclasses import dataclass
from typing import Literal

import torch
from torch import Tensor, nn

from flyball.learning.settings import check

MixerKind = Literal["qmix", "vdn", "none"]
KINDS = ("qmix", "vdn", "none")


@dataclass(frozen=True, kw_only=True)
class MixerConfig:
    """Sizes of the mixing network; only QMIX has any."""

    kind: MixerKind = "qmix"
    """How the agents' values become the team's: qmix, vdn (sum), or none (independent)."""

    embed: int = 32
    """Width of the mixing layer."""

    hypernet: int = 64
    """Width of the hypernetworks' hidden layers."""

    def __post_init__(self) -> None:
        check("mixer", self, {"at least 1": ("embed", "hypernet")}, {"kind": KINDS})


class Monotonic(nn.Module):
    """QMIX's mixing network. The four hypernetworks' first layers are one matrix product."""

    n_values = 1

    def __init__(
        self, n_agents: int, n_state: int, config: MixerConfig, seed: torch.Generator
    ) -> None:
        super().__init__()
        width, embed = config.hypernet, config.embed
        self.shape = (n_agents, embed)
        self.parts = (width, width, embed, embed)
        self.first = _linear(n_state, sum(self.parts), seed)
        self.weight_1 = _linear(width, n_agents * embed, seed)
        self.weight_2 = _linear(width, embed, seed)
        self.value = _linear(embed, 1, seed)

    def forward(self, q: Tensor, state: Tensor) -> Tensor:
        """Return (P, 1) values of the team from the agents' (P, N) and the state (P, S)."""
        to_1, to_2, bias, to_value = self.first(state).split(self.parts, -1)
        weight = self.weight_1(torch.relu(to_1)).abs().view(-1, *self.shape)  # (P, N, E)
        hidden = nn.functional.elu((q[:, :, None] * weight).sum(1) + bias)  # (P, E)
        last = self.weight_2(torch.relu(to_2)).abs()
        team: Tensor = (hidden * last).sum(-1, keepdim=True) + self.value(torch.relu(to_value))
        return team


class Additive(nn.Module):
    """VDN: the sum of the agents' values."""

    n_values = 1

    def forward(self, q: Tensor, state: Tensor) -> Tensor:  # noqa: ARG002
        """Return (P, 1) values of the team from the agents' (P, N)."""
        return q.sum(-1, keepdim=True)


class Apart(nn.Module):
    """Independent learners: nothing is mixed."""

    def __init__(self, n_agents: int) -> None:
        super().__init__()
        self.n_values = n_agents

    def forward(self, q: Tensor, state: Tensor) -> Tensor:  # noqa: ARG002
        """Return the agents' values (P, N) as they are."""
        return q


Mixer = Monotonic | Additive | Apart


def mixer_of(config: MixerConfig, n_agents: int, n_state: int, seed: torch.Generator) -> Mixer:
    """Return a new mixer for N agents and S features of the team's state."""
    if config.kind == "qmix":
        return Monotonic(n_agents, n_state, config, seed)
    return Additive() if config.kind == "vdn" else Apart(n_agents)


def _linear(n_in: int, n_out: int, seed: torch.Generator) -> nn.Linear:
    """Return a layer that starts as torch's own do: the published settings belong to that."""
    linear: nn.Linear = nn.utils.skip_init(nn.Linear, n_in, n_out)
    bound = max(1, n_in) ** -0.5
    nn.init.uniform_(linear.weight, -bound, bound, generator=seed)
    nn.init.uniform_(linear.bias, -bound, bound, generator=seed)
    return linear
