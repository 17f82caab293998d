# SPDX-License-Identifier: MIT
"""The audit of every change: who did what, why, and what was there before; in one chain.

An event is a record of the product's one kind of chain (`core.journal`). Its line is kept as it
was hashed; the columns beside it only help to find it, and what is read comes from the line. A page
is checked against the event before it.
"""

import json
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, NamedTuple

from sqlalchemy import Connection, desc, insert, select, update

from flyball.core.clock import Clock
from flyball.core.journal import PREFIX, START, broken, fits, link, verified
from flyball.releases.database import Database
from flyball.releases.moments import moment
from flyball.releases.roles import Person, Role
from flyball.releases.tables import EVENTS, GENERATION

WHERE = "the registry's events"


class Change(NamedTuple):
    """What the audit keeps of a change."""

    by: Person
    what: str
    plant: str  # empty: of none
    why: str
    before: Any
    after: Any


class Event(NamedTuple):
    """One change."""

    sequence: int  # 0, 1, 2, ...
    hash: str
    record: Mapping[str, Any]


def head(connection: Connection) -> tuple[int, str]:
    """Return how many events there are, and the hash of the last one: keep it elsewhere."""
    last = connection.execute(
        select(EVENTS.c.sequence, EVENTS.c.line).order_by(desc(EVENTS.c.sequence)).limit(1)
    ).one_or_none()
    return (0, START) if last is None else (last.sequence + 1, hash_in(last.line))


def hash_in(line: str) -> str:
    """Return the hash that stands in a line."""
    return line[9 : PREFIX - 2]


def append(connection: Connection, record: Mapping[str, Any]) -> str:
    """Add an event behind the last one, within a change, and return its hash.

    Parameters
    ----------
    connection
        Of a change that waits for its turn.
    record
        With `at`, `plant`, `what` and `who` as texts.
    """
    own = link(*head(connection), record)
    found = {key: str(record[key]) for key in ("at", "plant", "what", "who")}
    line = own.line.decode().rstrip("\n")
    connection.execute(insert(EVENTS).values(sequence=own.sequence, line=line, **found))
    return own.hash


def page(connection: Connection, after: int, limit: int) -> list[Event]:
    """Return events in their order, each checked against the one before it.

    Parameters
    ----------
    after
        Sequence of the last event that is known; -1 for the first page.
    limit
        How many at most.

    Raises
    ------
    RunError
        Where the chain is broken.
    """
    wanted = (
        select(EVENTS.c.sequence, EVENTS.c.line)
        .where(EVENTS.c.sequence >= after)
        .order_by(EVENTS.c.sequence)
        .limit(limit + (after >= 0))
    )
    rows = list(connection.execute(wanted))
    behind = (0, START)
    if after >= 0:
        if not rows or rows[0].sequence != after:
            place, allowed = f"{WHERE} {after}", "an event that was read before"
            raise broken(place, "no such event", allowed)
        behind = (after + 1, hash_in(rows.pop(0).line))
    return list(_checked([row.line for row in rows], behind))


def _checked(lines: Sequence[str], behind: tuple[int, str]) -> Iterator[Event]:
    for own in verified((line.encode() for line in lines), WHERE, behind):
        yield Event(own.sequence, own.hash, own.record)


def of_plant(connection: Connection, plant: str, after: int, limit: int) -> list[Event]:
    """Return the events of one plant, each checked against its own hash and its place.

    Raises
    ------
    RunError
        Where one was changed. That none is missing only the whole chain can tell.
    """
    wanted = (
        select(EVENTS.c.sequence, EVENTS.c.line)
        .where(EVENTS.c.plant == plant, EVENTS.c.sequence > after)
        .order_by(EVENTS.c.sequence)
        .limit(limit)
    )
    found = []
    for row in connection.execute(wanted):
        content = json.loads(row.line) if fits(row.line.encode()) else {}
        if content.get("sequence") != row.sequence or content["record"].get("plant") != plant:
            place, what = f"{WHERE} {row.sequence}", "an event that was changed"
            raise broken(place, what, "the event as it was written")
        found.append(Event(row.sequence, hash_in(row.line), content["record"]))
    return found


def generation_of(connection: Connection) -> int:
    """Return the number that rises with every change that servers must see."""
    return int(connection.scalar(select(GENERATION.c.value)) or 0)


def note(connection: Connection, change: Change, clock: Clock, *, raises: bool = True) -> int:
    """Add a change to the audit, raise the generation where servers must see it, and return it."""
    generation = generation_of(connection) + raises
    if raises:
        connection.execute(update(GENERATION).values(value=generation))
    record = {
        "kind": "change",
        "at": moment(clock.now()),
        "who": change.by.name,
        "role": Role(change.by.role).name.lower(),
        "what": change.what,
        "plant": change.plant,
        "why": change.why,
        "before": change.before,
        "after": change.after,
        "generation": generation,
    }
    append(connection, record)
    return generation


class Events:
    """The audit in a database, to read."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def page(self, *, plant: str = "", after: int = -1, limit: int = 100) -> list[Event]:
        """Return events behind one that is known, in order, checked; of one plant if it is named.

        Raises
        ------
        RunError
            Where the chain was changed.
        """
        with self._database.reading() as connection:
            if plant:
                return of_plant(connection, plant, after, limit)
            return page(connection, after, limit)

    def __iter__(self) -> Iterator[Event]:
        """Yield every event from the first one, the whole chain checked."""
        last = -1
        while found := self.page(after=last, limit=1000):
            yield from found
            last = found[-1].sequence

    def head(self) -> tuple[int, str]:
        """Return how many events there are, and the hash of the last one: keep it elsewhere."""
        with self._database.reading() as connection:
            return head(connection)
