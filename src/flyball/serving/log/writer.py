# SPDX-License-Identifier: MIT
"""The one connection that writes: records in their order, each commit whole or not at all.

Where the chain ends is remembered, and read anew after every failure, so that what a failed commit
left behind is neither lost nor taken for something else.
"""

import math
import os
import sqlite3
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from time import monotonic
from typing import NamedTuple

from flyball.core.errors import RunError
from flyball.core.journal import Record
from flyball.serving.log import schema, tracing
from flyball.serving.log.chain import Draft, chained, hash_in, record_in
from flyball.serving.log.claim import Claim
from flyball.serving.log.refusals import conflict, failure, late, refused
from flyball.serving.log.settings import LogSettings


class Stored(NamedTuple):
    """A record in the log."""

    sequence: int
    hash: str
    record: Record
    fresh: bool  # False: it was there before, and what came again was not written


Answer = Stored | RunError

Known = dict[tuple[str, str], tuple[Stored, str]]
"""Records by what makes them the same, with the hash of what was asked."""

LOOK_S = 0.02
"""Time for which the file is taken to be where it was, s."""

File = tuple[int, int]

ROW = "(" + ", ".join("?" * len(schema.COLUMNS)) + ")"
INSERT = f"INSERT INTO record ({', '.join(schema.COLUMNS)}) VALUES "  # noqa: S608 - constants


