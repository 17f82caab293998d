# SPDX-License-Identifier: MIT
"""The audit shows what was changed in it, wherever it is read."""

import pytest
from sqlalchemy import delete, update

from flyball.core.errors import RunError
from flyball.releases.tables import EVENTS
from tests.releases.made import added, set_up


@pytest.fixture
def filled(registry):
    set_up(registry, "mill")
    set_up(registry, "kiln")
    added(registry, *map(str, range(6)))
    return registry


def test_pages_go_on_where_the_one_before_ended(filled):
    whole = list(filled.events)

    first = filled.events.page(limit=4)
    second = filled.events.page(after=first[-1].sequence, limit=4)

    assert [event.sequence for event in whole] == list(range(10))
    assert first + second + filled.events.page(after=second[-1].sequence) == whole
    assert filled.events.head() == (10, whole[-1].hash)
    assert filled.events.page(after=9) == []


def test_events_of_a_plant_are_its_own(filled):
    found = filled.events.page(plant="kiln")

    assert [event.sequence for event in found] == [2, 3]
    assert filled.events.page(plant="kiln", after=2)[0].sequence == 3
    assert filled.events.page(plant="nowhere") == []


def changed(database, sequence, old, new):
    with database.writing() as connection:
        own = EVENTS.c.sequence == sequence
        line = connection.scalar(EVENTS.select().with_only_columns(EVENTS.c.line).where(own))
        assert old in line
        connection.execute(update(EVENTS).where(own).values(line=line.replace(old, new)))


def test_a_changed_event_is_noticed_on_its_page_by_its_plant_and_in_the_whole(filled, database):
    changed(database, 3, "Ann", "Eve")

    for read in (
        lambda: list(filled.events),
        lambda: filled.events.page(after=2, limit=1),
        lambda: filled.events.page(plant="kiln"),
    ):
        with pytest.raises(RunError, match=r"events .*; fix: keep the file as evidence"):
            read()
    assert len(filled.events.page(limit=3)) == 3


def test_an_event_that_was_taken_out_or_moved_is_noticed(filled, database):
    with database.writing() as connection:
        connection.execute(delete(EVENTS).where(EVENTS.c.sequence == 5))
    with pytest.raises(RunError, match="which follows"):
        list(filled.events)
    with pytest.raises(RunError, match="no such event"):
        filled.events.page(after=5)

    with database.writing() as connection:
        row = EVENTS.c.sequence == 4
        connection.execute(update(EVENTS).where(row).values(sequence=5, plant="mill"))
    with pytest.raises(RunError):
        filled.events.page(plant="mill")
