# SPDX-License-Identifier: MIT
"""The scenarios of several agents; their dynamics are in `particles` and `foraging`."""

import math
from dataclasses import dataclass
from typing import Literal

import numpy as np

from flyball.core.spec import AgentKind, Categorical, Feature, Head, TanhGaussian
from flyball.worlds.classics import foraging, particles
from flyball.worlds.classics.scenario import Recipe, Scenario, describe, require

PUSHES = ("none", "left", "right", "down", "up")
WORDS = ("0", "1", "2")


@dataclass(frozen=True, kw_only=True)
class SpreadSettings:
    """N agents cover N landmarks and keep from touching each other."""

    n_agents: int = 3
    """Agents, and as many landmarks; 1 to 20."""
    local_ratio: float = 0.5
    """Share of an agent's own contacts in its reward, in [0, 1]; the rest is the team's."""
    max_cycles: int = 25
    """Steps of an episode, at least 1."""
    continuous: bool = False
    """Five pushes in [0, 1] (no effect, left, right, down, up) instead of five moves."""


@dataclass(frozen=True, kw_only=True)
class GuideSettings:
    """A speaker that sees the goal guides a listener that can move."""

    max_cycles: int = 25
    """Steps of an episode, at least 1."""
    continuous: bool = False
    """Words and pushes in [0, 1] instead of one word and one move."""
    channel: Literal["open", "cut"] = "open"
    """With "cut" the listener hears zeros, whatever is said."""


@dataclass(frozen=True, kw_only=True)
class ForagingSettings:
    """Players load food that they must lift together; the defaults are 8x8-2p-2f-coop."""

    size: int = 8
    """Rows and columns of the field, 5 to 20."""
    n_players: int = 2
    """2 to 9."""
    n_foods: int = 2
    """1 to 4."""
    coop: bool = True
    """Whether all food needs the three weakest players (or all, if fewer) together."""
    sight: int | None = None
    """How far a player sees, in cells, at least 1; None: all of the field."""
    max_level: int = 2
    """Strongest player, at least 1."""
    penalty: float = 0.0
    """What a player pays who tries to load food that is too heavy, at least 0."""
    max_steps: int = 50
    """Steps of an episode, at least 1."""


def _whole(where: str, found: object, low: int, high: float, fix: str) -> None:
    """Raise ConfigError unless a setting is a whole number in [low, high]."""
    allowed = f"a whole number from {low} to {high}" if high < math.inf else f"{low} or more, whole"
    require(type(found) is int and low <= found <= high, where, found, allowed, fix)


def _switch(where: str, found: object) -> None:
    """Raise ConfigError unless a setting is a bool."""
    require(isinstance(found, bool), where, repr(found), "true, false", "give one of the two")


def _share(where: str, found: object, high: float, fix: str) -> None:
    """Raise ConfigError unless a setting is a number in [0, high]."""
    number = isinstance(found, int | float) and not isinstance(found, bool)
    require(number and 0 <= float(found) <= high, where, found, f"from 0 to {high}", fix)  # type: ignore[arg-type]


def _pairs(*things: str, meaning: str, far: float = math.inf) -> tuple[Feature, ...]:
    """Return x and y of each thing, in [-far, far]."""
    return tuple(
        Feature(f"{thing}_{axis}", "-", -far, far, meaning) for thing in things for axis in "xy"
    )


def _numbered(name: str, count: int) -> list[str]:
    return [f"{name}_{k}" for k in range(count)]


def _heads(continuous: bool, name: str, ways: tuple[str, ...]) -> tuple[Head, ...]:  # noqa: FBT001
    if continuous:
        return tuple(TanhGaussian(f"{name}_{way}", "-", 0.0, 1.0) for way in ways)
    return (Categorical(name, len(ways)),)


def _side_by_side(kinds: tuple[AgentKind, ...]) -> tuple[Feature, ...]:
    """Return the features of all agents, each named after its agent."""
    return tuple(
        Feature(f"{kind.name}_{k}_{each.name}", each.unit, each.low, each.high, each.meaning)
        for kind in kinds
        for k in range(kind.count)
        for each in kind.features
    )


def _spread(name: str, settings: SpreadSettings) -> Scenario:
    """Return simple_spread_v3."""
    n = settings.n_agents
    _whole(f"{name}.n_agents", n, 1, 20, "3 is usual")
    _whole(f"{name}.max_cycles", settings.max_cycles, 1, math.inf, "25 is usual")
    _switch(f"{name}.continuous", settings.continuous)
    _share(f"{name}.local_ratio", settings.local_ratio, 1, "0.5 is usual")
    seen = (
        *_pairs("velocity", "position", meaning="own"),
        *_pairs(*_numbered("landmark", n), meaning="from the own place"),
        *_pairs(*_numbered("other", n - 1), meaning="from the own place"),
        *_pairs(*_numbered("message", n - 1), meaning="0: nobody speaks here", far=0.0),
    )
    kinds = (AgentKind("agent", n, seen, _heads(settings.continuous, "move", PUSHES)),)
    return Scenario(
        name=name,
        family="particles",
        params=np.array([particles.SPREAD, n, settings.local_ratio, settings.continuous, 0]),
        spec=describe(name, kinds, state=_side_by_side(kinds)),
        n_real=8 * n,
        n_whole=0,
        time_limit=settings.max_cycles,
        step_s=particles.STEP_S,
    )


