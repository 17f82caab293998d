# SPDX-License-Identifier: MIT
"""How the batch loops of the guarded plants are compiled and kept on disk."""

import hashlib
from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar, cast

import numpy as np
from numba import njit

from flyball.worlds.classics.compiling import RoomCache

Kernel = TypeVar("Kernel", bound=Callable[..., Any])

KERNEL_FILES = (
    "board.py",
    "chance.py",
    "compiling.py",
    "kernels.py",
    "rail.py",
    "rod.py",
    "state.py",
    "swarm.py",
    "tanks.py",
)
"""Every file of this folder whose code ends up in a compiled loop."""


class GuardedCache(RoomCache):
    """Numba's file cache, made stale by a change in any file that a loop is inlined from."""

    sources = hashlib.sha256(
        RoomCache.sources.encode()
        + b"".join((Path(__file__).parent / name).read_bytes() for name in KERNEL_FILES)
    ).hexdigest()


def compiled(function: Kernel) -> Kernel:
    """Compile what Python calls; nothing compiled so may allocate."""
    kernel: Any = cast("Any", njit)(nogil=True, error_model="numpy", _nrt=False)(function)
    if not hasattr(kernel, "_cache"):
        # The compiler is off: whole numbers wrap around silently, as they do in compiled code.
        return np.errstate(over="ignore")(function)
    kernel._cache = cast("Any", GuardedCache)(function)
    return cast("Kernel", kernel)


def called(function: Kernel) -> Kernel:
    """Compile a function once for all its callers, where inlining would make them long."""
    compiler = cast("Any", njit)(nogil=True, error_model="numpy", _nrt=False)
    return cast("Kernel", compiler(function))
