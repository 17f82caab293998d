# SPDX-License-Identifier: MIT
"""Which records belong to which unit, by time: written behind the records, many at a time.

An index would cost every decision a page of its own. So records find their place later, all that
came since in one commit; until then, readers look through them one by one.
"""

import sqlite3
from functools import partial

from flyball.serving.log.writer import Writer

BEHIND = 128
"""Records that may be without a place."""

MOST = 512
"""Records that find theirs in one commit, so that a decision waits for milliseconds only."""


def place(writer: Writer) -> None:
    """Give records their places where enough of them have none.

    Raises
    ------
    RunError
        Where it failed; readers go on looking through the records.
    """
    while writer.placed + BEHIND <= writer.head[0]:
        n = min(writer.head[0], writer.placed + MOST)
        writer.change(partial(place_all, n=n), "records did not find their places")
        writer.placed = n


def place_all(connection: sqlite3.Connection, n: int) -> None:
    """Give the records up to the nth their places, in a commit that is under way."""
    ((first,),) = connection.execute("SELECT placed FROM anchor").fetchall()
    connection.execute(PLACE, (first, n))
    connection.execute(NEWEST, (first, n))
    connection.execute("UPDATE anchor SET placed = max(placed, ?)", (n,))


PLACE = """
    INSERT INTO place SELECT unit, kind, at_s, sequence FROM record
    WHERE sequence >= ? AND sequence < ? AND unit IS NOT NULL AND at_s IS NOT NULL
"""
NEWEST = """
    INSERT OR REPLACE INTO newest SELECT unit, kind, max(sequence) FROM record
    WHERE sequence >= ? AND sequence < ? AND unit IS NOT NULL GROUP BY unit, kind
"""
