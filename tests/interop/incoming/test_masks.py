# SPDX-License-Identifier: MIT
"""Every spelling of a mask says the same."""

import numpy as np
import pytest

from flyball.core.errors import ConfigError
from flyball.interop.incoming.masks import flat_mask

WANT = [True, False, True, False, True]


@pytest.mark.parametrize(
    "given",
    [
        np.array(WANT),
        np.array(WANT, dtype=np.int8),
        WANT,
        [1, 0, 1, 0, 1],
        (np.array([1, 0, 1], np.int8), np.array([0, 1], np.int8)),
        ((np.array([1, 0, 1], np.int8), np.array([0, 1], np.int8)), None),
        ((np.array([1, 0], np.int8),), (np.array([1], np.int8), (np.array([0, 1], np.int8),))),
        np.array([[1, 0, 1, 0, 1]]),
    ],
    ids=["bool", "int8", "list", "numbers", "heads", "beside-values", "nested", "row"],
)
def test_it_is_one_row_of_truths(given):
    mask = flat_mask(given, 5, "x")

    assert mask.dtype == np.bool_
    np.testing.assert_array_equal(mask, WANT)


def test_a_mask_of_another_length_is_refused():
    with pytest.raises(ConfigError, match="x action mask: 4 entries; allowed: 5, one for each"):
        flat_mask(np.ones(4), 5, "x")
