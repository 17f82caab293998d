# SPDX-License-Identifier: MIT
"""The compiled twin of `flyball.core.random`, for the draws of a learner.

A draw has the name (seed, step, item, stream): what is drawn for item i of step t depends neither
on how many items are drawn together nor on the order of calls.
"""

import numpy as np
from numba import njit

from flyball.core.batch import Longs
from flyball.core.random import GOLDEN, MIX_1, MIX_2

_GOLDEN = np.uint64(GOLDEN)
_MIX_1 = np.uint64(MIX_1)
_MIX_2 = np.uint64(MIX_2)
_S30, _S27, _S31, _S12 = np.uint64(30), np.uint64(27), np.uint64(31), np.uint64(12)

REPLAY_STREAM = 1_919_250_540
"""Last part of the name of which transitions or episodes are sampled."""


@njit(cache=True, nogil=True)
def mixed(state: np.uint64, part: int) -> np.uint64:
    """Return the next state of `flyball.core.random.bits` after one more part of the name."""
    word = np.uint64(state) + np.uint64(part) + _GOLDEN
    word = (word ^ (word >> _S30)) * _MIX_1
    word = (word ^ (word >> _S27)) * _MIX_2
    return word ^ (word >> _S31)


@njit(cache=True, nogil=True)
def uniform(seed: int, step: int, item: int, stream: int) -> float:
    """Return the draw in the open interval (0, 1) that `core.random.uniform` gives that name."""
    word = mixed(mixed(mixed(mixed(np.uint64(0), seed), step), item), stream)
    return (np.float64(word >> _S12) + 0.5) * 2.0**-52


@njit(cache=True, nogil=True)
def indices(seed: int, first_step: int, n_steps: int, n: int, size: int) -> Longs:
    """Return (n_steps * n,) uniform draws from 0..size - 1, `n` for each step, with repetition.

    Parameters
    ----------
    seed, first_step
        Names of the draws; steps count up.
    n_steps, n
        Drawing several steps at once gives what drawing them one by one would.
    size
        At least 1.
    """
    out = np.empty(n_steps * n, np.int64)
    for k in range(n_steps):
        stem = mixed(mixed(np.uint64(0), seed), first_step + k)
        for i in range(n):
            word = mixed(mixed(stem, i), REPLAY_STREAM)
            share = (np.float64(word >> _S12) + 0.5) * 2.0**-52
            out[k * n + i] = min(size - 1, int(share * size))
    return out
