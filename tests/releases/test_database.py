# SPDX-License-Identifier: MIT
"""A database is brought up to date step by step; killed in between it is the old one or the new."""

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest
from sqlalchemy import inspect, select, text

from flyball.releases.database import MIGRATIONS, VERSIONS, Database, Migration
from flyball.releases.refusals import StoreError
from flyball.releases.tables import GENERATION, METADATA
from tests.releases.databases import KINDS, fresh


@pytest.fixture(params=KINDS)
def empty(request, tmp_path):
    """Return where an empty database is; every kind in turn."""
    with fresh(request.param, tmp_path) as where:
        yield where


def version(database):
    with database.reading() as connection:
        return sorted(connection.scalars(select(VERSIONS.c.number)))


def labelled(connection):
    names = {column["name"] for column in inspect(connection).get_columns("releases")}
    if "label" not in names:
        connection.execute(text("ALTER TABLE releases ADD COLUMN label VARCHAR(20)"))
    connection.execute(text("UPDATE releases SET label = 'old' WHERE label IS NULL"))


SECOND = (*MIGRATIONS, Migration(2, "a label", labelled))


def test_a_new_database_has_every_table_and_an_old_one_gets_what_is_missing(empty):
    first = Database(empty)
    assert version(first) == [1]
    with first.reading() as connection:
        assert set(METADATA.tables) <= set(inspect(connection).get_table_names())
        assert connection.scalar(select(GENERATION.c.value)) == 0
    first.close()

    second = Database(empty, SECOND)

    assert version(second) == [1, 2]
    with second.reading() as connection:
        assert list(connection.execute(text("SELECT label FROM releases"))) == []
    second.close()
    with pytest.raises(StoreError, match=r"tables of version 2; allowed: version 1 or older"):
        Database(empty)


def test_a_step_that_breaks_off_leaves_the_version_before_it(empty):
    Database(empty).close()

    def broken(connection):
        labelled(connection)
        msg = "no"
        raise RuntimeError(msg)

    with pytest.raises(RuntimeError):
        Database(empty, (*MIGRATIONS, Migration(2, "broken", broken)))

    mended = Database(empty, SECOND)
    assert version(mended) == [1, 2]
    mended.close()


def test_a_change_that_breaks_off_leaves_nothing(database):
    def break_off():
        with database.writing() as connection:
            connection.execute(GENERATION.update().values(value=7))
            msg = "no"
            raise RuntimeError(msg)

    with pytest.raises(RuntimeError):
        break_off()

    with database.reading() as connection:
        assert connection.scalar(select(GENERATION.c.value)) == 0


KILLED = """
import os, signal, sys
from pathlib import Path
from tests.releases.test_database import SECOND, dying
from flyball.releases.database import Database
where = sys.argv[1] if "://" in sys.argv[1] else Path(sys.argv[1])
dying(int(sys.argv[2]))
Database(where, SECOND)
"""


def dying(last):
    """Die before statement number `last`."""
    from sqlalchemy import Engine, event

    seen = 0

    def count(*_):
        nonlocal seen
        seen += 1
        if seen == last:
            os.kill(os.getpid(), signal.SIGKILL)

    event.listen(Engine, "before_cursor_execute", count)
    event.listen(Engine, "commit", count)


def killed_on_the_way(empty, last):
    Database(empty).close()
    command = [sys.executable, "-c", KILLED, str(empty), str(last)]

    killed = subprocess.run(command, check=False, stderr=subprocess.PIPE)  # noqa: S603

    assert killed.returncode in (-signal.SIGKILL, 0), killed.stderr[-1000:]
    mended = Database(empty, SECOND)
    assert version(mended) == [1, 2]
    with mended.reading() as connection:
        assert list(connection.execute(text("SELECT label FROM releases"))) == []
    mended.close()
    return killed.returncode


def test_killed_while_it_is_brought_up_to_date_it_is_the_old_one_or_the_new(tmp_path):
    assert killed_on_the_way(tmp_path / "registry.db", 11) == -signal.SIGKILL


@pytest.mark.slow
@pytest.mark.parametrize("last", range(1, 20))
def test_killed_at_every_step_it_is_the_old_one_or_the_new(empty, last):
    killed_on_the_way(empty, last)


@pytest.mark.parametrize(
    "where",
    [
        "no url",
        "oracle+nothing://x/y",
        "postgresql+psycopg://nobody:secret@127.0.0.1:1/x?connect_timeout=1",
        Path("/nowhere/at/all.db"),
    ],
)
def test_a_database_that_cannot_be_reached_is_named_without_its_password(where):
    with pytest.raises(StoreError) as refused:
        Database(where)

    assert "secret" not in str(refused.value)
    assert refused.value.problems[0].fix


def test_the_file_is_flushed_at_every_commit_and_read_while_it_is_written(tmp_path):
    database = Database(tmp_path / "registry.db")
    with database.reading() as reader:
        assert reader.scalar(text("PRAGMA journal_mode")) == "wal"
        assert reader.scalar(text("PRAGMA synchronous")) == 2
        with database.writing() as writer:
            writer.execute(GENERATION.update().values(value=1))
        assert reader.scalar(select(GENERATION.c.value)) in (0, 1)
    database.close()
