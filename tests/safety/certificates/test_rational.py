# SPDX-License-Identifier: MIT
from fractions import Fraction

from hypothesis import given
from hypothesis import strategies as st

from flyball.safety.certificates.rational import around, dot, exact, inverse

NUMBERS = st.floats(-1e6, 1e6, allow_nan=False)


@given(st.lists(st.lists(NUMBERS, min_size=3, max_size=3), min_size=3, max_size=3))
def test_a_matrix_times_its_inverse_is_one_without_any_rounding(rows):
    matrix = [exact(row) for row in rows]

    back = inverse(matrix)

    columns = None if back is None else list(zip(*back, strict=True))
    determinant = sum(
        matrix[0][i] * (matrix[1][j] * matrix[2][k] - matrix[1][k] * matrix[2][j])
        for i, j, k in ((0, 1, 2), (1, 2, 0), (2, 0, 1))
    )
    assert (back is None) == (determinant == 0)
    if columns is not None:
        product = [[dot(row, column) for column in columns] for row in matrix]
        assert product == [[int(i == j) for j in range(3)] for i in range(3)]


@given(st.fractions(-1000, 1000))
def test_the_floats_around_a_fraction_are_neighbours_on_both_sides_of_it(x):
    low, high = around([x])

    assert Fraction(float(low[0])) <= x <= Fraction(float(high[0]))
    assert high[0] - low[0] <= 2e-16 * max(1.0, abs(float(x))) * 2


def test_a_third_is_no_float_and_a_half_is_one():
    low, high = around([Fraction(1, 3), Fraction(1, 2)])

    assert low[0] < high[0]
    assert low[1] == high[1] == 0.5
