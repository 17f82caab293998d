# SPDX-License-Identifier: MIT
"""How a gate asks a plant's model, backup and safe set: one way, compiled where they are.

The decision is written once, over three functions. Where all three have a compiled form
(`core.envelope.Inner`) it is compiled together with them, for one plant as for many; else Python
runs the same text and calls the models themselves. What is compiled is kept on disk under the
content of everything that it is made of.
"""

import hashlib
from collections.abc import Callable
from types import CodeType, ModuleType
from typing import Any, NamedTuple, cast

import numpy as np
from numba import njit

from flyball.core.batch import Doubles
from flyball.core.envelope import Backup, Inner, SafeSet, StepModel
from flyball.safety.gating import SHARES, Asked
from flyball.safety.kernels import RoomCache
from flyball.safety.plans import (
    accept,
    arrive,
    boxes,
    extend,
    finish,
    follow,
    go_on,
    guess,
    lead,
    lose,
    n_holds,
    propose,
    renew,
    start,
    take,
    times_of,
    values,
)
from flyball.safety.pool import Pool

Function = Callable[..., Any]


class Woven(NamedTuple):
    """The decision of a gate."""

    decide: Callable[[Pool, Asked, Any, Any, Any], None]
    """Fills the pool's `Gated`; its last three arguments are those below."""
    model: Any
    backup: Any
    safe: Any
    compiled: bool


def woven(model: StepModel, backup: Backup, safe: SafeSet) -> Woven:
    """Return how decisions are made over a model, a backup and a safe set."""
    inner = [
        getattr(part, name, None)
        for part, name in (
            (model, "inner_reach"),
            (backup, "inner_value"),
            (safe, "inner_margin"),
        )
    ]
    reach, value, margin = inner
    if reach is None or value is None or margin is None or not hasattr(start, "_cache"):
        return plain(model, backup, safe)
    content = content_of(reach, value, margin)
    if content not in _MADE:
        parts = (
            _compiled(reach_of(reach.function, type(reach.numbers)), content),
            _compiled(value_of(value.function, type(value.numbers)), content),
            _compiled(margin_of(margin.function, type(margin.numbers)), content),
        )
        _MADE[content] = _compiled(
            decide_of(_compiled(certify_of(*parts), content), *parts), content
        )
    numbers = [tuple(each.numbers) for each in (reach, value, margin)]
    return Woven(_MADE[content], numbers[0], numbers[1], numbers[2], compiled=True)


def plain(model: StepModel, backup: Backup, safe: SafeSet) -> Woven:
    """Return how decisions are made where model, backup and safe set are asked from Python."""
    certify = certify_of(_reach, _value, _margin)
    decide = decide_of(certify, _reach, _value, _margin)
    return Woven(decide, model, backup, safe, compiled=False)


_MADE: dict[str, Function] = {}
"""Decisions that were compiled in this process, by what they are made of."""


def certify_of(reach: Function, value: Function, margin: Function) -> Function:
    """Return what asks for n plans of the backup."""

    def certify(pool: Pool, n: int, model: Any, backup: Any, safe: Any) -> None:
        hold_s = times_of(pool)[1]
        for hold in range(n_holds(pool)):
            low, high = boxes(pool, n)
            own = value(backup, low, high)
            below, above, left = reach(model, low, high, own, hold_s)
            inside = margin(safe, below, above)
            if not extend(pool, n, hold, own, (below, above, left, inside)):
                break

    return certify


def decide_of(certify: Function, reach: Function, value: Function, margin: Function) -> Function:
    """Return the decision of a gate."""

    def decide(pool: Pool, asked: Asked, model: Any, backup: Any, safe: Any) -> None:
        step_s, _, whole = times_of(pool)
        start(pool, asked)
        for turn in range(len(SHARES)):
            n = propose(pool, asked, turn)
            if n > 0:
                low, high = boxes(pool, n)
                below, above, left = reach(model, low, high, values(pool, n), step_s)
                follow(pool, n, turn, (below, above, left))
                certify(pool, n, model, backup, safe)
                take(pool, n, turn, margin(safe, below, above) if whole else left)
        for seen in (1, 0):
            # Who is measured makes a new plan while it can: the sensors may fail later on.
            n = renew(pool, asked, seen)
            if n > 0:
                certify(pool, n, model, backup, safe)
                accept(pool, n)
            if seen == 1:
                go_on(pool)
        n = lose(pool)
        if n > 0:
            low, high = boxes(pool, n)
            guess(pool, asked, n, value(backup, low, high))
        n = lead(pool)
        if n > 0:
            low, high = boxes(pool, n)
            arrive(pool, n, reach(model, low, high, values(pool, n), step_s))
        finish(pool)

    return decide


