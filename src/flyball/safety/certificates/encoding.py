# SPDX-License-Identifier: MIT
"""Proofs as plain data, which a certificate holds, and back.

What comes back has the shapes and kinds of numbers that a proof needs, and indices that exist; what
it claims is for the check to find out.
"""

from collections.abc import Mapping
from typing import Any

import numpy as np

from flyball.core.batch import Doubles, Longs
from flyball.safety.certificates.cells import Cells
from flyball.safety.certificates.polytopes import Polytope
from flyball.safety.certificates.winning import LOST, Winning

MOST_CELLS = 1 << 26
"""Of a grid: more is no certificate but an attack on memory."""


def polytope_data(polytope: Polytope) -> dict[str, Any]:
    """Return a polytope as plain data."""
    return {name: part.tolist() for name, part in polytope._asdict().items()}


def polytope_of(data: Mapping[str, Any]) -> Polytope:
    """Return the polytope in plain data."""
    facets, values = numbers(data["facets"], 2), numbers(data["values"], 2)
    bounds, meets = numbers(data["bounds"], 1), whole(data["meets"], 2)
    same = len(bounds) == len(facets) and len(values) == len(meets)
    if not (same and meets.shape[1] == facets.shape[1]):
        msg = "facets and corners that do not fit each other"
        raise ValueError(msg)
    if not ((meets >= 0) & (meets < len(facets))).all():
        msg = "a corner of a facet that does not exist"
        raise ValueError(msg)
    return Polytope(facets, bounds, meets, values)


def cells_data(cells: Cells) -> dict[str, Any]:
    """Return cells as plain data: one row a block, its lowest cell, its size and its value."""
    rows = np.column_stack((cells.block, cells.size, cells.choice))
    return {
        "low": cells.low.tolist(),
        "high": cells.high.tolist(),
        "n_cells": cells.n_cells.tolist(),
        "values": cells.values.tolist(),
        "blocks": rows.tolist(),
    }


def cells_of(data: Mapping[str, Any]) -> Cells:
    """Return the cells in plain data."""
    low, high = numbers(data["low"], 1), numbers(data["high"], 1)
    n_cells, rows = whole(data["n_cells"], 1), whole(data["blocks"], 2)
    if not (len(low) == len(high) == len(n_cells) == rows.shape[1] - 2):
        msg = "states that differ in number"
        raise ValueError(msg)
    size = float(np.prod(n_cells.astype(np.float64)))
    if not ((low < high).all() and (n_cells > 0).all() and size <= MOST_CELLS):
        msg = "a grid without cells, or with too many"
        raise ValueError(msg)
    if not (np.abs(rows) <= MOST_CELLS).all():
        msg = "a cell that is far outside of the grid"
        raise ValueError(msg)
    block, own, choice = rows[:, :-2], rows[:, -2], rows[:, -1]
    return Cells(low, high, n_cells, block, own, choice, numbers(data["values"], 2))


def winning_data(own: Winning) -> dict[str, Any]:
    """Return a winning region as plain data: the backup's choice in every state."""
    return {"choice": own.choice.tolist()}


def winning_of(data: Mapping[str, Any]) -> Winning:
    """Return the region in plain data."""
    choice = whole(data["choice"], 1)
    return Winning(choice != LOST, choice)


def numbers(rows: Any, n_dims: int) -> Doubles:
    """Return finite numbers as an array."""
    found = np.array(rows)
    if found.ndim != n_dims or found.dtype.kind not in "if" or not np.isfinite(found).all():
        msg = "no finite numbers where some are needed"
        raise ValueError(msg)
    return found.astype(np.float64)


def whole(rows: Any, n_dims: int) -> Longs:
    """Return whole numbers as an array."""
    found = np.array(rows)
    if found.ndim != n_dims or found.dtype.kind != "i":
        msg = "no whole numbers where some are needed"
        raise ValueError(msg)
    return found.astype(np.int64)
