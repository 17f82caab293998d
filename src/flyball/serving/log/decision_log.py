# SPDX-License-Identifier: MIT
"""The decision log: everything that was decided, and what came of it, in one hash chain."""

import math
from collections.abc import Iterator
from pathlib import Path
from typing import Self

from flyball.core.errors import Problem, RunError
from flyball.core.journal import Record, broken, number
from flyball.serving.log import archive, auditing, retention
from flyball.serving.log.chain import OUTCOME, draft
from flyball.serving.log.checkpoints import Checkpoints
from flyball.serving.log.group import Group, Pending
from flyball.serving.log.reading import PAGE, Page, Place, Reader
from flyball.serving.log.retention import DAY_S, Dropped
from flyball.serving.log.settings import LogSettings
from flyball.serving.log.tracing import Head
from flyball.serving.log.writer import Stored, Writer

TARGET = 0.9
"""Share of the largest size that retention leaves."""


class DecisionLog:
    """A `core.journal.Journal` in SQLite; calls may come from any thread, of one process.

    A record of kind `decision` or `batch` with a `decision_id` is kept once: whoever brings the id
    again, while the log holds it, gets what was kept, and is refused where its `request` (hash of
    what was asked) differs.
    """

    def __init__(self, path: Path, settings: LogSettings | None = None) -> None:
        """Open a log, or make it; its folder must be there.

        Parameters
        ----------
        path
            The file; others beside it have its name and -wal, -shm or .lock behind it.
        settings
            None: the defaults.

        Raises
        ------
        RunError
            Where it is in use, cannot be written, is something else, or its end was changed.
        """
        self.path, self.settings = path, settings or LogSettings()
        self._writer = Writer(path, self.settings)
        try:
            self._reader = Reader(path)
        except BaseException:
            self._writer.close()
            raise
        self._checkpoints = Checkpoints(self._writer, self.settings)
        self._group = Group(self._writer, self.settings)

    @property
    def head(self) -> Head:
        """How many records there ever were, and the hash of the last: keep it elsewhere too."""
        return self._writer.head

    @property
    def fault(self) -> str:
        """What goes wrong beside the writing, which goes on; empty: nothing."""
        return self._checkpoints.fault

    def append(self, record: Record) -> str:
        """Keep a record and return its hash; see `keep`."""
        return self._keep(record, None).hash

    def keep(self, record: Record, blob: bytes | None = None) -> Stored:
        """Keep a record: on return it is durable as the settings say.

        Parameters
        ----------
        record
            What JSON can hold.
        blob
            Bytes that are kept beside it; their hash goes into the record as `blob`.

        Raises
        ------
        LogConflictError
            For an id that came before with another request.
        RunError
            Where it could not be kept: the disk is full or fails, the file is locked, gone or
            damaged.
        InvariantError
            For a record that JSON cannot hold.
        """
        return self._keep(record, blob)

    def _keep(self, record: Record, blob: bytes | None) -> Stored:
        (answer,) = self._writer.keep((draft(record, blob),))
        if isinstance(answer, RunError):
            raise answer
        return answer

    def submit(
        self, record: Record, blob: bytes | None = None, *, wait_s: float | None = None
    ) -> Pending:
        """Queue a record, to be committed with those of other callers; for threads.

        Parameters
        ----------
        record, blob
            As for `keep`.
        wait_s
            Longest time until `result` of what is returned answers, s; None: as the settings say.

        Raises
        ------
        LogFullError
            Where too many wait.
        InvariantError
            For a record that JSON cannot hold.
        """
        return self._group.submit(draft(record, blob), wait_s)

    async def kept(
        self, record: Record, blob: bytes | None = None, *, wait_s: float | None = None
    ) -> Stored:
        """Queue a record and wait until it is committed; for asyncio.

        Parameters and errors are those of `submit` and `keep`; `LogLateError` where it took long.
        """
        return await self._group.kept(draft(record, blob), wait_s)

    def outcome(
        self, decision_id: str, outcome_id: str, metric: str, value: float, at_s: float
    ) -> Stored:
        """Keep what came of a decision; it may come late, more than one, and more than once.

        Parameters
        ----------
        decision_id
            The decision.
        outcome_id
            A name of this outcome alone; what comes again by it is not written again.
        metric, value
            What was measured, native unit.
        at_s
            When.

        Raises
        ------
        LogConflictError
            For an id of an outcome that said something else.
        RunError
            For a decision that the log does not hold; and as `keep`.
        """
        if self._reader.find(decision_id) is None:
            raise RunError(
                Problem(
                    where=f"outcome '{outcome_id}'",
                    found=f"no decision '{decision_id}'",
                    allowed="the id of a decision that the log holds",
                    fix="send it with the id that the decision was asked for; old ones are dropped",
                )
            )
        record = {
            "kind": OUTCOME,
            "outcome_id": outcome_id,
            "decision_id": decision_id,
            "metric": metric,
            "value": number(value),
            "at_s": number(at_s),
        }
        return self._keep(record, None)

    def records(self) -> Iterator[Record]:
        """Yield every record that is left from the first one, the chain checked anew.

        Raises
        ------
        RunError
            Where a record was changed, moved or taken out, or what is carried was.
        """
        place, told = self._reader.anchor(), []
        head = self.head
        yield from self._reader.carried()
        for own in self._reader.links(place, head):
            if own.record.get("kind") == "retention":
                told.append(own.record)
            yield own.record
        retention.check(self._reader, told)

    def verify(self) -> Head:
        """Check every record, what it is found by and what is kept beside it; return the head.

        Raises
        ------
        RunError
            At the first thing that was changed.
        """
        head = self.head
        for _ in self.records():
            pass
        for found in auditing.disagreements(self._reader, head[0]):
            raise broken(str(self.path), found, "what was written")
        return head

    def find(self, decision_id: str) -> Record | None:
        """Return the record of a decision, or None."""
        return self._reader.find(decision_id)

    def latest(self, unit: str) -> Record | None:
        """Return the decision of a unit that was kept last, or None."""
        return self._reader.latest(unit)

    def of_kind(self, kind: str) -> Iterator[Record]:
        """Yield the records of a kind, oldest first, each checked against its own hash.

        It takes no longer in a log of many decisions; that none was taken out only `records` shows.
        """
        return self._reader.of_kind(kind)

    def page(
        self,
        unit: str,
        since_s: float = -math.inf,
        until_s: float = math.inf,
        *,
        kind: str = "decision",
        after: Place | None = None,
        most: int = PAGE,
    ) -> Page:
        """Return records of a unit in [since, until), by time; the next page is `after` a place."""
        return self._reader.page(unit, since_s, until_s, kind=kind, after=after, most=most)

    def outcomes(self, decision_id: str) -> tuple[Record, ...]:
        """Return every outcome of a decision, in the order in which they came."""
        return self._reader.outcomes(decision_id)

    def joined(
        self, since_s: float = -math.inf, until_s: float = math.inf
    ) -> Iterator[tuple[Record, tuple[Record, ...]]]:
        """Yield decisions in [since, until), each with its outcomes and those of its block."""
        return self._reader.joined(since_s, until_s)

    def blob(self, decision_id: str) -> bytes | None:
        """Return the bytes that were kept beside a decision, checked against its record."""
        return self._reader.blob(decision_id)

    def to_parquet(self, path: Path, since_s: float = -math.inf, until_s: float = math.inf) -> int:
        """Write decisions in [since, until) with their outcomes; return how many there were.

        Raises
        ------
        ConfigError
            Where pyarrow is not installed.
        RunError
            Where it could not be written.
        """
        return archive.to_parquet(path, self.joined(since_s, until_s))

    def retain(self, now_s: float, folder: Path | None = None) -> Dropped:
        """Drop what is older than the settings say, and as much as the largest size demands.

        Writing goes on meanwhile. What is carried: records that are no decision, batch or outcome
        of one, and the last decision of every unit.

        Parameters
        ----------
        now_s
            The time, as records have it.
        folder
            Where decisions go, as Parquet, before they are dropped; None: nowhere.

        Raises
        ------
        RunError
            Where something failed; what was not dropped is whole.
        """
        before = self._reader.anchor()[0]
        if self.settings.keep_days:
            first_s = now_s - self.settings.keep_days * DAY_S
            self._drop(retention.oldest(self._reader, first_s, self.head), now_s, folder)
        most = self.settings.max_bytes * TARGET
        while most and (used := retention.bytes_used(self._reader)) > most:
            first = self._reader.anchor()[0]
            share = (self.head[0] - first) * (used - most) / used
            upto = first + max(retention.SLICE, math.ceil(share))
            if self._drop(min(upto, self.head[0] - 1), now_s, folder) < retention.SLICE:
                break
        retention.shrink(self._writer)
        self._checkpoints.carry()
        anchor = self._reader.anchor()
        return Dropped(anchor[0] - before, anchor, retention.bytes_used(self._reader))

    def _drop(self, upto: int, now_s: float, folder: Path | None) -> int:
        first = self._reader.anchor()[0]
        if folder is not None and upto > first:
            name = f"{self.path.stem}-{first:012d}-{upto:012d}.parquet"
            archive.to_parquet(folder / name, self._reader.joined(upto=upto))
        at = first
        while n := retention.drop(self._writer, at, upto, now_s):
            at += n
        return upto - first

    def close(self) -> None:
        """Write what waits, and let go of the file; may be called twice."""
        self._group.close()
        self._checkpoints.close()
        self._reader.close()
        self._writer.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


def open_log(path: Path, settings: LogSettings | None = None) -> DecisionLog:
    """Open a decision log, or make it; see `DecisionLog`."""
    return DecisionLog(path, settings)
