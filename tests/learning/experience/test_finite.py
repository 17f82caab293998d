# SPDX-License-Identifier: MIT
import numpy as np
import pytest

from flyball.core.errors import RunError
from flyball.learning.experience.finite import (
    LARGEST,
    all_finite,
    refuse,
    require_ended,
    require_finite,
    require_observed,
)
from tests.learning.toys import Chain, Queue

BAD = [np.nan, np.inf, -np.inf, 1e300]


@pytest.mark.parametrize("bad", BAD)
def test_one_number_that_is_none_or_too_large_for_32_bits_is_found_anywhere(bad):
    for place in range(12):
        x = np.zeros((3, 2, 2))
        assert all_finite(x)
        x.flat[place] = bad
        assert not all_finite(x)


def test_the_largest_number_of_32_bits_is_taken():
    assert all_finite(np.array([LARGEST, -LARGEST]))


def test_the_first_row_is_named_and_the_others_are_counted():
    reward = np.zeros((5, 1, 2))
    reward[[1, 4], 0, 1] = np.nan, np.inf

    with pytest.raises(RunError, match=r"reward of env row 1: nan; .*\(1 more like it\)"):
        require_finite("reward", reward)


def test_candidates_are_traced_to_the_row_that_owns_them():
    features = np.zeros((6, 1), np.float32)
    features[4] = np.nan  # of row 3, the second agent of the second env
    offset = np.array([0, 2, 2, 3, 6])

    with pytest.raises(RunError, match="option of env row 1"):
        refuse("option", features, offset, 2)


def test_what_is_seen_is_checked_and_room_behind_the_candidates_is_not():
    seen = Queue(3).reset(np.arange(3))
    seen.options.features = np.append(
        seen.options.features, [[np.nan] * seen.options.features.shape[1]], 0
    )
    require_observed(seen)

    seen.options.features[0, 0] = np.nan
    with pytest.raises(RunError, match="option of env row 0"):
        require_observed(seen)


def test_last_observations_count_only_where_an_episode_ended():
    final = Chain(4).reset(np.arange(4))
    final.obs = final.obs.copy()
    final.obs[2] = np.nan

    require_ended(final, np.array([True, True, False, True]))
    with pytest.raises(RunError, match="observation of env row 2"):
        require_ended(final, np.array([False, False, True, False]))
