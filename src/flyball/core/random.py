# SPDX-License-Identifier: MIT
"""Counter-based randomness: a draw is a function of what it is for, never of step order.

A draw is named by (seed, episode, entity, event, stream). Paired policies therefore meet the
same events, and a result does not depend on batch size, threads or the order of calls. The
mixing function is the finaliser of SplitMix64 [1]_, applied once for each word of the name.

References
----------
.. [1] Steele, Lea, Flood, *Fast splittable pseudorandom number generators*, OOPSLA 2014.
"""

import numpy as np
from numpy.typing import ArrayLike, NDArray

GOLDEN = 0x9E3779B97F4A7C15
MIX_1 = 0xBF58476D1CE4E5B9
MIX_2 = 0x94D049BB133111EB


def mix(word: NDArray[np.uint64]) -> NDArray[np.uint64]:
    """Return the SplitMix64 finaliser of each 64-bit word; any shape."""
    with np.errstate(over="ignore"):
        word = (word ^ (word >> np.uint64(30))) * np.uint64(MIX_1)
        word = (word ^ (word >> np.uint64(27))) * np.uint64(MIX_2)
        mixed: NDArray[np.uint64] = word ^ (word >> np.uint64(31))
        return mixed


def bits(*name: ArrayLike) -> NDArray[np.uint64]:
    """Return 64 random bits for each name.

    Parameters
    ----------
    name
        Non-negative integers or arrays of them, broadcast against each other:
        (seed, episode, entity, event, stream) or any shorter path.

    Returns
    -------
    NDArray[np.uint64]
        The broadcast shape of `name`.
    """
    state = np.zeros((), dtype=np.uint64)
    with np.errstate(over="ignore"):
        for part in name:
            word = np.asarray(part).astype(np.uint64)
            state = mix(state + word + np.uint64(GOLDEN))
    return state


def uniform(*name: ArrayLike) -> NDArray[np.float64]:
    """Return a uniform draw in the open interval (0, 1) for each name (see `bits`)."""
    # 52 bits and half a step: 0 and 1 can never come out, so that log() is always finite.
    return ((bits(*name) >> np.uint64(12)).astype(np.float64) + 0.5) * 2.0**-52


def generator(*name: int) -> np.random.Generator:
    """Return a NumPy generator of its own for one name (see `bits`)."""
    return np.random.Generator(np.random.Philox(key=int(bits(*name))))
