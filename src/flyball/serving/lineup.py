# SPDX-License-Identifier: MIT
"""Who is on the field: champion, challengers and fallback, and which blocks go to whom.

A line-up is frozen and swapped whole, as one pointer; a decision goes by the one that it began
with.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import NamedTuple

from flyball import releases
from flyball.core.decision import Arm
from flyball.serving.pilot import Pilot

CHALLENGERS = (Arm.CHALLENGER, Arm.SECOND)


class Drawn(NamedTuple):
    """Which arm a block goes to, and how likely each arm was."""

    key: str
    arm: Arm
    shares: Mapping[str, float]


@dataclass(frozen=True, kw_only=True)
class Lineup:
    """Who is on the field."""

    fallback: Pilot
    """In control of every decision that somebody else loses."""

    champion: Pilot
    """In control unless a block is drawn for a challenger; the fallback where nobody else is."""

    challengers: tuple[Pilot, ...] = ()
    """At most two; they propose beside the champion in every stage."""

    shares: tuple[float, ...] = ()
    """Share of the blocks that each challenger controls; 0 in shadow."""

    stage: str = ""
    """Of the staged comparison: shadow, canary, full; empty without one."""

    number: int = 0
    """Of the staged comparison at this plant."""

    salt: str = ""
    """Of the assignment; another one for each staged comparison."""

    whole: bool = False
    """Switchback: the whole plant goes to one arm a block, not each unit by itself."""

    generation: int = 0
    """Of the releases, as the registry counts them."""

    pilots: Mapping[Arm, Pilot] = field(init=False)
    """Everybody on the field, the fallback first."""

    def __post_init__(self) -> None:
        own = dict(zip(CHALLENGERS, self.challengers, strict=False))
        first = {Arm.FALLBACK: self.fallback, Arm.CHAMPION: self.champion}
        object.__setattr__(self, "pilots", first | own)

    def draw(self, unit: str, block: str) -> Drawn:
        """Return the arm of a block: the same whenever and wherever it is asked for."""
        key = block if self.whole else f"{unit}: {block}"
        shares = dict(zip(map(str, CHALLENGERS), self.shares, strict=False))
        if not any(self.shares):
            return Drawn(key, Arm.CHAMPION, {str(Arm.CHAMPION): 1.0})
        drawn = releases.verdicts.assign(key, self.salt, shares)
        return Drawn(key, Arm(drawn.arm), drawn.shares)

    def without(self, arm: Arm) -> "Lineup":
        """Return the line-up after somebody was taken off the field."""
        if arm == Arm.CHAMPION:
            return replace(self, champion=self.fallback)
        n = CHALLENGERS.index(arm)
        left = tuple(pilot for k, pilot in enumerate(self.challengers) if k != n)
        shares = tuple(share for k, share in enumerate(self.shares) if k != n)
        return replace(self, challengers=left, shares=shares, stage=self.stage if left else "")
