# SPDX-License-Identifier: MIT
"""Who may do what to a release; each role may do what the ones before it may."""

from enum import IntEnum
from typing import NamedTuple

from flyball.releases.refusals import RefusedError, problem

LONGEST = 200
"""Letters of a person's name at most."""


class Role(IntEnum):
    """What a person may do."""

    VIEWER = 0
    """Look."""

    OPERATOR = 1
    """Stop, pause and roll back."""

    ENGINEER = 2
    """Register releases, and begin and advance a staged comparison."""

    APPROVER = 3
    """Promote what another person has begun."""

    ADMIN = 4
    """Everything, people and keys besides; two people stay two."""


class Person(NamedTuple):
    """Who acts."""

    name: str
    role: Role


def require(person: Person, role: Role, deed: str) -> None:
    """Return only if a person may do something.

    Raises
    ------
    RefusedError
        When the person's role is below the one that is needed, or the person has no name.
    """
    if not person.name.strip() or not person.name.isprintable() or len(person.name) > LONGEST:
        fix = "say who acts: every change is kept with its author"
        allowed = f"a name of 1 to {LONGEST} letters"
        raise RefusedError(problem(deed, f"nobody's name, {person.name!r}"[:120], allowed, fix))
    if person.role < role:
        found = f"{person.name}, {Role(person.role).name.lower()}"
        fix = f"ask somebody who is {role.name.lower()}"
        raise RefusedError(problem(deed, found, f"{role.name.lower()} or above", fix))
