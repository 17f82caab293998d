# SPDX-License-Identifier: MIT
"""Databases to test with: a file, and servers where they answer; each run has one of its own."""

import secrets
from contextlib import contextmanager, suppress

import pytest
from sqlalchemy import create_engine, text
from sqlalchemy.exc import DBAPIError

SERVERS = {
    "mariadb": "mysql+pymysql://root:@127.0.0.1:3306/",
    "postgresql": "postgresql+psycopg://postgres@127.0.0.1:5432/",
}
FIRST = {"mariadb": "mysql", "postgresql": "postgres"}
KINDS = ("sqlite", *SERVERS)


@contextmanager
def fresh(kind, folder):
    """Give a path or the URL of an empty database; skip where no server answers."""
    if kind == "sqlite":
        yield folder / "registry.db"
        return
    pytest.importorskip({"mariadb": "pymysql", "postgresql": "psycopg"}[kind])
    name = f"flyball_test_{secrets.token_hex(6)}"
    engine = create_engine(SERVERS[kind] + FIRST[kind], isolation_level="AUTOCOMMIT")
    try:
        with engine.connect() as connection:
            connection.execute(text(f"CREATE DATABASE {name}"))
    except DBAPIError as error:
        engine.dispose()
        pytest.skip(f"no {kind} server at {SERVERS[kind]}: {error.orig}")
    try:
        yield SERVERS[kind] + name
    finally:
        with engine.connect() as connection, suppress(DBAPIError):
            force = " WITH (FORCE)" if kind == "postgresql" else ""
            connection.execute(text(f"DROP DATABASE {name}{force}"))
        engine.dispose()
