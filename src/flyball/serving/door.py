# SPDX-License-Identifier: MIT
"""The door to the API: who asks, whether they may, and how often."""

from collections.abc import Mapping

from flyball.core.clock import Clock
from flyball.core.errors import Problem
from flyball.releases import Person, Role
from flyball.serving.access import Access
from flyball.serving.rate import Rate


class Refused(Exception):  # noqa: N818 - an answer, not a fault
    """An answer other than 200, with its problems."""

    def __init__(self, status: int, *problems: Problem) -> None:
        super().__init__(status)
        self.status, self.problems = status, problems


class Door:
    """Admits persons.

    Parameters
    ----------
    access
        Says who asks.
    clock
        The time.
    per_s
        Requests a second of one name.
    """

    def __init__(self, access: Access, clock: Clock, per_s: float = 5_000.0) -> None:
        self._access, self._rate = access, Rate(per_s, clock)

    def admit(self, headers: Mapping[bytes, bytes], role: Role) -> Person:
        """Return who asks.

        Raises
        ------
        Refused
            401 for nobody known, 403 for too small a role, 429 for too often.
        """
        person = self._access.person(headers)
        if person is None:
            fix = "send a key as 'authorization: bearer ...'; flyball keys makes one"
            raise Refused(401, refusal("authorization", "no key that is known", "a key", fix))
        if person.role < role:
            found = f"{person.name}, {person.role.name.lower()}"
            fix = "ask for a key with this role"
            raise Refused(403, refusal("role", found, f"{role.name.lower()} or above", fix))
        if not self._rate.admits(person.name):
            fix = "send less often; the plant's own fallback goes on"
            raise Refused(429, refusal("rate", "too many requests", "as the settings say", fix))
        return person


def refusal(where: str, found: str, allowed: str, fix: str) -> Problem:
    """Return a problem in its five parts."""
    return Problem(where=where, found=found, allowed=allowed, fix=fix)
