# SPDX-License-Identifier: MIT
"""Networks over the rows of an Observation: scores of ragged options, or masked logits.

R = B * N rows · L candidates · G features of a candidate · F features of a row · S state features.
An option's score depends on its own features and on the mean of what the row's options look like,
so it is equivariant to their order and serves a queue of any length (Zaheer et al., *Deep sets*,
arXiv:1703.06114). Hidden layers start orthogonal, the policy's last layer at 0.01, the critic's at
1.0 (Andrychowicz et al., arXiv:2006.05990).
"""

from dataclasses import dataclass
from itertools import pairwise
from typing import NamedTuple

import numpy as np
import torch
from torch import Tensor, nn

from flyball.core.batch import Observation
from flyball.core.errors import ConfigError, Problem
from flyball.core.spec import Categorical, OptionsHead, Spec
from flyball.learning import dists, segments
from flyball.learning.norm import FeatureNorm


@dataclass(frozen=True, kw_only=True)
class NetConfig:
    """Sizes of the network."""

    hidden: tuple[int, ...] = (64, 32)
    """Widths of the policy's two layers; none: scores are a linear index, as a rule's are."""

    critic_hidden: int = 32
    """Width of the critic's layers."""

    feature_clip: float = 8.0
    """Largest standardised feature, in standard deviations."""

    def __post_init__(self) -> None:
        widths = (*self.hidden, self.critic_hidden)
        if len(widths) not in (1, 3) or min(widths) < 1 or not self.feature_clip > 0:
            raise ConfigError(
                Problem(
                    where="net",
                    found=f"hidden {self.hidden}, critic_hidden {self.critic_hidden}, "
                    f"feature_clip {self.feature_clip}",
                    allowed="two widths of at least 1 or none, a clip above 0",
                    fix="leave the keys out for the defaults (64, 32), 32 and 8",
                )
            )


class Inputs(NamedTuple):
    """What a network reads of R rows, as tensors; an axis that is not used has length zero."""

    obs: Tensor  # (R, F) f32
    state: Tensor  # (R, S) f32
    mask: Tensor  # (R, A) bool
    features: Tensor  # (L, G) f32
    offset: Tensor  # (R + 1,) i64


class Sizes(NamedTuple):
    """Lengths of the axes that a Spec implies."""

    n_obs: int
    n_state: int
    n_features: int  # 0 without an options head
    actions: tuple[int, ...]  # one a categorical head; empty with an options head

    @property
    def n_heads(self) -> int:
        """Choices of an agent in one step."""
        return len(self.actions) or 1


def sizes_of(spec: Spec) -> Sizes:
    """Return the axis lengths of a spec with one agent kind; raise ConfigError for others."""
    kind = spec.kinds[0]
    features = [len(head.features) for head in kind.heads if isinstance(head, OptionsHead)]
    actions = tuple(head.n for head in kind.heads if isinstance(head, Categorical))
    learnable = (len(features), len(actions)) == (1, 0) or (not features and len(actions) > 0)
    if len(spec.kinds) != 1 or not learnable or len(features) + len(actions) != len(kind.heads):
        raise ConfigError(
            Problem(
                where=f"world {spec.world}",
                found=f"{len(spec.kinds)} agent kinds, heads "
                + ", ".join(type(head).__name__ for head in kind.heads),
                allowed="one agent kind with one OptionsHead or with Categorical heads only",
                fix="train this world with an algorithm made for its heads",
            )
        )
    return Sizes(len(kind.features), len(spec.state), sum(features), actions)


def inputs_of(observation: Observation) -> Inputs:
    """Return the rows of an observation as tensors on the same memory where possible."""
    n_envs, n_agents = observation.alive.shape
    rows = n_envs * n_agents
    state = observation.state
    if n_agents > 1:
        state = np.repeat(state, n_agents, axis=0)
    return Inputs(
        torch.from_numpy(
            np.ascontiguousarray(observation.obs).reshape(rows, observation.obs.shape[-1])
        ),
        torch.from_numpy(np.ascontiguousarray(state)),
        torch.from_numpy(
            np.ascontiguousarray(observation.mask).reshape(rows, observation.mask.shape[-1])
        ),
        torch.from_numpy(np.ascontiguousarray(observation.options.features)),
        torch.from_numpy(np.ascontiguousarray(observation.options.offset)),
    )


def layer(
    n_in: int, n_out: int, gain: float, seed: torch.Generator, *, bias: bool = True
) -> nn.Linear:
    """Return a linear layer with orthogonal weights of this gain and zero bias."""
    linear: nn.Linear = nn.utils.skip_init(nn.Linear, n_in, n_out, bias=bias)
    nn.init.orthogonal_(linear.weight, gain, generator=seed)
    if bias:
        nn.init.zeros_(linear.bias)
    return linear


GAIN = 2.0**0.5


class OptionsActor(nn.Module):
    """Score every option of every row: a linear index, as a dispatching rule is, plus a network.

    The index starts at zero, is quick to learn and can be read; the network corrects it.
    """

    network: "OptionsNetwork | None"

    def __init__(self, sizes: Sizes, config: NetConfig, seed: torch.Generator) -> None:
        super().__init__()
        self.network = OptionsNetwork(sizes, config, seed) if config.hidden else None
        self.index = layer(sizes.n_features, 1, 1.0, seed, bias=False)
        nn.init.zeros_(self.index.weight)

    def forward(self, obs: Tensor, features: Tensor, offset: Tensor) -> Tensor:
        """Return (L,) scores from normalised obs (R, F) and features (L, G)."""
        scores: Tensor = self.index(features)[:, 0]
        return scores if self.network is None else scores + self.network(obs, features, offset)


