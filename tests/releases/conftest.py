# SPDX-License-Identifier: MIT
import pytest
from sqlalchemy import update

from flyball.core.clock import ManualClock
from flyball.releases.database import Database
from flyball.releases.registry import Registry
from flyball.releases.tables import GENERATION, METADATA
from tests.releases.databases import KINDS, fresh
from tests.releases.made import Maker


@pytest.fixture
def maker(tmp_path):
    return Maker(tmp_path)


@pytest.fixture(scope="module")
def packed(tmp_path_factory):
    """Return a maker with one release, and its digest; tests leave both as they are."""
    maker = Maker(tmp_path_factory.mktemp("packed"))
    return maker, maker.packed()


@pytest.fixture(scope="session", params=KINDS)
def place(request, tmp_path_factory):
    """Return where a database is; every kind in turn."""
    with fresh(request.param, tmp_path_factory.mktemp("database")) as where:
        yield where


@pytest.fixture
def clock():
    return ManualClock()


@pytest.fixture(scope="session")
def opened(place):
    database = Database(place)
    yield database
    database.close()


@pytest.fixture
def database(opened):
    """Return a database with empty tables."""
    with opened.writing() as connection:
        for table in reversed(METADATA.sorted_tables):
            if table is not GENERATION:
                connection.execute(table.delete())
        connection.execute(update(GENERATION).values(value=0))
    return opened


@pytest.fixture
def registry(database, clock):
    """Return an empty registry; in every kind of database in turn."""
    return Registry(database, clock)


@pytest.fixture
def small(tmp_path, clock):
    """Return an empty registry in a file."""
    registry = Registry.open(tmp_path / "registry.db", clock)
    yield registry
    registry.close()
