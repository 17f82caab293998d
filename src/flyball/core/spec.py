# SPDX-License-Identifier: MIT
"""The frozen description of an Env: every number that crosses it has a name and a unit."""

from dataclasses import dataclass, replace
from itertools import accumulate, zip_longest
from typing import Literal

Sense = Literal["min", "max"]


@dataclass(frozen=True)
class Feature:
    """One column of what a policy or a critic sees."""

    name: str
    unit: str
    low: float
    high: float
    meaning: str = ""


@dataclass(frozen=True)
class Signal:
    """One measured value in native units; the Shield reads signals, never features."""

    name: str
    unit: str
    low: float
    high: float


@dataclass(frozen=True)
class Objective:
    """One axis of the reward; `sense` says which way is better."""

    name: str
    unit: str
    sense: Sense


@dataclass(frozen=True)
class Cost:
    """One axis of the cost; `limit` bounds its undiscounted sum over an episode."""

    name: str
    unit: str
    limit: float


@dataclass(frozen=True)
class Kpi:
    """One figure of a finished episode that people read in reports."""

    name: str
    unit: str
    sense: Sense
    meaning: str


@dataclass(frozen=True)
class Categorical:
    """Head: one of `n` actions, some of them masked."""

    name: str
    n: int


@dataclass(frozen=True)
class OptionsHead:
    """Head: one of a varying number of candidates, each scored from its own features."""

    name: str
    features: tuple[Feature, ...]


@dataclass(frozen=True)
class TanhGaussian:
    """Head: one continuous value in native units within [low, high]."""

    name: str
    unit: str
    low: float
    high: float


@dataclass(frozen=True)
class Hybrid:
    """Head: a categorical choice; `active[k]` names the continuous heads that choice k uses."""

    name: str
    n: int
    active: tuple[tuple[str, ...], ...]


Head = Categorical | OptionsHead | TanhGaussian | Hybrid


@dataclass(frozen=True)
class AgentKind:
    """Agents that share features, heads and a network."""

    name: str
    count: int
    features: tuple[Feature, ...]
    heads: tuple[Head, ...]


@dataclass(frozen=True)
class Spec:
    """Everything a learner, an adapter or a report must know about an Env beforehand."""

    world: str
    version: int
    kinds: tuple[AgentKind, ...]
    objectives: tuple[Objective, ...]
    kpis: tuple[Kpi, ...]
    state: tuple[Feature, ...] = ()
    signals: tuple[Signal, ...] = ()
    costs: tuple[Cost, ...] = ()

    @property
    def n_agents(self) -> int:
        """Number of agents of all kinds."""
        return sum(kind.count for kind in self.kinds)

    @property
    def choice_starts(self) -> tuple[int, ...]:
        """First mask column of each discrete head (H,), and behind them the number of columns.

        At each position there is room for the widest head of any kind.
        """
        sizes = [
            [head.n for head in kind.heads if isinstance(head, Categorical | Hybrid)]
            for kind in self.kinds
        ]
        widths = (max(own) for own in zip_longest(*sizes, fillvalue=0))
        return (0, *accumulate(widths))

    def widened(self, more: tuple[Feature, ...]) -> "Spec":
        """Return it with more features of every agent, behind those of the widest kind."""
        widest = max(len(kind.features) for kind in self.kinds)
        kinds = []
        for kind in self.kinds:
            missing = range(len(kind.features), widest)
            padding = tuple(Feature(f"padding_{k}", "-", 0.0, 0.0) for k in missing)
            kinds.append(replace(kind, features=(*kind.features, *padding, *more)))
        return replace(self, kinds=tuple(kinds))
