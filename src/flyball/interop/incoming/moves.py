# SPDX-License-Identifier: MIT
"""Action spaces as heads, and how the chosen numbers become actions again.

A Discrete is one categorical head, MultiDiscrete and MultiBinary one for each part; a Box one
continuous head for each number, in its own unit and range. Dict and Tuple are the heads of their
parts, in order. A choice that brings its own values, Tuple(Discrete(n), Tuple of n Boxes), is a
hybrid head: which values count depends on the choice.
"""

from typing import Any

import numpy as np
from gymnasium import spaces
from numpy.typing import NDArray

from flyball.core.batch import Doubles, Ints
from flyball.core.errors import ConfigError, Problem
from flyball.core.spec import Categorical, Head, Hybrid, TanhGaussian
from flyball.interop.heads import continuous_heads, discrete_heads
from flyball.interop.incoming.sights import numbered

ENDLESS = 1e30
"""Bounds beyond this stand for none."""


class Moves:
    """What one agent may do, as heads.

    Parameters
    ----------
    space
        Of Discrete, MultiDiscrete, MultiBinary, floating Box, and Dict and Tuple of them.
    where
        Of the environment, for messages.

    Raises
    ------
    ConfigError
        When a Box has no finite range or whole numbers, or the space is of another type.
    """

    def __init__(self, space: spaces.Space[Any], where: str) -> None:
        self.space = space
        self.heads = tuple(_heads(space, "", f"{where} action space"))
        discrete, ranges = discrete_heads(self.heads), continuous_heads(self.heads)
        self.sizes = np.array([head.n for head in discrete], dtype=np.int64)
        self.low = np.array([head.low for head in ranges])
        self.high = np.array([head.high for head in ranges])

    def batched(self, choice: Ints, value: Doubles) -> Any:
        """Return the actions of R rows as a batch of the space has them; new arrays.

        Parameters
        ----------
        choice, value
            (R, H) and (R, D), at least as wide as this space needs; legal.
        """
        return _batched(self.space, _Columns(choice), _Columns(value))

    def rows(self, choice: Ints, value: Doubles) -> list[Any]:
        """Return the actions of R rows one by one, as the space has them."""
        if isinstance(self.space, spaces.Discrete):
            # The commonest of all, and most of the time that an adapter takes.
            numbers: list[Any] = choice[:, 0].tolist()
            first = int(self.space.start)
            return [number + first for number in numbers] if first else numbers
        return _split(self.space, self.batched(choice, value))


class _Columns:
    """The columns of an array, taken from left to right."""

    def __init__(self, values: NDArray[Any]) -> None:
        self._values, self._next = values, 0

    def take(self, n: int) -> NDArray[Any]:
        """Return the next `n` columns (R, n)."""
        self._next += n
        return self._values[:, self._next - n : self._next]


def _heads(space: spaces.Space[Any], name: str, where: str) -> list[Head]:
    """Return the heads of a space, in the order in which `_batched` reads them."""
    if isinstance(space, spaces.Discrete):
        return [Categorical(name or "action", int(space.n))]
    if isinstance(space, spaces.MultiDiscrete):
        return [
            Categorical(numbered(name or "action", index), int(space.nvec[index]))
            for index in np.ndindex(space.nvec.shape)
        ]
    if isinstance(space, spaces.MultiBinary):
        return [
            Categorical(numbered(name or "action", index), 2) for index in np.ndindex(space.shape)
        ]
    if isinstance(space, spaces.Box):
        return list(_ranges(space, name or "action", where))
    if isinstance(space, spaces.Tuple | spaces.Dict):
        if _brings_values(space):
            return _hybrid(space, name or "action", where)
        return [head for own, child in _children(space, name) for head in _heads(child, own, where)]
    raise ConfigError(
        Problem(
            where=where,
            found=type(space).__name__,
            allowed="Discrete, MultiDiscrete, MultiBinary, Box, and Dict and Tuple of them",
            fix="turn it into one of them with gymnasium.wrappers.TransformAction",
        )
    )


