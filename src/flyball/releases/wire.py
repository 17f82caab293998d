# SPDX-License-Identifier: MIT
"""The wire format of Protocol Buffers, as much as reading a graph needs; total on hostile bytes.

A message is a run of fields: a key (number and wire type), then a varint, 4 or 8 bytes, or a length
and so many bytes [1]_. Nothing is copied but what a reader keeps, nothing recurses, and whatever
the bytes are, either every field is yielded or `MalformedError` is raised.

References
----------
.. [1] https://protobuf.dev/programming-guides/encoding/
"""

from collections.abc import Iterator
from typing import NamedTuple

VARINT, FIXED_64, BYTES, FIXED_32 = 0, 1, 2, 5

MOST_NUMBER = (1 << 29) - 1
"""Largest field number."""


class MalformedError(ValueError):
    """Bytes that are no message."""


class Field(NamedTuple):
    """One field of a message."""

    number: int
    kind: int  # wire type
    value: int  # of a varint; else 0
    content: memoryview  # of anything else; else empty


def fields(message: memoryview) -> Iterator[Field]:
    """Yield the fields of a message in their order.

    Raises
    ------
    MalformedError
        For a key that is none, a group, or a field that is longer than the message.
    """
    at, end = 0, len(message)
    while at < end:
        key, at = varint(message, at)
        number, kind = key >> 3, key & 7
        if not 0 < number <= MOST_NUMBER:
            msg = f"field number {number}"
            raise MalformedError(msg)
        if kind == VARINT:
            value, at = varint(message, at)
            yield Field(number, kind, value, message[:0])
            continue
        if kind == BYTES:
            length, at = varint(message, at)
        elif kind in (FIXED_64, FIXED_32):
            length = 8 if kind == FIXED_64 else 4
        else:
            msg = f"wire type {kind}"
            raise MalformedError(msg)
        if length > end - at:
            msg = f"field {number} of {length} bytes where {end - at} are left"
            raise MalformedError(msg)
        yield Field(number, kind, 0, message[at : at + length])
        at += length


def varint(message: memoryview, at: int) -> tuple[int, int]:
    """Return the number that begins at a place, and the place behind it.

    Raises
    ------
    MalformedError
        When the message ends within it, or it does not fit 64 bits.
    """
    value = 0
    for shift in range(0, 70, 7):
        if at >= len(message):
            msg = "the message ends within a number"
            raise MalformedError(msg)
        byte = message[at]
        at += 1
        value |= (byte & 0x7F) << shift
        if byte < 0x80:
            if value >> 64:
                break
            return value, at
    msg = "a number of more than 64 bits"
    raise MalformedError(msg)
