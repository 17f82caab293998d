# SPDX-License-Identifier: MIT
"""Heads become the space that fits them, and what a library takes from it comes back whole."""

import numpy as np
import pytest
from gymnasium import spaces

from flyball.core.errors import ConfigError
from flyball.core.spec import AgentKind, Categorical, OptionsHead, TanhGaussian
from flyball.interop import AdapterConfig
from flyball.interop.heads import Heads, inward
from tests.interop.meadow import HEADS, MIXED, Meadow, alone, features

ANY = AdapterConfig()


def heads_of(name):
    kind = alone(name)[0]
    return Heads(kind, Meadow((kind,), 1).spec.choice_starts, ANY)


@pytest.mark.parametrize(
    ("name", "space"),
    [
        ("one", spaces.Discrete(3)),
        ("several", spaces.MultiDiscrete([3, 2])),
        ("values", spaces.Box(np.float32([-2, 0.1]), np.float32([3, 0.7]))),
    ],
)
def test_each_combination_of_heads_has_its_space(name, space):
    own = heads_of(name).space

    assert type(own) is type(space)
    assert own.shape == space.shape
    np.testing.assert_allclose(getattr(own, "low", 0), getattr(space, "low", 0), rtol=1e-6)


def test_a_choice_with_values_beside_it_is_a_tuple_of_both():
    space = heads_of("hybrid").space

    assert isinstance(space, spaces.Tuple)
    assert space[0] == spaces.Discrete(3)
    assert space[1] == spaces.Box(np.float32([0, -1]), np.float32([10, 1]))


def test_a_value_of_the_box_is_never_out_of_the_native_range():
    # 0.1 and 0.7 have no exact float32: one neighbour lies outside of the range.
    low, high = inward([0.1, -0.7], np.inf), inward([0.7, -0.1], -np.inf)

    assert np.all(low.astype(np.float64) >= [0.1, -0.7])
    assert np.all(high.astype(np.float64) <= [0.7, -0.1])
    np.testing.assert_allclose(low, [0.1, -0.7], rtol=1e-6)


def test_heads_of_several_kinds_share_columns_as_wide_as_the_widest():
    assert Meadow(MIXED, 1).spec.choice_starts == (0, 4, 6)


def test_a_narrow_kind_sees_its_own_columns_of_the_mask_only():
    starts = Meadow(MIXED, 1).spec.choice_starts
    dog = Heads(MIXED[0], starts, ANY)
    mask = np.array([[True, False, True, True, False, True]])  # turn has 3 of 4, gear 2 of 2

    np.testing.assert_array_equal(dog.legal(mask, None), [[True, False, True, False, True]])


@pytest.mark.parametrize("name", HEADS)
def test_what_is_sampled_from_the_space_comes_back_as_choice_and_value(name):
    heads = heads_of(name)
    heads.space.seed(0)
    taken = [heads.space.sample() for _ in range(5)]

    choice, value = heads.read(heads.collate(taken), None, 5)

    for row, each in enumerate(taken):
        discrete, real = each if name == "hybrid" else (each, each)
        if name != "values":
            np.testing.assert_array_equal(choice[row], np.atleast_1d(discrete))
        if name in ("values", "hybrid"):
            np.testing.assert_array_equal(value[row], real.astype(np.float64))
    assert choice.shape == (5, heads.n_discrete)
    assert value.shape == (5, heads.n_values)


@pytest.mark.parametrize("number", [-1, 2**32, -(2**40)])
def test_a_number_that_no_int32_holds_stays_out_of_range(number):
    choice, _ = heads_of("one").read(np.array([number]), None, 1)

    assert not 0 <= choice[0, 0] < 3


@pytest.mark.parametrize("name", HEADS)
def test_gymnasium_samples_within_the_mask_that_it_is_given(name):
    heads = heads_of(name)
    legal = np.array([False, True, False, True, False])[: sum(heads.sizes)]

    taken = heads.space.sample(mask=heads.sampling(legal))

    choice, _ = heads.read(taken, None, 1)
    assert list(choice[0]) == [1, 0][: heads.n_discrete]


@pytest.mark.parametrize("name", HEADS)
def test_what_stands_for_nobody_lies_in_the_space(name):
    heads = heads_of(name)

    assert heads.collate([heads.idle, heads.idle]) is not None
    assert heads.idle in heads.space


def test_candidates_beside_other_heads_are_refused():
    kind = AgentKind("x", 1, (), (OptionsHead("pick", features(2)), TanhGaussian("v", "m", 0, 1)))

    with pytest.raises(ConfigError, match="an options head beside v; allowed: an options head al"):
        Heads(kind, [0], AdapterConfig(cap=4))


def test_candidates_without_a_cap_are_refused():
    kind = AgentKind("x", 1, (), (OptionsHead("pick", features(2)),))

    with pytest.raises(ConfigError, match=r"cap: none, and kind x chooses .*at least 2"):
        Heads(kind, [0], ANY)


def test_a_kind_without_a_second_head_has_no_mask_there():
    starts = Meadow(MIXED, 1).spec.choice_starts
    sheep = Heads(MIXED[1], starts, ANY)

    assert sheep.legal(np.ones((2, 6), dtype=bool), None).shape == (2, 4)
    assert sheep.space == spaces.Discrete(4)
    assert Categorical("turn", 4) in MIXED[1].heads
