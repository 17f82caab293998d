# SPDX-License-Identifier: MIT
"""Every observation space has its features, and every observation lands in their columns."""

import numpy as np
import pytest
from gymnasium import spaces
from gymnasium.spaces.utils import flatten, flatten_space
from gymnasium.vector.utils import batch_space, iterate

from flyball.core.errors import ConfigError
from flyball.interop.incoming.sights import Sight

SPACES = {
    "box": spaces.Box(np.float32([-1, 0]), np.float32([1, np.inf])),
    "number": spaces.Box(-1.0, 1.0, ()),
    "picture": spaces.Box(0, 255, (2, 3), np.uint8),
    "discrete": spaces.Discrete(3, start=5),
    "multi": spaces.MultiDiscrete([3, 2]),
    "grid": spaces.MultiDiscrete(np.array([[3, 2], [2, 4]])),
    "bits": spaces.MultiBinary(4),
    "dict": spaces.Dict({"b": spaces.Discrete(2), "a": spaces.Box(-1.0, 1.0, (2,))}),
    "nested": spaces.Tuple(
        [spaces.Dict({"deep": spaces.Tuple([spaces.MultiBinary(2)])}), spaces.Discrete(2, start=-1)]
    ),
}


@pytest.mark.parametrize("name", SPACES)
def test_it_flattens_as_gymnasium_does(name):
    space = SPACES[name]
    space.seed(3)
    sight = Sight(space, "x")
    target = np.full(len(sight.features), 9.0, np.float32)

    for _ in range(20):
        seen = space.sample()
        sight.write(target, seen)
        np.testing.assert_array_equal(target, flatten(space, seen).astype(np.float32))

    flat = flatten_space(space)
    assert len(sight.features) == flat.shape[0]
    np.testing.assert_array_equal([f.low for f in sight.features], flat.low)
    np.testing.assert_array_equal([f.high for f in sight.features], flat.high)


@pytest.mark.parametrize("name", SPACES)
def test_a_batch_lands_as_its_rows_do(name):
    space = SPACES[name]
    sight = Sight(space, "x")
    batch = batch_space(space, 4)
    batch.seed(1)
    seen = batch.sample()
    many = np.zeros((4, len(sight.features)), np.float32)
    one = np.zeros_like(many)

    sight.write(many, seen)

    for row, each in enumerate(_rows(space, seen)):
        sight.write(one[row], each)
    np.testing.assert_array_equal(many, one)


def _rows(space, seen):
    return list(iterate(batch_space(space, 4), seen))


def test_a_narrow_agent_leaves_the_columns_of_others_alone():
    target = np.full(5, 7.0, np.float32)

    Sight(SPACES["box"], "x").write(target, np.float32([0.5, 2]))

    np.testing.assert_array_equal(target, [0.5, 2, 7, 7, 7])


def test_features_are_named_after_where_they_stand():
    space = spaces.Dict(
        {
            "arm": spaces.Dict({"joint": spaces.Box(-1.0, 1.0, (2,))}),
            "gear": spaces.Discrete(2, start=1),
        }
    )

    names = [feature.name for feature in Sight(space, "x").features]

    assert names == ["arm.joint[0]", "arm.joint[1]", "gear=1", "gear=2"]


def test_a_mask_beside_the_observation_is_no_feature():
    space = spaces.Dict({"action_mask": spaces.MultiBinary(3), "own": spaces.Box(-1.0, 1.0, (2,))})
    sight = Sight(space, "x")

    assert sight.has_mask
    assert [feature.name for feature in sight.features] == ["own[0]", "own[1]"]


def test_a_space_without_a_fixed_size_is_refused():
    with pytest.raises(ConfigError, match=r"x observation space: Text \(words\); .*TransformObser"):
        Sight(spaces.Dict({"words": spaces.Text(5)}), "x")
