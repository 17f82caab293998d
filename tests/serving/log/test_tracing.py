# SPDX-License-Identifier: MIT
"""Where a chain begins and ends in a file."""

from contextlib import closing

import pytest

from flyball.core.errors import RunError
from flyball.core.journal import START, link
from flyball.serving.log import schema, tracing


@pytest.fixture
def chain(tmp_path):
    """Return a file of five records and their links."""
    links, previous = [], START
    with closing(schema.writing(tmp_path / "log.db", "process", 0)) as connection:
        schema.prepare(connection, "log.db")
        for sequence in range(5):
            links.append(link(sequence, previous, {"n": sequence}))
            previous = links[-1].hash
            connection.execute(
                "INSERT INTO record (sequence, kind, request, line) VALUES (?, '', '', ?)",
                (sequence, links[-1].line[:-1]),
            )
        yield connection, links


def test_an_empty_file_begins_and_ends_at_the_start(tmp_path):
    with closing(schema.writing(tmp_path / "log.db", "process", 0)) as connection:
        schema.prepare(connection, "log.db")

        assert tracing.anchor(connection) == tracing.end(connection) == (0, START)
        assert tracing.before_last(connection, 9, "log.db") == (0, START)
        assert tracing.trace(connection, (0, START), "log.db") == (0, START)


@pytest.mark.parametrize("n", [0, 2, 5, 9])
def test_the_last_records_are_traced_from_the_one_before_them(chain, n):
    connection, links = chain

    place = tracing.before_last(connection, n, "log.db")

    assert place == ((5 - n, links[4 - n].hash) if n < 5 else (0, START))
    assert tracing.trace(connection, place, "log.db") == (5, links[4].hash)


def test_a_dropped_beginning_is_where_the_anchor_says(chain):
    connection, links = chain
    connection.execute("DELETE FROM record WHERE sequence < 2")
    connection.execute("UPDATE anchor SET sequence = 2, hash = ?", (links[1].hash,))

    place = tracing.before_last(connection, 9, "log.db")

    assert place == (2, links[1].hash)
    assert tracing.trace(connection, place, "log.db") == (5, links[4].hash)


def test_a_record_that_is_missing_is_named(chain):
    connection, _ = chain
    connection.execute("DELETE FROM record WHERE sequence = 2")

    with pytest.raises(RunError, match="record 2: no record; allowed: records in a row"):
        tracing.before_last(connection, 2, "log.db")
    with pytest.raises(RunError, match="line 3: record 3, which follows"):
        tracing.trace(connection, (0, START), "log.db")
