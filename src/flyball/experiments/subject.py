# SPDX-License-Identifier: MIT
"""What an experiment is about: one problem of a world, its rivals and what is known about it."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from flyball.core.errors import ConfigError, Problem, nearest
from flyball.core.protocols import Env, Policy
from flyball.core.spec import Head, OptionsHead, Spec, TanhGaussian
from flyball.experiments.shielding import ShieldSettings, shielded
from flyball.experiments.streams import Stream, Streamed
from flyball.worlds import TITLES, classics

ROOM = "classics"
"""The world that is a folder of problems."""


def names() -> tuple[str, ...]:
    """Return every problem that any algorithm may be tried on: ``classics/cartpole``."""
    return tuple(f"{ROOM}/{name}" for name in classics.NAMES)


def problems() -> dict[str, str]:
    """Return what every problem is about, from its spec, by name."""
    return {name: words_of(Subject(name).spec) for name in names()}


def words_of(spec: Spec) -> str:
    """Return who sees and decides what: ``1 agent, 4 features, push (2 choices)``."""
    parts = [f"{spec.n_agents} agent{'s' if spec.n_agents > 1 else ''}"]
    for kind in spec.kinds:
        heads = ", ".join(_head_words(head) for head in kind.heads)
        who = f"{kind.name}: " if len(spec.kinds) > 1 else ""
        n = len(kind.features)
        parts.append(f"{who}{n} feature{'s' if n != 1 else ''}, {heads}")
    return "; ".join(parts)


def _head_words(head: Head) -> str:
    if isinstance(head, TanhGaussian):
        return f"{head.name} ({head.low:g} to {head.high:g} {head.unit})"
    if isinstance(head, OptionsHead):
        return f"{head.name} (one of the candidates)"
    return f"{head.name} ({head.n} choices)"


@dataclass(frozen=True)
class Subject:
    """One problem with its settings."""

    name: str
    """World and problem: ``classics/cartpole``."""

    settings: Mapping[str, Any] = field(default_factory=dict)
    """Of the problem; what is left out is as published."""

    shield: ShieldSettings | None = None
    """What stands before the plant; None: nothing."""

    def __post_init__(self) -> None:
        if self.name not in names():
            everything = sorted({*TITLES, *names()})
            raise ConfigError(
                Problem(
                    where="world",
                    found=f"'{self.name}'",
                    allowed=", ".join(everything),
                    fix=nearest(self.name, everything),
                )
            )
        self.spec  # noqa: B018 - refuses settings that are wrong

    @property
    def problem(self) -> str:
        """The problem's own name: ``cartpole``."""
        return self.name.removeprefix(f"{ROOM}/")

    @property
    def spec(self) -> Spec:
        """Names and units of everything that crosses the contract; nothing is compiled for it."""
        return classics.scenario(self.problem, **self.settings).spec

    def env(self, n_envs: int, stream: Stream) -> Streamed:
        """Return an Env of this problem that draws from one stream."""
        env: Env = classics.make(self.problem, n_envs, **self.settings)
        if self.shield is not None and self.shield.on:
            env = shielded(env, self.problem, self.settings, self.shield)
        return Streamed(env, stream)

    def rivals(self) -> dict[str, Policy]:
        """Return what a good engineer would run instead, and what nobody would, by name."""
        return classics.policies(self.problem, **self.settings)

    def known(self) -> classics.Known | None:
        """Return the optimum, or else a bound, of the first KPI; None where nothing is known."""
        kpi = self.spec.kpis[0].name
        found = [each for each in classics.known(self.problem, **self.settings) if each.kpi == kpi]
        return found[0] if found else None
