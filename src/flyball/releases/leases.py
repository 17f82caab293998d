# SPDX-License-Identifier: MIT
"""Who may act alone for a while: a row with an expiry, taken by comparing and setting.

One controller stages releases, the others stand by. A lease that was not renewed in time belongs to
whoever asks next, with a higher fencing number; what the old holder still sends can be told by its
lower one. Moments come from the clocks of those who ask: they have to agree to much less than the
time of a lease.
"""

from dataclasses import dataclass
from datetime import timedelta

from sqlalchemy import Connection, insert, select, update
from sqlalchemy.exc import IntegrityError

from flyball.core.clock import Clock
from flyball.releases.database import Database
from flyball.releases.moments import moment, read
from flyball.releases.tables import LEASES


@dataclass(frozen=True)
class Lease:
    """A right to act alone."""

    name: str
    holder: str
    expires: str
    """ISO 8601, UTC."""

    fence: int
    """Higher for every new holder."""


class Leases:
    """The leases in a database."""

    def __init__(self, database: Database, clock: Clock) -> None:
        self._database, self._clock = database, clock

    def take(self, name: str, holder: str, for_s: float) -> Lease | None:
        """Return the lease, taken or renewed, or None where somebody else holds it.

        Parameters
        ----------
        name
            What is leased.
        holder
            Who asks, by a name that no other process has.
        for_s
            How long it lasts without being renewed, s.
        """
        try:
            with self._database.writing(turn=False) as connection:
                return self._taken(connection, name, holder, for_s)
        except IntegrityError:  # somebody else was the first ever to take it
            return None

    def _taken(self, connection: Connection, name: str, holder: str, for_s: float) -> Lease | None:
        now = self._clock.now()
        own = _held(connection, name)
        expires = moment(now + timedelta(seconds=for_s))
        if own is None:
            lease = Lease(name, holder, expires, 1)
            connection.execute(insert(LEASES).values(vars(lease)))
            return lease
        if own.holder != holder and read(own.expires) > now:
            return None
        fence = own.fence + (own.holder != holder)
        lease = Lease(name, holder, expires, fence)
        changed = connection.execute(
            update(LEASES)
            .where(LEASES.c.name == name)
            .where(LEASES.c.fence == own.fence, LEASES.c.expires == own.expires)
            .values(vars(lease))
        )
        return lease if changed.rowcount == 1 else None

    def give_back(self, lease: Lease) -> None:
        """End a lease at once, if it is still held."""
        with self._database.writing(turn=False) as connection:
            connection.execute(
                update(LEASES)
                .where(LEASES.c.name == lease.name)
                .where(LEASES.c.holder == lease.holder, LEASES.c.fence == lease.fence)
                .values(expires=moment(self._clock.now()))
            )

    def held(self, name: str) -> Lease | None:
        """Return who held a lease last; it may have expired."""
        with self._database.reading() as connection:
            return _held(connection, name)


def _held(connection: Connection, name: str) -> Lease | None:
    row = connection.execute(select(LEASES).where(LEASES.c.name == name)).one_or_none()
    return None if row is None else Lease(row.name, row.holder, row.expires, row.fence)


def current(connection: Connection, lease: Lease) -> bool:
    """Return whether nobody has taken a lease since, within a change."""
    own = _held(connection, lease.name)
    return own is not None and own.fence == lease.fence
