# SPDX-License-Identifier: MIT
"""How the kernels of this world are compiled and kept on disk."""

import hashlib
from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar, cast

import numpy as np
from numba import njit
from numba.core.caching import FunctionCache

Kernel = TypeVar("Kernel", bound=Callable[..., Any])

KERNEL_FILES = (
    "compiling.py",
    "control.py",
    "draws.py",
    "foraging.py",
    "games.py",
    "grids.py",
    "kernels.py",
    "particles.py",
    "state.py",
)
"""Every file whose code ends up in a compiled function of this world."""


class RoomCache(FunctionCache):
    """Numba's file cache, made stale by a change in any file of kernels.

    Numba looks only at the file of the function itself, and would go on using code that was
    compiled from an older version of what is inlined from other files.
    """

    sources = hashlib.sha256(
        b"".join((Path(__file__).parent / name).read_bytes() for name in KERNEL_FILES)
    ).hexdigest()

    def _index_key(self, sig: Any, codegen: Any) -> tuple[Any, ...]:
        key: Any = cast("Any", super())._index_key(sig, codegen)
        return (*key, self.sources)


def compiled(function: Kernel) -> Kernel:
    """Compile what Python calls; nothing compiled so may allocate.

    Without reference counting, which would take most of the time of a step of few rows: the arrays
    of a call are some twenty, and each would be counted many times.
    """
    kernel: Any = cast("Any", njit)(nogil=True, error_model="numpy", _nrt=False)(function)
    if not hasattr(kernel, "_cache"):
        # The compiler is off: whole numbers wrap around silently, as they do in compiled code.
        return np.errstate(over="ignore")(function)
    kernel._cache = cast("Any", RoomCache)(function)
    return cast("Kernel", kernel)


def inlined(function: Kernel) -> Kernel:
    """Compile a function into its caller, which then hands the arrays on for nothing."""
    options = {"forceinline": True, "no_cpython_wrapper": True, "no_cfunc_wrapper": True}
    compiler = cast("Any", njit)(nogil=True, error_model="numpy", _nrt=False, **options)
    return cast("Kernel", compiler(function))
