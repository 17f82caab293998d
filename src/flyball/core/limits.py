# SPDX-License-Identifier: MIT
"""Constraints as data: named bounds with unit, severity and owner that a world or a site states.

A value is a continuous head of the Spec, a signal one of its signals, all in native units. `safety`
enforces any of them; what a limit means for one decision stands in its sentence, `explain()`.
"""

import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from itertools import pairwise
from typing import ClassVar, Literal, NamedTuple

from flyball.core.errors import ConfigError, Problem
from flyball.core.protocols import Severity


class Fault(NamedTuple):
    """One setting of a limit that cannot be."""

    key: str
    found: str
    allowed: str
    fix: str


@dataclass(frozen=True, kw_only=True)
class Constraint:
    """What every limit has; the kinds below say what it bounds."""

    name: str
    """Unique in its file."""

    unit: str
    """In which a breach is measured."""

    severity: Severity = "hard"
    """hard: never broken; soft: broken at a price; monitor: counted only."""

    price: float = 0.0
    """Soft: what a unit of breach costs, in squared spans of the values' ranges; above 0."""

    source: str = ""
    """Where the number comes from: a data sheet, a study."""

    owner: str = ""
    """Who may change it."""

    revision: str = ""
    """Of the management of change."""

    can_be_soft: ClassVar[bool] = True
    """Whether breaking it a little means anything; what switches is either kept or not."""

    def __post_init__(self) -> None:
        problems = [
            Problem(
                where=f"limit '{self.name}' {fault.key}",
                found=fault.found,
                allowed=fault.allowed,
                fix=fault.fix,
            )
            for fault in (*self._common_faults(), *self.faults())
        ]
        if problems:
            raise ConfigError(problems)

    def _common_faults(self) -> Iterator[Fault]:
        if not self.name.strip():
            yield Fault("name", "nothing", "a name of its own", "say in a few words what it guards")
        if not self.unit.strip():
            yield Fault("unit", "nothing", "a unit, - for none", "write the unit of the bound")
        if self.severity == "soft" and not self.can_be_soft:
            yield Fault("severity", "soft", "hard or monitor", "make it hard, or monitor it")
        if (self.severity == "soft") != (self.price > 0.0) or not math.isfinite(self.price):
            allowed = "above 0 for a soft limit, left out for others"
            found = f"{self.price} for a {self.severity} limit"
            yield Fault("price", found, allowed, "give a soft limit its price")

    def faults(self) -> Iterator[Fault]:
        """Yield what is wrong with the settings of its kind."""
        return iter(())

    def explain(self) -> str:
        """Say in one sentence what it keeps, with units."""
        raise NotImplementedError


def _range_faults(low: float, high: float) -> Iterator[Fault]:
    if not (low <= high and low < math.inf and high > -math.inf):
        allowed = "low at most high, with numbers between them"
        yield Fault("low, high", f"{low}, {high}", allowed, "exchange or correct them")


def _window_faults(window_s: float, key: str = "window_s") -> Iterator[Fault]:
    if not 0.0 < window_s < math.inf:
        yield Fault(key, str(window_s), "above 0 s and finite", "write seconds")


def _switch_faults(idle: float, run: float) -> Iterator[Fault]:
    if not -math.inf < idle < run < math.inf:
        allowed = "finite, idle below run"
        yield Fault("idle, run", f"{idle}, {run}", allowed, "exchange or correct them")


def sum_of(weights: Mapping[str, float]) -> str:
    """Return a weighted sum in words: 2 feed - 0.5 reflux."""
    words = ""
    for name, weight in weights.items():
        sign = " - " if weight < 0 else " + "
        size = "" if abs(weight) == 1.0 else f"{abs(weight):g} "
        words += (sign if words or weight < 0 else "") + size + name
    return words.strip()


@dataclass(frozen=True, kw_only=True)
class Box(Constraint):
    """A value stays within a range."""

    value: str
    low: float
    high: float

    def faults(self) -> Iterator[Fault]:
        """Yield what is wrong with the range."""
        return _range_faults(self.low, self.high)

    def explain(self) -> str:
        """Say what it keeps."""
        return f"{self.value} stays between {self.low:g} and {self.high:g} {self.unit}"


@dataclass(frozen=True, kw_only=True)
class Clamp(Box):
    """A range set by an operator; it can only narrow what other limits allow."""

    def explain(self) -> str:
        """Say what it keeps and who asked for it."""
        by = f" ({self.owner})" if self.owner else ""
        return f"{super().explain()}, by an operator{by}"


