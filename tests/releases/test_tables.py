# SPDX-License-Identifier: MIT
from sqlalchemy.dialects import mysql, postgresql, sqlite
from sqlalchemy.schema import CreateTable

from flyball.releases.tables import METADATA


def test_every_table_is_bytewise_and_holds_long_texts_in_each_database():
    for table in METADATA.sorted_tables:
        words = str(CreateTable(table).compile(dialect=mysql.dialect()))
        assert "utf8mb4_bin" in words
        assert " TEXT" not in words, "64 KiB, where a manifest may have a megabyte"
        for dialect in (postgresql.dialect(), sqlite.dialect()):
            assert "MEDIUMTEXT" not in str(CreateTable(table).compile(dialect=dialect))
