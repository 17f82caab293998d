# SPDX-License-Identifier: MIT
"""Where records go that must never be lost or changed: the face of an append-only log, its chain.

The latch of the emergency stop and the audit of decisions write to it. There is one chain in the
product: whoever keeps the log (memory here, a file in `journal_file`, the decision log where a
plant is served) gives each record a hash of itself and of the record before it, by `link`.

A chain shows that a record was changed, moved or taken out. It cannot show that its end was cut
off, or that all of it was written anew: for that, keep `head` somewhere else from time to time.
"""

import json
import math
from collections.abc import Iterable, Iterator, Mapping
from hashlib import sha256
from typing import Any, NamedTuple, Protocol

from flyball.core.errors import InvariantError, Problem, RunError

Record = Mapping[str, Any]
"""What JSON can hold: texts, finite numbers, lists, mappings with text keys."""

START = "0" * 64
"""What the first record has for the hash of the record before it."""

PREFIX = 75
"""Bytes of a line up to the end of its hash."""


class Journal(Protocol):
    """Records in the order in which they came."""

    def append(self, record: Record) -> str:
        """Keep a record; on return it survives the process. Return its hash (64 hex digits)."""
        ...

    def records(self) -> Iterator[Record]:
        """Yield every record from the first one.

        Raises
        ------
        RunError
            Where the chain is broken.
        """
        ...


class Link(NamedTuple):
    """A record in its place."""

    sequence: int  # 0, 1, 2, ...
    previous: str  # hash of the record before it
    record: Record
    hash: str
    line: bytes  # as it is kept, with the end of the line


def number(x: float) -> float | str:
    """Return a float as a record can hold it: itself if finite, else nan, inf or -inf as a text.

    JSON has no words for the others, and they are what a broken policy sends. Finite floats come
    back bit for bit, -0.0 too; all NaNs are one.
    """
    return float(x) if math.isfinite(x) else str(float(x))


def canonical(record: Any) -> str:
    """Return the one JSON text of a value: keys sorted, no blanks, ASCII.

    Raises
    ------
    InvariantError
        For what does not come back from JSON as it went in: NaN, keys that are no texts.
    """
    try:
        text = _dump(record)
        same = _dump(json.loads(text)) == text
    except (TypeError, ValueError, RecursionError) as error:
        msg = f"a record that JSON cannot hold: {error}"
        raise InvariantError(msg) from error
    if not same:
        msg = "a record that JSON cannot hold: its keys are no texts"
        raise InvariantError(msg)
    return text


def _dump(record: Any) -> str:
    return json.dumps(record, sort_keys=True, separators=(",", ":"), allow_nan=False)


def link(sequence: int, previous: str, record: Record) -> Link:
    """Chain a record to the one before it.

    Its hash is the SHA-256 of the canonical JSON of the three arguments by their names; its line is
    the same mapping with the hash in it.
    """
    body = canonical({"sequence": sequence, "previous": previous, "record": record}).encode()
    own = sha256(body).hexdigest()
    return Link(sequence, previous, record, own, b'{"hash":"%s",%s\n' % (own.encode(), body[1:]))


def fits(line: bytes) -> bool:
    """Return whether a line without its end is what its hash says."""
    own = sha256(b"{" + line[PREFIX:]).hexdigest()
    return line[:PREFIX] == b'{"hash":"%s",' % own.encode()


def verified(
    lines: Iterable[bytes], where: str, behind: tuple[int, str] = (0, START)
) -> Iterator[Link]:
    """Yield the links that lines hold, each checked against itself and the one before it.

    Parameters
    ----------
    lines
        Whole ones, without their ends.
    where
        Name of the journal, for messages.
    behind
        How many records come before, and the hash of the last of them.

    Raises
    ------
    RunError
        At the first line that was changed, moved or taken out.
    """
    first, previous = behind
    for sequence, line in enumerate(lines, first):
        place = f"{where} line {sequence + 1}"
        if not fits(line):
            found = "what is written does not fit its hash"
            raise broken(place, found, "the line as it was written")
        try:
            content = json.loads(line)
            parts = (content["sequence"], content["previous"], dict(content["record"]))
        except (ValueError, TypeError, KeyError, RecursionError) as error:
            raise broken(place, "no record", "a record with sequence and previous") from error
        if parts[:2] != (sequence, previous):
            found = f"record {parts[0]}, which follows {str(parts[1])[:8]}"
            raise broken(place, found, f"record {sequence}, which follows {previous[:8]}")
        previous = line[9 : PREFIX - 2].decode()
        yield Link(*parts, previous, line + b"\n")


def broken(where: str, found: str, allowed: str) -> RunError:
    """Return the error for a chain that was changed."""
    return RunError(
        Problem(
            where=where,
            found=found,
            allowed=allowed,
            fix="keep the file as evidence, and put back a copy of it or begin a new one",
        )
    )


class MemoryJournal:
    """A journal that ends with the process: for tests, and where there is no plant."""

    def __init__(self) -> None:
        self._links: list[Link] = []

    @property
    def head(self) -> tuple[int, str]:
        """How many records there are, and the hash of the last one."""
        return len(self._links), self._links[-1].hash if self._links else START

    def append(self, record: Record) -> str:
        """Keep a record and return its hash."""
        own = link(*self.head, record)
        self._links.append(own)
        return own.hash

    def records(self) -> Iterator[Record]:
        """Yield every record from the first one, as a copy."""
        for own in verified([each.line[:-1] for each in self._links], "the journal in memory"):
            yield own.record
