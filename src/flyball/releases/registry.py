# SPDX-License-Identifier: MIT
"""The registry: which releases there are, who sits where at each plant, and how it came to that.

Every change is one transaction: the rows, one event of the audit, and, where servers must see it,
one generation more. A server watches the generation alone and reads the rest when it has risen.
"""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from sqlalchemy import Connection, select, update

from flyball.core.clock import Clock
from flyball.releases import events, plants, shelf
from flyball.releases.database import Database
from flyball.releases.deeds import apply
from flyball.releases.events import Change, Events
from flyball.releases.leases import Lease, Leases, current
from flyball.releases.manifest import Manifest, digest_of
from flyball.releases.moments import moment
from flyball.releases.paths import Paths
from flyball.releases.pointing import Pointing, pointed
from flyball.releases.refusals import ConflictError, MissingError, problem
from flyball.releases.roles import Person, Role, require
from flyball.releases.seats import require_plant
from flyball.releases.shelf import Entry, Page, Wanted
from flyball.releases.staging import Command, Staging, plain
from flyball.releases.tables import ALIASES, RELEASES, STAGINGS


class Registry:
    """The registry in a database.

    Parameters
    ----------
    database
        Where it stands.
    clock
        Where moments come from.

    Attributes
    ----------
    events
        The audit, to read.
    paths
        The verdicts on each comparison.
    leases
        Who may act alone for a while.
    """

    def __init__(self, database: Database, clock: Clock) -> None:
        self._database, self._clock = database, clock
        self.events = Events(database)
        self.paths = Paths(database, clock)
        self.leases = Leases(database, clock)

    @classmethod
    def open(cls, where: Path | str, clock: Clock) -> "Registry":
        """Return the registry in a file (SQLite) or at a URL; its tables are brought up to date.

        Raises
        ------
        StoreError
            When the database cannot be reached, or was made by a newer Flyball.
        """
        return cls(Database(where), clock)

    def close(self) -> None:
        """Let go of the database."""
        self._database.close()

    # Releases

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

    def releases(self, wanted: Wanted | None = None) -> Page:
        """Return a page of releases, newest first."""
        with self._database.reading() as connection:
            return shelf.listed(connection, wanted or Wanted())

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

    # Plants

    def generation(self) -> int:
        """Return the number that rises with every change that servers must see."""
        with self._database.reading() as connection:
            return events.generation_of(connection)

    def plants(self) -> tuple[str, ...]:
        """Return the plants that somebody has set up, sorted."""
        with self._database.reading() as connection:
            names = connection.scalars(select(ALIASES.c.plant).distinct())
            return tuple(sorted(map(str, names)))

    def aliases(self, plant: str) -> dict[str, str]:
        """Return the targets at a plant by the names of their aliases."""
        with self._database.reading() as connection:
            return plants.aliases_of(connection, plant)

    def point(self, pointing: Pointing, *, by: Person, why: str) -> int:
        """Point an alias at a target and return the new generation.

        Champion and previous move through staged comparisons otherwise; see `pointing` for who may
        do it by hand. Where the champion moves, `previous` becomes what it was.

        Raises
        ------
        ConflictError
            When the alias does not point where `expected` says, or a comparison is open.
        RefusedError
            When role or second person are missing, or the target is none.
        MissingError
            When the release is not known.
        """
        with self._database.writing() as connection:
            before = plants.aliases_of(connection, pointing.plant)
            state = plants.standing(connection, pointing.plant)
            after = pointed(pointing, before, state, by)
            if not pointing.target.startswith("rule:"):
                shelf.required(connection, pointing.target)
            record = after if pointing.second is None else after | {"second": pointing.second.name}
            what = f"point {pointing.name}"
            change = Change(by, what, pointing.plant, why, before, record)
            generation = events.note(connection, change, self._clock)
            where = (pointing.plant, generation, self._now())
            plants.seat(connection, where, before, after)
            return generation

    def set_up(self, plant: str, rule: str, *, by: Person) -> None:
        """Put a rule in control of a plant that nobody has set up; else change nothing.

        Parameters
        ----------
        plant
            Which plant.
        rule
            Name of a rule of the plant's own: baseline, and champion until a release is promoted.
        by
            An engineer.

        Raises
        ------
        RefusedError
            When the role is missing, or a name is none.
        """
        seats = self.aliases(plant)
        for name in ("baseline", "champion"):
            if name not in seats:
                pointing = Pointing(plant, name, f"rule:{rule}")
                self.point(pointing, by=by, why="the plant was set up")

    def staging(self, plant: str) -> Staging:
        """Return where a plant's comparison stands.

        Raises
        ------
        MissingError
            When nobody has set up the plant.
        """
        with self._database.reading() as connection:
            return plants.required(connection, plant)

    def stagings(self, plant: str) -> tuple[Mapping[str, Any], ...]:
        """Return all comparisons of a plant as plain data, newest first."""
        wanted = select(STAGINGS).where(STAGINGS.c.plant == plant)
        with self._database.reading() as connection:
            rows = connection.execute(wanted.order_by(STAGINGS.c.number.desc())).mappings()
            return tuple(dict(row) | {"state": json.loads(row["state"])} for row in rows)

    def stage(
        self,
        plant: str,
        command: Command,
        by: Person,
        *,
        generation: int | None = None,
        lease: Lease | None = None,
    ) -> Staging:
        """Apply a command to a plant's comparison and return where it stands then.

        Parameters
        ----------
        plant
            Which plant.
        command, by
            What is wanted, and by whom; `deeds` has the rules.
        generation
            If given, the one that the decision was made on.
        lease
            If given, what the controller acts under.

        Raises
        ------
        ConflictError
            When the generation has risen, or somebody else holds the lease.
        RefusedError
            When role, state, verdict, second person or cool-down do not allow it.
        MissingError
            When the plant was not set up, or a release is not known.
        """
        require_plant(plant)
        with self._database.writing() as connection:
            self._fresh(connection, plant, generation, lease)
            before = plants.required(connection, plant)
            for target in (command.challenger, command.challenger_b):
                if target and command.deed == "begin":
                    shelf.required(connection, target)
            after = apply(before, command, by, self._clock.now().timestamp())
            told = [vars(state.seats) | plain(state) for state in (before, after)]
            change = Change(by, command.deed, plant, command.why, *told)
            where = (plant, events.note(connection, change, self._clock), self._now())
            plants.seat(connection, where, before.seats.taken(), after.seats.taken())
            plants.keep(connection, after, *where[1:])
            return after

    def _fresh(
        self, connection: Connection, plant: str, generation: int | None, lease: Lease | None
    ) -> None:
        """Refuse what was decided on something else than what is there now."""
        now = events.generation_of(connection)
        if generation is not None and generation != now:
            fix = "look again, then decide again"
            found = f"decided on generation {generation}"
            raise ConflictError(problem(plant, found, f"generation {now}", fix))
        if lease is not None and not current(connection, lease):
            fix = "stand by: another controller acts"
            found = f"a lease of '{lease.name}' that was taken over"
            raise ConflictError(problem(plant, found, "the lease that is held", fix))

    def _now(self) -> str:
        return moment(self._clock.now())