class Writer:
    """Writes a log; calls may come from any thread, one goes at a time.

    Attributes
    ----------
    head
        How many records there are, and the hash of the last one.
    placed
        How many of them have their place (`places`).
    begun, ended
        Number of the last commit that was begun, and of the last one that went well.
    """

    def __init__(self, path: Path, settings: LogSettings) -> None:
        """Open the file or make it.

        Raises
        ------
        RunError
            Where it is in use, cannot be written, or its last records were changed.
        """
        self.path, self.where, self.settings = path, str(path), settings
        self._beside = self.where + "-wal"
        self._lock = threading.Lock()
        self._closed, self._doubt, self._looked_s = "", False, -math.inf
        self.begun = self.ended = self.placed = 0
        self._claim = Claim(path)
        try:
            self._open()
            place = tracing.before_last(self.connection, settings.checked, self.where)
            self.head = tracing.trace(self.connection, place, self.where)
        except BaseException as error:
            self.close()
            if isinstance(error, sqlite3.Error):
                raise failure(self.where, "it cannot be opened", error) from error
            raise

    def _open(self) -> None:
        settings = self.settings
        self.connection = schema.writing(self.path, settings.durability, settings.max_bytes)
        schema.prepare(self.connection, self.where)
        ((self.placed,),) = self.connection.execute("SELECT placed FROM anchor").fetchall()
        # The first commit makes the file beside it, whose place is watched from then on.
        self.connection.execute("BEGIN IMMEDIATE")
        self.connection.execute("UPDATE anchor SET sequence = sequence")
        self.connection.execute("COMMIT")
        self._files = (_file(self.where), _file(self._beside))

    def keep(self, drafts: Sequence[Draft], wait_s: float | None = None) -> list[Answer]:
        """Keep records, all in one commit; what was there before comes back and is not written.

        Returns
        -------
        One answer for each: the record, or why it alone was refused.

        Raises
        ------
        RunError
            Where none of them was kept.
        """
        self._take(wait_s)
        try:
            self._ready()
            try:
                answers = self._write(drafts, {})
            except sqlite3.IntegrityError:
                answers = self._write(drafts, self._known(drafts))
            self._doubt = False
        except sqlite3.Error as error:
            raise failure(self.where, f"record {self.head[0]} was not kept", error) from error
        finally:
            self._lock.release()
        return answers

    @contextmanager
    def turn(self, what: str) -> Iterator[sqlite3.Connection]:
        """Have the connection alone, in a state that is known.

        Parameters
        ----------
        what
            What does not happen if it fails, for the message.

        Raises
        ------
        RunError
            Where it cannot be had, or SQLite fails.
        """
        self._take(None)
        try:
            self._ready()
            yield self.connection
            self._doubt = False
        except sqlite3.Error as error:
            raise failure(self.where, what, error) from error
        finally:
            if self._doubt:
                self._withdraw()
            self._lock.release()

    def _take(self, wait_s: float | None) -> None:
        wait_s = self.settings.wait_s if wait_s is None else wait_s
        if not self._lock.acquire(timeout=wait_s):
            raise late(self.where, wait_s, begun=False)

    def _withdraw(self) -> None:
        """Take back what was not committed; where that fails, `_mend` does."""
        with suppress(sqlite3.Error):  # the connection may be closed
            self.connection.rollback()

    def _ready(self) -> None:
        """Refuse where a record would not end up behind the last one; mend what can be mended.

        Leaves a doubt, which whoever asked takes back once all has gone well.
        """
        if self._closed or not self._claim.held:
            raise self._refusal(self._closed or "it belongs to a process that forked this one")
        now_s = monotonic()
        if self._doubt or now_s - self._looked_s > LOOK_S:
            self._look()
            self._looked_s = now_s
        if self._doubt:
            self._mend()
        self._doubt = True

    def _look(self) -> None:
        """Refuse where the file is no longer where it was opened."""
        main, beside = self._files
        if _file(self.where) != main or beside not in (None, _file(self._beside)):
            self._looked_s = -math.inf
            raise refused(
                self.where,
                f"record {self.head[0]} was not kept: the file or the one beside it (-wal) was "
                "deleted or replaced",
                "both files as they were opened",
                "put them back; if they are lost, open the log again, with what a copy holds",
            )

    def _mend(self) -> None:
        """Connect anew, and take over what a failed commit left behind."""
        n, own = self.head
        # If no other connection is left, closing this one takes the file beside away.
        self._files = (self._files[0], None)
        self.connection.close()
        self._open()
        n_now, own_now = tracing.end(self.connection)
        if n_now < n or (n_now == n and own_now != own):
            self._closed = "records that were kept are missing"
            raise self._refusal(self._closed)
        self.head = tracing.trace(self.connection, self.head, self.where)

    def _refusal(self, why: str) -> RunError:
        return refused(
            self.where,
            f"record {self.head[0]} was not kept: {why}",
            "an open log that this process alone writes",
            "mend the cause and open the log again; what was kept before is whole",
        )

    def _write(self, drafts: Sequence[Draft], known: Known) -> list[Answer]:
        head, answers, values = self._composed(drafts, known)
        if values:
            self.begun += 1
            self.connection.execute(_insert(head[0] - self.head[0]), values)
            self.head, self.ended = head, self.begun
        return answers

    def _composed(
        self, drafts: Sequence[Draft], known: Known
    ) -> tuple[tuple[int, str], list[Answer], list[object]]:
        """Return the head to come, an answer to each draft, and the values of the rows to come."""
        n, previous = self.head
        answers: list[Answer] = []
        values: list[object] = []
        for own in drafts:
            key = own.key
            if key is not None and key in known:
                answers.append(_same(self.where, own, known[key]))
                continue
            line, hash_ = chained(n, previous, own.text)
            stored = Stored(n, hash_, own.record, fresh=True)
            if key is not None:
                known[key] = (stored, own.request)
            answers.append(stored)
            values += (n, *own[2:-1], line, own.blob)
            n, previous = n + 1, hash_
        return (n, previous), answers, values

    def change(self, changes: Callable[[sqlite3.Connection], Draft | None], what: str) -> None:
        """Change the file and keep a record of it, both in one commit.

        Parameters
        ----------
        changes
            Makes the changes, and returns the record of them, or None.
        what
            What does not happen if it fails, for the message.
        """
        with self.turn(what) as connection:
            connection.execute("BEGIN IMMEDIATE")
            own, head = changes(connection), self.head
            if own is not None:
                head, _, values = self._composed([own], {})
                connection.execute(_insert(1), values)
            self.begun += 1
            connection.execute("COMMIT")
            self.head, self.ended = head, self.begun

    def _known(self, drafts: Sequence[Draft]) -> Known:
        """Return the records among drafts that are in the log."""
        found: Known = {}
        for own in drafts:
            if own.key is None:
                continue
            name, value = own.key
            row = self.connection.execute(FIND[name], (value,)).fetchone()
            if row is not None:
                line = row[1]
                stored = Stored(row[0], hash_in(line), record_in(line), fresh=False)
                found[own.key] = (stored, row[2])
        return found

    @property
    def beside_bytes(self) -> int:
        """Size of what is not yet carried over into the main file."""
        try:
            return os.stat(self._beside).st_size  # noqa: PTH116 - on the way of every decision
        except OSError:
            return 0

    def close(self) -> None:
        """Let go of the file; may be called twice."""
        taken = self._lock.acquire(timeout=self.settings.wait_s)
        self._closed = self._closed or "it is closed"
        try:
            # A commit that hangs keeps the connection; both end with the process.
            if taken and hasattr(self, "connection"):
                self.connection.close()
            self._claim.close()
        finally:
            if taken:
                self._lock.release()


FIND = {
    "decision": "SELECT sequence, line, request FROM record WHERE decision_id = ?",
    "outcome": "SELECT sequence, line, request FROM record WHERE outcome_id = ?",
}


def _insert(n_rows: int) -> str:
    return INSERT + ", ".join([ROW] * n_rows)


def _same(where: str, own: Draft, before: tuple[Stored, str]) -> Answer:
    """Return the record that was there, or refuse what is not the same."""
    stored, request = before
    if own.request != request:
        name = f"{own.kind} '{own.decision_id or own.outcome_id}'"
        return conflict(where, name, stored.sequence)
    return stored._replace(fresh=False)


def _file(path: str) -> File | None:
    """Return which file has a name now."""
    try:
        facts = os.stat(path)  # noqa: PTH116 - twice a decision
    except OSError:
        return None
    return (facts.st_dev, facts.st_ino)
