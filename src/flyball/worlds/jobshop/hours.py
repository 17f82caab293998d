# SPDX-License-Identifier: MIT
"""Working hours of a machine, compiled: when work begins and ends, and what of it is overtime."""

import hashlib
from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar, cast

from numba import njit
from numba.core.caching import FunctionCache

from flyball.worlds.jobshop.state import Shops

OK = 0
CALENDAR_OVER = 1

Kernel = TypeVar("Kernel", bound=Callable[..., Any])


KERNEL_FILES = ("state.py", "hours.py", "kernels.py", "features.py", "rows.py")
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
    """Compile what Python calls.

    Without reference counting: `Shops` and `State` are some seventy arrays, and counting them at
    each call took nine tenths of the time. In return, nothing compiled so may allocate.
    """
    kernel: Any = cast("Any", njit)(nogil=True, error_model="numpy", _nrt=False)(function)
    if hasattr(kernel, "_cache"):  # not so where the compiler is off
        kernel._cache = cast("Any", RoomCache)(function)
    return cast("Kernel", kernel)


def inlined(function: Kernel) -> Kernel:
    """Compile a function into its caller, which then hands the arrays on for nothing."""
    options = {"forceinline": True, "no_cpython_wrapper": True, "no_cfunc_wrapper": True}
    compiler = cast("Any", njit)(nogil=True, error_model="numpy", _nrt=False, **options)
    return cast("Kernel", compiler(function))


@inlined
def work(
    shops: Shops, calendar: int, window: int, from_s: int, duration_s: int, interruptible: bool
) -> tuple[int, int, int, int]:
    """Return (code, start, end, window) of work that may begin at `from_s`.

    Parameters
    ----------
    shops
        Read only.
    calendar, window
        The machine's calendar, and a window of it that no earlier window closes after `from_s`.
    from_s
        Earliest start, s.
    duration_s
        Working time; work of length 0 ignores the calendar.
    interruptible
        Whether the work may pause while the machine is closed.
    """
    if duration_s == 0:
        return OK, from_s, from_s, window
    last = shops.window[calendar + 1]
    while window < last and shops.close_s[window] <= from_s:
        window += 1
    if window == last:
        return CALENDAR_OVER, from_s, from_s, window
    start_s = max(from_s, shops.open_s[window])
    if not interruptible:
        while start_s + duration_s > shops.close_s[window]:
            window += 1
            if window == last:
                return CALENDAR_OVER, from_s, from_s, window
            start_s = shops.open_s[window]
        return OK, start_s, start_s + duration_s, window
    at_s = start_s
    left_s = duration_s
    while left_s > shops.close_s[window] - at_s:
        left_s -= shops.close_s[window] - at_s
        window += 1
        if window == last:
            return CALENDAR_OVER, from_s, from_s, window
        at_s = shops.open_s[window]
    return OK, start_s, at_s + left_s, window


@inlined
def overtime(shops: Shops, calendar: int, from_s: int, to_s: int) -> int:
    """Return the seconds of [from_s, to_s) that lie in overtime windows of the calendar."""
    first = shops.overtime[calendar]
    last = shops.overtime[calendar + 1]
    # Bisection for the first window that closes after from_s.
    end = last
    while first < end:
        middle = (first + end) // 2
        if shops.overtime_close_s[middle] <= from_s:
            first = middle + 1
        else:
            end = middle
    total_s = 0
    while first < last and shops.overtime_open_s[first] < to_s:
        total_s += min(to_s, shops.overtime_close_s[first]) - max(
            from_s, shops.overtime_open_s[first]
        )
        first += 1
    return total_s


@inlined
def open_time(shops: Shops, calendar: int, from_s: int, to_s: int) -> int:
    """Return the seconds of [from_s, to_s) in which the calendar is open."""
    total_s = 0
    for window in range(shops.window[calendar], shops.window[calendar + 1]):
        if shops.open_s[window] >= to_s:
            break
        total_s += max(0, min(to_s, shops.close_s[window]) - max(from_s, shops.open_s[window]))
    return total_s
