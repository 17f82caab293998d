# SPDX-License-Identifier: MIT
"""Many callers and one commit: everyone is answered, in time, and once."""

import asyncio
import sqlite3
import threading
from contextlib import closing
from time import sleep

import pytest

from flyball.core.errors import RunError
from flyball.serving.log import (
    LogConflictError,
    LogFullError,
    LogLateError,
    LogSettings,
    open_log,
)
from flyball.serving.log.chain import draft
from flyball.serving.log.group import Group
from flyball.serving.log.writer import Writer
from tests.serving.log.samples import decision

SETTINGS = LogSettings(durability="process", wait_s=20.0)


@pytest.fixture
def log(tmp_path):
    with open_log(tmp_path / "log.db", SETTINGS) as log:
        yield log


class Counted:
    """A writer that tells how many records each commit had, and can be held."""

    def __init__(self):
        self.where, self.sizes, self.go = "log.db", [], threading.Event()
        self.fails = None

    def keep(self, drafts):
        self.go.wait(20.0)
        self.sizes.append(len(drafts))
        if self.fails is not None:
            raise self.fails
        return [f"kept {own.record['n']}" for own in drafts]


def numbered(n):
    return draft({"n": n})


def test_what_waits_is_committed_together_and_in_order(tmp_path):
    with closing(Writer(tmp_path / "log.db", SETTINGS)) as writer:
        with closing(Group(writer, SETTINGS)) as group:
            with writer.turn("nothing"):
                pending = [group.submit(draft(decision(n)), None) for n in range(50)]
            answers = [each.result() for each in pending]

        assert [own.sequence for own in answers] == list(range(50))
        assert writer.ended <= 3


def test_nobody_is_answered_before_the_commit_has_ended(log, monkeypatch):
    keep, inside, leave = log._writer.keep, threading.Event(), threading.Event()

    def held(drafts):
        inside.set()
        leave.wait(20.0)
        return keep(drafts)

    monkeypatch.setattr(log._writer, "keep", held)

    async def caller():
        task = asyncio.ensure_future(log.kept(decision(0)))
        while not inside.is_set():
            await asyncio.sleep(0.001)
        await asyncio.sleep(0.05)
        early = task.done()
        leave.set()
        return early, await task

    early, own = asyncio.run(caller())

    assert not early
    assert own.fresh
    inside.clear()
    leave.clear()
    pending = log.submit(decision(1))
    inside.wait(20.0)
    assert not pending.done()
    leave.set()
    assert pending.result().fresh


def test_a_commit_has_no_more_records_than_the_settings_say():
    writer = Counted()
    group = Group(writer, LogSettings(batch=4))  # type: ignore[arg-type]
    writer.go.clear()
    pending = [group.submit(numbered(n), 20.0) for n in range(11)]
    writer.go.set()

    for each in pending:
        with pytest.raises(TypeError):
            each.result()  # what it was given is no error and no record, which is our doing here

    group.close()
    assert max(writer.sizes) <= 4
    assert sum(writer.sizes) == 11


def test_a_full_queue_refuses_at_once():
    writer = Counted()
    group = Group(writer, LogSettings(queue=3))  # type: ignore[arg-type]
    first = group.submit(numbered(0), 20.0)
    while group._queue.qsize():  # the thread has taken it and is held
        sleep(0.001)
    for n in (1, 2, 3):
        group.submit(numbered(n), 20.0)

    with pytest.raises(LogFullError, match=r"3 records wait .*; allowed: at most 3 \(log\.queue\)"):
        group.submit(numbered(4), 20.0)

    writer.go.set()
    group.close()
    assert first.done()
    assert sum(writer.sizes) == 4


def test_a_thread_that_waits_too_long_is_told_and_may_ask_again(log):
    with log._writer.turn("nothing"):
        pending = log.submit(decision(0), wait_s=0.05)

        with pytest.raises(LogLateError, match=r"within 0\.05 s; it may be kept all the same"):
            pending.result()

    assert log.submit(decision(0)).result().sequence == 0


