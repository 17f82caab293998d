# SPDX-License-Identifier: MIT
"""The tables of the registry, the same in SQLite, MariaDB and PostgreSQL.

Moments are texts in UTC with microseconds, which sort as they passed and mean the same everywhere.
Manifests stand apart from what is searched, so that a search reads little.
"""

from typing import Any

from sqlalchemy import (
    BigInteger,
    Column,
    ForeignKey,
    Index,
    Integer,
    MetaData,
    PrimaryKeyConstraint,
    String,
    Table,
    Text,
)
from sqlalchemy.dialects.mysql import MEDIUMTEXT
from sqlalchemy.schema import SchemaItem

METADATA = MetaData()

# Bytewise, so that no two names are the same to one database and different to another.
BYTEWISE: dict[str, Any] = {
    f"{dialect}_{key}": value
    for dialect in ("mysql", "mariadb")
    for key, value in (("charset", "utf8mb4"), ("collate", "utf8mb4_bin"), ("engine", "InnoDB"))
}

LONG = Text().with_variant(MEDIUMTEXT(), "mysql", "mariadb")
"""A text of up to 16 MiB, where the usual one ends at 64 KiB."""

DIGEST, NAME, MOMENT, PERSON = String(64), String(64), String(27), String(200)

TARGET = String(80)
"""A digest, or a rule of the plant's own as ``rule:name``."""


def _table(name: str, *parts: SchemaItem) -> Table:
    return Table(name, METADATA, *parts, **BYTEWISE)


RELEASES = _table(
    "releases",
    Column("digest", DIGEST, primary_key=True),
    Column("world", String(100), nullable=False),
    Column("version", Integer, nullable=False),
    Column("spec_hash", DIGEST, nullable=False),
    Column("purpose", String(200), nullable=False),
    Column("algorithm", String(100), nullable=False),
    Column("verdict", String(40), nullable=False),
    Column("parent", DIGEST, nullable=False),
    Column("signer", String(16), nullable=False),
    Column("created", MOMENT, nullable=False),
    Column("state", String(16), nullable=False),
    Column("words", String(400), nullable=False),
    # Words stand in the index: a search of all releases then reads the index alone.
    Index("releases_newest", "created", "digest", "words"),
    Index("releases_of_world", "world", "created", "digest", "words"),
    Index("releases_in_state", "state", "created", "digest"),
)

MANIFESTS = _table(
    "manifests",
    Column("digest", DIGEST, ForeignKey("releases.digest"), primary_key=True),
    Column("content", LONG, nullable=False),
)

ALIASES = _table(
    "aliases",
    Column("plant", NAME, nullable=False),
    Column("name", String(16), nullable=False),
    Column("target", TARGET, nullable=False),
    Column("generation", BigInteger, nullable=False),
    Column("changed", MOMENT, nullable=False),
    PrimaryKeyConstraint("plant", "name"),
    Index("aliases_of_target", "target"),
)

EVENTS = _table(
    "events",
    Column("sequence", BigInteger, primary_key=True, autoincrement=False),
    Column("at", MOMENT, nullable=False),
    Column("plant", NAME, nullable=False),
    Column("what", String(40), nullable=False),
    Column("who", PERSON, nullable=False),
    Column("line", LONG, nullable=False),
    Index("events_of_plant", "plant", "sequence"),
)

GENERATION = _table(
    "generation",
    Column("id", Integer, primary_key=True, autoincrement=False),
    Column("value", BigInteger, nullable=False),
)

LEASES = _table(
    "leases",
    Column("name", NAME, primary_key=True),
    Column("holder", PERSON, nullable=False),
    Column("expires", MOMENT, nullable=False),
    Column("fence", BigInteger, nullable=False),
)

STAGINGS = _table(
    "stagings",
    Column("plant", NAME, nullable=False),
    Column("number", Integer, nullable=False),
    Column("stage", String(16), nullable=False),
    Column("generation", BigInteger, nullable=False),
    Column("began", MOMENT, nullable=False),
    Column("changed", MOMENT, nullable=False),
    Column("state", LONG, nullable=False),
    PrimaryKeyConstraint("plant", "number"),
)

VERDICTS = _table(
    "verdicts",
    Column("plant", NAME, nullable=False),
    Column("number", Integer, nullable=False),
    Column("place", Integer, nullable=False),
    Column("at", MOMENT, nullable=False),
    Column("record", LONG, nullable=False),
    PrimaryKeyConstraint("plant", "number", "place"),
)