def _guide(name: str, settings: GuideSettings) -> Scenario:
    """Return simple_speaker_listener_v4."""
    channel, goals = settings.channel, particles.N_GOALS
    _whole(f"{name}.max_cycles", settings.max_cycles, 1, math.inf, "25 is usual")
    _switch(f"{name}.continuous", settings.continuous)
    require(
        channel in ("open", "cut"),
        f"{name}.channel",
        repr(channel),
        "open, cut",
        "open is usual; cut shows what the channel is worth",
    )
    speaker = tuple(
        Feature(f"goal_{shade}", "-", particles.DIM, particles.BRIGHT, "colour of the goal")
        for shade in ("red", "green", "blue")
    )
    listener = (
        *_pairs("velocity", meaning="own"),
        *_pairs(*_numbered("landmark", goals), meaning="from the own place"),
        *(Feature(f"message_{word}", "-", 0, 1, "what the speaker said") for word in WORDS),
    )
    kinds = (
        AgentKind("speaker", 1, speaker, _heads(settings.continuous, "say", WORDS)),
        AgentKind("listener", 1, listener, _heads(settings.continuous, "move", PUSHES)),
    )
    goal = tuple(Feature(each, "-", 0, 1, "1 for the goal") for each in _numbered("goal", goals))
    cut = channel == "cut"
    return Scenario(
        name=name,
        family="particles",
        params=np.array([particles.GUIDE, 2.0, 0.0, settings.continuous, cut]),
        spec=describe(name, kinds, state=_side_by_side(kinds) + goal),
        n_real=6 * 2 + 2 * goals + particles.N_WORDS,
        n_whole=1,
        time_limit=settings.max_cycles,
        step_s=particles.STEP_S,
    )


def _things(name: str, count: int, corner: float, far: int, level: int) -> tuple[Feature, ...]:
    """Return row, column and level of each thing; `corner` is the least row and column."""
    return tuple(
        feature
        for each in _numbered(name, count)
        for feature in (
            Feature(f"{each}_row", "cells", corner, far, "-1 when not seen"),
            Feature(f"{each}_column", "cells", corner, far, "-1 when not seen"),
            Feature(f"{each}_level", "levels", 0, level, "0 when not seen"),
        )
    )


def _foraging(name: str, settings: ForagingSettings) -> Scenario:
    """Return lbforaging's Foraging-<size>x<size>-<players>p-<foods>f[-coop]-v3."""
    size, n, n_foods, level = (
        settings.size,
        settings.n_players,
        settings.n_foods,
        settings.max_level,
    )
    _whole(f"{name}.size", size, 5, 20, "8 is usual")
    _whole(f"{name}.n_players", n, 2, 9, "2 is usual")
    _whole(f"{name}.n_foods", n_foods, 1, 4, "2 is usual")
    _whole(f"{name}.max_level", level, 1, 9, "2 is usual")
    _whole(f"{name}.max_steps", settings.max_steps, 1, math.inf, "50 is usual")
    _switch(f"{name}.coop", settings.coop)
    _share(f"{name}.penalty", settings.penalty, math.inf, "0 is usual")
    sight = size if settings.sight is None else settings.sight
    _whole(f"{name}.sight", sight, 1, size, f"{size} sees all")
    heaviest = level * min(n, foraging.LEVEL_MAKERS)
    # Seen from a corner, places reach as far as the sight does on the other side of the player.
    far = min(size - 1, 2 * sight)
    seen = (
        *_things("food", n_foods, -1, far, heaviest),
        *_things("self", 1, 0, min(sight, size - 1), level),
        *_things("other", n - 1, -1, far, level),
    )
    field = (
        *_things("player", n, 0, size - 1, level),
        *_things("food", n_foods, -1, size - 1, heaviest),
    )
    kinds = (AgentKind("player", n, seen, (Categorical("move", len(foraging.MOVES)),)),)
    return Scenario(
        name=name,
        family="foraging",
        params=np.array([0, size, n, n_foods, sight, settings.coop, level, settings.penalty]),
        spec=describe(name, kinds, state=field),
        n_real=0,
        n_whole=3 * (n + n_foods) + 1 + 2 * n,
        time_limit=settings.max_steps,
        summed=True,
    )


PROBLEMS: dict[str, Recipe] = {
    "spread": Recipe(SpreadSettings, _spread),
    "speaker-listener": Recipe(GuideSettings, _guide),
    "foraging": Recipe(ForagingSettings, _foraging),
}