def test_what_was_not_begun_in_time_is_not_written():
    writer = Counted()
    group = Group(writer, LogSettings())  # type: ignore[arg-type]
    group.submit(numbered(0), 20.0)
    while group._queue.qsize():
        sleep(0.001)
    late = group.submit(numbered(1), 0.0)
    writer.go.set()

    with pytest.raises(LogLateError):
        late.result()

    group.close()
    assert writer.sizes == [1]
    assert "it will not be kept" in str(late.exception())


def test_two_who_bring_one_id_at_the_same_time_get_one_record(log):
    async def both():
        return await asyncio.gather(
            *(log.kept(decision(0)) for _ in range(8)),
            log.kept(decision(0, request="another")),
            return_exceptions=True,
        )

    *same, other = asyncio.run(both())

    assert {own.sequence for own in same} == {0}
    assert sum(own.fresh for own in same) == 1
    assert isinstance(other, LogConflictError)
    assert log.head[0] == 1


def test_a_loop_is_woken_once_a_commit(log, monkeypatch):
    woken = []

    async def many():
        loop = asyncio.get_running_loop()
        call = loop.call_soon_threadsafe
        monkeypatch.setattr(loop, "call_soon_threadsafe", lambda *a: woken.append(a) or call(*a))
        return await asyncio.gather(*(log.kept(decision(n)) for n in range(100)))

    answers = asyncio.run(many())

    assert sorted(own.sequence for own in answers) == list(range(100))
    assert len(woken) == log._writer.ended < 30


def test_threads_and_loops_and_those_who_do_not_wait_share_one_chain(log):
    def thread(first):
        for n in range(first, first + 20):
            assert log.submit(decision(n)).result().fresh
            log.append({"n": n})

    threads = [threading.Thread(target=thread, args=(100 * k,)) for k in range(4)]
    for each in threads:
        each.start()

    async def many():
        await asyncio.gather(*(log.kept(decision(1000 + n)) for n in range(50)))

    asyncio.run(many())
    for each in threads:
        each.join()

    assert log.verify()[0] == 4 * 40 + 50


def test_a_loop_that_waits_too_long_is_told(log):
    async def late():
        with pytest.raises(LogLateError, match=r"within 0\.05 s; it may be kept all the same"):
            await log.kept(decision(0), wait_s=0.05)

    with log._writer.turn("nothing"):
        asyncio.run(late())


def test_a_loop_that_ended_harms_nobody(log):
    async def leave():
        task = asyncio.ensure_future(log.kept(decision(0)))
        await asyncio.sleep(0)
        task.cancel()

    with log._writer.turn("nothing"):
        asyncio.run(leave())

    assert log.submit(decision(1)).result().fresh


def test_a_disk_that_fails_answers_everyone_at_once_and_writing_goes_on(log):
    async def many(first):
        return await asyncio.gather(
            *(log.kept(decision(first + n)) for n in range(10)), return_exceptions=True
        )

    with closing(sqlite3.connect(log.path, isolation_level=None)) as other:
        other.execute("BEGIN IMMEDIATE")
        found = asyncio.run(many(0))
    after = asyncio.run(many(10))

    assert all("locked by another process" in str(error) for error in found)
    assert sorted(own.sequence for own in after) == list(range(10))


def test_a_fault_of_ours_is_told_and_the_thread_goes_on():
    writer = Counted()
    writer.fails = ZeroDivisionError("of ours")
    writer.go.set()
    group = Group(writer, LogSettings())  # type: ignore[arg-type]

    with pytest.raises(RunError, match="ZeroDivisionError: of ours"):
        group.submit(numbered(0), 20.0).result()
    with pytest.raises(RunError, match="of ours"):
        group.submit(numbered(1), 20.0).result()

    group.close()


def test_closing_writes_what_waits_and_then_refuses(tmp_path):
    log = open_log(tmp_path / "log.db", SETTINGS)
    pending = [log.submit(decision(n)) for n in range(20)]
    log.close()
    log.close()

    assert [each.result().sequence for each in pending] == list(range(20))
    with pytest.raises(RunError, match="the log is closed"):
        log.submit(decision(20))
