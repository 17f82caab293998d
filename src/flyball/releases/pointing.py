# SPDX-License-Identifier: MIT
"""Pointing an alias by hand: setting up a plant, and what cannot be done by a staged comparison.

An engineer may seat a rule of the plant's own where nobody sits. Everything else takes an approver
and a second person, since whoever sits may come to be in control. Challengers are seated by
beginning a comparison, and nothing is pointed while one is open.
"""

from collections.abc import Mapping
from typing import NamedTuple

from flyball.releases.refusals import ConflictError, RefusedError, problem
from flyball.releases.roles import Person, Role, require
from flyball.releases.seats import require_plant, require_target
from flyball.releases.staging import OPEN, Staging

NAMES = ("baseline", "champion", "previous")


class Pointing(NamedTuple):
    """Where an alias is to point."""

    plant: str
    name: str  # of the alias: baseline, champion or previous
    target: str  # a digest, or rule:name
    expected: str = ""  # where it points now; empty: nobody sits there
    second: Person | None = None  # who agrees, besides the one who does it


def pointed(
    pointing: Pointing, before: Mapping[str, str], state: Staging | None, by: Person
) -> dict[str, str]:
    """Return the aliases of a plant after one was pointed. Pure.

    Raises
    ------
    RefusedError, ConflictError
        See `registry.Registry.point`.
    """
    plant, name, target = pointing.plant, pointing.name, pointing.target
    require_plant(plant)
    where = f"{plant} {name}"
    if name not in NAMES:
        fix = "begin a comparison to seat a challenger"
        raise RefusedError(problem(where[:120], "an alias", ", ".join(NAMES), fix))
    require_target(target, name)
    if state is not None and state.stage in OPEN:
        fix = "promote it, roll it back or retire it first"
        found = f"an open comparison, {state.stage}"
        raise ConflictError(problem(where, found, "none", fix))
    if before.get(name, "") != pointing.expected:
        found = f"expected at {pointing.expected[:12] or 'nobody'}"
        allowed = before.get(name, "")[:12] or "nobody"
        raise ConflictError(problem(where, found, allowed, "look again, then decide again"))
    _authorised(pointing, before, by, where)
    after = dict(before) | {name: target}
    if name == "champion" and before.get("champion", target) != target:
        after["previous"] = before["champion"]
    return after


def _authorised(pointing: Pointing, before: Mapping[str, str], by: Person, where: str) -> None:
    """Refuse who may not, alone or at all."""
    if pointing.target.startswith("rule:") and pointing.name not in before:
        require(by, Role.ENGINEER, where)
        return
    require(by, Role.APPROVER, where)
    second = pointing.second
    if second is None or second.name.strip().casefold() == by.name.strip().casefold():
        fix = "ask an engineer or approver to agree"
        raise RefusedError(problem(where, f"{by.name} alone", "two people", fix))
    require(second, Role.ENGINEER, where)
