# SPDX-License-Identifier: MIT
"""The state of foreign environments as bytes, and back, for checkpoints of a training run.

An environment is a stack of objects: wrappers around wrappers around the thing itself. Each keeps
its identity; what is frozen is what hangs on it, all of it in one pickle, so that parts that are
shared stay shared. Environments' own pickling is passed over, because `EzPickle` of Gymnasium and
PettingZoo makes a new environment and loses the episode. Functions, modules, windows and
what an environment was made from stay as they are.

Bytes of `freeze` are code to whoever thaws them: they belong into a run's own folder and nowhere
else.
"""

import io
import pickle
from collections.abc import Iterable, Sequence
from types import FunctionType, ModuleType
from typing import Any

import numpy as np
from gymnasium.envs.registration import EnvSpec
from numpy.typing import NDArray

from flyball.core.errors import ConfigError, Problem

Bytes = NDArray[np.uint8]

UNCOPYABLE = (pickle.PicklingError, TypeError, AttributeError, RuntimeError, ValueError)
"""What pickling raises for generators, locks, pipes, foreign pointers and the like."""

CONSTANT = (FunctionType, ModuleType, EnvSpec)

DRAWING = ("Surface", "Clock", "Font")
"""Types of pygame that show an episode and are no part of it."""

MADE_FROM = ("_saved_kwargs", "_ezpickle_args", "_ezpickle_kwargs", "env_fns")
"""Where Gymnasium and PettingZoo keep what an object was made with; it may hold functions."""


def freeze(roots: Sequence[Any], where: str) -> Bytes:
    """Return the state of environments.

    Parameters
    ----------
    roots
        The environments, outermost wrappers.
    where
        How they are called in messages.

    Raises
    ------
    ConfigError
        When something that hangs on an environment cannot be copied.
    """
    layers = _layers(roots)
    out = io.BytesIO()
    pickle.dump(len(layers), out)
    try:
        _Freezer(out, layers).dump([_own(layer) for layer in layers])
    except UNCOPYABLE as error:
        raise ConfigError(
            Problem(
                where=where,
                found=f"state that cannot be copied: {_culprit(layers, error)}",
                allowed="environments whose every attribute can be pickled",
                fix="train it in one go, without checkpoints, or make the attribute picklable",
            )
        ) from error
    return np.frombuffer(out.getvalue(), dtype=np.uint8).copy()


def thaw(frozen: Bytes, roots: Sequence[Any]) -> None:
    """Give environments of the same make the state that `freeze` took, in place.

    Raises
    ------
    ConfigError
        When they are not of the same make.
    """
    layers = _layers(roots)
    source = io.BytesIO(frozen.tobytes())
    then = pickle.load(source)  # noqa: S301 - the run's own checkpoint
    if then != len(layers):
        raise ConfigError(
            Problem(
                where="snapshot of environments",
                found=f"{then} layers of environments and wrappers",
                allowed=f"{len(layers)}, as there are now",
                fix="go on with as many rows and the same wrappers as before",
            )
        )
    states: list[dict[str, Any]] = _Thawer(source, layers).load()
    for layer, state in zip(layers, states, strict=True):
        own = vars(layer)
        for name in _own(layer):
            del own[name]
        own.update(state)


class _Freezer(pickle.Pickler):
    """Pickles everything but the environments, which stand for themselves."""

    def __init__(self, out: io.BytesIO, layers: list[Any]) -> None:
        super().__init__(out, protocol=pickle.HIGHEST_PROTOCOL)
        self._number = {id(layer): k for k, layer in enumerate(layers)}

    def persistent_id(self, obj: Any) -> int | None:
        return self._number.get(id(obj))


class _Thawer(pickle.Unpickler):
    """Puts the environments of now where those of then were."""

    def __init__(self, source: io.BytesIO, layers: list[Any]) -> None:
        super().__init__(source)
        self._layers = layers

    def persistent_load(self, pid: int) -> Any:
        return self._layers[pid]


def _own(layer: Any) -> dict[str, Any]:
    """Return what may change, by name."""
    return {
        name: value
        for name, value in vars(layer).items()
        if not isinstance(value, CONSTANT) and name not in MADE_FROM and not _draws(value)
    }


def _draws(value: Any) -> bool:
    kind = type(value)
    return kind.__name__ in DRAWING and kind.__module__.startswith("pygame")


def _layers(roots: Iterable[Any]) -> list[Any]:
    """Return every environment that is one of `roots` or hangs on one, each once."""
    found: list[Any] = []
    seen: set[int] = set()
    waiting = list(roots)[::-1]
    while waiting:
        layer = waiting.pop()
        if id(layer) in seen:
            continue
        seen.add(id(layer))
        found.append(layer)
        for value in reversed(list(vars(layer).values())):
            inside = value if isinstance(value, list | tuple) else [value]
            waiting += [each for each in inside if _steps(each)]
    return found


def _steps(value: Any) -> bool:
    """Return whether something is an environment: it can be reset and stepped."""
    return (
        hasattr(value, "__dict__")
        and not isinstance(value, type)
        and callable(getattr(type(value), "step", None))
        and callable(getattr(type(value), "reset", None))
    )


def _culprit(layers: list[Any], error: Exception) -> str:
    """Return which attribute could not be copied, and why."""
    for layer in layers:
        for name, value in _own(layer).items():
            try:
                _Freezer(io.BytesIO(), layers).dump(value)
            except UNCOPYABLE as own:
                return f"{type(layer).__name__}.{name} ({own})"
    return str(error)
