# SPDX-License-Identifier: MIT
"""Prioritised replay: places are drawn in proportion to priority ** alpha (arXiv:1511.05952).

Schaul et al., proportional variant: stratified draws, importance weights ``(n * P(i)) ** -beta``
divided by the largest that any place could have, new transitions at the largest priority seen. The
largest weight is that of the whole replay, not of the batch, so that a weight does not depend on
what else was drawn.

A sum tree holds in every node the sum of its two children, computed from them whenever one
changes: the sums are a function of the leaves alone, and a checkpoint needs the leaves only.
"""

from dataclasses import dataclass

import numpy as np
from numba import njit
from numpy.typing import ArrayLike

from flyball.core.batch import Doubles, Floats, Longs
from flyball.learning import draws
from flyball.learning.checkpoint import Arrays
from flyball.learning.settings import check

PRIORITY_STREAM = 1_886_546_281


@dataclass(frozen=True, kw_only=True)
class PriorityConfig:
    """Settings of `Priorities`; names as in Schaul et al. (2016), arXiv:1511.05952."""

    alpha: float = 0.6
    """How much priority counts, in [0, 1]; 0 draws uniformly."""

    beta: float = 0.4
    """How far importance weights undo the draw at first, in [0, 1]; 1 at the end of the budget."""

    floor: float = 1e-6
    """Added to every error, so that nothing becomes unreachable; above 0."""

    def __post_init__(self) -> None:
        check("priority", self, {"in [0, 1]": ("alpha", "beta"), "above 0": ("floor",)})


@njit(cache=True, nogil=True)
def set_leaves(total: Doubles, least: Doubles, places: Longs, leaves: Doubles) -> None:
    """Write leaves (n,) and what depends on them; of a place given twice the last one counts.

    Parameters
    ----------
    total, least
        (2 * P,) trees with P leaves, a power of two; node k has the children 2k and 2k + 1.
    places
        (n,) in 0..P - 1.
    leaves
        (n,) above 0.
    """
    n_leaves = len(total) // 2
    for i in range(len(places)):
        node = places[i] + n_leaves
        total[node] = leaves[i]
        least[node] = leaves[i]
    # One level at a time, so that two leaves with one parent find it complete.
    width = n_leaves
    while width > 1:
        width //= 2
        shift = n_leaves // width
        for i in range(len(places)):
            node = width + places[i] // shift
            total[node] = total[2 * node] + total[2 * node + 1]
            least[node] = min(least[2 * node], least[2 * node + 1])


@njit(cache=True, nogil=True)
def find(total: Doubles, mass: float) -> int:
    """Return the place at which the running sum of the leaves passes `mass` in [0, total[1])."""
    n_leaves = len(total) // 2
    node = 1
    while node < n_leaves:
        node *= 2
        # A leaf that is 0 was never written; rounding must not lead there.
        if mass >= total[node] and total[node + 1] > 0.0:
            mass -= total[node]
            node += 1
    return node - n_leaves


@njit(cache=True, nogil=True)
def draw_stratified(total: Doubles, n: int, seed: int, step: int) -> Longs:
    """Return n places, one from each n-th of the total priority."""
    out = np.empty(n, np.int64)
    for i in range(n):
        share = (i + draws.uniform(seed, step, i, PRIORITY_STREAM)) / n
        out[i] = find(total, share * total[1])
    return out


class Priorities:
    """Priorities of the places of a replay (see `replay.Replay`)."""

    def __init__(self, capacity: int, config: PriorityConfig) -> None:
        """Start empty.

        Parameters
        ----------
        capacity
            Places that there can be.
        config
            Settings.
        """
        self.config, self.capacity = config, capacity
        n_leaves = 1 << max(1, (capacity - 1).bit_length())
        self.total: Doubles = np.zeros(2 * n_leaves)
        self.least: Doubles = np.full(2 * n_leaves, np.inf)
        self.largest = 1.0  # priority ** alpha of new transitions

    @property
    def leaves(self) -> Doubles:
        """Priority ** alpha of every place (capacity,); 0 where there is nothing yet."""
        half = len(self.total) // 2
        return self.total[half : half + self.capacity]

    def add(self, first: int, n: int) -> None:
        """Give the places first..first + n - 1, just filled, the largest priority."""
        places = np.arange(first, first + n)
        set_leaves(self.total, self.least, places, np.full(n, self.largest))

    def draw(self, n: int, *, seed: int, update: int) -> Longs:
        """Return n places (n,) in proportion to their priority, for one update."""
        return draw_stratified(self.total, n, seed, update)

    def weights(self, places: Longs, beta: float) -> Floats:
        """Return importance weights (n,) in (0, 1]; beta in [0, 1], 1 undoes the draw entirely."""
        # (n p / total) ** -beta over its largest value leaves (p / smallest p) ** -beta.
        ratio: Doubles = self.leaves[places] / self.least[1]
        return (ratio**-beta).astype(np.float32)

    def beta(self, share: float) -> float:
        """Return beta when `share` in [0, 1] of the budget is spent."""
        return self.config.beta + share * (1.0 - self.config.beta)

    def update(self, places: Longs, error: ArrayLike) -> None:
        """Set priorities from errors (n,) of any sign; of equal places the last one counts."""
        size = np.abs(np.asarray(error, np.float64)) + self.config.floor
        leaves = size**self.config.alpha
        self.largest = max(self.largest, float(leaves.max()))
        set_leaves(self.total, self.least, places, leaves)

    def state(self, prefix: str = "priorities.") -> Arrays:
        """Return what a checkpoint must hold."""
        return {
            f"{prefix}leaves": self.leaves.copy(),
            f"{prefix}largest": np.array(self.largest),
        }

    def restore(self, arrays: Arrays, prefix: str = "priorities.") -> None:
        """Go back to a `state`, bit for bit."""
        leaves = arrays[f"{prefix}leaves"]
        written = np.flatnonzero(leaves)
        self.total[:], self.least[:] = 0.0, np.inf
        set_leaves(self.total, self.least, written, leaves[written])
        self.largest = float(arrays[f"{prefix}largest"])
