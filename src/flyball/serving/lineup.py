# SPDX-License-Identifier: MIT
"""Who is on the field: champion, challengers and fallback, and which blocks go to whom.

A line-up is frozen and swapped whole, as one pointer; a decision goes by the one that it began
with.
"""

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import NamedTuple

from flyball.core.decision import Arm
from flyball.serving.pilot import Pilot


class Drawn(NamedTuple):
    """Which arm a block goes to."""

    arm: Arm
    propensity: float  # probability with which it was drawn


@dataclass(frozen=True, kw_only=True)
class Lineup:
    """Who is on the field."""

    fallback: Pilot
    champion: Pilot | None = None
    """In control unless a block is drawn for somebody else; None: the fallback is."""

    challengers: tuple[Pilot, ...] = ()
    """At most two; they propose beside the champion in every stage."""

    shares: tuple[float, ...] = ()
    """Share of the blocks that each challenger controls; 0 in shadow."""

    stage: str = ""
    """Of the staged comparison: shadow, canary, full; empty without one."""

    salt: str = ""
    """Of the assignment; another one for each staged comparison."""

    whole: bool = False
    """Switchback: the whole plant goes to one arm a block, not each unit by itself."""

    generation: int = 0
    """Of the releases, as the registry counts them."""

    pilots: Mapping[Arm, Pilot] = field(init=False)
    """Everybody on the field."""

    def __post_init__(self) -> None:
        arms = {Arm.FALLBACK: self.fallback, Arm.CHAMPION: self.champion}
        arms |= dict(zip((Arm.CHALLENGER, Arm.SECOND), self.challengers, strict=False))
        known = {arm: pilot for arm, pilot in arms.items() if pilot is not None}
        object.__setattr__(self, "pilots", known)

    @property
    def incumbent(self) -> Arm:
        """Who controls what no challenger does."""
        return Arm.CHAMPION if self.champion is not None else Arm.FALLBACK

    def draw(self, unit: str, block: str) -> Drawn:
        """Return the arm of a block: the same whenever and wherever it is asked for."""
        if not any(self.shares):
            return Drawn(self.incumbent, 1.0)
        at = uniform(self.salt, "" if self.whole else unit, block)
        for arm, share in zip((Arm.CHALLENGER, Arm.SECOND), self.shares, strict=False):
            if at < share:
                return Drawn(arm, share)
            at -= share
        return Drawn(self.incumbent, 1.0 - sum(self.shares))

    def without(self, arm: Arm) -> "Lineup":
        """Return the line-up after somebody was taken off the field."""
        if arm == Arm.CHAMPION:
            return replace(self, champion=None)
        n = (Arm.CHALLENGER, Arm.SECOND).index(arm)
        left = tuple(p for k, p in enumerate(self.challengers) if k != n)
        shares = tuple(s for k, s in enumerate(self.shares) if k != n)
        return replace(self, challengers=left, shares=shares, stage=self.stage if left else "")


def uniform(salt: str, unit: str, block: str) -> float:
    """Return a number in [0, 1) that depends on nothing but three names."""
    names = "\0".join((salt, unit, block)).encode()
    return int.from_bytes(hashlib.sha256(names).digest()[:8], "big") / 2.0**64
