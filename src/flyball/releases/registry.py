# SPDX-License-Identifier: MIT
"""The registry: which releases there are, who sits where at each plant, and how it came to that.

Every change is one transaction: the rows, one event of the audit, and, where servers must see it,
one generation more. A server watches the generation alone and reads the rest when it has risen.
"""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from sqlalchemy import Connection, select

from flyball.core.clock import Clock
from flyball.releases import events, plants, shelf
from flyball.releases.database import Database
from flyball.releases.deeds import apply
from flyball.releases.events import Change, Events
from flyball.releases.leases import Lease, Leases, current
from flyball.releases.paths import Paths
from flyball.releases.pointing import Pointing, pointed
from flyball.releases.refusals import ConflictError, problem
from flyball.releases.roles import Person
from flyball.releases.seats import require_plant
from flyball.releases.shelving import Shelf
from flyball.releases.staging import OPEN, Command, Staging, plain
from flyball.releases.tables import ALIASES, STAGINGS


class Registry(Shelf):
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
        super().__init__(database, clock)
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

    def point(  # noqa: PLR0913
        self,
        plant: str,
        name: str,
        target: str,
        *,
        by: Person,
        why: str,
        expected: str = "",
        second: Person | None = None,
    ) -> int:
        """Point an alias at a target and return the new generation.

        Champion and previous move through staged comparisons otherwise; see `pointing` for who may
        do it by hand. Where the champion moves, `previous` becomes what it was.

        Parameters
        ----------
        plant, name
            Which alias: baseline, champion or previous.
        target
            Digest of a release, or a rule of the plant's own as ``rule:name``.
        by, why
            Who does it, and why.
        expected
            Where it points now; empty: nobody sits there.
        second
            Who agrees, besides the one who does it.

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
            before = plants.aliases_of(connection, plant)
            state = plants.standing(connection, plant)
            after = pointed(Pointing(plant, name, target, expected, second), before, state, by)
            if not target.startswith("rule:"):
                shelf.required(connection, target)
            record = after if second is None else after | {"second": second.name}
            change = Change(by, f"point {name}", plant, why, before, record)
            generation = events.note(connection, change, self._clock)
            where = (plant, generation, self._now())
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
                self.point(plant, name, f"rule:{rule}", by=by, why="the plant was set up")

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
            If given, the one that the decision was made on; taking challengers off the field does
            not depend on it.
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
            before = plants.required(connection, plant)
            if command.deed == "roll_back" and before.stage in OPEN:
                generation = None  # whatever has changed meanwhile, a challenger can always go
            self._fresh(connection, plant, generation, lease)
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
