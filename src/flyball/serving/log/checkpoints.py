# SPDX-License-Identifier: MIT
"""Carrying what was written over into the main file, beside the writing.

A commit goes into the file beside the main one (-wal); somebody has to carry it over, which waits
for the disk. A thread does so with a connection of its own while the writer goes on.

SQLite from 3.7.0 to 3.51.2 can lose a commit where it makes the writer begin the -wal file anew
while a checkpoint runs that began before [1]_. The writer does that only where everything is
carried over, and only this thread carries over; so it begins solely where a commit was begun after
its last checkpoint ended, and has ended: then something is left to carry over until it has done so.

References
----------
.. [1] https://sqlite.org/wal.html, "The WAL-Reset Bug".
"""

import sqlite3
import threading
from collections.abc import Callable
from functools import partial

from flyball.core.errors import RunError
from flyball.serving.log import places, schema
from flyball.serving.log.settings import LogSettings
from flyball.serving.log.writer import Writer

PASSIVE = "PRAGMA wal_checkpoint(PASSIVE)"
POLL_S = 0.02
IDLE_S = 10.0
"""Time after which little is carried over too, s."""


class Checkpoints:
    """The thread that carries over, and that gives records their places."""

    def __init__(self, writer: Writer, settings: LogSettings) -> None:
        self._writer, self._settings = writer, settings
        self._seen = writer.begun
        self._stop, self._lock = threading.Event(), threading.Lock()
        self._connection: sqlite3.Connection | None = None
        self._faults = {"carrying over": "", "placing": ""}
        self._thread = threading.Thread(target=self._run, name="checkpoints", daemon=True)
        self._thread.start()

    def _run(self) -> None:
        idle_s = 0.0
        while not self._stop.wait(POLL_S):
            idle_s += POLL_S
            self.place()
            if self._writer.ended <= self._seen:
                continue
            if idle_s >= IDLE_S or self._writer.beside_bytes >= self._settings.checkpoint_bytes:
                self.carry()
                idle_s = 0.0

    @property
    def fault(self) -> str:
        """What went wrong last; empty where the last time went well."""
        return "; ".join(f"{what}: {why}" for what, why in self._faults.items() if why)

    def place(self) -> None:
        """Give records their places; never raises: what went wrong stands in `fault`."""
        self._try("placing", partial(places.place, self._writer))

    def carry(self) -> None:
        """Carry over now, and hold the writer for a moment where too much is left.

        Never raises: what went wrong stands in `fault`, and writing goes on.
        """
        with self._lock:
            self._try("carrying over", self._carry)

    def _try(self, what: str, work: Callable[[], None]) -> None:
        try:
            work()
            self._faults[what] = ""
        except (sqlite3.Error, RunError) as error:
            self._faults[what] = str(error)

    def _carry(self) -> None:
        writer = self._writer
        if writer.ended <= self._seen:
            return
        self._checkpoint()
        if writer.beside_bytes < self._settings.wal_bytes:
            return
        # Little is left by now, so that this is short; the next commit begins the file anew.
        with writer.turn("what was written was not carried over"):
            self._checkpoint()

    def _checkpoint(self) -> None:
        if self._connection is None:
            self._connection = schema.carrying(self._writer.path, self._settings.durability)
        try:
            self._connection.execute(PASSIVE).fetchone()
        finally:
            self._seen = self._writer.begun

    def close(self) -> None:
        """End; may be called twice."""
        self._stop.set()
        self._thread.join()
        with self._lock:
            if self._connection is not None:
                self._connection.close()
                self._connection = None
