# SPDX-License-Identifier: MIT
"""Letting old records go, so that what stays can still be checked.

Records go from the beginning of the chain only, some at a time, each time in one commit: what is
dropped, where the chain begins from then on (the anchor: how many records are gone, and the hash of
the last one), and a record of kind `retention` that says the same in the chain itself.

What must not be forgotten is carried: records that are no decision, no batch and no outcome of one
(the latch of the emergency stop is replayed from them; verdicts rest on blocks and their outcomes),
and the last decision of every unit. The record of kind `retention` holds the hash of all that is
carried.
"""

import sqlite3
from collections.abc import Sequence
from hashlib import sha256
from typing import NamedTuple

from flyball.core.journal import START, Record, broken
from flyball.serving.log import schema
from flyball.serving.log.chain import PASSING, Draft, draft, hash_in
from flyball.serving.log.places import place_all
from flyball.serving.log.reading import Reader
from flyball.serving.log.tracing import Head
from flyball.serving.log.writer import Writer

SLICE = 256
"""Records that go in one commit, so that a decision waits for milliseconds only."""

PAGES = 256
"""Pages that are given back to the disk at a time."""

DAY_S = 86_400.0


class Dropped(NamedTuple):
    """What retention did."""

    n: int  # records that went
    anchor: Head  # how many are gone in all, and the hash of the last one
    bytes: int  # size of the main file, afterwards


def oldest(reader: Reader, before_s: float, head: Head) -> int:
    """Return the place of the first record that is not known to be older; the last one stays."""
    last = head[0] - 1
    rows = reader.rows(
        "SELECT sequence FROM record NOT INDEXED WHERE at_s >= ?"
        " OR (at_s IS NULL AND kind IN ('decision', 'batch')) ORDER BY sequence LIMIT 1",
        (before_s,),
    )
    return min(int(rows[0][0]), last) if rows else last


def drop(writer: Writer, first: int, upto: int, now_s: float) -> int:
    """Drop at most `SLICE` records before a place, in one commit; return how many went.

    Parameters
    ----------
    writer
        Of the log.
    first
        Place of the first record that is there.
    upto
        Place of the first record that stays.
    now_s
        The time, for the record of it.

    Raises
    ------
    RunError
        Where nothing was dropped.
    """
    end = min(first + SLICE, upto, writer.head[0] - 1)
    if end <= first:
        return 0

    def change(connection: sqlite3.Connection) -> Draft:
        (line,) = connection.execute(BEFORE, (end,)).fetchone()
        # What is carried needs room before there is any; nothing stays that was not there before.
        schema.bound(connection, 0)
        place_all(connection, writer.head[0])
        connection.execute(STANDING, (end,))
        connection.execute(LAST, (end,))
        connection.execute("DELETE FROM newest WHERE sequence < ?", (end,))
        connection.execute(REPLACED)
        connection.execute(PLACES, (end,))
        connection.execute("DELETE FROM record WHERE sequence < ?", (end,))
        connection.execute("UPDATE anchor SET sequence = ?, hash = ?", (end, hash_in(line)))
        schema.bound(connection, writer.settings.max_bytes)
        lines = [own for (own,) in connection.execute(CARRIED)]
        return draft(
            {
                "kind": "retention",
                "at_s": now_s,
                "dropped": end,
                "anchor": hash_in(line),
                "carried": digest(lines),
            }
        )

    writer.change(change, "old records were not dropped")
    return end - first


def digest(lines: Sequence[bytes]) -> str:
    """Return the hash of what is carried."""
    return sha256("".join(hash_in(line) for line in lines).encode()).hexdigest()


def check(reader: Reader, records: Sequence[Record]) -> None:
    """Check what is carried, and where the chain begins, against the last record of retention.

    Parameters
    ----------
    reader
        Of the log.
    records
        Those of kind `retention` that the chain holds.

    Raises
    ------
    RunError
        Where they do not agree.
    """
    carried = [line for (line,) in reader.rows(CARRIED)]
    said: tuple[object, ...] = (0, START, digest([]))
    if records:
        last = records[-1]
        said = (last.get("dropped"), last.get("anchor"), last.get("carried"))
    if (*reader.anchor(), digest(carried)) != said:
        raise broken(
            reader.where,
            "what is left of old records is not what the chain says",
            "the records as they were left",
        )


def shrink(writer: Writer) -> None:
    """Give pages that nothing stands on back to the disk, some at a time; a tenth may stay."""
    what = "the file was not made smaller"
    while True:
        with writer.turn(what) as connection:
            (free,) = connection.execute("PRAGMA freelist_count").fetchone()
            (n,) = connection.execute("PRAGMA page_count").fetchone()
            schema.bound(connection, writer.settings.max_bytes)
            if free * 10 <= n:
                return
            connection.execute(f"PRAGMA incremental_vacuum({PAGES})").fetchall()


def bytes_used(reader: Reader) -> int:
    """Return the size of the main file without the pages that nothing stands on."""
    ((n,),) = reader.rows("PRAGMA page_count")
    ((free,),) = reader.rows("PRAGMA freelist_count")
    ((size,),) = reader.rows("PRAGMA page_size")
    return int((n - free) * size)


_PASSING = ", ".join(f"'{kind}'" for kind in PASSING)
BEFORE = "SELECT line FROM record WHERE sequence = ? - 1"
CARRIED = "SELECT line FROM carried ORDER BY sequence"
STANDING = f"""
    INSERT INTO carried SELECT sequence, kind, unit, line FROM record
    WHERE sequence < ? AND kind NOT IN ({_PASSING}) AND about IS NULL
"""  # noqa: S608 - constants
LAST = """
    INSERT INTO carried SELECT record.sequence, record.kind, record.unit, line
    FROM newest JOIN record ON record.sequence = newest.sequence
    WHERE newest.sequence < ? AND newest.kind = 'decision'
"""
REPLACED = """
    DELETE FROM carried WHERE kind = 'decision' AND (
        EXISTS (SELECT 1 FROM newest WHERE newest.unit = carried.unit
                AND newest.kind = 'decision')
        OR EXISTS (SELECT 1 FROM carried AS newer WHERE newer.unit = carried.unit
                   AND newer.kind = 'decision' AND newer.sequence > carried.sequence))
"""
PLACES = """
    DELETE FROM place WHERE (unit, kind, at_s, sequence) IN
    (SELECT unit, kind, at_s, sequence FROM record WHERE sequence < ?)
"""
