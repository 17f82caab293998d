# SPDX-License-Identifier: MIT
"""The tables of the decision log, and how a connection to them is made."""

import sqlite3
from pathlib import Path

from flyball.core.errors import RunError
from flyball.core.journal import START
from flyball.serving.log.refusals import refused
from flyball.serving.log.settings import Durability

APPLICATION = 0x466C7962
"""What SQLite's header says whose file it is."""

OLDEST = (3, 37)
"""SQLite that knows tables which hold what they say."""

COLUMNS = (
    "sequence",
    "kind",
    "decision_id",
    "outcome_id",
    "about",
    "unit",
    "block",
    "at_s",
    "request",
    "line",
    "blob",
)

FIRST = (
    """
    CREATE TABLE record (
        sequence INTEGER PRIMARY KEY,
        kind TEXT NOT NULL,
        decision_id TEXT,
        outcome_id TEXT,
        about TEXT,
        unit TEXT,
        block TEXT,
        at_s REAL,
        request TEXT NOT NULL,
        line BLOB NOT NULL,
        blob BLOB
    ) STRICT
    """,
    # What retention leaves of the records that it drops, and where the chain begins behind them.
    """
    CREATE TABLE carried (
        sequence INTEGER PRIMARY KEY,
        kind TEXT NOT NULL,
        unit TEXT,
        line BLOB NOT NULL
    ) STRICT
    """,
    "CREATE INDEX carried_kind ON carried (kind, unit)",
    "CREATE TABLE anchor (one INTEGER PRIMARY KEY CHECK (one = 1), sequence INTEGER NOT NULL,"
    " hash TEXT NOT NULL, placed INTEGER NOT NULL) STRICT",
    f"INSERT INTO anchor VALUES (1, 0, '{START}', 0)",  # noqa: S608 - a constant
    # Records of a unit by time, and its last one, up to `anchor.placed` (`places`).
    """
    CREATE TABLE place (
        unit TEXT NOT NULL,
        kind TEXT NOT NULL,
        at_s REAL NOT NULL,
        sequence INTEGER NOT NULL,
        PRIMARY KEY (unit, kind, at_s, sequence)
    ) STRICT, WITHOUT ROWID
    """,
    """
    CREATE TABLE newest (
        unit TEXT NOT NULL,
        kind TEXT NOT NULL,
        sequence INTEGER NOT NULL,
        PRIMARY KEY (unit, kind)
    ) STRICT, WITHOUT ROWID
    """,
    "CREATE UNIQUE INDEX decision ON record (decision_id) WHERE decision_id IS NOT NULL",
    "CREATE UNIQUE INDEX outcome ON record (outcome_id) WHERE outcome_id IS NOT NULL",
    "CREATE INDEX outcomes ON record (about) WHERE about IS NOT NULL",
    "CREATE INDEX of_block ON record (unit, block) WHERE kind = 'outcome'",
    "CREATE INDEX rare ON record (kind) WHERE kind NOT IN ('decision', 'batch', 'retention')",
)

STEPS: tuple[tuple[str, ...], ...] = (FIRST,)
"""What leads from each version of the tables to the next; version 0 has none."""

PAGE_BYTES = 8192
"""Room for some records in each page; one alone would waste half of it."""

MOST_PAGES = 4_294_967_294
"""What SQLite allows."""

SYNCHRONOUS = {"process": "NORMAL", "power": "FULL"}


def writing(path: Path, durability: Durability, max_bytes: int) -> sqlite3.Connection:
    """Return a connection that writes; it carries nothing over by itself (`checkpoints`).

    Raises
    ------
    sqlite3.Error
        Where it cannot be made.
    """
    connection = _connect(path, "rwc", wait_s=0.0)
    try:
        connection.execute(f"PRAGMA page_size = {PAGE_BYTES}")
        connection.execute("PRAGMA auto_vacuum = INCREMENTAL")
        connection.execute("PRAGMA journal_mode = WAL")
        connection.execute(f"PRAGMA synchronous = {SYNCHRONOUS[durability]}")
        connection.execute("PRAGMA wal_autocheckpoint = 0")
        connection.execute("PRAGMA secure_delete = FAST")
        connection.execute("PRAGMA cache_size = -16000")
        bound(connection, max_bytes)
    except BaseException:
        connection.close()
        raise
    return connection


def bound(connection: sqlite3.Connection, max_bytes: int) -> None:
    """Let the main file grow to a size and no further; 0: as large as the disk."""
    (size,) = connection.execute("PRAGMA page_size").fetchone()
    n_pages = max_bytes // size if max_bytes else MOST_PAGES
    connection.execute(f"PRAGMA max_page_count = {n_pages}")


def carrying(path: Path, durability: Durability) -> sqlite3.Connection:
    """Return a connection for checkpoints: what it carries over, it waits for as `writing` does."""
    connection = _connect(path, "rw", wait_s=0.0)
    connection.execute(f"PRAGMA synchronous = {SYNCHRONOUS[durability]}")
    connection.execute("PRAGMA wal_autocheckpoint = 0")
    return connection


def reading(path: Path) -> sqlite3.Connection:
    """Return a connection that can only read."""
    connection = _connect(path, "ro", wait_s=1.0)
    connection.execute("PRAGMA query_only = ON")
    return connection


def _connect(path: Path, mode: str, wait_s: float) -> sqlite3.Connection:
    return sqlite3.connect(
        f"{path.absolute().as_uri()}?mode={mode}",
        uri=True,
        timeout=wait_s,
        isolation_level=None,
        check_same_thread=False,
        cached_statements=512,
    )


def prepare(connection: sqlite3.Connection, where: str) -> None:
    """Bring the tables to the present version, each step whole or not at all.

    Parameters
    ----------
    connection
        One that writes.
    where
        The file, for messages.

    Raises
    ------
    RunError
        For a file that something else wrote, or a newer version; or an SQLite that is too old.
    sqlite3.Error
        Where it cannot be written.
    """
    if sqlite3.sqlite_version_info < OLDEST:
        raise refused(
            where,
            f"SQLite {sqlite3.sqlite_version}",
            "SQLite " + ".".join(map(str, OLDEST)) + " or newer",
            "use a Python that was built with a newer one",
        )
    version, owner = _version(connection)
    (n_tables,) = connection.execute("SELECT count(*) FROM sqlite_schema").fetchone()
    if owner != APPLICATION and (n_tables or version):
        raise _foreign(where, "a database of something else")
    if version > len(STEPS):
        raise _foreign(where, f"version {version} of the tables")
    for number in range(version, len(STEPS)):
        connection.execute("BEGIN IMMEDIATE")
        try:
            for statement in STEPS[number]:
                connection.execute(statement)
            connection.execute(f"PRAGMA application_id = {APPLICATION}")
            connection.execute(f"PRAGMA user_version = {number + 1}")
            connection.execute("COMMIT")
        except BaseException:
            connection.rollback()
            raise


def _version(connection: sqlite3.Connection) -> tuple[int, int]:
    (version,) = connection.execute("PRAGMA user_version").fetchone()
    (owner,) = connection.execute("PRAGMA application_id").fetchone()
    return version, owner


def _foreign(where: str, found: str) -> RunError:
    return refused(
        where,
        found,
        f"a decision log of version {len(STEPS)} or older, or no file",
        "name another file, or use the version of Flyball that wrote it",
    )
