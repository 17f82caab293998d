# SPDX-License-Identifier: MIT
"""Networks over the rows of an Observation: what an actor says of every head, and a critic.

R = B * N rows · L candidates · G features of a candidate · E encoded features of a row · A actions
of all choice heads · D continuous dims · M floats of memory. Ragged options are scored from their
own features and from the mean of what the row's options look like, so that a score is equivariant
to their order and serves a queue of any length (Zaheer et al., *Deep sets*, arXiv:1703.06114).
Hidden layers start orthogonal, the policy's last layer at 0.01, the critic's at 1.0
(Andrychowicz et al., arXiv:2006.05990). With a cell, an actor and a critic each remember by
themselves; memory comes before the hidden layers.
"""

from dataclasses import dataclass
from itertools import pairwise
from typing import Literal, NamedTuple, get_args

import torch
from torch import Tensor, nn

from flyball.core.errors import ConfigError, Problem
from flyball.core.spec import Spec
from flyball.learning.nets import dists, segments
from flyball.learning.nets.cells import Cell, CellKind, cell_of, sequence
from flyball.learning.nets.norm import FeatureNorm, NormKind
from flyball.learning.nets.rows import Inputs, Taken
from flyball.learning.nets.unrolled import compiles, through
from flyball.learning.settings import check, require
from flyball.policies import Sizes, sizes_of

Activation = Literal["tanh", "relu"]
Deviation = Literal["free", "state"]
CriticView = Literal["state", "own"]

LOG_STD_RANGE = (-20.0, 2.0)
"""Bounds of a standard deviation that the network puts out, as logarithms."""


@dataclass(frozen=True, kw_only=True)
class NetConfig:
    """Sizes of the network."""

    hidden: tuple[int, ...] = (64, 64)
    """Widths of the actor's layers. With options two, or none for a linear index as rules are."""

    critic_hidden: tuple[int, ...] = (64, 64)
    """Widths of the critic's layers."""

    activation: Activation = "tanh"
    """Between the layers; options networks always use relu."""

    cell: CellKind = "none"
    """Memory of actor and critic: none, lstm or slstm."""

    cell_size: int = 64
    """Width of the memory."""

    memory_steps: int = 0
    """How many steps a fresh cell should remember for; 0: forget gates start at 1."""

    norm: NormKind = "standard"
    """Normaliser of features: none, standard (mean and deviation), or log (signed log1p first)."""

    feature_clip: float = 8.0
    """Largest normalised feature, in standard deviations."""

    deviation: Deviation = "free"
    """A continuous head's standard deviation: a parameter, or an output of the network."""

    log_std: float = 0.0
    """Logarithm of a continuous head's standard deviation at the start, in [-20, 2]."""

    critic: CriticView = "state"
    """What the critic sees: the privileged state where there is one, or what the actor sees."""

    def __post_init__(self) -> None:
        check(
            "net",
            self,
            {
                "above 0": ("feature_clip",),
                "at least 0": ("memory_steps",),
                "at least 1": ("cell_size",),
            },
            {
                "activation": get_args(Activation),
                "cell": get_args(CellKind),
                "norm": get_args(NormKind),
                "deviation": get_args(Deviation),
                "critic": get_args(CriticView),
            },
        )
        for name in ("hidden", "critic_hidden"):
            widths = getattr(self, name)
            ok = min(widths, default=1) >= 1
            require(f"net.{name}", widths, "widths of at least 1", ok=ok, usual="(64, 64)")
        low, high = LOG_STD_RANGE
        ok = low <= self.log_std <= high
        require("net.log_std", self.log_std, f"in [{low:g}, {high:g}]", ok=ok, usual="0")


