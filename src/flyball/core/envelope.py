# SPDX-License-Identifier: MIT
"""What a world states about the safety of its plant; `safety` enforces it and knows no world.

n plants at a time · X signals that are the plant's state, in the order of `Envelope.signals` · D
continuous values, in the order of the Spec's heads. A state is never known exactly: it lies in a
box [low, high], which holds the error of measurement, and after a step whatever the bounded
disturbance can do. Native units everywhere.

For the proofs to hold, a model must contain the plant: a true state within the box, under any
disturbance within its bounds, stays within what `reach` says at every time, between samples too.
Rounding goes outwards.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, NamedTuple, Protocol

from flyball.core.batch import Bools, Doubles, Longs
from flyball.core.limits import Constraint


class Reach(NamedTuple):
    """Where n plants can be after a step, and how near to a hard limit they can come within it."""

    low: Doubles  # (n, X)
    high: Doubles  # (n, X)
    margin: Doubles  # (n,) at least 0 where every hard limit on the state is kept at all times


class Inner(NamedTuple):
    """The compiled form of a method: a gate calls it from compiled code, at a fraction of the cost.

    It says the same as the method, bit for bit. A model that has none is called from Python.
    """

    function: Callable[..., Any]
    """Compiled by Numba. It takes `numbers`, then what the method takes (C arrays of float64),
    changes none of it and returns new arrays; for `reach` a plain tuple of the three."""

    numbers: Any
    """A NamedTuple of floats, whole numbers and arrays, none of them nested."""


class StepModel(Protocol):
    """One step of a plant, its disturbance included.

    Its compiled form, where it has one, is the attribute `inner_reach`, an `Inner`; that of a
    backup is `inner_value`, that of a safe set `inner_margin`. A gate that has all three uses them.
    """

    def reach(self, low: Doubles, high: Doubles, value: Doubles, step_s: float) -> Reach:
        """Return where plants within boxes (n, X) can come while a value (n, D) is held.

        A row that cannot be computed has a margin of NaN, which counts as broken.
        """
        ...


class SafeSet(Protocol):
    """States between which the backup can hold the plant for ever (see `Envelope.hold_s`)."""

    def margin(self, low: Doubles, high: Doubles) -> Doubles:
        """Return (n,) at least 0 where a whole box (n, X) lies inside; NaN counts as outside."""
        ...


class Backup(Protocol):
    """What to do when nothing else is known to be safe."""

    def value(self, low: Doubles, high: Doubles) -> Doubles:
        """Return (n, D) what to hold for `Envelope.hold_s` from boxes (n, X), NaN for no idea.

        From within the safe set it leads back into the safe set, and from wherever it is certified
        it does so within `Envelope.horizon` holds. The same box gives the same value. Hard boxes
        are kept by it; a proof that knows of other limits on values must say so.
        """
        ...


@dataclass(frozen=True)
class Affine:
    """A step of a linear plant: x' = a x + b u + c + w with |w| <= spread, for one step length.

    The value acts `delay` steps after it was decided, so that a barrier has to look that far ahead.
    """

    step_s: float
    a: Doubles  # (X, X)
    b: Doubles  # (X, D)
    c: Doubles  # (X,)
    spread: Doubles  # (X,) at least 0
    delay: int = 0

    exact: bool = False
    """Whether the model of the step is this one, and does not only lie within it.

    From a box around m with half widths h it then says a m + b u + c, and |a| h + spread on each
    side, and the margin of a mixture of boxes and values is at least the mixture of their margins,
    as it is for linear plants within convex limits. A proof that asks at corners demands it.
    """


@dataclass(frozen=True)
class Bodies:
    """Bodies in space that must keep apart; each is an agent whose values are its acceleration.

    A body follows its reference, a double integrator that is known exactly, within a tube. Signals
    are, body after body, its reference's position and then its velocity.
    """

    n: int
    n_dims: int  # K, 2 or 3
    acceleration: float  # largest, Euclidean, m/s2
    speed: float  # largest, Euclidean, m/s
    separation: float  # smallest distance between two bodies, m
    tube: float  # largest distance of a body from its reference, m


@dataclass(frozen=True)
class Finite:
    """A plant with finitely many states and choices, all that can follow included.

    S states · A choices · W outcomes of a choice.
    """

    state_of: Callable[[Doubles], Longs]
    """From signals (n, M) to states (n,); -1 for what is none."""

    following: Longs
    """(S, A, W) states that can follow; a choice with fewer outcomes repeats one."""

    legal: Bools
    """(S, A)."""

    forbidden: Bools
    """(S,) states that break a hard limit."""


@dataclass(frozen=True)
class Envelope:
    """The safety of one plant; a world gives what applies to it."""

    limits: tuple[Constraint, ...] = ()

    signals: tuple[str, ...] = ()
    """Names of the signals that are the state of the model."""

    error: tuple[float, ...] = ()
    """Largest error of each of them, at least 0, native units."""

    model: StepModel | None = None
    backup: Backup | None = None
    safe: SafeSet | None = None
    hold_s: float = 0.0
    """How long the backup holds a value, s; the Env's step must divide it."""

    horizon: int = 1
    """Holds within which the backup reaches the safe set from wherever it is certified."""

    affine: Affine | None = None
    """For barriers: the model of the step at the Env's own length."""

    bodies: Bodies | None = None
    finite: Finite | None = None
