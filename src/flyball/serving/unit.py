# SPDX-License-Identifier: MIT
"""One unit of a plant as the server keeps it: its shield, and a warm memory for every pilot.

F features · M signals · A discrete actions · D continuous values.
"""

from typing import NamedTuple

import numpy as np

from flyball import safety
from flyball.core.batch import Doubles, Floats, Observation, Options
from flyball.core.decision import Arm, Request
from flyball.core.errors import Problem
from flyball.core.journal import Record
from flyball.serving.lineup import Drawn, Lineup
from flyball.serving.pilot import Pilot, Proposal
from flyball.serving.site import Site

LONGEST = 128
"""Characters of a name."""


class Tally(NamedTuple):
    """What happened in a block, for who judges it."""

    decisions: int = 0
    changed: int = 0  # by the shield
    lost: int = 0  # to the fallback
    breaches: int = 0  # outside of what is certified
    switched: bool = False  # control went to somebody else before its end


class Unit:
    """What is remembered between two decisions of one unit."""

    def __init__(self, name: str, site: Site, keeper: safety.Keeper) -> None:
        self.name, self.keeper = name, keeper
        self.observation = _empty(site)
        self.block, self.episode, self.at_s = "", 0, -np.inf
        self.drawn = Drawn("", Arm.CHAMPION, {})
        self.arm = Arm.CHAMPION
        self.pilot: Pilot | None = None
        self.tally = Tally()
        self._memory: dict[str, Floats] = {}

    def see(self, request: Request) -> None:
        """Write a request that was checked into the observation."""
        seen = self.observation
        with np.errstate(over="ignore"):  # what no float32 can hold is infinite to a policy
            seen.obs[0, 0] = request.obs
        seen.signals[0] = [np.nan if x is None else x for x in request.signals]
        seen.age_s[0] = request.age_s or 0.0
        seen.quality[0] = request.quality or True
        seen.start[0] = request.start
        if seen.mask.size:
            seen.mask[0, 0] = request.mask or True

    def begin(self, request: Request, lineup: Lineup) -> None:
        """Begin an episode: every memory is empty, and the block is drawn anew."""
        self.episode += 1
        self.block = request.block or f"{self.name} {self.episode}"
        self._memory = {}
        self.drawn, self.tally = lineup.draw(self.name, self.block), Tally()
        self.arm, self.number = self.drawn.arm, lineup.number
        self.pilot = lineup.pilots[self.arm]

    def settle(self, lineup: Lineup) -> None:
        """Leave a pilot that is no longer on the field at once; the block is no evidence then."""
        if lineup.pilots.get(self.arm) is self.pilot:
            return
        for arm, pilot in lineup.pilots.items():  # promoted: the same pilot on another place
            if self.pilot is not None and pilot.name == self.pilot.name and arm != Arm.FALLBACK:
                self.arm, self.pilot = arm, pilot
                return
        self.arm, self.pilot = Arm.CHAMPION, lineup.champion
        self.tally = self.tally._replace(switched=True)

    def propose(self, pilot: Pilot) -> Proposal:
        """Return what a pilot would do, and keep its memory warm."""
        memory = self._memory.get(pilot.name)
        said = pilot.propose(self.observation, pilot.initial() if memory is None else memory)
        self._memory[pilot.name] = said.memory
        return said


def _empty(site: Site) -> Observation:
    """Return an observation of one copy to write into."""
    spec = site.spec
    n_signals = len(spec.signals)
    return Observation(
        obs=np.zeros((1, 1, len(spec.kinds[0].features)), np.float32),
        state=np.zeros((1, 0), np.float32),
        mask=np.ones((1, 1, spec.choice_starts[-1]), np.bool_),
        options=Options(np.zeros((0, 0), np.float32), np.zeros(2, np.int64), np.zeros(0, np.int32)),
        alive=np.ones((1, 1), np.bool_),
        start=np.zeros(1, np.bool_),
        signals=np.zeros((1, n_signals)),
        age_s=np.zeros((1, n_signals)),
        quality=np.zeros((1, n_signals), np.bool_),
    )


def in_force(record: Record | None) -> Doubles | None:
    """Return what a decision applied (D,), for a unit that a server meets for the first time."""
    return None if record is None else np.array([float(x) for x in record["applied"]])


def faults(request: Request, site: Site, spec_hash: str) -> list[Problem]:
    """Return what is wrong with a request: names, lengths, times; not what was measured."""
    sizes = {
        "obs": (len(request.obs), len(site.spec.kinds[0].features), False),
        "signals": (len(request.signals), len(site.spec.signals), False),
        "age_s": (len(request.age_s), len(site.spec.signals), True),
        "quality": (len(request.quality), len(site.spec.signals), True),
        "mask": (len(request.mask), site.spec.choice_starts[-1], True),
        "applied": (len(request.applied), len(site.values), True),
    }
    found = []
    for name, (own, wanted, optional) in sizes.items():
        if own != wanted and not (optional and own == 0):
            allowed = f"{wanted} values, in the order of the spec" + (", or none" * optional)
            found.append(_problem(name, f"{own} values", allowed, "ask /v1/spec for the order"))
    for name in ("decision_id", "unit", "block"):
        text = getattr(request, name)
        found += misnamed(f"request {name}", text) if text or name != "block" else []
    if not np.isfinite(request.at_s):
        found.append(_problem("at_s", str(request.at_s), "seconds", "send the plant's time"))
    if request.spec and request.spec != spec_hash:
        fix = "connect the plant anew: its features, signals or values have changed"
        found.append(_problem("spec", request.spec[:12], spec_hash[:12], fix))
    return found


def misnamed(where: str, text: str) -> list[Problem]:
    """Return what is wrong with a name: nothing, or that it is none."""
    if text and len(text) <= LONGEST and text.isprintable():
        return []
    allowed = f"1 to {LONGEST} printable characters"
    found = repr(text[:40])
    return [Problem(where=where, found=found, allowed=allowed, fix="name it otherwise")]


def _problem(name: str, found: str, allowed: str, fix: str) -> Problem:
    return Problem(where=f"request {name}", found=found, allowed=allowed, fix=fix)
