# SPDX-License-Identifier: MIT
"""Proofs that a plant can be held safe for ever: found, written down, and checked by machine.

Three kinds: a polytope for linear plants, cells of a grid for others with few states, and the
winning region of a finite plant. Finding one may use any trick, since nothing of it is believed:
what was found is checked by exact or outward rounded arithmetic, and again whenever it is used.
"""

from flyball.safety.certificates.bisecting import Raster
from flyball.safety.certificates.matching import Stated, repeated
from flyball.safety.certificates.narrowing import Search
from flyball.safety.certificates.proving import (
    armed,
    prove_cells,
    prove_finite,
    prove_polytope,
)
from flyball.safety.certificates.winning import FiniteBackup

__all__ = [
    "FiniteBackup",
    "Raster",
    "Search",
    "Stated",
    "armed",
    "prove_cells",
    "prove_finite",
    "prove_polytope",
    "repeated",
]
