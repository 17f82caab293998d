# SPDX-License-Identifier: MIT
"""The part of the registry that knows releases: adding, finding and retiring them."""

from sqlalchemy import Connection, select, update

from flyball.core.clock import Clock
from flyball.releases import events, shelf
from flyball.releases.database import Database
from flyball.releases.events import Change
from flyball.releases.manifest import Manifest, digest_of
from flyball.releases.moments import moment
from flyball.releases.refusals import ConflictError, MissingError, problem
from flyball.releases.roles import Person, Role, require
from flyball.releases.shelf import Entry, Page, Wanted
from flyball.releases.tables import ALIASES, RELEASES


class Shelf:
    """The releases in a database.

    Parameters
    ----------
    database
        Where they are known.
    clock
        Where moments come from.
    """

    def __init__(self, database: Database, clock: Clock) -> None:
        self._database, self._clock = database, clock

    def add(self, manifest: Manifest, *, signer: str, by: Person, why: str = "") -> Entry:
        """Add a release that was admitted and return it; adding it again changes nothing.

        Raises
        ------
        RefusedError
            When the person is no engineer.
        """
        require(by, Role.ENGINEER, "add a release")
        with self._database.writing() as connection:
            entry = shelf.added(connection, manifest, signer, self._now())
            if entry is not None:
                change = Change(by, "add", "", why, None, {"digest": entry.digest})
                events.note(connection, change, self._clock, raises=False)
                return entry
            return self._known(connection, digest_of(manifest.to_bytes()))

    def get(self, digest: str) -> Entry:
        """Return a release.

        Raises
        ------
        MissingError
            When there is none of this digest.
        """
        with self._database.reading() as connection:
            return self._known(connection, digest)

    def _known(self, connection: Connection, digest: str) -> Entry:
        entry = shelf.found(connection, digest)
        if entry is None:
            fix = "admit it, and add it to the registry first"
            raise MissingError(problem("release", f"'{digest[:80]}'", "one that is known", fix))
        return entry

    def manifest(self, digest: str) -> bytes:
        """Return the manifest of a release, byte for byte.

        Raises
        ------
        MissingError
            When there is none of this digest.
        """
        with self._database.reading() as connection:
            self._known(connection, digest)
            return shelf.manifest_of(connection, digest)

    def find(self, prefix: str) -> tuple[Entry, ...]:
        """Return at most twenty releases whose digests begin with 4 digits or more."""
        with self._database.reading() as connection:
            return shelf.beginning(connection, prefix)

    def releases(
        self, *, world: str = "", state: str = "", text: str = "", after: str = "", limit: int = 50
    ) -> Page:
        """Return a page of releases, newest first.

        Parameters
        ----------
        world, state
            Only those of it; empty: all.
        text
            Words, each of which stands somewhere in world, algorithm, verdict or purpose.
        after
            `next` of the page before; empty: the first page.
        limit
            How many, at most 500.

        Raises
        ------
        RefusedError
            When `after` is not what a page gave, or the limit is none.
        """
        with self._database.reading() as connection:
            return shelf.listed(connection, Wanted(world, state, text, after, limit))

    def retire(self, digest: str, *, by: Person, why: str) -> Entry:
        """Take a release out of use and return it; it stays in the vault and in the lists.

        Raises
        ------
        ConflictError
            When it sits somewhere.
        """
        require(by, Role.ENGINEER, "retire a release")
        with self._database.writing() as connection:
            entry = self._known(connection, digest)
            seat = connection.execute(
                select(ALIASES.c.plant, ALIASES.c.name).where(ALIASES.c.target == digest)
            ).first()
            if seat is not None:
                fix = "put another release there first"
                found = f"{seat.name} of {seat.plant}"
                where = f"retire {digest[:12]}"
                raise ConflictError(problem(where, found, "a release that sits nowhere", fix))
            if entry.state != shelf.RETIRED:
                rows = update(RELEASES).where(RELEASES.c.digest == digest)
                connection.execute(rows.values(state=shelf.RETIRED))
                after = {"digest": digest, "state": shelf.RETIRED}
                change = Change(by, "retire", "", why, {"state": entry.state}, after)
                events.note(connection, change, self._clock, raises=False)
            return entry._replace(state=shelf.RETIRED)

    def _now(self) -> str:
        return moment(self._clock.now())
