# SPDX-License-Identifier: MIT
"""Why a record was not kept: what SQLite says, in words that say what to do."""

import sqlite3
from typing import NamedTuple

from flyball.core.errors import Problem, RunError


class LogFullError(RunError):
    """More records wait to be written than may; nothing of this one was kept."""


class LogLateError(RunError):
    """A record was not kept in time; whether it will be, its problem says."""


class LogConflictError(RunError):
    """An id that a record has already came with another request."""


class Cause(NamedTuple):
    """What an error of SQLite means."""

    found: str
    allowed: str
    fix: str


MENDED = "what was kept before is whole, and writing goes on when the cause is gone"

CAUSES = {
    sqlite3.SQLITE_FULL: Cause(
        "the disk is full, or the file has the size that log.max_bytes allows",
        "room for a record",
        f"make room, or let old records go; {MENDED}",
    ),
    sqlite3.SQLITE_BUSY: Cause(
        "locked by another process", "one process that writes", f"stop the other one; {MENDED}"
    ),
    sqlite3.SQLITE_LOCKED: Cause(
        "locked by another process", "one process that writes", f"stop the other one; {MENDED}"
    ),
    sqlite3.SQLITE_READONLY: Cause(
        "it can only be read",
        "a file and a folder that this user may write",
        f"correct the rights of both, or the mount; {MENDED}",
    ),
    sqlite3.SQLITE_CANTOPEN: Cause(
        "cannot be opened",
        "a file that this user may write, in a folder that exists",
        "make the folder, or correct its rights",
    ),
    sqlite3.SQLITE_IOERR: Cause(
        "the disk failed",
        "a disk that keeps what is written",
        f"see to the disk and its free space; {MENDED}",
    ),
    sqlite3.SQLITE_CONSTRAINT: Cause(
        "something else wrote into it",
        "a file that this log alone writes",
        "keep the file as evidence, stop what writes into it, and put back a copy",
    ),
    sqlite3.SQLITE_CORRUPT: Cause(
        "its pages were damaged",
        "the file as it was written",
        "keep the file as evidence, and put back a copy of it or begin a new one",
    ),
    sqlite3.SQLITE_NOTADB: Cause(
        "no decision log",
        "a file that the decision log wrote, or none",
        "name another file",
    ),
}


def failure(where: str, what: str, error: sqlite3.Error) -> RunError:
    """Return an error of SQLite in five parts.

    Parameters
    ----------
    where
        The file.
    what
        What did not happen: ``record 7 was not kept``.
    error
        What SQLite raised.
    """
    code = getattr(error, "sqlite_errorcode", None)
    name = getattr(error, "sqlite_errorname", type(error).__name__)
    cause = CAUSES.get(code & 0xFF) if code is not None else None
    if cause is None:
        cause = Cause(str(error), "what SQLite can do", f"see to the cause; {MENDED}")
    return RunError(
        Problem(
            where=where,
            found=f"{what}: {cause.found} ({name})",
            allowed=cause.allowed,
            fix=cause.fix,
        )
    )


def refused(where: str, what: str, allowed: str, fix: str) -> RunError:
    """Return the error for a log that cannot be written for a reason of its own."""
    return RunError(Problem(where=where, found=what, allowed=allowed, fix=fix))


def full(where: str, n: int) -> LogFullError:
    """Return the error for a queue of n records that is full."""
    return LogFullError(
        Problem(
            where=where,
            found=f"{n} records wait to be written",
            allowed=f"at most {n} (log.queue)",
            fix="send less, or ask again later; nothing of this record was kept",
        )
    )


def late(where: str, wait_s: float, *, begun: bool) -> LogLateError:
    """Return the error for a record that was not kept in time.

    Parameters
    ----------
    where
        The file.
    wait_s
        How long was waited, s.
    begun
        Whether it may have been kept all the same.
    """
    after = "it may be kept all the same" if begun else "it will not be kept"
    return LogLateError(
        Problem(
            where=where,
            found=f"a record was not kept within {wait_s:g} s; {after}",
            allowed="a disk that keeps up",
            fix="ask again with the same id: what was kept comes back",
        )
    )


def conflict(where: str, name: str, sequence: int) -> LogConflictError:
    """Return the error for an id that was used for another request."""
    return LogConflictError(
        Problem(
            where=where,
            found=f"{name} again, with another request than that of record {sequence}",
            allowed="an id that is new, or the request that it came with",
            fix="give every request an id of its own, and repeat one unchanged",
        )
    )
