# SPDX-License-Identifier: MIT
"""Many arrays laid one behind the other in four long ones, so that handing them over costs little.

Compiled code takes a tenth of a microsecond and more to take in an array from Python. A decision
works on some hundred of them, which are small and always the same: they lie in a pool. Python sees
each as a view under its own name; compiled code finds each by its number, in the order in which
they were given, and never allocates.
"""

from typing import Any, NamedTuple, TypeVar, cast

import numpy as np
from numba import types
from numba.core import cgutils
from numba.extending import intrinsic, overload
from numba.np import arrayobj
from numpy.typing import NDArray

from flyball.core.batch import Bools, Doubles, Ints, Longs
from flyball.core.errors import InvariantError
from flyball.safety.kernels import viewing

Pool = tuple[Doubles, Longs, Ints, Bools, Longs]
"""What compiled code takes: numbers, whole numbers, short ones, flags, and (A, 4) where each of A
arrays begins in its long one and how long it is along up to three axes."""

KINDS = {str(Doubles): np.float64, str(Longs): np.int64, str(Ints): np.int32, str(Bools): np.bool_}
"""Kinds of long arrays, in the order of a pool, by how annotations say them."""


Long = TypeVar("Long", bound=NDArray[Any])


class Pooled(NamedTuple):
    """A pool, and what was put into it as views of it."""

    pool: Pool
    parts: tuple[Any, ...]


def pooled(*parts: Any) -> Pooled:
    """Return a pool of arrays.

    Parameters
    ----------
    parts
        Arrays of up to three axes, single floats, and NamedTuples of these; their order is that of
        the numbers. A float is an array of one number to compiled code. What stands in a NamedTuple
        is laid out as its annotations say, whole numbers among `Doubles` too.

    Raises
    ------
    InvariantError
        For arrays of other kinds.
    """
    arrays = [array for part in parts for array in _flat(part, None)]
    place = np.ones((len(arrays), 4), np.int64)
    size = dict.fromkeys(KINDS.values(), 0)
    for k, array in enumerate(arrays):
        kind = array.dtype.type
        if kind not in size or not 1 <= array.ndim <= 3:
            msg = f"no pool for {array.dtype} of {array.ndim} axes"
            raise InvariantError(msg)
        place[k, 0], place[k, 1 : 1 + array.ndim] = size[kind], array.shape
        size[kind] += array.size
    long: dict[Any, Any] = {kind: np.zeros(n, kind) for kind, n in size.items()}
    views = []
    for own, array in zip(place, arrays, strict=True):
        view = long[array.dtype.type][own[0] : own[0] + array.size].reshape(array.shape)
        view[...] = array
        views.append(view)
    left = iter(views)
    laid: Any = (*long.values(), place)
    return Pooled(laid, tuple(_again(part, left) for part in parts))


def leaves(kind: type) -> int:
    """Return how many numbers a NamedTuple takes up."""
    hints = kind.__annotations__.values()
    return sum(leaves(hint) if hasattr(hint, "_fields") else 1 for hint in hints)


def _flat(part: Any, hint: Any) -> list[Any]:
    """Return the arrays of a part, each of the kind that its annotation asks for."""
    if isinstance(part, tuple):
        hints = type(part).__annotations__.values()
        return [a for own, each in zip(part, hints, strict=True) for a in _flat(own, each)]
    array = np.atleast_1d(np.asarray(part))
    kind = KINDS.get(str(hint), array.dtype.type)
    return [array.astype(kind, casting="safe" if array.size else "unsafe")]


def _again(part: Any, views: Any) -> Any:
    """Return a part with its arrays replaced by views, in turn; a float stays what it is."""
    if isinstance(part, tuple):
        return type(part)(*(_again(own, views) for own in part))
    view = next(views)
    return part if isinstance(part, float) else view


def viewed(long: Long, first: int, shape: tuple[int, ...]) -> Long:
    """Return the part of a long array from `first` on as an array of some shape.

    Compiled, that is a few numbers, which vanish where they are not used; the view does not keep
    the long array alive.
    """
    size = 1
    for n in shape:
        size *= n
    view: Any = long[first : first + size].reshape(shape)
    return cast("Long", view)


@intrinsic
def _view(typing: Any, long: Any, first: Any, shape: Any) -> Any:  # noqa: ARG001
    """Make the view that `viewed` describes."""
    arrays, unpack_tuple = cast("Any", arrayobj), cast("Any", cgutils.unpack_tuple)
    kind = long.copy(ndim=len(shape), layout="C")

    def build(context: Any, builder: Any, sig: Any, args: Any) -> Any:
        own = context.make_array(sig.args[0])(context, builder, args[0])
        made = context.make_array(kind)(context, builder)
        shapes = unpack_tuple(builder, args[2])
        item = context.get_constant(types.intp, arrays.get_itemsize(context, long))
        strides: list[Any] = []
        stride = item
        for length in reversed(shapes):
            strides.insert(0, stride)
            stride = builder.mul(stride, length)
        arrays.populate_array(
            made,
            data=builder.gep(own.data, [args[1]]),
            shape=shapes,
            strides=strides,
            itemsize=item,
            meminfo=None,
        )
        return made._getvalue()

    return kind(long, types.intp, shape), build


@overload(viewed, inline="always")
def _viewed(long: Any, first: Any, shape: Any) -> Any:  # noqa: ARG001
    own: Any = _view

    def view(long: Any, first: Any, shape: Any) -> Any:
        return own(long, first, shape)

    return view


@viewing
def real_1(pool: Pool, k: int) -> Doubles:
    """Return array k of numbers, (n,)."""
    return viewed(pool[0], pool[4][k, 0], (pool[4][k, 1],))


@viewing
def real_2(pool: Pool, k: int) -> Doubles:
    """Return array k of numbers, (n, m)."""
    return viewed(pool[0], pool[4][k, 0], (pool[4][k, 1], pool[4][k, 2]))


@viewing
def real_3(pool: Pool, k: int) -> Doubles:
    """Return array k of numbers, (n, m, l)."""
    return viewed(pool[0], pool[4][k, 0], (pool[4][k, 1], pool[4][k, 2], pool[4][k, 3]))


@viewing
def whole_1(pool: Pool, k: int) -> Longs:
    """Return array k of whole numbers, (n,)."""
    return viewed(pool[1], pool[4][k, 0], (pool[4][k, 1],))


@viewing
def whole_2(pool: Pool, k: int) -> Longs:
    """Return array k of whole numbers, (n, m)."""
    return viewed(pool[1], pool[4][k, 0], (pool[4][k, 1], pool[4][k, 2]))


@viewing
def whole_3(pool: Pool, k: int) -> Longs:
    """Return array k of whole numbers, (n, m, l)."""
    return viewed(pool[1], pool[4][k, 0], (pool[4][k, 1], pool[4][k, 2], pool[4][k, 3]))


@viewing
def small_1(pool: Pool, k: int) -> Ints:
    """Return array k of short whole numbers, (n,)."""
    return viewed(pool[2], pool[4][k, 0], (pool[4][k, 1],))


@viewing
def flag_1(pool: Pool, k: int) -> Bools:
    """Return array k of flags, (n,)."""
    return viewed(pool[3], pool[4][k, 0], (pool[4][k, 1],))


@viewing
def flag_2(pool: Pool, k: int) -> Bools:
    """Return array k of flags, (n, m)."""
    return viewed(pool[3], pool[4][k, 0], (pool[4][k, 1], pool[4][k, 2]))
