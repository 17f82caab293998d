# SPDX-License-Identifier: MIT
"""Slots hold what a policy may choose, and there is always one that is legal."""

import numpy as np
import pytest

from flyball.core.batch import Options
from flyball.interop.padding import pad


def ragged(*rows: list[float], wait: bool = False) -> Options:
    """Return one candidate for each value; its features are the value and 1. `wait` ends rows."""
    values = [value for row in rows for value in [*row, *([0.0] if wait else [])]]
    count = [len(row) + wait for row in rows]
    number = [n for row in rows for n in [*range(len(row)), *([-1] if wait else [])]]
    features = np.array([[value, 1.0] for value in values], dtype=np.float32).reshape(-1, 2)
    offset = np.concatenate([[0], np.cumsum(count)]).astype(np.int64)
    return Options(features, offset, np.array(number, dtype=np.int32))


def test_candidates_stand_in_their_own_order_and_empty_slots_are_zero():
    padded = pad(ragged([5.0, 4.0], [7.0]), 3, None)

    np.testing.assert_array_equal(padded.features[:, :, 0], [[5, 4, 0], [7, 0, 0]])
    np.testing.assert_array_equal(padded.own, [[0, 1, -1], [0, -1, -1]])
    np.testing.assert_array_equal(padded.mask, [[True, True, False], [True, False, False]])
    np.testing.assert_array_equal(padded.left_out, [0, 0])


def test_too_many_candidates_keep_the_best_in_their_own_order_and_count_the_others():
    padded = pad(ragged([5.0, 9.0, 1.0, 7.0], [2.0]), 2, 0)

    np.testing.assert_array_equal(padded.own, [[1, 3], [0, -1]])
    np.testing.assert_array_equal(padded.left_out, [2, 0])


def test_waiting_keeps_its_slot_however_many_candidates_are_better():
    padded = pad(ragged([5.0, 9.0, 1.0], wait=True), 2, 0)

    np.testing.assert_array_equal(padded.own, [[1, 3]])


@pytest.mark.parametrize("keep_by", [None, 0])
def test_equal_candidates_are_kept_in_the_order_of_arrival(keep_by):
    padded = pad(ragged([3.0, 3.0, 3.0]), 2, keep_by)

    np.testing.assert_array_equal(padded.own, [[0, 1]])


def test_a_row_without_candidates_has_no_legal_slot():
    padded = pad(ragged([], [1.0]), 2, None)

    np.testing.assert_array_equal(padded.mask, [[False, False], [True, False]])
