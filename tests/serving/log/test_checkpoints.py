# SPDX-License-Identifier: MIT
"""Carrying over beside the writing: nothing grows without bound, and no commit is skipped."""

import sqlite3
import threading
from contextlib import closing
from time import monotonic, sleep

from flyball.serving.log import LogSettings, open_log, schema
from flyball.serving.log import checkpoints as checkpoints_module
from tests.serving.log.samples import decision

N = 500
SMALL = LogSettings(durability="process", checkpoint_bytes=1 << 16, wal_bytes=1 << 19)


def test_the_file_beside_is_begun_anew_once_it_has_reached_its_bound(tmp_path):
    with open_log(tmp_path / "log.db", SMALL) as log:
        sizes, a_few = [], 20
        for number in range(N):
            log.append(decision(number))
            if number % a_few == 0:
                log._checkpoints.carry()
            sizes.append(log._writer.beside_bytes)

        most = SMALL.wal_bytes + a_few * 10 * schema.PAGE_BYTES
        assert SMALL.wal_bytes <= max(sizes) <= most
        assert sizes == sorted(sizes)  # it is written over, not cut off
        assert log.fault == ""
        assert log.verify()[0] == N
    assert not (tmp_path / "log.db-wal").exists()


def test_a_thread_carries_over_without_being_asked(tmp_path, monkeypatch):
    monkeypatch.setattr(checkpoints_module, "POLL_S", 0.001)
    with open_log(tmp_path / "log.db", SMALL) as log:
        main, began = log.path.stat().st_size, monotonic()
        for number in range(20):
            log.append(decision(number))

        while log.path.stat().st_size == main and monotonic() - began < 30.0:
            sleep(0.01)

        assert log.path.stat().st_size > main


def test_a_checkpoint_begins_only_where_a_commit_came_behind_the_last_one(tmp_path):
    with open_log(tmp_path / "log.db", LogSettings(durability="process")) as log:
        own = log._checkpoints
        log.append(decision(0))
        runs = counted(own)

        own.carry()
        own.carry()

        assert len(runs) == 1
        log.append(decision(1))
        own.carry()
        assert len(runs) == 2
        log._writer.begun += 1  # a commit is under way: it may still be in the last checkpoint
        log._checkpoints._seen = log._writer.begun
        log._writer.ended = log._writer.begun
        own.carry()
        assert len(runs) == 2


def counted(own):
    """Return a list that grows by one with every checkpoint."""
    runs, real = [], own._checkpoint

    def checkpoint():
        runs.append(1)
        real()

    own._checkpoint = checkpoint
    return runs


def test_a_checkpoint_that_fails_is_told_and_writing_goes_on(tmp_path):
    with open_log(tmp_path / "log.db", LogSettings(durability="process")) as log:
        log.append(decision(0))

        log._checkpoints._checkpoint = failing
        log._checkpoints.carry()

        assert log.fault == "carrying over: disk I/O error"
        log.append(decision(1))
        del log._checkpoints._checkpoint
        log._checkpoints.carry()
        assert log.fault == ""


def failing():
    msg = "disk I/O error"
    raise sqlite3.OperationalError(msg)


def test_readers_writers_and_checkpoints_at_once_lose_nothing(tmp_path, monkeypatch):
    monkeypatch.setattr(checkpoints_module, "POLL_S", 0.0)
    settings = LogSettings(durability="process", checkpoint_bytes=1, wal_bytes=1 << 17)
    path = tmp_path / "log.db"
    with open_log(path, settings) as log:
        going = threading.Event()

        def read():
            while not going.is_set():
                log.latest("unit-1")
                for _ in log.records():
                    pass

        reader = threading.Thread(target=read)
        reader.start()
        for number in range(N):
            log.append(decision(number))
        going.set()
        reader.join()
        assert log.fault == ""
    with closing(sqlite3.connect(path)) as connection:
        assert connection.execute("PRAGMA integrity_check").fetchone() == ("ok",)
    with open_log(path, settings) as log:
        assert log.verify()[0] == N
