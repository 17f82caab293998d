# SPDX-License-Identifier: MIT
"""The compiled twin of `flyball.core.random`: a draw is named, never taken from a stream.

Every draw of a problem has the name (seed, episode, entity, event, stream). The entity is an agent
or a thing, the event the step number or 0 at the start of an episode, the stream what it is for.
"""

import math

import numpy as np

from flyball.core.random import GOLDEN, MIX_1, MIX_2
from flyball.worlds.classics.compiling import inlined

_GOLDEN = np.uint64(GOLDEN)
_MIX_1 = np.uint64(MIX_1)
_MIX_2 = np.uint64(MIX_2)
_S30, _S27, _S31, _S12 = np.uint64(30), np.uint64(27), np.uint64(31), np.uint64(12)


@inlined
def _mixed(state: np.uint64, part: int) -> np.uint64:
    word = np.uint64(state) + np.uint64(part) + _GOLDEN
    word = (word ^ (word >> _S30)) * _MIX_1
    word = (word ^ (word >> _S27)) * _MIX_2
    return word ^ (word >> _S31)


@inlined
def uniform(seed: int, episode: int, entity: int, event: int, stream: int) -> float:
    """Return the draw in the open interval (0, 1) that `core.random.uniform` gives that name."""
    word = _mixed(np.uint64(0), seed)
    word = _mixed(word, episode)
    word = _mixed(word, entity)
    word = _mixed(word, event)
    word = _mixed(word, stream)
    return (np.float64(word >> _S12) + 0.5) * 2.0**-52


@inlined
def normal(seed: int, episode: int, entity: int, event: int, stream: int) -> float:
    """Return a standard normal draw, from the streams 2 * stream and 2 * stream + 1."""
    radius = uniform(seed, episode, entity, event, 2 * stream)
    turn = uniform(seed, episode, entity, event, 2 * stream + 1)
    return math.sqrt(-2.0 * math.log(radius)) * math.cos(2.0 * math.pi * turn)


@inlined
def below(n: int, draw: float) -> int:
    """Return a whole number in 0..n - 1 from a uniform draw in (0, 1)."""
    return min(n - 1, int(draw * n))
