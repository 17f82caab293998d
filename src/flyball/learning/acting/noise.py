# SPDX-License-Identifier: MIT
"""Normal draws of a learner, compiled: functions of their names, not of how many are drawn.

A draw has the name (seed, update, row, dim, stream). Two neighbouring dims share 64 random bits
and one pass of Box and Muller (1958), which halves the cost.
"""

import math

import numpy as np
from numba import njit

from flyball.core.batch import Floats
from flyball.learning.draws import mixed

_S32, _LOW = np.uint64(32), np.uint64(0xFFFFFFFF)


@njit(cache=True, nogil=True)
def normals(seed: int, update: int, n_rows: int, width: int, stream: int) -> Floats:
    """Return (n_rows, width) standard normal draws, at most 6.8 in size.

    Parameters
    ----------
    seed, update, stream
        Parts of the name.
    n_rows, width
        Of the array; a longer one begins as a shorter one does, a wider one row by row.
    """
    out = np.empty((n_rows, width), np.float32)
    stem = mixed(mixed(mixed(np.uint64(0), seed), update), stream)
    for row in range(n_rows):
        own = mixed(stem, row)
        for k in range(0, width, 2):
            word = mixed(own, k)
            share = (np.float64(word >> _S32) + 0.5) * 2.0**-32
            turn = 2.0 * math.pi * 2.0**-32 * np.float64(word & _LOW)
            radius = math.sqrt(-2.0 * math.log(share))
            out[row, k] = radius * math.cos(turn)
            if k + 1 < width:
                out[row, k + 1] = radius * math.sin(turn)
    return out
