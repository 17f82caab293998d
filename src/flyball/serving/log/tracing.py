# SPDX-License-Identifier: MIT
"""Where the chain in a file begins and ends, and whether it is whole in between."""

import sqlite3

from flyball.core.journal import broken, verified
from flyball.serving.log.chain import hash_in

Head = tuple[int, str]
"""How many records there are up to a place, and the hash of the last of them."""


def anchor(connection: sqlite3.Connection) -> Head:
    """Return how many records were dropped, and the hash of the last of them."""
    found = connection.execute("SELECT sequence, hash FROM anchor").fetchone()
    return int(found[0]), str(found[1])


def end(connection: sqlite3.Connection) -> Head:
    """Return how many records there ever were, and the hash of the last of them."""
    found = connection.execute(
        "SELECT sequence, line FROM record ORDER BY sequence DESC LIMIT 1"
    ).fetchone()
    return anchor(connection) if found is None else (found[0] + 1, hash_in(found[1]))


def before_last(connection: sqlite3.Connection, n: int, where: str) -> Head:
    """Return the place that the last n records come behind; the anchor where there are fewer.

    Raises
    ------
    RunError
        Where a record is missing there.
    """
    begin, place = end(connection)[0] - n, anchor(connection)
    if begin <= place[0]:
        return place
    found = connection.execute(
        "SELECT line FROM record WHERE sequence = ?", (begin - 1,)
    ).fetchone()
    if found is None:
        missing = f"{where} record {begin - 1}"
        raise broken(missing, "no record", "records in a row")
    return begin, hash_in(found[0])


def trace(connection: sqlite3.Connection, place: Head, where: str) -> Head:
    """Check the chain from a place to its end, and return that.

    Raises
    ------
    RunError
        Where it is broken.
    """
    rows = connection.execute(
        "SELECT line FROM record WHERE sequence >= ? ORDER BY sequence", (place[0],)
    )
    found, wanted = place, end(connection)
    for own in verified((line for (line,) in rows), where, place):
        found = (own.sequence + 1, own.hash)
    if found != wanted:
        raise broken(where, f"{found[0]} records", f"{wanted[0]} records")
    return found