def reach_of(function: Function, kind: Any) -> Function:
    """Return a compiled model that takes its numbers as a plain tuple."""

    def reach(numbers: Any, low: Doubles, high: Doubles, value: Doubles, span_s: float) -> Any:
        return function(kind(*numbers), low, high, value, span_s)

    return reach


def value_of(function: Function, kind: Any) -> Function:
    """Return the same of a backup."""

    def value(numbers: Any, low: Doubles, high: Doubles) -> Any:
        return function(kind(*numbers), low, high)

    return value


def margin_of(function: Function, kind: Any) -> Function:
    """Return the same of a safe set."""

    def margin(numbers: Any, low: Doubles, high: Doubles) -> Any:
        return function(kind(*numbers), low, high)

    return margin


def _reach(
    model: StepModel, low: Doubles, high: Doubles, value: Doubles, span_s: float
) -> tuple[Doubles, Doubles, Doubles]:
    """Ask a model in Python; what it gives may be laid out in any way."""
    below, above, margin = model.reach(low, high, value, span_s)
    return _plain(below), _plain(above), _plain(margin)


def _value(backup: Backup, low: Doubles, high: Doubles) -> Doubles:
    return _plain(backup.value(low, high))


def _margin(safe: SafeSet, low: Doubles, high: Doubles) -> Doubles:
    return _plain(safe.margin(low, high))


def _plain(array: Any) -> Doubles:
    return np.ascontiguousarray(array, np.float64)


class WovenCache(RoomCache):
    """Numba's file cache for functions over functions, whose content is part of their name."""

    def _index_key(self, sig: Any, codegen: Any) -> tuple[Any, ...]:
        return (sig, codegen.magic_tuple(), self.sources)


def _compiled(function: Function, content: str) -> Function:
    """Compile a function that was made of others."""
    function.__qualname__ = f"{function.__name__}_{content[:24]}"
    made: Any = cast("Any", njit)(nogil=True)(function)
    made._cache = cast("Any", WovenCache)(function)
    return cast("Function", made)


def content_of(*inner: Inner) -> str:
    """Return the SHA-256 of what compiled functions are made of, all that they call included."""
    parts: list[str] = []
    for each in inner:
        parts.append(f"{type(each.numbers).__name__} {getattr(each.numbers, '_fields', ())}")
        _write(each.function, parts, set())
    return hashlib.sha256("\n".join(parts).encode()).hexdigest()


def _write(thing: Any, parts: list[str], known: set[int]) -> None:
    """Write down what a function says, and what it means by its names."""
    own = getattr(thing, "py_func", thing)
    code = getattr(own, "__code__", None)
    if code is None or id(own) in known:
        return
    known.add(id(own))
    options = getattr(thing, "targetoptions", {})
    parts.append(f"{own.__qualname__} {code.co_code.hex()} {sorted(map(str, options.items()))}")
    for own_number in code.co_consts:
        if isinstance(own_number, frozenset):
            parts.append(str(sorted(map(repr, own_number))))
        elif not isinstance(own_number, CodeType):
            parts.append(repr(own_number))
    meant = [(name, own.__globals__[name]) for name in code.co_names if name in own.__globals__]
    cells = own.__closure__ or ()
    meant += [(n, c.cell_contents) for n, c in zip(code.co_freevars, cells, strict=True)]
    for name, each in meant:
        parts.append(f"{name} {_said(each)}")
        _write(each, parts, known)


def _said(meant: Any) -> str:
    """Return what a name stands for in words that are the same in every process."""
    if isinstance(meant, bool | int | float | str | tuple):
        return repr(meant)
    if isinstance(meant, ModuleType):
        return meant.__name__
    return f"{getattr(meant, '__qualname__', '')} {getattr(meant, '_fields', '')}"
