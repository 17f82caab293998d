# SPDX-License-Identifier: MIT
"""One guarded plant as frozen data: its numbers, its task and what of it crosses the contract."""

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np

from flyball.core.batch import Doubles, Longs
from flyball.core.spec import AgentKind, Cost, Feature, Head, Kpi, Objective, Signal, Spec
from flyball.worlds.classics.state import bounds_of, sizes

CHANGE_S = 0.01
"""Longest piece of a step in which a disturbance stands still."""

KPIS = (
    Kpi("return", "reward", "max", "undiscounted sum of the reward, mean over agents"),
    Kpi("length_steps", "steps", "max", "steps of the episode"),
    Kpi("breach_s", "s", "min", "time of all steps within which a limit was broken"),
    Kpi("deepest_breach", "-", "min", "largest breach at any time, as a share of the limit"),
    Kpi(
        "travel", "ranges", "min", "sum of the changes of the values, each as a share of its range"
    ),
)
"""Of every guarded plant; a plant may add its own behind them."""


class Rules(NamedTuple):
    """What the batch loop must know of a problem, whatever the plant; read only."""

    head: Longs  # (H + 1,) discrete head h owns mask columns head[h]..head[h + 1]
    low: Doubles  # (N, D) of the values, native units
    high: Doubles  # (N, D)
    time_limit: int  # steps after which an episode is truncated
    share: float  # what a reward of one agent adds to the episode's return: 1 / N
    step_s: float
    error: Doubles  # (M,) largest error of each signal


@dataclass(frozen=True, kw_only=True)
class Scenario:
    """The fixed data of one problem."""

    name: str
    plant: Any
    """A NamedTuple of the plant's numbers."""
    task: Any
    """A NamedTuple of what there is to earn."""
    spec: Spec
    rules: Rules
    n_real: int
    """X, length of the plant's own real state."""
    n_whole: int
    """Y, length of its whole state."""
    n_winds: int
    """W, disturbances, each in [-1, 1] as a share of its largest size."""
    n_changes: int
    """P, pieces of a step in which a disturbance stands still."""

    @property
    def step_s(self) -> float:
        """Simulated seconds of a step."""
        return self.rules.step_s

    @property
    def time_limit(self) -> int:
        """Steps after which an episode is truncated."""
        return self.rules.time_limit

    @property
    def error(self) -> tuple[float, ...]:
        """Largest error of each signal, native units."""
        return tuple(self.rules.error.tolist())


@dataclass(frozen=True)
class Recipe:
    """How a problem comes from its settings."""

    settings: type[Any]
    build: Callable[[str, Any], Scenario]
    """From name and settings; raises ConfigError for settings out of range."""


def n_changes(step_s: float) -> int:
    """Return into how many pieces of at most CHANGE_S a step is cut."""
    return math.ceil(step_s / CHANGE_S - 1e-9)


def rules(spec: Spec, step_s: float, episode_s: float, error: list[float]) -> Rules:
    """Return the rules of a problem with this Spec."""
    n = sizes(spec, 1, 0, 0)
    return Rules(
        head=np.array(spec.choice_starts, np.int64),
        low=bounds_of(spec, n, "low"),
        high=bounds_of(spec, n, "high"),
        time_limit=max(1, round(episode_s / step_s)),
        share=1.0 / spec.n_agents,
        step_s=step_s,
        error=np.array(error, np.float64),
    )


def describe(
    name: str,
    kind: AgentKind,
    *,
    signals: tuple[Signal, ...],
    costs: tuple[Cost, ...],
    state: tuple[Feature, ...],
    kpis: tuple[Kpi, ...] = (),
) -> Spec:
    """Return the Spec of a guarded plant."""
    return Spec(
        world=f"classics/{name}",
        version=1,
        kinds=(kind,),
        objectives=(Objective("return", "reward", "max"),),
        kpis=(*KPIS, *kpis),
        state=state,
        signals=signals,
        costs=costs,
    )


def agent(columns: tuple[Feature, ...], heads: tuple[Head, ...], count: int = 1) -> AgentKind:
    """Return the one kind of agent of a plant."""
    return AgentKind("agent", count, columns, heads)


def measured(columns: tuple[Feature, ...]) -> tuple[Signal, ...]:
    """Return the signals that carry the same names as features."""
    return tuple(Signal(each.name, each.unit, each.low, each.high) for each in columns)


def seconds(*names: str) -> tuple[Cost, ...]:
    """Return costs that count the time of steps within which a limit was broken: none allowed."""
    return tuple(Cost(name, "s", 0.0) for name in names)
