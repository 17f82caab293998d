# SPDX-License-Identifier: MIT
"""What lies in a pool is what was put into it, whichever side looks at it."""

from typing import NamedTuple

import numpy as np
import pytest

from flyball.core.batch import Bools, Doubles, Ints, Longs
from flyball.core.errors import InvariantError
from flyball.safety.kernels import kernel
from flyball.safety.pool import (
    Pool,
    flag_1,
    flag_2,
    leaves,
    pooled,
    real_1,
    real_2,
    real_3,
    small_1,
    whole_1,
    whole_2,
    whole_3,
)


class Inside(NamedTuple):
    count: Longs
    deep: Doubles


class Outside(NamedTuple):
    wide: Doubles
    inside: Inside
    code: Ints
    held: Bools
    step_s: float


def outside():
    inside = Inside(np.arange(12).reshape(2, 3, 2), np.arange(8.0).reshape(2, 2, 2))
    return Outside(np.arange(6.0).reshape(3, 2), inside, np.arange(3, dtype=np.int32),
                   np.array([[True, False]]), 0.25)  # fmt: skip


@kernel
def total(pool: Pool) -> tuple[float, int, int, bool, float]:
    wide, deep, held = real_2(pool, 0), real_3(pool, 2), flag_2(pool, 4)
    return (
        wide[2, 1] + deep[1, 0, 1],
        whole_3(pool, 1)[1, 2, 0],
        small_1(pool, 3)[2],
        held[0, 0] and not held[0, 1],
        real_1(pool, 5)[0],
    )


@kernel
def double(pool: Pool) -> None:
    wide = real_2(pool, 0)
    for i in range(wide.shape[0]):
        for k in range(wide.shape[1]):
            wide[i, k] *= 2.0


def test_compiled_code_finds_each_array_by_its_number():
    assert total(pooled(outside()).pool) == (5.0 + 5.0, 10, 2, True, 0.25)


def test_python_sees_what_compiled_code_changes_and_the_other_way_round():
    pool, (part,) = pooled(outside())

    part.wide[0, 0] = 21.0
    double(pool)

    assert part.wide.tolist() == [[42.0, 2.0], [4.0, 6.0], [8.0, 10.0]]
    assert part.step_s == 0.25
    assert part.inside.count.tolist() == np.arange(12).reshape(2, 3, 2).tolist()


def test_arrays_without_numbers_have_their_shape_too():
    @kernel
    def shapes(pool):
        return real_2(pool, 0).shape, whole_2(pool, 1).shape, flag_1(pool, 2).shape

    empty = pooled(np.zeros((0, 4)), np.zeros((3, 0), np.int64), np.zeros(0, np.bool_))
    assert shapes(empty.pool) == ((0, 4), (3, 0), (0,))


def test_whole_numbers_where_numbers_are_declared_become_such():
    whole = outside()._replace(wide=np.arange(6).reshape(3, 2))

    pool, (part,) = pooled(whole)

    assert part.wide.dtype == np.float64
    assert total(pool)[0] == 10.0


def test_a_named_tuple_takes_as_many_numbers_as_it_has_arrays_and_floats():
    assert leaves(Outside) == 6
    assert whole_1(pooled(outside(), np.array([7])).pool, leaves(Outside))[0] == 7


@pytest.mark.parametrize("array", [np.zeros(2, np.float32), np.zeros((1, 1, 1, 1)), "text"])
def test_what_has_no_place_in_a_pool_is_refused(array):
    with pytest.raises((InvariantError, TypeError)):
        pooled(array)
