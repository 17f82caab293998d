# SPDX-License-Identifier: MIT
"""Exact arithmetic of small linear systems: every float is a fraction, so nothing is rounded."""

from collections.abc import Iterable, Sequence
from fractions import Fraction

import numpy as np

from flyball.core.batch import Doubles

Row = list[Fraction]


def exact(numbers: Doubles | Iterable[float]) -> Row:
    """Return floats (n,) as the fractions that they are."""
    return [Fraction(float(number)) for number in numbers]


def dot(left: Sequence[Fraction], right: Sequence[Fraction]) -> Fraction:
    """Return the inner product."""
    return sum((a * b for a, b in zip(left, right, strict=True)), Fraction(0))


def inverse(matrix: Sequence[Row]) -> list[Row] | None:
    """Return the inverse of a square matrix, None for a singular one; Gauss and Jordan."""
    n = len(matrix)
    work = [[*row, *(Fraction(int(i == j)) for j in range(n))] for i, row in enumerate(matrix)]
    for k in range(n):
        pivot = next((i for i in range(k, n) if work[i][k] != 0), None)
        if pivot is None:
            return None
        work[k], work[pivot] = work[pivot], work[k]
        work[k] = [entry / work[k][k] for entry in work[k]]
        for i in range(n):
            share = work[i][k]
            if i != k and share != 0:
                work[i] = [a - share * b for a, b in zip(work[i], work[k], strict=True)]
    return [row[n:] for row in work]


def around(point: Sequence[Fraction]) -> tuple[Doubles, Doubles]:
    """Return floats (n,) that are not above a point, and not below it."""
    low, high = [], []
    for x in point:
        near = float(x)
        low.append(near if Fraction(near) <= x else np.nextafter(near, -np.inf))
        high.append(near if Fraction(near) >= x else np.nextafter(near, np.inf))
    return np.array(low), np.array(high)
