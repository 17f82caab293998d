# SPDX-License-Identifier: MIT
"""Ragged candidates in arrays of one size, for libraries whose action spaces never change.

A row is one agent of one copy: r = b * N + n.

Slots are filled in the order of the candidates. Where there are more than `cap` of them, the one
that is no thing (waiting) keeps its place, and of the others the `cap - 1` (or `cap`) with the
largest value of one feature stay; how many were left out is counted. There is always a legal slot.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from flyball.core.batch import Bools, Floats, Ints, Longs, Options


@dataclass(frozen=True)
class Padded:
    """The candidates of R rows in `cap` slots each."""

    features: Floats  # (R, cap, G)  zeros where empty
    mask: Bools  # (R, cap)  True where a candidate stands
    own: Ints  # (R, cap)  index into the own rows of the Options; -1 where empty
    left_out: Longs  # (R,)  candidates that found no slot


def pad(options: Options, cap: int, keep_by: int | None) -> Padded:
    """Put ragged candidates into slots.

    Parameters
    ----------
    options
        Of R rows.
    cap
        Slots in each row, at least 2.
    keep_by
        Column of the feature whose largest values stay where there are too many candidates;
        None keeps the first.
    """
    count = np.diff(options.offset)
    rows = len(count)
    row = np.repeat(np.arange(rows), count)
    own = np.arange(len(row)) - options.offset[row]
    at: NDArray[np.intp] = np.arange(len(row))
    slot = own
    if np.any(count > cap):
        at = np.flatnonzero(_rank(options, row, keep_by) < cap)
        row, own = row[at], own[at]
        first = np.concatenate([[0], np.cumsum(np.minimum(count, cap))])
        slot = np.arange(len(row)) - first[row]
    features = np.zeros((rows, cap, options.features.shape[1]), dtype=np.float32)
    features[row, slot] = options.features[at]
    index = np.full((rows, cap), -1, dtype=np.int32)
    index[row, slot] = own
    return Padded(features, index >= 0, index, np.maximum(count - cap, 0))


def _rank(options: Options, row: NDArray[np.intp], keep_by: int | None) -> NDArray[np.intp]:
    """Return the place of each candidate within its row, 0 for the one to keep first."""
    n = len(row)
    value = np.zeros(n) if keep_by is None else options.features[:, keep_by].astype(np.float64)
    value[options.id < 0] = np.inf
    order = np.lexsort((np.arange(n), -value, row))
    rank = np.empty(n, dtype=np.intp)
    rank[order] = np.arange(n) - options.offset[row]
    return rank