class OptionsNetwork(nn.Module):
    """Score every option from its features and from the mean of its row's embedded options."""

    def __init__(self, sizes: Sizes, config: NetConfig, seed: torch.Generator) -> None:
        super().__init__()
        first, second = config.hidden
        self.embed = layer(sizes.n_features, first, GAIN, seed)
        self.mix = layer(first, second, GAIN, seed)
        self.context = layer(first + sizes.n_obs, second, GAIN, seed, bias=False)
        self.last = layer(second, 1, 0.01, seed, bias=False)

    def forward(self, obs: Tensor, features: Tensor, offset: Tensor) -> Tensor:
        """Return (L,) corrections from normalised obs (R, F) and features (L, G)."""
        hidden = torch.relu(self.embed(features))  # (L, H1)
        pooled = torch.cat((segments.mean(hidden, offset), obs), -1)  # (R, H1 + F)
        context = segments.spread(self.context(pooled), offset)  # (L, H2)
        scores: Tensor = self.last(torch.relu(self.mix(hidden) + context))[:, 0]
        return scores


class MaskedActor(nn.Module):
    """Logits of every action of every row."""

    def __init__(self, sizes: Sizes, config: NetConfig, seed: torch.Generator) -> None:
        super().__init__()
        widths = (sizes.n_obs, *config.hidden)
        hidden = [
            part
            for n_in, n_out in pairwise(widths)
            for part in (layer(n_in, n_out, GAIN, seed), nn.Tanh())
        ]
        self.layers = nn.Sequential(*hidden, layer(widths[-1], sum(sizes.actions), 0.01, seed))

    def forward(self, obs: Tensor) -> Tensor:
        """Return (R, A) logits from normalised obs (R, F)."""
        logits: Tensor = self.layers(obs)
        return logits


class Critic(nn.Module):
    """Value of every row: from the privileged state if there is one, else from what it sees."""

    def __init__(self, sizes: Sizes, config: NetConfig, seed: torch.Generator) -> None:
        super().__init__()
        width = config.critic_hidden
        self.pools = sizes.n_features > 0 and sizes.n_state == 0
        self.embed = layer(sizes.n_features if self.pools else 1, width, GAIN, seed)
        own = sizes.n_state or sizes.n_obs
        self.layers = nn.Sequential(
            layer(own + (2 * width if self.pools else 0), width, GAIN, seed),
            nn.Tanh(),
            layer(width, width, GAIN, seed),
            nn.Tanh(),
            layer(width, 1, 1.0, seed),
        )

    def forward(self, rows: Tensor, features: Tensor, offset: Tensor) -> Tensor:
        """Return (R,) values from normalised state or obs and from the row's options."""
        if self.pools:
            hidden = torch.relu(self.embed(features))
            rows = torch.cat(
                (rows, segments.mean(hidden, offset), segments.maximum(hidden, offset)), -1
            )
        value: Tensor = self.layers(rows)[:, 0]
        return value


class Net(nn.Module):
    """Normalisers, actor and critic of one agent kind; everything that a checkpoint must hold."""

    def __init__(self, spec: Spec, config: NetConfig, seed: int) -> None:
        super().__init__()
        self.sizes = sizes = sizes_of(spec)
        draws = torch.Generator().manual_seed(seed)
        self.obs_norm = FeatureNorm(sizes.n_obs, config.feature_clip)
        self.state_norm = FeatureNorm(sizes.n_state, config.feature_clip)
        self.option_norm = FeatureNorm(sizes.n_features, config.feature_clip)
        self.actor: MaskedActor | OptionsActor = (
            MaskedActor(sizes, config, draws)
            if sizes.actions
            else OptionsActor(sizes, config, draws)
        )
        self.critic = Critic(sizes, config, draws)

    def normalise(self, x: Inputs) -> Inputs:
        """Return the rows as the methods below want them: obs, state and features normalised."""
        return Inputs(
            self.obs_norm(x.obs),
            self.state_norm(x.state),
            x.mask,
            self.option_norm(x.features),
            x.offset,
        )

    def scores(self, x: Inputs) -> Tensor:
        """Return (L,) option scores, or (R, A) logits, not yet masked, of normalised rows."""
        if self.sizes.actions:
            logits: Tensor = self.actor(x.obs)
            return logits
        out: Tensor = self.actor(x.obs, x.features, x.offset)
        return out

    def terms(self, x: Inputs, choice: Tensor, temperature: float = 1.0) -> tuple[Tensor, Tensor]:
        """Return log-probability of `choice` (R, H) and entropy, both (R,) float64.

        The scores are divided by `temperature` (above 0) before the softmax.
        """
        scores = self.scores(x) / temperature
        if self.sizes.actions:
            return dists.masked(scores, x.mask, choice, self.sizes.actions)
        return dists.options(scores, x.offset, choice)

    def value(self, x: Inputs) -> Tensor:
        """Return (R,) values of normalised rows in the learner's reward unit."""
        rows = x.state if self.sizes.n_state else x.obs
        out: Tensor = self.critic(rows, x.features, x.offset)
        return out

    def learn_norm(self, x: Inputs) -> None:
        """Merge the statistics of raw rows into the normalisers."""
        self.obs_norm.learn(x.obs.numpy())
        self.state_norm.learn(x.state.numpy())
        self.option_norm.learn(x.features.numpy())
