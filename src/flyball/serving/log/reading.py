# SPDX-License-Identifier: MIT
"""Reading the log with a connection of its own, so that nobody who writes ever waits.

Everything is read in pages: a reader that stayed at one moment for long would keep the file beside
the main one (-wal) from ever being begun anew.
"""

import math
import sqlite3
import threading
from collections.abc import Iterator, Sequence
from hashlib import sha256
from pathlib import Path
from typing import Any, NamedTuple

from flyball.core.journal import Link, Record, broken, fits, verified
from flyball.serving.log import schema
from flyball.serving.log.chain import PASSING, hash_in, record_in
from flyball.serving.log.refusals import failure, refused
from flyball.serving.log.tracing import Head

PAGE = 500
"""Records that are read at a time."""

WINDOW = 2000
"""Places in the chain that are looked through at a time."""


class Place(NamedTuple):
    """Where a page of a unit's records ended."""

    at_s: float
    sequence: int


class Page(NamedTuple):
    """Some of a unit's records, by time."""

    records: tuple[Record, ...]
    place: Place | None  # where the next page begins; None: there is none


class Reader:
    """Reads a log; calls may come from any thread."""

    def __init__(self, path: Path) -> None:
        """Connect to a file that is there.

        Raises
        ------
        RunError
            Where it cannot be read.
        """
        self.where, self._path = str(path), path
        self._lock = threading.Lock()
        self._connection: sqlite3.Connection | None = None
        self.rows("SELECT 1")

    def rows(self, statement: str, values: Sequence[Any] = ()) -> list[Any]:
        """Return what a statement gives, all of one moment.

        Raises
        ------
        RunError
            Where the file cannot be read.
        """
        with self._lock:
            try:
                if self._connection is None:
                    self._connection = schema.reading(self._path)
                return self._connection.execute(statement, values).fetchall()
            except sqlite3.Error as error:
                if self._connection is not None:
                    self._connection.close()
                self._connection = None
                raise failure(self.where, "it was not read", error) from error

    def find(self, decision_id: str) -> Record | None:
        """Return the record of a decision, or None."""
        return _first(self.rows("SELECT line FROM record WHERE decision_id = ?", (decision_id,)))

    def latest(self, unit: str, kind: str = "decision") -> Record | None:
        """Return the record of a unit that was kept last, or None; clocks may have gone back."""
        found = _first(self.rows(LATEST, (unit, kind) * 2))
        return found if found is not None else _first(self.rows(LATEST_CARRIED, (unit, kind)))

    def of_kind(self, kind: str) -> Iterator[Record]:
        """Yield the records of a kind, oldest first, each checked against its own hash.

        That none was taken out only `verify` or `records` shows.

        Raises
        ------
        RunError
            At a record that was changed.
        """
        at = -1
        statement = OF_KIND if kind in PASSING else RARE
        while rows := self.rows(statement, (kind, at, kind, at, PAGE)):
            yield from (_checked(self.where, line) for _, line in rows)
            at = rows[-1][0]

    def page(
        self,
        unit: str,
        since_s: float,
        until_s: float,
        *,
        kind: str = "decision",
        after: Place | None = None,
        most: int = PAGE,
    ) -> Page:
        """Return records of a unit by their time.

        Parameters
        ----------
        unit, kind
            Whose, and which.
        since_s, until_s
            Time in [since, until), s.
        after
            Where the page before ended.
        most
            Records of a page, at least 1.
        """
        start = Place(since_s, -1) if after is None else after
        rows = sorted(self.rows(BETWEEN, (unit, kind, *start, until_s, most + 1) * 2))
        records = tuple(record_in(line) for _, _, line in rows[:most])
        place = Place(*rows[most - 1][:2]) if len(rows) > most else None
        return Page(records, place)

    def outcomes(self, decision_id: str) -> tuple[Record, ...]:
        """Return every outcome of a decision, in the order in which they came."""
        rows = self.rows(
            "SELECT line FROM record WHERE about = ? ORDER BY sequence", (decision_id,)
        )
        return tuple(record_in(line) for (line,) in rows)

    def joined(
        self, since_s: float = -math.inf, until_s: float = math.inf, upto: int | None = None
    ) -> Iterator[tuple[Record, tuple[Record, ...]]]:
        """Yield decisions of all units, each with its outcomes and with those of its block.

        Parameters
        ----------
        since_s, until_s
            Time of the decisions in [since, until), s.
        upto
            Place in the chain before which they stand; None: any.
        """
        at = self.anchor()[0]
        if upto is None:
            ((upto,),) = self.rows("SELECT coalesce(max(sequence) + 1, 0) FROM record")
        while at < upto:
            window = (at, min(at + WINDOW, upto))
            outcomes: dict[int, list[Record]] = {}
            for sequence, line in self.rows(OUTCOMES, window * 2):
                outcomes.setdefault(sequence, []).append(record_in(line))
            for sequence, line in self.rows(DECIDED, (*window, since_s, until_s)):
                yield record_in(line), tuple(outcomes.get(sequence, ()))
            at += WINDOW

    def blob(self, decision_id: str) -> bytes | None:
        """Return the bytes that were kept beside a decision, or None.

        Raises
        ------
        RunError
            Where they are not those whose hash the record holds.
        """
        rows = self.rows("SELECT blob, line FROM record WHERE decision_id = ?", (decision_id,))
        if not rows or rows[0][0] is None:
            return None
        blob: bytes = rows[0][0]
        if sha256(blob).hexdigest() != _checked(self.where, rows[0][1]).get("blob"):
            place = f"{self.where} decision '{decision_id}'"
            raise broken(place, "bytes that do not fit their hash", "bytes as they were written")
        return blob

    def anchor(self) -> Head:
        """Return how many records were dropped, and the hash of the last of them."""
        ((sequence, own),) = self.rows("SELECT sequence, hash FROM anchor")
        return sequence, own

    def carried(self) -> tuple[Record, ...]:
        """Return the records that were left of those that were dropped."""
        rows = self.rows("SELECT line FROM carried ORDER BY sequence")
        return tuple(_checked(self.where, line) for (line,) in rows)

    def links(self, place: Head, until: Head) -> Iterator[Link]:
        """Yield every record behind the anchor, each checked, up to an end that is known.

        Parameters
        ----------
        place
            The anchor.
        until
            The head of the log.

        Raises
        ------
        RunError
            Where the chain is broken, or records were dropped meanwhile.
        """
        found: Head = place
        for own in verified(self._lines(place, until[0]), self.where, place):
            found = (own.sequence + 1, own.hash)
            yield own
        self.still(place)
        if found != until:
            raise broken(self.where, f"{found[0]} records", f"{until[0]} records")

    def _lines(self, place: Head, until: int) -> Iterator[bytes]:
        at = place[0]
        while at < until:
            rows = self.rows(LINES, (at, until, PAGE))
            if not rows or rows[0][0] != at:
                self.still(place)
            if not rows:
                return
            yield from (line for _, line in rows)
            at = rows[-1][0] + 1

    def still(self, place: Head) -> None:
        """Refuse where records were dropped since the anchor was read."""
        if self.anchor() != place:
            raise refused(
                self.where,
                f"records up to {self.anchor()[0]} were dropped while they were read",
                "records that stay",
                "read again",
            )

    def close(self) -> None:
        """Let go of the file; may be called twice."""
        with self._lock:
            if self._connection is not None:
                self._connection.close()
                self._connection = None


