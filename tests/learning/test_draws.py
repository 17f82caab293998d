# SPDX-License-Identifier: MIT
import numpy as np
import pytest

from flyball.core import random
from flyball.learning import draws


@pytest.mark.parametrize("name", [(0, 0, 0, 0), (7, 3, 1, 4), (2**40, 10**9, 255, 99)])
def test_a_compiled_draw_is_that_of_its_name(name):
    assert draws.uniform(*name) == float(random.uniform(*name))


def test_an_index_is_a_draw_of_its_step_and_item():
    found = draws.indices(5, 11, 3, 4, 1000)

    step, item = np.repeat([11, 12, 13], 4), np.tile(np.arange(4), 3)
    share = random.uniform(5, step, item, draws.REPLAY_STREAM)
    np.testing.assert_array_equal(found, (share * 1000).astype(np.int64))


def test_one_thing_is_always_drawn_and_nothing_beyond_the_last():
    assert not draws.indices(0, 0, 1, 1000, 1).any()
    assert set(draws.indices(0, 0, 1, 1000, 3).tolist()) == {0, 1, 2}
