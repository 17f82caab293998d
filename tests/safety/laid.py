# SPDX-License-Identifier: MIT
"""Whether compiled code finds in a pool what Python sees there under the same names."""

import numpy as np


def numbered(part, start=1):
    """Give every number of a part another one, so that no two arrays look alike."""
    if isinstance(part, tuple):
        for own in part:
            start = numbered(own, start)
        return start
    if isinstance(part, np.ndarray):
        values = np.arange(start, start + part.size).reshape(part.shape)
        part[...] = values % 2 if part.dtype == np.bool_ else values
        start += part.size
    return start


def same(found, part):
    """Say whether all arrays of two parts are one and the same memory."""
    if isinstance(part, tuple):
        return type(found) is type(part) and all(map(same, found, part))
    if isinstance(part, float):
        return found == part
    if found.shape != part.shape or found.dtype != part.dtype:
        return False
    at, there = (array.__array_interface__["data"][0] for array in (found, part))
    return not part.size or at == there


def python(function):
    """Return what a function is compiled from."""
    return getattr(function, "py_func", function)
