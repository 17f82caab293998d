# SPDX-License-Identifier: MIT
"""Who sits where at a plant: what is in control, and what control goes back to.

A target is the digest of a release, or a rule of the plant's own, written ``rule:name``: a plant
that never saw a release is run by its rule.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass, replace

from flyball.releases.refusals import RefusedError, problem

PLANT = re.compile(r"[a-z0-9][a-z0-9._-]{0,63}")
RULE = re.compile(r"rule:[a-z0-9][a-z0-9._-]{0,63}")
DIGEST = re.compile(r"[0-9a-f]{64}")


@dataclass(frozen=True, kw_only=True)
class Seats:
    """Targets by the names of their aliases; empty where nobody sits."""

    champion: str
    """In control."""

    previous: str = ""
    """Was in control before it."""

    baseline: str
    """What a release has to beat, and what control goes back to last."""

    challenger: str = ""
    challenger_b: str = ""

    def back(self) -> "Seats":
        """Return who sits where once the champion has to go: previous, then baseline, in control.

        The baseline itself cannot go: then nothing changes.
        """
        if self.previous not in ("", self.champion):
            return replace(self, champion=self.previous, previous=self.baseline)
        return replace(self, champion=self.baseline, previous="")

    def promoted(self, target: str) -> "Seats":
        """Return who sits where once a challenger is in control."""
        seats = replace(self, champion=target, previous=self.champion)
        return seats.without_challengers()

    def without_challengers(self) -> "Seats":
        """Return who sits where once a comparison is over."""
        return replace(self, challenger="", challenger_b="")

    def taken(self) -> dict[str, str]:
        """Return the targets by name, where somebody sits."""
        return {name: target for name, target in vars(self).items() if target}


def seats_of(targets: Mapping[str, str]) -> Seats | None:
    """Return the seats that aliases name, or None for a plant that nobody has set up."""
    if not {"champion", "baseline"} <= targets.keys():
        return None
    return Seats(**targets)


def require_plant(plant: str) -> None:
    """Return only for the name of a plant.

    Raises
    ------
    RefusedError
        For anything else.
    """
    if not PLANT.fullmatch(plant):
        allowed = "1 to 64 of a-z, 0-9, dot, dash and underscore"
        found = repr(plant)[:80]
        raise RefusedError(problem("plant", found, allowed, "name it so"))


def require_target(target: str, name: str) -> None:
    """Return only for a target that may sit there.

    Raises
    ------
    RefusedError
        For what is neither a digest nor, but for challengers, a rule.
    """
    rules = not name.startswith("challenger")
    if not DIGEST.fullmatch(target) and not (rules and RULE.fullmatch(target)):
        allowed = "the digest of a release" + (" or rule:name" if rules else "")
        found = repr(target)[:80]
        raise RefusedError(problem(name, found, allowed, "take the digest that pack returned"))
