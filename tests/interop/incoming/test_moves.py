# SPDX-License-Identifier: MIT
"""Every action space has its heads, and every choice becomes the action that it names."""

import numpy as np
import pytest
from gymnasium import spaces
from gymnasium.vector.utils import batch_space

from flyball.core.errors import ConfigError
from flyball.core.spec import Categorical, Hybrid, TanhGaussian
from flyball.interop.incoming.moves import Moves

BOX = spaces.Box(np.float32([-1, 0]), np.float32([1, 5]))
PLATFORM = spaces.Tuple(
    [
        spaces.Discrete(2),
        spaces.Tuple([spaces.Box(0.0, 1.0, (1,)), spaces.Box(-2.0, 2.0, (2,))]),
    ]
)
SPACES = {
    "discrete": spaces.Discrete(3),
    "started": spaces.Discrete(3, start=-4),
    "multi": spaces.MultiDiscrete([3, 2], start=[10, -1]),
    "grid": spaces.MultiDiscrete(np.array([[3, 2], [2, 4]])),
    "bits": spaces.MultiBinary(3),
    "box": BOX,
    "matrix": spaces.Box(-1.0, 1.0, (2, 3), np.float64),
    "hybrid": spaces.Tuple([spaces.Discrete(3, start=1), BOX]),
    "dict": spaces.Dict({"turn": spaces.MultiDiscrete([2, 3]), "push": BOX}),
    "platform": PLATFORM,
}


def heads(space):
    return [
        (head.n if isinstance(head, Categorical | Hybrid) else (head.low, head.high))
        for head in Moves(space, "x").heads
    ]


@pytest.mark.parametrize(
    ("name", "want"),
    [
        ("started", [3]),
        ("multi", [3, 2]),
        ("grid", [3, 2, 2, 4]),
        ("bits", [2, 2, 2]),
        ("box", [(-1, 1), (0, 5)]),
        ("hybrid", [3, (-1, 1), (0, 5)]),
        ("dict", [(-1, 1), (0, 5), 2, 3]),
        ("platform", [2, (0, 1), (-2, 2), (-2, 2)]),
    ],
)
def test_a_space_is_its_heads_in_its_own_order(name, want):
    assert heads(SPACES[name]) == want


def test_a_choice_that_brings_its_values_says_which_count():
    hybrid = Moves(PLATFORM, "x").heads[0]

    assert isinstance(hybrid, Hybrid)
    assert hybrid.active == (("action[0][0]",), ("action[1][0]", "action[1][1]"))
    assert {head.name for head in Moves(PLATFORM, "x").heads[1:]} == set(sum(hybrid.active, ()))


def drawn(space, rows=200):
    """Return Moves and drawn legal numbers for its heads."""
    moves = Moves(space, "x")
    rng = np.random.default_rng(0)
    choice = rng.integers(0, moves.sizes, (rows, len(moves.sizes))).astype(np.int32)
    value = rng.uniform(moves.low, moves.high, (rows, len(moves.low)))
    value[0], value[1] = moves.low, moves.high
    return moves, choice, value


@pytest.mark.parametrize("name", SPACES)
def test_every_action_lies_in_its_space(name):
    moves, choice, value = drawn(SPACES[name])

    rows = moves.rows(choice, value)
    batch = moves.batched(choice, value)

    assert all(row in SPACES[name] for row in rows)
    assert batch in batch_space(SPACES[name], len(rows))


def test_the_start_of_a_discrete_space_is_added():
    assert Moves(SPACES["started"], "x").rows(np.array([[0], [2]]), np.zeros((2, 0))) == [-4, -2]
    np.testing.assert_array_equal(
        Moves(SPACES["multi"], "x").rows(np.array([[0, 0], [2, 1]]), np.zeros((2, 0))),
        [[10, -1], [12, 0]],
    )


def test_each_number_lands_in_its_own_part():
    moves = Moves(SPACES["dict"], "x")

    (row,) = moves.rows(np.array([[1, 2]]), np.array([[0.5, 4.0]]))

    np.testing.assert_array_equal(row["turn"], [1, 2])
    np.testing.assert_array_equal(row["push"], np.float32([0.5, 4.0]))


def test_an_array_has_the_shape_and_order_of_its_space():
    (row,) = Moves(SPACES["matrix"], "x").rows(np.zeros((1, 0)), np.linspace(-1, 1, 6)[None])

    np.testing.assert_array_equal(row, np.linspace(-1, 1, 6).reshape(2, 3))


def test_what_an_environment_keeps_of_an_action_is_its_own():
    moves, choice, value = drawn(BOX)
    before = moves.rows(choice, value)[3].copy()
    kept = moves.rows(choice, value)[3]
    value[:] = 0

    np.testing.assert_array_equal(kept, before)


@pytest.mark.parametrize(
    ("space", "message"),
    [
        (spaces.Box(-np.inf, np.inf, (2,)), r"action\[0\] from -inf to inf; .*TransformAction"),
        (spaces.Box(np.float32([0, -1]), np.float32([1, np.inf])), r"action\[1\] from -1 to inf"),
        (spaces.Box(-3.4e38, 3.4e38, (1,)), r"action\[0\] from -3.4e\+38 to"),
        (spaces.Box(0, 9, (2,), np.int32), r"a Box of int32 .*MultiDiscrete"),
        (spaces.Tuple([spaces.Text(3)]), "x action space: Text"),
        (spaces.Box(1.0, 1.0, (1,)), "from 1 to 1; allowed: a finite lower bound below"),
    ],
)
def test_what_is_no_head_is_refused_with_the_way_out(space, message):
    with pytest.raises(ConfigError, match=message):
        Moves(space, "x")


def test_how_many_numbers_have_no_range_is_told():
    with pytest.raises(ConfigError, match=r"2 more like it"):
        Moves(spaces.Box(-np.inf, np.inf, (3,)), "x")


def test_ranges_are_those_of_the_space_to_the_last_bit():
    box = spaces.Box(np.float32([0.1]), np.float32([0.7]))
    (head,) = Moves(box, "x").heads

    assert isinstance(head, TanhGaussian)
    assert (head.low, head.high) == (float(np.float32(0.1)), float(np.float32(0.7)))
