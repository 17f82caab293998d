# SPDX-License-Identifier: MIT
"""Whether records can be found where they say: rows, bytes and places against the chain's lines."""

from collections.abc import Iterator, Sequence
from hashlib import sha256
from typing import Any

from flyball.serving.log import schema
from flyball.serving.log.chain import DECISIONS, Draft, draft, record_in
from flyball.serving.log.reading import PAGE, Reader

ROWS = f"""
    SELECT {", ".join(schema.COLUMNS)}, EXISTS (SELECT 1 FROM place WHERE place.unit = record.unit
        AND place.kind = record.kind AND place.at_s = record.at_s
        AND place.sequence = record.sequence)
    FROM record WHERE sequence >= ? AND sequence < ? ORDER BY sequence LIMIT ?
"""  # noqa: S608 - constants
NEWEST = "SELECT sequence FROM newest WHERE unit = ? AND kind = ?"


def disagreements(reader: Reader, until: int) -> Iterator[str]:
    """Yield what a row says otherwise than its line, which is taken to be whole.

    Parameters
    ----------
    reader
        Of the log.
    until
        How many records there are.
    """
    ((at, placed),) = reader.rows("SELECT sequence, placed FROM anchor")
    newest: dict[tuple[str, str], int] = {}
    while rows := reader.rows(ROWS, (at, until, PAGE)):
        for row, own in ((row, draft(record_in(row[-3]))) for row in rows):
            yield from _against(row, own, placed)
            if own.unit is not None and row[0] < placed:
                newest[own.unit, own.kind] = row[0]
        at = rows[-1][0] + 1
    for (unit, kind), sequence in newest.items():
        found = reader.rows(NEWEST, (unit, kind))
        if not found or found[0][0] < sequence:
            yield f"unit '{unit}': its last {kind} is not record {sequence}"


def _against(row: Sequence[Any], own: Draft, placed: int) -> Iterator[str]:
    """Yield what speaks against a row: its columns, its bytes, its place."""
    names = schema.COLUMNS[1:-2]
    if tuple(row[1:-3]) != tuple(getattr(own, name) for name in names):
        yield f"record {row[0]}: its columns are not what its line says"
    blob = own.record.get("blob") if own.kind in DECISIONS else None
    if (None if row[-2] is None else sha256(row[-2]).hexdigest()) != blob:
        yield f"record {row[0]}: its bytes do not fit their hash"
    if row[0] < placed and bool(row[-1]) != (own.unit is not None and own.at_s is not None):
        yield f"record {row[0]}: it is not where its unit and its time say"
