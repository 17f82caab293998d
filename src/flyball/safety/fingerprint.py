# SPDX-License-Identifier: MIT
"""One hash for settings, limits, observations: equal content gives equal hashes on any machine."""

import dataclasses
from collections.abc import Mapping, Sequence
from hashlib import sha256
from typing import Any

import numpy as np

from flyball.core.errors import InvariantError
from flyball.core.journal import canonical, number


def fingerprint(*things: Any) -> str:
    """Return the SHA-256 (64 hex digits) of what things hold.

    Parameters
    ----------
    things
        Dataclasses and NamedTuples by the names of class and fields, arrays by type, shape and
        bits, mappings by their keys' texts, sequences, sets, texts, None, and numbers by value:
        5 is 5.0, but -0.0 is not 0.0.

    Raises
    ------
    InvariantError
        For what has no such content: functions, arrays of objects.
    """
    return sha256(_text(things).encode()).hexdigest()


def _text(things: tuple[Any, ...]) -> str:
    """Return the one JSON text of things; of arrays alone it is written down at once."""
    arrays = []
    for thing in things:
        if type(thing) is not np.ndarray or thing.dtype.hasobject:
            return canonical([_plain(each) for each in things])
        kind, shape, bits = _bits(thing)
        arrays.append(f'["array","{kind}",[{",".join(map(str, shape))}],"{bits}"]')
    return f"[{','.join(arrays)}]"


def _plain(thing: Any) -> list[Any]:
    """Return a thing as JSON can hold it; different things never look the same."""
    fields = _fields(thing)
    if fields is not None:
        return [type(thing).__name__, {name: _plain(part) for name, part in fields.items()}]
    match thing:
        case None | bool() | str() | int() | float():
            return [_single(thing)]
        case np.ndarray() | np.generic():
            return ["array", *_bits(np.asarray(thing))]
        case Mapping():
            return ["mapping", {str(name): _plain(part) for name, part in thing.items()}]
        case set() | frozenset():
            return ["set", sorted((_plain(each) for each in thing), key=canonical)]
        case Sequence() if not isinstance(thing, bytes):
            return ["list", [_plain(each) for each in thing]]
    msg = f"no fingerprint of a {type(thing).__name__}"
    raise InvariantError(msg)


def _fields(thing: Any) -> dict[str, Any] | None:
    """Return what a dataclass or a NamedTuple holds, by name; None for all else."""
    if dataclasses.is_dataclass(thing) and not isinstance(thing, type):
        return {each.name: getattr(thing, each.name) for each in dataclasses.fields(thing)}
    if isinstance(thing, tuple) and hasattr(thing, "_asdict"):
        return dict(thing._asdict())
    return None


def _single(thing: Any) -> Any:
    """Return what JSON holds by itself; floats without a text of their own as [text]."""
    if not isinstance(thing, float):
        return thing
    if thing.is_integer() and str(thing) != "-0.0":
        return int(thing)
    return thing if np.isfinite(thing) else [number(thing)]


def _bits(array: Any) -> list[Any]:
    """Return type, shape and hash of an array's bits, the lowest byte first."""
    if array.dtype.hasobject:
        msg = "no fingerprint of an array of objects"
        raise InvariantError(msg)
    low = array
    if array.dtype.str[0] == ">" or not array.flags.c_contiguous:
        low = np.ascontiguousarray(array, array.dtype.newbyteorder("<"))
    return [low.dtype.str, list(array.shape), sha256(low.data).hexdigest()]
