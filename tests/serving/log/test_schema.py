# SPDX-License-Identifier: MIT
"""The tables: made whole or not at all, and only in a file of ours."""

import sqlite3

import pytest

from flyball.core.errors import RunError
from flyball.serving.log import schema
from flyball.serving.log.chain import PASSING


def connected(path, durability="process", max_bytes=0):
    connection = schema.writing(path, durability, max_bytes)
    schema.prepare(connection, str(path))
    return connection


def one(connection, question):
    return connection.execute(question).fetchone()[0]


@pytest.mark.parametrize(("durability", "level"), [("process", 1), ("power", 2)])
def test_a_writer_waits_for_the_disk_as_asked_and_carries_nothing_over(tmp_path, durability, level):
    connection = connected(tmp_path / "log.db", durability)

    assert one(connection, "PRAGMA synchronous") == level
    assert one(connection, "PRAGMA journal_mode") == "wal"
    assert one(connection, "PRAGMA wal_autocheckpoint") == 0
    assert one(connection, "PRAGMA auto_vacuum") == 2
    connection.close()


def test_tables_are_made_once(tmp_path):
    connected(tmp_path / "log.db").close()

    connection = connected(tmp_path / "log.db")

    assert one(connection, "PRAGMA user_version") == len(schema.STEPS)
    assert one(connection, "SELECT count(*) FROM anchor") == 1
    connection.close()


def test_an_older_file_takes_every_step_that_it_lacks_and_a_failed_one_leaves_nothing(
    tmp_path, monkeypatch
):
    connected(tmp_path / "log.db").close()
    later = ("CREATE TABLE more (x)",), ("CREATE TABLE most (x)", "CREATE TABLE broken (")
    monkeypatch.setattr(schema, "STEPS", (*schema.STEPS, *later))
    n = len(schema.STEPS)

    with pytest.raises(sqlite3.OperationalError):
        connected(tmp_path / "log.db")

    monkeypatch.setattr(schema, "STEPS", schema.STEPS[:-1])
    connection = connected(tmp_path / "log.db")
    assert one(connection, "PRAGMA user_version") == n - 1
    tables = {name for (name,) in connection.execute("SELECT name FROM sqlite_schema")}
    assert "more" in tables
    assert "most" not in tables
    connection.close()


def test_a_newer_file_and_one_of_something_else_are_left_alone(tmp_path):
    path = tmp_path / "log.db"
    connection = connected(path)
    connection.execute(f"PRAGMA user_version = {len(schema.STEPS) + 1}")
    with pytest.raises(RunError, match="version 2 of the tables; allowed: a decision log of ver"):
        schema.prepare(connection, "log.db")
    connection.close()
    other = sqlite3.connect(tmp_path / "other.db")
    other.execute("CREATE TABLE orders (x)")

    with pytest.raises(RunError, match="a database of something else"):
        schema.prepare(other, "other.db")

    assert [name for (name,) in other.execute("SELECT name FROM sqlite_schema")] == ["orders"]
    other.close()


def test_an_sqlite_that_is_too_old_is_named(tmp_path, monkeypatch):
    monkeypatch.setattr(sqlite3, "sqlite_version_info", (3, 34, 1))
    connection = schema.writing(tmp_path / "log.db", "process", 0)

    with pytest.raises(RunError, match=r"allowed: SQLite 3\.37 or newer; fix: use a Python"):
        schema.prepare(connection, "log.db")

    connection.close()


def test_a_reader_cannot_write(tmp_path):
    writer = connected(tmp_path / "a ?#% log.db")
    reader = schema.reading(tmp_path / "a ?#% log.db")

    with pytest.raises(sqlite3.OperationalError, match="readonly"):
        reader.execute("DELETE FROM anchor")

    reader.close()
    writer.close()


def test_kinds_of_which_there_are_few_are_those_that_the_index_is_for():
    (index,) = [each for each in schema.FIRST if "INDEX rare" in each]
    assert index.endswith("(" + ", ".join(f"'{kind}'" for kind in PASSING) + ")")
