# SPDX-License-Identifier: MIT
"""Many callers, one commit: a thread takes what waits, writes it together, and then answers all.

An asyncio loop is woken once a commit, not once a record. Nobody waits without end: a queue that is
full refuses at once, and every record has a time by which its caller is answered.
"""

import asyncio
import threading
from collections.abc import Callable, Sequence
from concurrent.futures import Future
from dataclasses import dataclass
from functools import partial
from queue import Empty, SimpleQueue
from time import monotonic

from flyball.core.errors import RunError
from flyball.serving.log.chain import Draft
from flyball.serving.log.refusals import full, late, refused
from flyball.serving.log.settings import LogSettings
from flyball.serving.log.writer import Answer, Stored, Writer

Loop = asyncio.AbstractEventLoop
Waiting = asyncio.Future[Stored]


class Pending(Future[Stored]):
    """A record that waits to be kept; `result` waits no longer than was said."""

    def __init__(self, where: str, wait_s: float) -> None:
        super().__init__()
        self._where, self._wait_s, self._end_s = where, wait_s, monotonic() + wait_s

    def result(self, timeout: float | None = None) -> Stored:
        """Return the record once it is kept.

        Raises
        ------
        RunError
            Where it was not kept in time (`LogLateError`), or at all.
        """
        left_s = max(0.0, self._end_s - monotonic())
        try:
            return super().result(left_s if timeout is None else min(left_s, timeout))
        except TimeoutError as error:
            raise late(self._where, self._wait_s, begun=True) from error


@dataclass(frozen=True, slots=True)
class Ticket:
    """A record in the queue."""

    draft: Draft
    wait_s: float
    end_s: float  # monotonic time by which it must be kept
    future: Pending | Waiting
    loop: Loop | None  # that awaits the future; None: a thread does


class Group:
    """The thread that writes what was submitted."""

    def __init__(self, writer: Writer, settings: LogSettings) -> None:
        self._writer, self._settings = writer, settings
        self._queue: SimpleQueue[Ticket | None] = SimpleQueue()
        self._lock, self._closed = threading.Lock(), False
        self._thread = threading.Thread(target=self._run, name="decision log", daemon=True)
        self._thread.start()

    def submit(self, draft: Draft, wait_s: float | None) -> Pending:
        """Queue a record for a thread.

        Raises
        ------
        RunError
            Where the queue is full (`LogFullError`) or closed.
        """
        wait_s = self._settings.wait_s if wait_s is None else wait_s
        pending = Pending(self._writer.where, wait_s)
        self._put(Ticket(draft, wait_s, monotonic() + wait_s, pending, None))
        return pending

    async def kept(self, draft: Draft, wait_s: float | None) -> Stored:
        """Queue a record and wait for it, in an asyncio loop.

        Raises
        ------
        RunError
            Where the queue is full (`LogFullError`), it was not kept in time (`LogLateError`), or
            not at all.
        """
        wait_s = self._settings.wait_s if wait_s is None else wait_s
        loop = asyncio.get_running_loop()
        waiting: Waiting = loop.create_future()
        self._put(Ticket(draft, wait_s, monotonic() + wait_s, waiting, loop))
        alarm = loop.call_later(wait_s, _too_late, waiting, self._writer.where, wait_s)
        try:
            return await waiting
        finally:
            alarm.cancel()

    def _put(self, ticket: Ticket) -> None:
        with self._lock:
            if self._closed:
                raise _closed(self._writer.where)
            if self._queue.qsize() >= self._settings.queue:
                raise full(self._writer.where, self._settings.queue)
            self._queue.put(ticket)

    def _run(self) -> None:
        going = True
        while going:
            tickets = [self._queue.get()]
            while len(tickets) < self._settings.batch and tickets[-1] is not None:
                try:
                    tickets.append(self._queue.get_nowait())
                except Empty:
                    break
            going = tickets[-1] is not None
            taken = [ticket for ticket in tickets if ticket is not None]
            if taken:
                _answer(taken, self._write(taken))

    def _write(self, tickets: Sequence[Ticket]) -> Sequence[Answer]:
        """Write what is still wanted in one commit."""
        now_s, where = monotonic(), self._writer.where
        wanted = [ticket for ticket in tickets if ticket.end_s > now_s]
        found: Sequence[Answer] = ()
        if wanted:
            try:
                found = self._writer.keep([ticket.draft for ticket in wanted])
            except RunError as error:
                found = [error] * len(wanted)
            except Exception as error:  # noqa: BLE001 - the thread goes on, and nobody waits in vain
                found = [_fault(where, error)] * len(wanted)
        if len(wanted) == len(tickets):
            return found
        answers = iter(found)
        return [
            next(answers) if ticket.end_s > now_s else late(where, ticket.wait_s, begun=False)
            for ticket in tickets
        ]

    def close(self) -> None:
        """Write what waits and end; may be called twice."""
        with self._lock:
            if not self._closed:
                self._closed = True
                self._queue.put(None)
        self._thread.join(self._settings.wait_s)


def _answer(tickets: Sequence[Ticket], answers: Sequence[Answer]) -> None:
    """Tell everyone what became of his record, each loop in one call."""
    loops: dict[Loop, list[Callable[[], None]]] = {}
    for ticket, answer in zip(tickets, answers, strict=True):
        tell = partial(_settle, ticket.future, answer)
        if ticket.loop is None:
            tell()
        else:
            loops.setdefault(ticket.loop, []).append(tell)
    for loop, calls in loops.items():
        try:
            loop.call_soon_threadsafe(_all, calls)
        except RuntimeError:
            continue  # the loop has ended, and whoever waited in it


def _all(calls: Sequence[Callable[[], None]]) -> None:
    for call in calls:
        call()


def _settle(future: Pending | Waiting, answer: Answer) -> None:
    if future.done():
        return
    if isinstance(answer, Stored):
        future.set_result(answer)
    else:
        future.set_exception(answer)


def _too_late(waiting: Waiting, where: str, wait_s: float) -> None:
    _settle(waiting, late(where, wait_s, begun=True))


def _closed(where: str) -> RunError:
    return refused(where, "the log is closed", "an open log", "open it again")


def _fault(where: str, error: Exception) -> RunError:
    found = f"a record was not kept: {type(error).__name__}: {error}"
    return refused(where, found, "no such fault", "report it; what was kept before is whole")
