# SPDX-License-Identifier: MIT
"""The database under the registry: how it is opened, read, changed and brought up to date.

SQLite in a file is the default (WAL, flushed to the disk at every commit); MariaDB and PostgreSQL
work through the same code. Every change holds the one row of `generation` until it is committed, so
that changes come one after another whatever the database. Whoever is killed leaves a change whole
or undone.
"""

import sqlite3
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, NamedTuple

from sqlalchemy import (
    Column,
    Connection,
    Engine,
    Integer,
    MetaData,
    String,
    Table,
    create_engine,
    event,
    func,
    insert,
    select,
    text,
)
from sqlalchemy.engine import URL, make_url
from sqlalchemy.exc import ArgumentError, DBAPIError, IntegrityError, NoSuchModuleError

from flyball.releases.refusals import StoreError, problem
from flyball.releases.tables import BYTEWISE, GENERATION, METADATA

WAIT_S = 30
"""How long a change waits for another one, s."""

LOCK = 718_281_828
"""Number, and name, of the lock under which a database is brought up to date."""

WRITES = "flyball_writes"

VERSIONS = Table(
    "schema_version",
    MetaData(),
    Column("number", Integer, primary_key=True, autoincrement=False),
    Column("what", String(200), nullable=False),
    **BYTEWISE,
)


class Migration(NamedTuple):
    """One step of the tables from one version of Flyball to the next.

    It looks before it changes: MariaDB commits every change of a table by itself, so that a step
    that was killed there is run again from its beginning.
    """

    number: int
    what: str
    apply: Callable[[Connection], None]


def _first(connection: Connection) -> None:
    METADATA.create_all(connection, checkfirst=True)
    if connection.scalar(select(GENERATION.c.value)) is None:
        connection.execute(insert(GENERATION).values(id=1, value=0))


MIGRATIONS = (Migration(1, "the first tables", _first),)


class Database:
    """A database with the tables of the registry in it.

    Parameters
    ----------
    where
        A file for SQLite, on a disk of this machine, or the URL of a server:
        ``mysql+pymysql://...``, ``postgresql+psycopg://...``.
    migrations
        The steps that bring it up to date.

    Raises
    ------
    StoreError
        When it cannot be reached, or was made by a newer Flyball.
    """

    def __init__(self, where: Path | str, migrations: Sequence[Migration] = MIGRATIONS) -> None:
        self._url = _url(where)
        self.name = self._url.render_as_string(hide_password=True)
        self._engine = self._opened()
        ready = False
        try:
            with self._told():
                self._migrate(migrations)
            ready = True
        finally:
            if not ready:
                self.close()

    def _opened(self) -> Engine:
        try:
            if self._url.get_backend_name() == "sqlite":
                engine = create_engine(self._url, connect_args={"timeout": WAIT_S})
                event.listen(engine, "connect", _prepare)
                event.listen(engine, "begin", _begin)
                return engine
            return create_engine(self._url, isolation_level="READ COMMITTED", pool_pre_ping=True)
        except (ArgumentError, NoSuchModuleError, ModuleNotFoundError) as error:
            fix = "give a file, mysql+pymysql://... or postgresql+psycopg://..., with its driver"
            found = f"no database that is known here ({error})"[:300]
            raise StoreError(
                problem(self.name, found, "SQLite, MariaDB, PostgreSQL", fix)
            ) from None

    @contextmanager
    def reading(self) -> Iterator[Connection]:
        """Give a connection that sees one state of the database.

        Raises
        ------
        StoreError
            When the database does not answer.
        """
        with self._told(), self._engine.connect() as connection, connection.begin():
            yield connection

    @contextmanager
    def writing(self, *, turn: bool = True) -> Iterator[Connection]:
        """Give a connection whose changes are committed together, one such block at a time.

        Parameters
        ----------
        turn
            False: not to wait for other changes, where the database can do without.

        Raises
        ------
        StoreError
            When the database does not answer; nothing was changed then.
        """
        with self._told(), self._writer().begin() as connection:
            if turn:
                connection.execute(select(GENERATION.c.value).with_for_update())
            yield connection

    def _writer(self) -> Engine:
        return self._engine.execution_options(**{WRITES: True})

    def close(self) -> None:
        """Let go of every connection."""
        self._engine.dispose()

    @contextmanager
    def _told(self) -> Iterator[None]:
        """Turn what the driver says into words for people."""
        try:
            yield
        except IntegrityError:  # what is kept contradicts the change: for whoever changes it
            raise
        except UnicodeEncodeError as error:
            fix = "write it with letters that exist"
            raise StoreError(problem(self.name, "no text", "a text", fix)) from error
        except DBAPIError as error:
            fix = "see that the database runs and may be written; the change can be tried again"
            found = f"does not answer as it should ({error.orig})"[:300]
            where = "a database that can be read and written"
            raise StoreError(problem(self.name, found, where, fix)) from error

    def _migrate(self, migrations: Sequence[Migration]) -> None:
        """Bring the tables up to date, one step a transaction."""
        newest = max(each.number for each in migrations)
        for step in migrations:
            with self._writer().begin() as connection, _alone(connection):
                VERSIONS.metadata.create_all(connection, checkfirst=True)
                version = connection.scalar(select(func.max(VERSIONS.c.number))) or 0
                if version > newest:
                    fix = "upgrade flyball"
                    found, allowed = f"tables of version {version}", f"version {newest} or older"
                    raise StoreError(problem(self.name, found, allowed, fix))
                if version < step.number:
                    step.apply(connection)
                    connection.execute(insert(VERSIONS).values(number=step.number, what=step.what))


def _url(where: Path | str) -> URL:
    if isinstance(where, Path):
        return URL.create("sqlite", database=str(where))
    try:
        return make_url(where)
    except ArgumentError as error:
        fix = "give a file as a path, mysql+pymysql://... or postgresql+psycopg://..."
        raise StoreError(problem("database", "no URL", "a path or a URL", fix)) from error


def _prepare(connection: Any, _: Any) -> None:
    """Set up a connection of SQLite; transactions are begun by `_begin`, not by the driver."""
    if not isinstance(connection, sqlite3.Connection):
        return
    connection.isolation_level = None
    # 64 MiB of pages: a search of every release reads an index of half that size.
    pragmas = ("journal_mode=WAL", "synchronous=FULL", "foreign_keys=ON", "cache_size=-65536")
    for pragma in pragmas:
        connection.execute(f"PRAGMA {pragma}")


def _begin(connection: Connection) -> None:
    """Begin a transaction; one that changes takes its turn at once, or it could not be finished."""
    writes = connection.get_execution_options().get(WRITES, False)
    connection.exec_driver_sql("BEGIN IMMEDIATE" if writes else "BEGIN")


@contextmanager
def _alone(connection: Connection) -> Iterator[None]:
    """Keep other processes from bringing the same database up to date meanwhile."""
    dialect = connection.dialect.name
    if dialect == "postgresql":
        connection.execute(text(f"SELECT pg_advisory_xact_lock({LOCK})"))
    if dialect in ("mysql", "mariadb"):
        connection.execute(text(f"SELECT GET_LOCK('flyball-{LOCK}', {WAIT_S})"))
    try:
        yield
    finally:
        if dialect in ("mysql", "mariadb"):
            connection.execute(text(f"SELECT RELEASE_LOCK('flyball-{LOCK}')"))