class Rows(NamedTuple):
    """Rows as actor and critic read them: normalised, and remembered where there is a cell."""

    own: Tensor  # (R, E)  for the actor's layers
    central: Tensor  # (R, E')  for the critic's layers
    mask: Tensor  # (R, A) bool
    features: Tensor  # (L, G) normalised
    offset: Tensor  # (R + 1,) i64

    def at(self, rows: Tensor) -> "Rows":
        """Return some rows (K,) with their candidates."""
        own, central, mask = self.own[rows], self.central[rows], self.mask[rows]
        if not len(self.offset):
            return Rows(own, central, mask, self.features, rows[:0])
        start, length = self.offset[rows], self.offset[rows + 1] - self.offset[rows]
        offset = torch.cat((length.new_zeros(1), length.cumsum(0)))
        place = torch.repeat_interleave(start - offset[:-1], length)
        place = place + torch.arange(len(place), device=place.device)
        return Rows(own, central, mask, self.features[place], offset)


class Outputs(NamedTuple):
    """What an actor says of R rows."""

    scores: Tensor  # (L,) of options, or (R, A) logits not yet masked
    mean: Tensor  # (R, D) of the latent values, before the tanh
    log_std: Tensor  # (R, D)


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


def mlp(widths: tuple[int, ...], activation: str, seed: torch.Generator) -> nn.Sequential:
    """Return linear layers between `widths`, each followed by its activation."""
    act = nn.Tanh if activation == "tanh" else nn.ReLU
    parts = [(layer(n_in, n_out, GAIN, seed), act()) for n_in, n_out in pairwise(widths)]
    return nn.Sequential(*(part for pair in parts for part in pair))


class OptionsActor(nn.Module):
    """Score every option of every row: a linear index, as a dispatching rule is, plus a network.

    The index starts at zero, is quick to learn and can be read; the network corrects it.
    """

    network: "OptionsNetwork | None"

    def __init__(self, sizes: Sizes, config: NetConfig, seed: torch.Generator) -> None:
        super().__init__()
        if len(config.hidden) not in (0, 2):
            raise ConfigError(
                Problem(
                    where="net.hidden",
                    found=f"{config.hidden}",
                    allowed="two widths or none, because the world offers options",
                    fix="take [64, 32], or [] for a linear index",
                )
            )
        width = sizes.n_obs + sizes.n_index
        self.cell = cell_of(config.cell, width, config.cell_size, config.memory_steps, seed)
        encoded = self.cell.size if self.cell is not None else width
        self.network = OptionsNetwork(sizes, config, encoded, seed) if config.hidden else None
        self.index = layer(sizes.n_features, 1, 1.0, seed, bias=False)
        nn.init.zeros_(self.index.weight)

    def forward(self, own: Tensor, features: Tensor, offset: Tensor) -> Outputs:
        """Return (L,) scores from encoded rows (R, E) and normalised features (L, G)."""
        scores: Tensor = self.index(features)[:, 0]
        if self.network is not None:
            scores = scores + self.network(own, features, offset)
        none = scores.new_zeros((len(offset) - 1, 0))
        return Outputs(scores, none, none)


class OptionsNetwork(nn.Module):
    """Score every option from its features and from the mean of its row's embedded options."""

    def __init__(
        self, sizes: Sizes, config: NetConfig, encoded: int, seed: torch.Generator
    ) -> None:
        super().__init__()
        first, second = config.hidden
        self.embed = layer(sizes.n_features, first, GAIN, seed)
        self.mix = layer(first, second, GAIN, seed)
        self.context = layer(first + encoded, second, GAIN, seed, bias=False)
        self.last = layer(second, 1, 0.01, seed, bias=False)

    def forward(self, own: Tensor, features: Tensor, offset: Tensor) -> Tensor:
        """Return (L,) corrections from encoded rows (R, E) and normalised features (L, G)."""
        hidden = torch.relu(self.embed(features))  # (L, H1)
        pooled = torch.cat((segments.mean(hidden, offset), own), -1)  # (R, H1 + E)
        context = segments.spread(self.context(pooled), offset)  # (L, H2)
        scores: Tensor = self.last(torch.relu(self.mix(hidden) + context))[:, 0]
        return scores