LATEST = """
    SELECT line FROM record WHERE sequence = (SELECT max(sequence) FROM (
        SELECT sequence FROM newest WHERE unit = ? AND kind = ?
        UNION ALL SELECT max(sequence) FROM record
        WHERE sequence >= (SELECT placed FROM anchor) AND unit = ? AND kind = ?))
"""
LATEST_CARRIED = """
    SELECT line FROM carried WHERE unit = ? AND kind = ? ORDER BY sequence DESC LIMIT 1
"""
# What is carried may be moved there between two pages, so both tables are read in one statement.
OF_KIND = """
    SELECT sequence, line FROM carried WHERE kind = ? AND sequence > ?
    UNION ALL SELECT sequence, line FROM record WHERE kind = ? AND sequence > ?
    ORDER BY sequence LIMIT ?
"""
RARE = """
    SELECT sequence, line FROM carried WHERE kind = ? AND sequence > ?
    UNION ALL SELECT sequence, line FROM record INDEXED BY rare WHERE kind = ? AND sequence > ?
    AND kind NOT IN ('decision', 'batch', 'retention') ORDER BY sequence LIMIT ?
"""
BETWEEN = """
    SELECT * FROM (
        SELECT place.at_s, place.sequence, line FROM place
        JOIN record ON record.sequence = place.sequence WHERE place.unit = ? AND place.kind = ?
        AND (place.at_s, place.sequence) > (?, ?) AND place.at_s < ?
        ORDER BY place.at_s, place.sequence LIMIT ?)
    UNION ALL SELECT * FROM (
        SELECT at_s, sequence, line FROM record
        WHERE sequence >= (SELECT placed FROM anchor) AND unit = ? AND kind = ?
        AND (at_s, sequence) > (?, ?) AND at_s < ? ORDER BY at_s, sequence LIMIT ?)
"""
DECIDED = """
    SELECT sequence, line FROM record NOT INDEXED WHERE sequence >= ? AND sequence < ?
    AND kind = 'decision' AND coalesce(at_s, -9e999) >= ? AND coalesce(at_s, -9e999) < ?
    ORDER BY sequence
"""
OUTCOMES = """
    SELECT own.sequence, late.line FROM record AS own
    JOIN record AS late ON late.about = own.decision_id
    WHERE own.sequence >= ? AND own.sequence < ?
    UNION ALL SELECT own.sequence, late.line FROM record AS own
    JOIN record AS late INDEXED BY of_block ON late.unit = own.unit AND late.block = own.block
    WHERE own.sequence >= ? AND own.sequence < ? AND own.kind = 'decision'
    AND late.kind = 'outcome' AND late.about IS NULL ORDER BY 1
"""
LINES = """
    SELECT sequence, line FROM record WHERE sequence >= ? AND sequence < ? ORDER BY sequence LIMIT ?
"""


def _first(rows: Sequence[Any]) -> Record | None:
    return record_in(rows[0][0]) if rows else None


def _checked(where: str, line: bytes) -> Record:
    if not fits(line):
        place = f"{where} record {hash_in(line)[:8]}"
        raise broken(place, "what is written does not fit its hash", "the line as it was written")
    return record_in(line)
