# SPDX-License-Identifier: MIT
"""Why a release, or a change of one, is refused.

::

    FlyballError
     └─ ReleaseError      a release, a key or a store that is not what it should be
         ├─ MissingError  nothing has that name or digest
         ├─ ConflictError somebody else was first; look again, then decide again
         ├─ RefusedError  the role or the rule does not allow it
         └─ StoreError    the database cannot be reached, or is not what it should be
"""

from flyball.core.errors import FlyballError, Problem


class ReleaseError(FlyballError):
    """A release, a key or a store is not what it should be."""


class MissingError(ReleaseError):
    """Nothing has that name or digest."""


class ConflictError(ReleaseError):
    """Somebody else changed it first."""


class RefusedError(ReleaseError):
    """The role or the rule does not allow it."""


class StoreError(ReleaseError):
    """The database cannot be reached, or is not what it should be; nothing was changed."""


def problem(where: str, found: str, allowed: str, fix: str) -> Problem:
    """Return a problem in its five parts."""
    return Problem(where=where, found=found, allowed=allowed, fix=fix)