def _children(
    space: spaces.Tuple[Any] | spaces.Dict, name: str
) -> list[tuple[str, spaces.Space[Any]]]:
    """Return the parts of a space by name, in its own order."""
    if isinstance(space, spaces.Tuple):
        return [(f"{name}[{k}]", child) for k, child in enumerate(space.spaces)]
    return [(f"{name}.{key}".removeprefix("."), child) for key, child in space.spaces.items()]


def _ranges(box: spaces.Box, name: str, where: str) -> list[TanhGaussian]:
    """Return a continuous head for each number of a Box."""
    low, high = box.low.astype(np.float64), box.high.astype(np.float64)
    if not np.issubdtype(box.dtype, np.floating):
        raise ConfigError(
            Problem(
                where=where,
                found=f"a Box of {box.dtype} ({name})",
                allowed="a Box of floats",
                fix="make it MultiDiscrete with gymnasium.wrappers.TransformAction",
            )
        )
    # A continuous head spans its range, which must therefore be known; what a float can hold is
    # no range either.
    endless = ~(low < high) | (np.maximum(-low, high) > ENDLESS)
    if endless.any():
        first = tuple(int(k) for k in np.argwhere(endless)[0])
        raise ConfigError(
            Problem(
                where=where,
                found=f"{numbered(name, first)} from {low[first]:g} to {high[first]:g}",
                allowed="a finite lower bound below a finite upper one",
                fix="state the range that makes sense with gymnasium.wrappers.TransformAction("
                "env, lambda action: action, gymnasium.spaces.Box(low, high))",
                more=int(endless.sum()) - 1,
            )
        )
    return [
        TanhGaussian(numbered(name, index), "-", float(low[index]), float(high[index]))
        for index in np.ndindex(box.shape)
    ]


def _brings_values(space: spaces.Tuple[Any] | spaces.Dict) -> bool:
    """Return whether a space is a choice with one Box of values for each alternative."""
    parts = space.spaces if isinstance(space, spaces.Tuple) else ()
    return (
        len(parts) == 2
        and isinstance(parts[0], spaces.Discrete)
        and isinstance(parts[1], spaces.Tuple)
        and len(parts[1].spaces) == parts[0].n
        and all(isinstance(child, spaces.Box) for child in parts[1].spaces)
    )


def _hybrid(space: Any, name: str, where: str) -> list[Head]:
    """Return the heads of a choice that brings its own values."""
    own = [_ranges(box, f"{name}[{k}]", where) for k, box in enumerate(space.spaces[1].spaces)]
    active = tuple(tuple(head.name for head in heads) for heads in own)
    return [
        Hybrid(name, int(space.spaces[0].n), active),
        *(head for heads in own for head in heads),
    ]


def _batched(space: spaces.Space[Any], choice: _Columns, value: _Columns) -> Any:
    """Return the actions of R rows, taking the columns that belong to the space."""
    if isinstance(space, spaces.Discrete):
        picked = choice.take(1)[:, 0].astype(space.dtype or np.int64)
        return picked + space.start if space.start else picked
    if isinstance(space, spaces.Tuple):
        return tuple(_batched(child, choice, value) for child in space.spaces)
    if isinstance(space, spaces.Dict):
        return {key: _batched(child, choice, value) for key, child in space.spaces.items()}
    shape = space.shape or ()
    taken = (value if isinstance(space, spaces.Box) else choice).take(int(np.prod(shape)))
    out = taken.astype(space.dtype).reshape(len(taken), *shape)
    return out + space.start if isinstance(space, spaces.MultiDiscrete) else out


def _split(space: spaces.Space[Any], batch: Any) -> list[Any]:
    """Return a batch of actions row by row."""
    if isinstance(space, spaces.Discrete):
        numbers: list[Any] = batch.tolist()
        return numbers
    if isinstance(space, spaces.Tuple):
        parts = [_split(child, own) for child, own in zip(space.spaces, batch, strict=True)]
        return list(zip(*parts, strict=True))
    if isinstance(space, spaces.Dict):
        named = [_split(child, batch[key]) for key, child in space.spaces.items()]
        return [dict(zip(space.spaces, row, strict=True)) for row in zip(*named, strict=True)]
    return list(batch) if batch.ndim > 1 else [np.asarray(number) for number in batch]