class Actor(nn.Module):
    """Logits of every action, mean and deviation of every continuous dim, of every row."""

    def __init__(self, sizes: Sizes, config: NetConfig, seed: torch.Generator) -> None:
        super().__init__()
        width = sizes.n_obs + sizes.n_index
        self.cell = cell_of(config.cell, width, config.cell_size, config.memory_steps, seed)
        encoded = self.cell.size if self.cell is not None else width
        self.n_actions, self.n_values = sum(sizes.actions), sizes.n_values
        self.layers = mlp((encoded, *config.hidden), config.activation, seed)
        own = config.deviation == "state"
        last = (encoded, *config.hidden)[-1]
        n_out = self.n_actions + self.n_values * (2 if own else 1)
        self.last = layer(last, n_out, 0.01, seed)
        if own and self.n_values:
            nn.init.constant_(self.last.bias[-self.n_values :], config.log_std)
        self.free = not own and self.n_values > 0
        if self.free:
            self.log_std = nn.Parameter(torch.full((self.n_values,), config.log_std))

    def forward(self, own: Tensor, features: Tensor, offset: Tensor) -> Outputs:  # noqa: ARG002
        """Return (R, A) logits, (R, D) means and log deviations from encoded rows (R, E)."""
        out = self.last(self.layers(own))
        if not self.n_values:
            return Outputs(out, out[:, :0], out[:, :0])
        scores = out[:, : self.n_actions]
        mean = out[:, self.n_actions : self.n_actions + self.n_values]
        if self.free:
            return Outputs(scores, mean, self.log_std.expand_as(mean))
        return Outputs(scores, mean, out[:, -self.n_values :].clamp(*LOG_STD_RANGE))


class Critic(nn.Module):
    """Value of every row: from the privileged state if there is one, else from what it sees."""

    def __init__(self, sizes: Sizes, config: NetConfig, seed: torch.Generator) -> None:
        super().__init__()
        self.sees_state = sizes.n_state > 0 and config.critic == "state"
        self.pools = sizes.n_features > 0 and not self.sees_state
        width = (sizes.n_state if self.sees_state else sizes.n_obs) + sizes.n_index
        self.cell = cell_of(config.cell, width, config.cell_size, config.memory_steps, seed)
        encoded = self.cell.size if self.cell is not None else width
        pooled = config.critic_hidden[0] if self.pools else 0
        if self.pools:
            self.embed = layer(sizes.n_features, pooled, GAIN, seed)
        widths = (encoded + 2 * pooled, *config.critic_hidden)
        self.layers = mlp(widths, config.activation, seed)
        self.last = layer(widths[-1], 1, 1.0, seed)

    def forward(self, central: Tensor, features: Tensor, offset: Tensor) -> Tensor:
        """Return (R,) values from encoded rows (R, E') and from the row's options."""
        if self.pools:
            hidden = torch.relu(self.embed(features))
            central = torch.cat(
                (central, segments.mean(hidden, offset), segments.maximum(hidden, offset)), -1
            )
        value: Tensor = self.last(self.layers(central))[:, 0]
        return value


