# SPDX-License-Identifier: MIT
"""Observation spaces as features in one row of numbers, and how to write them there.

A Box is its values in their own units, C order; a Discrete, and each part of a MultiDiscrete, is
one column for each value, 1 where it is taken; a MultiBinary is its bits. Dict and Tuple lie end
to end. ``action_mask`` at the top of a Dict is no feature.
"""

from typing import Any, NamedTuple

import numpy as np
from gymnasium import spaces

from flyball.core.batch import Floats
from flyball.core.errors import ConfigError, Problem
from flyball.core.spec import Feature

MASK = "action_mask"


class Part(NamedTuple):
    """A leaf of an observation space, and the columns that it fills."""

    space: spaces.Space[Any]
    path: tuple[str | int, ...]  # keys and positions that lead to it
    first: int
    stop: int


class Sight:
    """What one agent sees, as features.

    Parameters
    ----------
    space
        Of Box, Discrete, MultiDiscrete, MultiBinary, and Dict and Tuple of them.
    where
        Of the environment, for messages.

    Raises
    ------
    ConfigError
        When the space has no fixed number of features.
    """

    def __init__(self, space: spaces.Space[Any], where: str) -> None:
        self.has_mask = isinstance(space, spaces.Dict) and MASK in space.spaces
        self.parts: list[Part] = []
        features: list[Feature] = []
        for path, leaf in _leaves(space, ()):
            own = _features(leaf, _name(path) or "obs", where)
            self.parts.append(Part(leaf, path, len(features), len(features) + len(own)))
            features += own
        self.features = tuple(features)
        self.plain = isinstance(space, spaces.Box) and len(space.shape) == 1
        """Whether the observation is the row of features itself."""

    def write(self, target: Floats, seen: Any) -> None:
        """Write an observation into `target` (..., F); `seen` has the same leading axes.

        Columns beyond the own features are left alone.
        """
        for part in self.parts:
            value = seen
            for key in part.path:
                value = value[key]
            _write(part, target, value)


def mask_of(seen: Any) -> Any:
    """Return the action mask inside an observation of a Dict space."""
    return seen[MASK]


def _leaves(
    space: spaces.Space[Any], path: tuple[str | int, ...]
) -> list[tuple[tuple[str | int, ...], spaces.Space[Any]]]:
    """Return the leaves of a space, with their paths, in its own order."""
    children: list[tuple[str | int, spaces.Space[Any]]]
    if isinstance(space, spaces.Dict):
        children = [(key, own) for key, own in space.spaces.items() if path or key != MASK]
    elif isinstance(space, spaces.Tuple):
        children = list(enumerate(space.spaces))
    else:
        return [(path, space)]
    return [leaf for key, own in children for leaf in _leaves(own, (*path, key))]


def _name(path: tuple[str | int, ...]) -> str:
    """Return how a leaf is called: ``camera``, ``arm.joint``, ``[0].speed``."""
    text = "".join(f"[{key}]" if isinstance(key, int) else f".{key}" for key in path)
    return text.removeprefix(".")


def _features(leaf: spaces.Space[Any], name: str, where: str) -> list[Feature]:
    """Return the features of a leaf."""
    if isinstance(leaf, spaces.Box):
        low, high = leaf.low.reshape(-1).tolist(), leaf.high.reshape(-1).tolist()
        return [
            Feature(numbered(name, index), "-", float(low[k]), float(high[k]))
            for k, index in enumerate(np.ndindex(leaf.shape))
        ]
    if isinstance(leaf, spaces.Discrete):
        first = int(leaf.start)
        return [Feature(f"{name}={first + k}", "-", 0.0, 1.0) for k in range(int(leaf.n))]
    if isinstance(leaf, spaces.MultiDiscrete):
        return [
            Feature(f"{numbered(name, index)}={int(leaf.start[index]) + k}", "-", 0.0, 1.0)
            for index in np.ndindex(leaf.nvec.shape)
            for k in range(int(leaf.nvec[index]))
        ]
    if isinstance(leaf, spaces.MultiBinary):
        return [Feature(numbered(name, index), "-", 0.0, 1.0) for index in np.ndindex(leaf.shape)]
    raise ConfigError(
        Problem(
            where=f"{where} observation space",
            found=f"{type(leaf).__name__} ({name})",
            allowed="Box, Discrete, MultiDiscrete, MultiBinary, and Dict and Tuple of them",
            fix="turn it into one of them with gymnasium.wrappers.TransformObservation",
        )
    )


def numbered(name: str, index: tuple[int, ...]) -> str:
    """Return the name of one number of an array; that of a lone number is the array's."""
    return f"{name}[{','.join(map(str, index))}]" if index else name


def _write(part: Part, target: Floats, value: Any) -> None:
    """Write one leaf into its columns."""
    columns = target[..., part.first : part.stop]
    leaf = part.space
    if isinstance(leaf, spaces.Discrete):
        known = np.arange(leaf.start, leaf.start + leaf.n)
        columns[...] = np.asarray(value)[..., None] == known
    elif isinstance(leaf, spaces.MultiDiscrete):
        lead = columns.shape[:-1]
        digits = (np.asarray(value) - leaf.start).reshape(*lead, -1)
        first = 0
        for k, n in enumerate(leaf.nvec.reshape(-1).tolist()):
            columns[..., first : first + n] = digits[..., k, None] == np.arange(n)
            first += n
    else:
        columns[...] = np.reshape(value, columns.shape)
