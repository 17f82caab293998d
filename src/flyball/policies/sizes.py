# SPDX-License-Identifier: MIT
"""The axes that a Spec implies, and from a network's choices to the contract's Action.

R = B * N rows, row r = b * N + n · F features of a row · S state features · G features of a
candidate · A actions of all choice heads side by side · H choice heads · D continuous dims.
Kinds of agents share one layout: features padded with zeros, every choice head as wide as its
widest kind's (the mask of the others is False there), agents told apart by a one-hot index.
"""

from dataclasses import dataclass
from itertools import pairwise

import numpy as np

from flyball.core.batch import Action, Doubles, Floats, Longs
from flyball.core.errors import ConfigError, Problem
from flyball.core.spec import AgentKind, Hybrid, OptionsHead, Spec, TanhGaussian


@dataclass(frozen=True)
class Sizes:
    """Lengths of the axes that a Spec implies."""

    n_obs: int
    n_state: int
    n_features: int  # 0 without an options head
    actions: tuple[int, ...]  # one a categorical head; empty with an options head
    low: tuple[tuple[float, ...], ...] = ()  # (N, D) native units
    high: tuple[tuple[float, ...], ...] = ()  # (N, D) native units
    active: tuple[tuple[bool, ...], ...] = ()  # (A, D) dims that a choice uses; empty: all, always
    n_agents: int = 1

    @property
    def n_heads(self) -> int:
        """Choices of an agent in one step."""
        return len(self.actions) or int(self.n_features > 0)

    @property
    def starts(self) -> Longs:
        """First mask column of each choice head (H + 1,), and behind them the number of columns."""
        return np.cumsum((0, *self.actions), dtype=np.int64)

    @property
    def n_values(self) -> int:
        """D, continuous values of an agent in one step."""
        return len(self.low[0]) if self.low else 0

    @property
    def n_index(self) -> int:
        """Width of the one-hot index that tells agents apart; 0 for one agent."""
        return self.n_agents if self.n_agents > 1 else 0


def sizes_of(spec: Spec) -> Sizes:
    """Return the axis lengths of a spec.

    Raises
    ------
    ConfigError
        When an options head stands beside another head, or kinds differ in bounds that cannot be
        padded.
    """
    kinds = spec.kinds
    heads = [head for kind in kinds for head in kind.heads]
    features = [len(head.features) for head in heads if isinstance(head, OptionsHead)]
    actions = tuple(end - start for start, end in pairwise(spec.choice_starts))
    n_values = max(len(_gaussians(kind)) for kind in kinds)
    lonely = not features or (len(heads) == 1 and not actions and not n_values)
    if not lonely or not heads:
        raise ConfigError(
            Problem(
                where=f"world {spec.world}",
                found=f"{len(kinds)} agent kinds, heads "
                + ", ".join(type(head).__name__ for head in heads),
                allowed="one OptionsHead by itself, or any Categorical, Hybrid and TanhGaussian",
                fix="state the candidates as a Categorical, or the other heads as options",
            )
        )
    return Sizes(
        n_obs=max(len(kind.features) for kind in kinds),
        n_state=len(spec.state),
        n_features=sum(features),
        actions=actions,
        low=_bounds(kinds, n_values, 0) if n_values else (),
        high=_bounds(kinds, n_values, 1) if n_values else (),
        active=_active(kinds, actions, n_values),
        n_agents=spec.n_agents,
    )


def _gaussians(kind: AgentKind) -> list[TanhGaussian]:
    return [head for head in kind.heads if isinstance(head, TanhGaussian)]


def _bounds(kinds: tuple[AgentKind, ...], width: int, side: int) -> tuple[tuple[float, ...], ...]:
    """Return (N, width) lower or upper bounds; a dim that a kind does not have spans [-1, 1]."""
    rows = []
    for kind in kinds:
        own = [(head.low, head.high)[side] for head in _gaussians(kind)]
        own += [(-1.0, 1.0)[side]] * (width - len(own))
        rows += [tuple(own)] * kind.count
    return tuple(rows)


def _active(
    kinds: tuple[AgentKind, ...], actions: tuple[int, ...], n_values: int
) -> tuple[tuple[bool, ...], ...]:
    """Return (A, D) which dims each choice uses; dims that no hybrid head names are always used.

    Raises
    ------
    ConfigError
        When several hybrid heads or several kinds would have to agree.
    """
    hybrids = [head for kind in kinds for head in kind.heads if isinstance(head, Hybrid)]
    if not hybrids or not n_values:
        return ()
    if len(kinds) > 1 or len(actions) > 1:
        raise ConfigError(
            Problem(
                where="hybrid heads",
                found=f"{len(kinds)} agent kinds with {len(actions)} choice heads",
                allowed="one kind with one Hybrid head and its TanhGaussian heads",
                fix="join the choices into one Hybrid head",
            )
        )
    names = [head.name for head in _gaussians(kinds[0])]
    named = {name for dims in hybrids[0].active for name in dims}
    return tuple(
        tuple(name in dims or name not in named for name in names) for dims in hybrids[0].active
    )


def native(latent: Floats, sizes: Sizes) -> Doubles:
    """Return (B, N, D) values in native units of latent ones before the tanh."""
    low, high = np.array(sizes.low), np.array(sizes.high)
    share = 0.5 * (np.tanh(latent.reshape(-1, *low.shape).astype(np.float64)) + 1.0)
    # The sum may be rounded to just beyond a bound, which a plant would call illegal.
    value: Doubles = np.clip(low + share * (high - low), low, high)
    return value


def action_of(choice: Longs, latent: Floats, sizes: Sizes) -> Action:
    """Return the contract's Action of choices (R, H) and latent values (R, D)."""
    n_envs = len(choice) // sizes.n_agents
    shape = (n_envs, sizes.n_agents, 0)
    value = native(latent, sizes) if sizes.n_values else np.zeros(shape)
    return Action(choice.reshape(n_envs, sizes.n_agents, -1).astype(np.int32), value)