@dataclass(frozen=True, kw_only=True)
class Rate(Constraint):
    """A value moves slowly, measured from what was applied last."""

    value: str
    fall: float
    """Largest way down, at least 0."""

    rise: float
    """Largest way up, at least 0."""

    each: Literal["decision", "second", "window"] = "decision"
    """Per decision; per second that passed since the last one; or within any window."""

    window_s: float = 0.0
    """Length of the window, s."""

    def faults(self) -> Iterator[Fault]:
        """Yield what is wrong with the ways and the window."""
        if not (self.fall >= 0.0 and self.rise >= 0.0):  # min() lets NaN pass
            yield Fault("fall, rise", f"{self.fall}, {self.rise}", "at least 0", "write sizes")
        if self.each == "window":
            yield from _window_faults(self.window_s)
        elif self.window_s:
            allowed = "left out unless each is 'window'"
            yield Fault("window_s", str(self.window_s), allowed, "write each = 'window'")

    def explain(self) -> str:
        """Say what it keeps."""
        within = {"decision": "a decision", "second": "a second", "window": f"{self.window_s:g} s"}
        ways = f"at most {self.rise:g} up and {self.fall:g} down"
        return f"{self.value} moves {ways} {self.unit} in {within[self.each]}"


@dataclass(frozen=True, kw_only=True)
class Linear(Constraint):
    """A weighted sum of values and signals stays below a bound."""

    bound: float
    values: Mapping[str, float]
    signals: Mapping[str, float] = field(default_factory=dict)

    def faults(self) -> Iterator[Fault]:
        """Yield what is wrong with the sum."""
        weights = (*self.values.values(), *self.signals.values(), self.bound)
        if not all(map(math.isfinite, weights)):
            yield Fault("values, signals, bound", str(weights), "finite numbers", "correct them")
        if not any(self.values.values()):
            allowed = "at least one value with a weight other than 0"
            yield Fault("values", "no value", allowed, "name a value, or make it a barrier")

    def explain(self) -> str:
        """Say what it keeps."""
        return f"{sum_of({**self.values, **self.signals})} stays below {self.bound:g} {self.unit}"


Points = tuple[tuple[float, float], ...]


@dataclass(frozen=True, kw_only=True)
class Curve(Constraint):
    """A value stays within bounds that depend on a signal, by tables joined by straight lines."""

    value: str
    signal: str
    low: Points = ()
    """(signal, lowest value), signals rising; beyond its ends a table stays level."""

    high: Points = ()
    """(signal, highest value)."""

    def faults(self) -> Iterator[Fault]:
        """Yield what is wrong with the tables."""
        if not self.low and not self.high:
            yield Fault(
                "low, high", "no table", "one table or both", "write [[signal, bound], ...]"
            )
        for key, points in (("low", self.low), ("high", self.high)):
            at = [point[0] for point in points]
            finite = all(math.isfinite(each) for point in points for each in point)
            if not finite or any(b <= a for a, b in pairwise(at)):
                yield Fault(key, str(points), "finite points, signals rising", "sort the points")

    def explain(self) -> str:
        """Say what it keeps."""
        tables = (("above", self.low), ("below", self.high))
        sides = [
            f"{side} {', '.join(f'{y:g} at {x:g}' for x, y in points)}"
            for side, points in tables
            if points
        ]
        return f"{self.value} stays {' and '.join(sides)} {self.unit}, by {self.signal}"


@dataclass(frozen=True, kw_only=True)
class Barrier(Constraint):
    """A weighted sum of signals stays below a bound, and is approached ever more slowly.

    h = bound - sum; each decision keeps h(next) >= (1 - gamma) h(now) for the state that the
    world's model predicts after its dead time, whatever the bounded disturbance does and wherever
    within its error the measurement is.
    """

    bound: float
    signals: Mapping[str, float]
    gamma: float = 0.5
    """Share of the distance that one decision may use up, in (0, 1]."""

    def faults(self) -> Iterator[Fault]:
        """Yield what is wrong with the sum and the share."""
        numbers = (*self.signals.values(), self.bound)
        if not (any(self.signals.values()) and all(map(math.isfinite, numbers))):
            allowed = "finite numbers and a signal with a weight other than 0"
            yield Fault("signals, bound", f"{self.signals}, {self.bound}", allowed, "correct them")
        if not 0.0 < self.gamma <= 1.0:
            yield Fault("gamma", str(self.gamma), "in (0, 1]", "take 0.5; 1 allows all at once")

    def explain(self) -> str:
        """Say what it keeps."""
        share = f"at most {self.gamma:.0%} of the distance is used up in a decision"
        return f"{sum_of(self.signals)} stays below {self.bound:g} {self.unit}; {share}"


