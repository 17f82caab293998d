# SPDX-License-Identifier: MIT
"""Records find their places behind the writing, and none is lost or found twice."""

import sqlite3
from contextlib import closing

from flyball.serving.log import LogSettings, places
from flyball.serving.log.chain import draft
from flyball.serving.log.places import place
from flyball.serving.log.writer import Writer
from tests.serving.log.samples import decision

SETTINGS = LogSettings(durability="process")


def rows(path, question):
    with closing(sqlite3.connect(path)) as connection:
        return connection.execute(question).fetchall()


def test_records_wait_until_there_are_enough_of_them(tmp_path):
    path = tmp_path / "log.db"
    with closing(Writer(path, SETTINGS)) as writer:
        writer.keep([draft(decision(n)) for n in range(places.BEHIND - 1)])
        place(writer)
        assert rows(path, "SELECT count(*) FROM place") == [(0,)]

        writer.keep([draft(decision(places.BEHIND))])
        place(writer)

        assert writer.placed == places.BEHIND
    assert rows(path, "SELECT count(*) FROM place") == [(places.BEHIND,)]
    assert rows(path, "SELECT placed FROM anchor") == [(places.BEHIND,)]
    with closing(Writer(path, SETTINGS)) as writer:
        assert writer.placed == places.BEHIND


def test_a_long_row_finds_its_places_some_at_a_time_and_each_once(tmp_path, monkeypatch):
    monkeypatch.setattr(places, "BEHIND", 3)
    monkeypatch.setattr(places, "MOST", 7)
    path = tmp_path / "log.db"
    with closing(Writer(path, SETTINGS)) as writer:
        writer.keep([draft(decision(n)) for n in range(20)])
        writer.keep([draft({"kind": "alarm", "unit": "unit-0"}), draft({"kind": "change"})])

        place(writer)
        place(writer)

    found = rows(path, "SELECT sequence FROM place ORDER BY sequence")
    assert found == [(n,) for n in range(20)]  # what has no time or no unit has no place
    newest = rows(path, "SELECT unit, kind, sequence FROM newest ORDER BY sequence")
    assert newest == [
        ("unit-2", "decision", 17), ("unit-0", "decision", 18), ("unit-1", "decision", 19),
        ("unit-0", "alarm", 20),
    ]  # fmt: skip