class Net(nn.Module):
    """Normalisers, actor and critic.

    Parameters
    ----------
    spec
        Of the Env.
    config
        Sizes.
    seed
        Names the starting weights; the global generator of torch is not touched.
    """

    def __init__(self, spec: Spec, config: NetConfig, seed: int) -> None:
        super().__init__()
        sizes, draws = sizes_of(spec), torch.Generator().manual_seed(seed)
        self.sizes, self.config = sizes, config
        self.obs_norm = FeatureNorm(sizes.n_obs, config.feature_clip, config.norm)
        self.state_norm = FeatureNorm(sizes.n_state, config.feature_clip, config.norm)
        self.option_norm = FeatureNorm(sizes.n_features, config.feature_clip, config.norm)
        kind = OptionsActor if sizes.n_features else Actor
        self.actor: Actor | OptionsActor = kind(sizes, config, draws)
        self.critic = Critic(sizes, config, draws)

    @property
    def n_memory(self) -> int:
        """M, floats of memory of one row in the actor, and as many in the critic."""
        return self.actor.cell.n_memory if self.actor.cell is not None else 0

    def normalise(self, x: Inputs) -> Rows:
        """Return the rows as the methods below want them, before any memory."""
        obs = self.obs_norm(x.obs)
        central = self.state_norm(x.state) if self.critic.sees_state else obs
        if self.sizes.n_index:
            index = nn.functional.one_hot(x.agent, self.sizes.n_index).to(obs.dtype)
            obs, central = torch.cat((obs, index), -1), torch.cat((central, index), -1)
        return Rows(obs, central, x.mask, self.option_norm(x.features), x.offset)

    def remember(self, x: Rows, memory: Tensor, start: Tensor) -> tuple[Rows, Tensor]:
        """Put one step of R rows through the actor's cell.

        Parameters
        ----------
        x
            Normalised rows.
        memory
            (R, M) before the step.
        start
            (R,) bool, where an episode starts with this step.
        """
        if self.actor.cell is None:
            return x, memory
        own, memory = self.actor.cell(x.own, memory * ~start[:, None])
        return x._replace(own=own), memory

    def remember_centrally(self, x: Rows, memory: Tensor, start: Tensor) -> tuple[Rows, Tensor]:
        """Put one step of R rows through the critic's cell (see `remember`)."""
        if self.critic.cell is None:
            return x, memory
        central, memory = self.critic.cell(x.central, memory * ~start[:, None])
        return x._replace(central=central), memory

    def recall(self, x: Rows, memory: Tensor, start: Tensor) -> Rows:
        """Put L steps of C columns through both cells, from their memory before the first.

        Parameters
        ----------
        x
            L * C normalised rows, step by step.
        memory
            (C, 2M) of actor and critic.
        start
            (L * C,) bool.
        """
        if self.actor.cell is None or self.critic.cell is None:
            return x
        columns = len(memory)
        keep = (~start).to(x.own.dtype).reshape(-1, columns, 1)
        own, central = memory.split(self.n_memory, -1)
        return x._replace(
            own=_through(self.actor.cell, x.own, own, keep),
            central=_through(self.critic.cell, x.central, central, keep),
        )

    def outputs(self, x: Rows) -> Outputs:
        """Return what the actor says of encoded rows."""
        out: Outputs = self.actor(x.own, x.features, x.offset)
        return out

    def terms(self, x: Rows, taken: Taken, temperature: float = 1.0) -> tuple[Tensor, Tensor]:
        """Return log-probability of what was taken, and entropy, both (R,).

        The scores are divided by `temperature` (above 0) before the softmax.
        """
        out = self.outputs(x)
        return dists.joint(self.sizes, out, x.mask, x.offset, taken, temperature)

    def value(self, x: Rows) -> Tensor:
        """Return (R,) values of encoded rows in the learner's reward unit."""
        out: Tensor = self.critic(x.central, x.features, x.offset)
        return out

    def learn_norm(self, x: Inputs) -> None:
        """Merge the statistics of raw rows into the normalisers."""
        self.obs_norm.learn(x.obs.numpy())
        self.state_norm.learn(x.state.numpy())
        self.option_norm.learn(x.features.numpy())


def _through(cell: Cell, x: Tensor, memory: Tensor, keep: Tensor) -> Tensor:
    x = x.reshape(*keep.shape[:2], -1)
    if compiles(x):
        return through(cell.kind, cell.x(x), cell.h, memory, keep).flatten(0, 1)
    outputs, _ = sequence(cell, x, memory, keep)
    return outputs.flatten(0, 1)