@dataclass(frozen=True, kw_only=True)
class Budget(Constraint):
    """A value is moved only so often, or so far, within any window."""

    can_be_soft: ClassVar[bool] = False

    value: str
    most: float
    """Moves, or travel in the value's unit, within a window; at least 0."""

    window_s: float
    counts: Literal["moves", "travel"] = "moves"
    least: float = 0.0
    """A move is a change by more than this."""

    def faults(self) -> Iterator[Fault]:
        """Yield what is wrong with the budget."""
        yield from _window_faults(self.window_s)
        if not (0.0 <= self.most < math.inf and 0.0 <= self.least < math.inf):
            yield Fault("most, least", f"{self.most}, {self.least}", "at least 0", "write sizes")

    def explain(self) -> str:
        """Say what it keeps."""
        if self.counts == "moves":
            often = f"is moved at most {self.most:g} times"
        else:
            often = f"travels at most {self.most:g} {self.unit}"
        return f"{self.value} {often} in any {self.window_s:g} s"


@dataclass(frozen=True, kw_only=True)
class Dwell(Constraint):
    """Something that runs keeps running for a while, and rests for a while before it runs again."""

    can_be_soft: ClassVar[bool] = False

    value: str
    idle: float
    """At this or below it rests."""

    run: float
    """At this or above it runs; nothing in between is applied."""

    on_s: float = 0.0
    """Shortest run, s."""

    off_s: float = 0.0
    """Shortest rest, s."""

    every_s: float = math.inf
    """Longest rest, s: it runs at least every so often."""

    def faults(self) -> Iterator[Fault]:
        """Yield what is wrong with levels and times."""
        yield from _switch_faults(self.idle, self.run)
        if not (0.0 <= self.on_s < math.inf and 0.0 <= self.off_s < math.inf):
            yield Fault(
                "on_s, off_s", f"{self.on_s}, {self.off_s}", "at least 0 s", "write seconds"
            )
        if not self.every_s > self.off_s:
            allowed = f"above off_s, {self.off_s:g} s"
            yield Fault("every_s", str(self.every_s), allowed, "let it rest longer or less")

    def explain(self) -> str:
        """Say what it keeps."""
        parts = [f"runs for at least {self.on_s:g} s"] if self.on_s else []
        parts += [f"rests for at least {self.off_s:g} s"] if self.off_s else []
        parts += [f"runs at least every {self.every_s:g} s"] if self.every_s < math.inf else []
        what = " and ".join(parts) or "either runs or rests"
        return f"{self.value} {what} (rests at {self.idle:g}, runs from {self.run:g} {self.unit})"


@dataclass(frozen=True, kw_only=True)
class Exclusive(Constraint):
    """Of several things only so many run at the same time."""

    can_be_soft: ClassVar[bool] = False

    values: tuple[str, ...]
    idle: float
    run: float
    most: int = 1

    def faults(self) -> Iterator[Fault]:
        """Yield what is wrong with the group."""
        yield from _switch_faults(self.idle, self.run)
        if not 0 <= self.most < len(self.values) or len(set(self.values)) != len(self.values):
            allowed = "at least two different values, and fewer at a time than there are"
            yield Fault("values, most", f"{self.values}, {self.most}", allowed, "correct the group")

    def explain(self) -> str:
        """Say what it keeps."""
        return f"of {', '.join(self.values)} at most {self.most} run at the same time"


@dataclass(frozen=True, kw_only=True)
class Interlock(Constraint):
    """Something runs only while a signal is within a range."""

    can_be_soft: ClassVar[bool] = False

    value: str
    idle: float
    run: float
    signal: str
    low: float = -math.inf
    high: float = math.inf

    def faults(self) -> Iterator[Fault]:
        """Yield what is wrong with levels and range."""
        yield from _switch_faults(self.idle, self.run)
        yield from _range_faults(self.low, self.high)
        if math.isinf(self.low) and math.isinf(self.high):
            yield Fault("low, high", "neither", "one of them or both", "say when it may run")

    def explain(self) -> str:
        """Say what it keeps."""
        ends = [f"at least {self.low:g}"] if self.low > -math.inf else []
        ends += [f"at most {self.high:g}"] if self.high < math.inf else []
        return f"{self.value} runs only while {self.signal} is {' and '.join(ends)} {self.unit}"


KINDS: Mapping[str, type[Constraint]] = {
    "box": Box,
    "clamp": Clamp,
    "rate": Rate,
    "linear": Linear,
    "curve": Curve,
    "barrier": Barrier,
    "budget": Budget,
    "dwell": Dwell,
    "exclusive": Exclusive,
    "interlock": Interlock,
}
"""Every kind by the name that files use."""
