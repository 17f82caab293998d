# SPDX-License-Identifier: MIT
"""The line of a record in the chain, made as fast as a plant's server needs it.

It is the line that `core.journal.link` would make, byte for byte. A compiled encoder writes it;
where that one would write something else (numbers with an exponent, texts that are not ASCII), or
where the record would not come back as it went in, `core.journal.canonical` does, or refuses.
"""

import json
import re
from hashlib import sha256
from typing import Any, NamedTuple

import msgspec

from flyball.core.errors import InvariantError
from flyball.core.journal import Record, canonical

DECISIONS = ("decision", "batch")
"""Kinds of records that an id of a decision belongs to."""

OUTCOME = "outcome"

PASSING = (*DECISIONS, "retention")
"""Kinds of records that there are many of, and that `retain` drops."""

_encode = msgspec.json.Encoder(order="sorted").encode
_decode = msgspec.json.Decoder().decode


class Draft(NamedTuple):
    """A record on its way into the log: its text, and what it is found by."""

    record: Record
    text: bytes  # canonical JSON
    kind: str
    decision_id: str | None  # of a decision; no other record has it
    outcome_id: str | None
    about: str | None  # the decision that an outcome belongs to
    unit: str | None
    block: str | None
    at_s: float | None
    request: str  # hash of what was asked; of an outcome, of what it says
    blob: bytes | None

    @property
    def key(self) -> tuple[str, str] | None:
        """What makes it the same record when it comes again."""
        if self.decision_id is not None:
            return ("decision", self.decision_id)
        return ("outcome", self.outcome_id) if self.outcome_id is not None else None


def draft(record: Record, blob: bytes | None = None) -> Draft:
    """Return what is to be kept; what is done to the record later changes nothing.

    Parameters
    ----------
    record
        Its `kind`, `decision_id`, `unit`, `block`, `at_s` (or `now_s`), `request` and, of an
        outcome, `outcome_id` are what it is found by, where it has them.
    blob
        Bytes that are kept beside it; their SHA-256 goes into the record as `blob`.

    Raises
    ------
    InvariantError
        For a record that JSON cannot hold, or whose names are no Unicode texts.
    """
    if blob is not None:
        record = {**record, "blob": sha256(blob).hexdigest()}
    kind = _text(record, "kind") or ""
    own, outcome = kind in DECISIONS, kind == OUTCOME
    return Draft(
        record,
        text_of(record),
        kind,
        _text(record, "decision_id") if own else None,
        _text(record, "outcome_id") if outcome else None,
        _text(record, "decision_id") if outcome else None,
        _text(record, "unit"),
        _text(record, "block"),
        _seconds(record),
        _said(record) if outcome else _text(record, "request") or "",
        blob,
    )


def _text(record: Record, name: str) -> str | None:
    value = record.get(name)
    if type(value) is not str or not value:
        return None
    if not value.isascii():
        try:
            value.encode()
        except UnicodeEncodeError as error:
            msg = f"a record that cannot be found by its {name}, which is no Unicode text"
            raise InvariantError(msg) from error
    return value


def _said(record: Record) -> str:
    """Return the hash of what an outcome says; when it was delivered is no part of it."""
    said = {name: value for name, value in record.items() if name != "at_s"}
    return sha256(text_of(said)).hexdigest()


def _seconds(record: Record) -> float | None:
    value = record.get("at_s", record.get("now_s"))
    if type(value) is int and abs(value) < LATEST_S:
        return float(value)
    return value if type(value) is float else None


LATEST_S = 1 << 53
"""Whole seconds from here on are no times."""


def text_of(record: Record) -> bytes:
    """Return the canonical JSON of a record.

    Raises
    ------
    InvariantError
        For a record that JSON cannot hold.
    """
    try:
        text = _encode(record)
        same = _decode(text) == record
    except (TypeError, ValueError, OverflowError, RecursionError):
        return canonical(record).encode()
    return text if same and _plain(text) else canonical(record).encode()


def _plain(text: bytes) -> bool:
    """Return whether Python's own encoder writes the same; where in doubt, not."""
    return (
        text.isascii()
        and b"\x7f" not in text
        and b"0.0000" not in text  # less than 1e-4, which Python writes with an exponent
        and b"e-" not in text
        and LARGE(text) is None
    )


LARGE = re.compile(rb"e\d+[,\]}]").search
"""Finds numbers of 1e16 and more: both encoders write an exponent, each in its own way."""


def chained(sequence: int, previous: str, text: bytes) -> tuple[bytes, str]:
    """Return a record's line, without its end, and its hash.

    Parameters
    ----------
    sequence, previous
        Its place, and the hash of the record before it.
    text
        Canonical JSON of the record.
    """
    rest = b'"previous":"%s","record":%s,"sequence":%d}' % (previous.encode(), text, sequence)
    own = sha256(b"{" + rest).hexdigest()
    return b'{"hash":"%s",%s' % (own.encode(), rest), own


def hash_in(line: bytes) -> str:
    """Return the hash that stands in a line."""
    return line[9:73].decode()


def record_in(line: bytes) -> dict[str, Any]:
    """Return the record that a line holds."""
    record: dict[str, Any] = json.loads(line)["record"]
    return record
