# SPDX-License-Identifier: MIT
import math

import numpy as np

from flyball.core.random import bits
from flyball.learning.acting.noise import normals


def slowly(seed, update, n_rows, width, stream):
    """The same draws one by one, from the names that `core.random` gives them."""
    out = np.empty((n_rows, width))
    for row in range(n_rows):
        for k in range(width):
            word = int(bits(seed, update, stream, row, k // 2 * 2))
            radius = math.sqrt(-2.0 * math.log(((word >> 32) + 0.5) / 2**32))
            turn = 2.0 * math.pi * (word & 0xFFFFFFFF) / 2**32
            out[row, k] = radius * (math.sin(turn) if k % 2 else math.cos(turn))
    return out


def test_the_kernel_draws_what_the_plain_python_twin_draws():
    drawn = normals(3, 7, 5, 3, 11)

    np.testing.assert_allclose(drawn, slowly(3, 7, 5, 3, 11), rtol=1e-5, atol=1e-6)


def test_a_draw_depends_on_its_name_and_not_on_how_many_are_drawn():
    many = normals(3, 7, 500, 5, 11)

    few = normals(3, 7, 4, 2, 11)

    np.testing.assert_array_equal(few, many[:4, :2])
    assert not np.array_equal(few, normals(3, 8, 4, 2, 11))
    assert not np.array_equal(few, normals(3, 7, 4, 2, 12))


def test_the_draws_are_standard_normal_and_independent():
    drawn = normals(0, 0, 50_000, 4, 1).astype(np.float64)

    n = len(drawn)
    np.testing.assert_allclose(np.cov(drawn.T), np.eye(4), atol=5 * math.sqrt(2 / n))
    np.testing.assert_allclose(drawn.mean(0), 0.0, atol=5 / math.sqrt(n))
    np.testing.assert_allclose((drawn**4).mean(), 3.0, atol=0.15)
    np.testing.assert_allclose((np.abs(drawn) > 2).mean(), 0.0455, atol=0.003)
