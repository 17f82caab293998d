# SPDX-License-Identifier: MIT
"""Kill -9 at any moment: nothing acknowledged is lost, the chain is whole, retries come back."""

import asyncio
import os
import signal
import sqlite3
from contextlib import closing
from itertools import count
from select import select
from time import sleep
from typing import NamedTuple

import numpy as np
import pytest

from flyball.serving.log import LogSettings, checkpoints, open_log, retention, schema
from tests.serving.log.samples import BEGAN_S, decision, stop

# On later versions of Python forking is warned of where a test runner has threads.
pytestmark = pytest.mark.filterwarnings("ignore:.*fork.*:DeprecationWarning")

BUSY = LogSettings(durability="process", checkpoint_bytes=1, wal_bytes=1 << 18, keep_days=1.0)


class Told(NamedTuple):
    """What a process said was kept before it was killed."""

    sequence: int
    hash: str
    number: int


def killed(work, after_s, *, at_work=False):
    """Run work in a process of its own, kill it, and return what it said was kept.

    The time runs from its first word where it is to be met `at_work`, else from its beginning.
    """
    ours, theirs = os.pipe()
    child = os.fork()
    if child == 0:
        os.close(ours)
        try:
            work(lambda *facts: os.write(theirs, (" ".join(map(str, facts)) + "\n").encode()))
        finally:
            os._exit(1)
    os.close(theirs)
    if at_work:
        select([ours], [], [], 30.0)
    sleep(after_s)
    os.kill(child, signal.SIGKILL)
    os.waitpid(child, 0)
    with open(ours, "rb") as pipe:  # noqa: PTH123 - a pipe has no path
        whole = [line.split() for line in pipe.read().splitlines(True) if line.endswith(b"\n")]
    return [Told(int(sequence), own.decode(), int(number)) for sequence, own, number in whole]


def hourly(number):
    return decision(number, at_s=BEGAN_S + 3600.0 * number)


def appending(path, settings, first):
    """Return work that keeps one decision after the other."""

    def work(tell):
        log = open_log(path, settings)
        for number in count(first):
            own = log.keep(hourly(number))
            tell(own.sequence, own.hash, number)

    return work


def submitting(path, settings, first):
    """Return work in which sixteen callers keep decisions at the same time."""

    def work(tell):
        log, numbers = open_log(path, settings), count(first)

        async def caller():
            for number in numbers:
                own = await log.kept(hourly(number))
                tell(own.sequence, own.hash, number)

        async def callers():
            await asyncio.gather(*(caller() for _ in range(16)))

        asyncio.run(callers())

    return work


def carrying(path, settings, first):
    """Return work in which what was written is carried over all the time."""

    def work(tell):
        checkpoints.POLL_S = 0.0
        appending(path, settings, first)(tell)

    return work


def dropping(path, settings, first):
    """Return work in which old records go all the time, a few at a time."""

    def work(tell):
        retention.SLICE, retention.PAGES = 5, 3
        log = open_log(path, settings)
        for number in count(first):
            own = log.keep(hourly(number))
            tell(own.sequence, own.hash, number)
            if number % 10 == 0:
                log.retain(BEGAN_S + 3600.0 * number)

    return work


def kill_often(path, working, settings, kills, longest_s):
    """Kill again and again, and check after every kill; return how many were acknowledged."""
    draw, told, first = np.random.default_rng(5), {}, 0
    for kill in range(kills):
        wait_s = draw.uniform(0.0, longest_s)
        for own in killed(working(path, settings, first), wait_s, at_work=kill % 4 > 0):
            told[own.sequence] = own.hash
            first = max(first, own.number + 1)
        with open_log(path, settings) as log:
            # What was committed and not acknowledged comes back and is not written again.
            while log.find(f"decision-{first}") is not None:
                assert not log.keep(hourly(first)).fresh
                first += 1
            if kill % 20 == 0 or kill == kills - 1:
                check_all(log, told)
    return len(told)


def check_all(log, told):
    """Check the chain, that every id is there once, and everything that was acknowledged."""
    (n, _), (dropped, _) = log.verify(), log._reader.anchor()
    rows = log._reader.rows("SELECT sequence, line FROM record")
    hashes = {sequence: line[9:73].decode() for sequence, line in rows}
    assert sorted(hashes) == list(range(dropped, n))
    assert all(hashes[sequence] == own for sequence, own in told.items() if sequence >= dropped)
    ids = [own["decision_id"] for own in log.records() if own["kind"] == "decision"]
    assert len(set(ids)) == len(ids)


@pytest.mark.parametrize("working", [appending, submitting, carrying, dropping])
def test_nothing_acknowledged_is_lost_by_kill_9(tmp_path, working):
    told = kill_often(tmp_path / "log.db", working, BUSY, kills=6, longest_s=0.15)

    assert told > 20
    with closing(sqlite3.connect(tmp_path / "log.db")) as connection:
        assert connection.execute("PRAGMA integrity_check").fetchone() == ("ok",)


@pytest.mark.slow
@pytest.mark.parametrize("durability", ["process", "power"])
@pytest.mark.parametrize("working", [appending, submitting, carrying, dropping])
def test_nothing_acknowledged_is_lost_by_many_kills(tmp_path, working, durability):
    often = LogSettings(
        durability=durability, checkpoint_bytes=1, wal_bytes=1 << 18,
        keep_days=1.0 if working is dropping else 0.0, checked=10,
    )  # fmt: skip

    told = kill_often(tmp_path / "log.db", working, often, kills=120, longest_s=0.2)

    assert told > 100
    with closing(sqlite3.connect(tmp_path / "log.db")) as connection:
        assert connection.execute("PRAGMA integrity_check").fetchone() == ("ok",)


MIGRATION = (
    ("CREATE TABLE more (x)", "CREATE INDEX blocks ON record (block, unit, line)"),
    ("CREATE TABLE most (x)", "UPDATE record SET block = block || ''", "DROP INDEX blocks"),
)


def migrate_and_kill(path, kills, monkeypatch):
    """Kill while the tables are brought to a later version; return which versions were met."""
    with open_log(path, BUSY) as log:
        for number in range(300):
            log.append(stop(number) if number % 10 == 0 else hourly(number))
        head = log.head
    draw, met, content = np.random.default_rng(6), set(), path.read_bytes()
    monkeypatch.setattr(schema, "STEPS", (*schema.STEPS, *MIGRATION))
    for _ in range(kills):
        path.write_bytes(content)
        killed(lambda _: open_log(path, BUSY), draw.uniform(0.0, 0.06))
        with closing(sqlite3.connect(path)) as connection:
            (version,) = connection.execute("PRAGMA user_version").fetchone()
            names = {name for (name,) in connection.execute("SELECT name FROM sqlite_schema")}
        met.add(version)
        expected = {1: set(), 2: {"more", "blocks"}, 3: {"more", "most"}}[version]
        assert names & {"more", "most", "blocks"} == expected
        with open_log(path, BUSY) as log:
            assert log.verify() == head
        for each in path.parent.glob("log.db-*"):
            each.unlink()
    return met


def test_a_kill_while_the_tables_change_leaves_one_version_or_the_other(tmp_path, monkeypatch):
    assert migrate_and_kill(tmp_path / "log.db", 8, monkeypatch) <= {1, 2, 3}


@pytest.mark.slow
def test_many_kills_while_the_tables_change_meet_every_version(tmp_path, monkeypatch):
    assert migrate_and_kill(tmp_path / "log.db", 150, monkeypatch) == {1, 2, 3}
