# SPDX-License-Identifier: MIT
"""One staged comparison at a plant: where it stands, and what somebody wants of it.

The rules of who may go from where to where stand in `deeds`. Of every state it holds that exactly
one target is in control of the plant.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any, Literal, Protocol

from flyball.core.errors import ConfigError
from flyball.releases.refusals import problem
from flyball.releases.seats import Seats

Deed = Literal["begin", "advance", "promote", "roll_back", "pause", "resume", "retire"]


class Stage(StrEnum):
    """How far a challenger is trusted."""

    NONE = "none"
    SHADOW = "shadow"
    CANARY = "canary"
    FULL = "full"
    ROLLED_BACK = "rolled back"
    RETIRED = "retired"


OPEN = frozenset({Stage.SHADOW, Stage.CANARY})
"""Stages in which a challenger is compared."""


class Judged(Protocol):
    """What a verdict says, as far as a stage depends on it."""

    @property
    def decision(self) -> str:
        """*promote*, *hold* or *roll back*."""
        ...

    @property
    def reason(self) -> str:
        """Why, in words."""
        ...

    @property
    def advance(self) -> bool:
        """Whether this stage has its blocks and nothing speaks against the next."""
        ...


@dataclass(frozen=True, kw_only=True)
class StagingConfig:
    """Settings of a staged comparison."""

    shares: tuple[float, ...] = (0.10, 0.25, 0.50)
    """Share of the blocks that challengers control, all together, at each step of the canary."""

    switchback: bool = False
    """Whether the whole plant goes to one arm a block, because it cannot be split."""

    cool_down_s: float = 24 * 3600.0
    """How long after a roll back nothing is begun, advanced or promoted, s."""

    window_s: float = 7 * 24 * 3600.0
    """How long after an automatic change of control there is no second one, s."""

    def __post_init__(self) -> None:
        rising = all(a < b for a, b in zip((0.0, *self.shares), self.shares, strict=False))
        faults = []
        if not self.shares or not rising or not self.shares[-1] <= 1.0:
            faults.append(("shares", str(self.shares), "rising, above 0 and at most 1"))
        for key in ("cool_down_s", "window_s"):
            own = getattr(self, key)
            if not 0.0 <= own < float("inf"):
                faults.append((key, str(own), "0 or more seconds"))
        if faults:
            fix = "correct it; 0.1, 0.25, 0.5 and a day are usual"
            raise ConfigError(
                [problem(f"staging.{key}", found, allowed, fix) for key, found, allowed in faults]
            )


@dataclass(frozen=True, kw_only=True)
class Staging:
    """Where a plant's comparison stands."""

    plant: str
    seats: Seats
    number: int = 0
    """Of the comparison at this plant: 1, 2, ...; 0 before the first."""

    stage: Stage = Stage.NONE
    step: int = -1
    """Place in the shares; -1 in shadow."""

    paused: bool = False
    config: StagingConfig = field(default_factory=StagingConfig)
    proposer: str = ""
    """Who began it."""

    approver: str = ""
    """Who promoted it."""

    reason: str = ""
    """Of the last change, in words."""

    cool_until_s: float = 0.0
    """Until when nothing is begun, advanced or promoted; seconds since 1970, UTC."""

    switched_s: float = -1e18
    """When control was last changed automatically."""

    @property
    def control(self) -> str:
        """The one target that is in control of what no challenger is."""
        return self.seats.champion

    @property
    def challengers(self) -> tuple[str, ...]:
        """Targets that are compared."""
        return tuple(x for x in (self.seats.challenger, self.seats.challenger_b) if x)

    @property
    def shares(self) -> Mapping[str, float]:
        """Share of the blocks by target; they sum to 1."""
        share = 0.0
        if self.stage is Stage.CANARY and not self.paused:
            share = self.config.shares[self.step]
        each = {own: share / len(self.challengers) for own in self.challengers}
        return {self.control: 1.0 - share} | each

    @property
    def salt(self) -> str:
        """Name under which blocks are drawn; of each comparison its own."""
        return f"{self.plant}/{self.number}"


@dataclass(frozen=True, kw_only=True)
class Command:
    """What somebody wants done with a comparison."""

    deed: Deed
    challenger: str = ""
    """Begin: the release to compare. Promote: the one of two to promote; empty: the only one."""

    challenger_b: str = ""
    """Begin: a second one, compared at the same time."""

    config: StagingConfig | None = None
    """Begin: settings other than the usual."""

    verdict: Judged | None = None
    """Advance and promote: what the blocks say now."""

    automatic: bool = False
    """Whether nobody decided it but the controller."""

    why: str = ""
    """In the words of who asks."""


KEPT = ("stage", "step", "paused", "proposer", "approver", "reason", "cool_until_s", "switched_s")


def plain(state: Staging) -> dict[str, Any]:
    """Return what is kept of a state besides plant, number and seats, as plain data."""
    config = vars(state.config) | {"shares": list(state.config.shares)}
    return {key: getattr(state, key) for key in KEPT} | {"config": config}


def state_of(plant: str, seats: Seats, number: int, values: Mapping[str, Any]) -> Staging:
    """Return the state that `plain` wrote."""
    config = dict(values["config"])
    config["shares"] = tuple(config["shares"])
    own = {key: values[key] for key in KEPT} | {"stage": Stage(values["stage"])}
    return Staging(plant=plant, seats=seats, number=number, config=StagingConfig(**config), **own)
