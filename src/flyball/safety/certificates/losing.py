# SPDX-License-Identifier: MIT
"""What wrong measurement costs a proof by corners, exactly (the reckoning stands in `polytopes`).

V corners · X states · D values.
"""

from collections.abc import Iterator, Sequence
from fractions import Fraction

from flyball.core.batch import Doubles, Longs
from flyball.core.envelope import Affine
from flyball.safety.certificates.rational import Row, dot, exact, inverse


def simplices(meets: Longs) -> Iterator[tuple[int, ...]]:
    """Yield the simplices (X + 1 corners each) in which `mixing` mixes, by pulling.

    Parameters
    ----------
    meets
        (V, X) facets that meet in each corner: all that a bounded polytope has.
    """
    on = [frozenset(int(facet) for facet in own) for own in meets]
    yield from _pulled(on, list(range(len(on))))


def _pulled(on: Sequence[frozenset[int]], left: list[int]) -> Iterator[tuple[int, ...]]:
    """Yield the simplices of the face whose corners are left: the first, and what faces it."""
    first = left[0]
    if len(left) == 1:
        yield (first,)
        return
    for facet in sorted(frozenset().union(*(on[v] for v in left)) - on[first]):
        face = [v for v in left if facet in on[v]]
        for rest in _pulled(on, face):
            yield (first, *rest)


class Losses:
    """What each facet of a polytope loses by wrong measurement."""

    def __init__(
        self, points: list[Row], meets: Longs, values: Doubles, affine: Affine, error: Doubles
    ) -> None:
        """Work out how the values change from place to place.

        Parameters
        ----------
        points
            (V, X) the corners, exactly.
        meets
            (V, X) the facets that meet in each.
        values
            (V, D) of the corners.
        affine
            The step.
        error
            (X,) of measurement.
        """
        self.error = exact(error)
        self.a = [list(column) for column in zip(*(exact(row) for row in affine.a), strict=True)]
        self.b = [list(column) for column in zip(*(exact(row) for row in affine.b), strict=True)]
        self.slopes: list[list[Row]] | None = []
        if not any(self.error):
            return
        own = [exact(value) for value in values]
        for first, *rest in simplices(meets):
            ways = [[x - y for x, y in zip(points[k], points[first], strict=True)] for k in rest]
            back = inverse(ways) if len(ways) == len(self.error) else None
            if back is None:  # flat: nothing is known of how values change there
                self.slopes = None
                return
            changes = [[own[k][d] - own[first][d] for k in rest] for d in range(values.shape[1])]
            self.slopes.append([[dot(row, change) for row in back] for change in changes])

    def of(self, normal: Row) -> Fraction:
        """Return what a facet loses: the smaller of the two reckonings."""
        grown = self._grown(normal)
        by_box = 2 * grown
        if self.slopes is None or not any(self.error):
            return by_box
        turned = [abs(dot(normal, column)) for column in self.a]
        pushed = [dot(normal, column) for column in self.b]
        swing = max((self._swing(pushed, slope) for slope in self.slopes), default=Fraction(0))
        return min(by_box, swing + grown - dot(turned, self.error))

    def _grown(self, normal: Row) -> Fraction:
        """Return |F| |a| e."""
        size = [abs(x) for x in normal]
        return dot([dot(size, [abs(x) for x in column]) for column in self.a], self.error)

    def _swing(self, pushed: Row, slope: list[Row]) -> Fraction:
        """Return |F b grad u| 2 e on one simplex."""
        by_state = zip(*slope, strict=True)
        change = [abs(dot(pushed, column)) for column in by_state]
        return 2 * dot(change, self.error)
