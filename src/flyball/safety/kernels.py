# SPDX-License-Identifier: MIT
"""How the kernels of this room are compiled and kept on disk.

Numba's own cache looks at the file of the called function only. A filter that goes on with the
machine code of limits as they were yesterday would pass every test and keep the wrong ones.
"""

import hashlib
from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar, cast

from numba import njit
from numba.core.caching import FunctionCache

Function = TypeVar("Function", bound=Callable[..., Any])


def _content() -> str:
    """Return the SHA-256 of every file of the room: codes that are compiled in stand anywhere."""
    texts = [file.read_bytes() for file in sorted(Path(__file__).parent.rglob("*.py"))]
    return hashlib.sha256(b"".join(texts)).hexdigest()


class RoomCache(FunctionCache):
    """Numba's file cache, made stale by a change in any file of the room."""

    sources = _content()

    def _index_key(self, sig: Any, codegen: Any) -> tuple[Any, ...]:
        key: Any = cast("Any", super())._index_key(sig, codegen)
        return (*key, self.sources)


def kernel(function: Function) -> Function:
    """Compile what Python or another kernel calls."""
    made: Any = cast("Any", njit)(nogil=True)(function)
    if hasattr(made, "_cache"):  # else the compiler is off
        made._cache = cast("Any", RoomCache)(function)
    return cast("Function", made)


def inlined(function: Function) -> Function:
    """Compile a small function into its caller; it must not allocate.

    Handing some forty arrays to it would take ten times as long as what it does.
    """
    compiler = cast("Any", njit)(nogil=True, error_model="numpy", _nrt=False, forceinline=True)
    return cast("Function", compiler(function))


def viewing(function: Function) -> Function:
    """Compile a small function into its caller; it returns views of the arrays that it is given."""
    compiler = cast("Any", njit)(nogil=True, error_model="numpy", forceinline=True)
    return cast("Function", compiler(function))
