# SPDX-License-Identifier: MIT
"""From limits as people state them to the arrays that kernels read, and what cannot be together."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import combinations
from typing import NamedTuple

import numpy as np

from flyball.core.batch import Doubles
from flyball.core.envelope import Affine
from flyball.core.errors import ConfigError, InvariantError, Problem, nearest
from flyball.core.limits import (
    Barrier,
    Box,
    Budget,
    Constraint,
    Curve,
    Dwell,
    Exclusive,
    Interlock,
    Linear,
    Points,
    Rate,
)
from flyball.core.spec import Signal, TanhGaussian
from flyball.safety import bounds
from flyball.safety.barriers import row_of
from flyball.safety.bounds import Tables
from flyball.safety.history import Window
from flyball.safety.projection import INFEASIBLE, Limits, allocate, project

SEVERITIES = {"hard": bounds.HARD, "soft": bounds.SOFT, "monitor": bounds.MONITOR}
RATES = {"decision": bounds.STEP, "second": bounds.SECOND, "window": bounds.SPAN}


class Line(NamedTuple):
    """One interval limit before it becomes a row of `Tables`."""

    limit: Constraint
    kind: int
    value: str
    setting: tuple[float, ...]
    signal: str = ""
    low: Points = ()
    high: Points = ()
    window_s: float = 0.0
    least: float = 0.0


class Plant(NamedTuple):
    """What predicts the state of the plant."""

    affine: Affine
    names: tuple[str, ...]
    """(X,) signals that are its states."""


class Known(NamedTuple):
    """What limits may name."""

    values: list[str]
    signals: list[str]
    plant: Plant | None

    @property
    def width(self) -> int:
        """M + X."""
        return len(self.signals) + (len(self.plant.names) if self.plant is not None else 0)


@dataclass
class Compiled:
    """Arrays, and which limit each of their rows came from."""

    tables: Tables
    intervals: list[Constraint] = field(default_factory=list)
    sums: list[Linear | Barrier] = field(default_factory=list)
    groups: list[Exclusive] = field(default_factory=list)


def compiled(
    limits: Sequence[Constraint],
    values: Sequence[TanhGaussian],
    signals: Sequence[Signal],
    decision_s: float,
    plant: Plant | None = None,
) -> Compiled:
    """Return limits as arrays.

    Parameters
    ----------
    limits
        Names are unique.
    values, signals
        Of the Spec, in its order.
    decision_s
        The longest time from one decision to the next, s, above 0.
    plant
        What predicts the state, for barriers.

    Raises
    ------
    ConfigError
        With everything that is wrong: names that do not exist or stand twice, things that switch
        at different levels, and the pair of hard limits that leaves no action, if one does.
    """
    problems = [*_ranges(values), *_named(limits, values, signals), *_levels(limits)]
    problems += [*_beyond(limits, values), *_unkept(limits, plant)]
    if not 0.0 < decision_s < np.inf:
        problems.append(_problem("decision_s", str(decision_s), "above 0 s", "write seconds"))
    if problems:
        raise ConfigError(problems)
    lines = [line for limit in limits for line in _lines(limit)]
    sums = [limit for limit in limits if isinstance(limit, Linear | Barrier)]
    groups = [limit for limit in limits if isinstance(limit, Exclusive)]
    known = Known([each.name for each in values], [each.name for each in signals], plant)
    tables = _tables(lines, sums, groups, known, decision_s)
    found = Compiled(tables, [line.limit for line in lines], sums, groups)
    conflict = _conflict(found, values)
    if conflict is not None:
        raise ConfigError(conflict)
    return found


def _problem(where: str, found: str, allowed: str, fix: str) -> Problem:
    return Problem(where=where, found=found, allowed=allowed, fix=fix)


def _names(limit: Constraint) -> tuple[list[str], list[str]]:
    """Return the values and the signals that a limit names."""
    values = [*getattr(limit, "values", ()), *_one(limit, "value")]
    return values, [*getattr(limit, "signals", ()), *_one(limit, "signal")]


def _one(limit: Constraint, key: str) -> list[str]:
    return [getattr(limit, key)] if hasattr(limit, key) else []


def _named(
    limits: Sequence[Constraint], values: Sequence[TanhGaussian], signals: Sequence[Signal]
) -> Iterator[Problem]:
    """Yield what is wrong with names."""
    seen: set[str] = set()
    for limit in limits:
        if limit.name in seen:
            where = f"limit '{limit.name}'"
            yield _problem(where, "a second limit of this name", "unique names", "rename one")
        seen.add(limit.name)
        own_values, own_signals = _names(limit)
        pairs = (
            ("value", own_values, [each.name for each in values]),
            ("signal", own_signals, [each.name for each in signals]),
        )
        for kind, named, known in pairs:
            for name in [each for each in named if each not in known]:
                where, allowed = f"limit '{limit.name}' {kind}", ", ".join(known) or "none"
                yield _problem(where, f"'{name}'", allowed, nearest(name, known))


def _ranges(values: Sequence[TanhGaussian]) -> Iterator[Problem]:
    """Yield values without a finite range: nothing could be kept within it."""
    for value in values:
        if not -np.inf < value.low <= value.high < np.inf:
            found = f"{value.low:g} to {value.high:g} {value.unit}"
            fix = "give the head of the Spec its range"
            yield _problem(f"value '{value.name}'", found, "a finite range", fix)


def _beyond(limits: Sequence[Constraint], values: Sequence[TanhGaussian]) -> Iterator[Problem]:
    """Yield levels that a value cannot take, so that it could never rest or never run."""
    known = {value.name: value for value in values}
    for limit in limits:
        if isinstance(limit, Dwell | Exclusive | Interlock):
            for own in [known[name] for name in _names(limit)[0] if name in known]:
                if not own.low <= limit.idle < limit.run <= own.high:
                    yield _problem(
                        f"limit '{limit.name}' idle, run",
                        f"{limit.idle:g}, {limit.run:g} for {own.name}",
                        f"within its range, {own.low:g} to {own.high:g} {own.unit}",
                        "correct the levels",
                    )


def _unkept(limits: Sequence[Constraint], plant: Plant | None) -> Iterator[Problem]:
    """Yield barriers that no model predicts: they would look as if they were enforced."""
    known = plant.names if plant is not None else ()
    for limit in limits:
        for name in limit.signals if isinstance(limit, Barrier) else ():
            if name not in known:
                yield _problem(
                    f"limit '{limit.name}' signals",
                    f"'{name}', which no linear model of the plant predicts",
                    f"signals that one predicts: {', '.join(known) or 'none, there is no model'}",
                    "give the world's envelope a model, or state a linear limit on the values",
                )


def _levels(limits: Sequence[Constraint]) -> Iterator[Problem]:
    """Yield values that switch at different levels in different limits."""
    known: dict[str, tuple[float, float, str]] = {}
    for limit in limits:
        if isinstance(limit, Dwell | Exclusive | Interlock):
            for value in _names(limit)[0]:
                own = (limit.idle, limit.run, limit.name)
                first = known.setdefault(value, own)
                if first[:2] != own[:2]:
                    yield _problem(
                        f"limit '{limit.name}' idle, run",
                        f"{own[0]:g}, {own[1]:g} for {value}",
                        f"{first[0]:g}, {first[1]:g} as in limit '{first[2]}'",
                        "let a value switch at the same levels everywhere",
                    )


def _lines(limit: Constraint) -> Iterator[Line]:
    """Yield the interval limits that a limit comes to."""
    match limit:
        case Box():
            yield Line(limit, bounds.BOX, limit.value, (limit.low, limit.high))
        case Rate():
            ways = (limit.fall, limit.rise)
            yield Line(limit, RATES[limit.each], limit.value, ways, window_s=limit.window_s)
        case Curve():
            tables = (limit.low, limit.high)
            yield Line(limit, bounds.CURVE, limit.value, (), limit.signal, *tables)
        case Budget():
            kind = bounds.MOVES if limit.counts == "moves" else bounds.TRAVEL
            most, window_s = (limit.most,), limit.window_s
            yield Line(limit, kind, limit.value, most, window_s=window_s, least=limit.least)
        case Dwell():
            times = (limit.on_s, limit.off_s, limit.every_s)
            yield Line(limit, bounds.DWELL, limit.value, times)
        case Interlock():
            ends = (limit.low, limit.high)
            yield Line(limit, bounds.INTERLOCK, limit.value, ends, signal=limit.signal)


def _tables(
    lines: Sequence[Line],
    sums: Sequence[Linear | Barrier],
    groups: Sequence[Exclusive],
    known: Known,
    decision_s: float,
) -> Tables:
    value = {name: d for d, name in enumerate(known.values)}
    signal = {name: m for m, name in enumerate(known.signals)}
    rows = [_row(limit, known) for limit in sums]
    setting = np.zeros((len(lines), 5))
    points, at = np.zeros((len(lines), 4), np.int64), list[tuple[float, float]]()
    idle, run = np.full(len(value), np.nan), np.full(len(value), np.nan)
    switches = np.zeros(len(value), np.bool_)
    looking = [line for line in lines if line.window_s > 0.0]
    for i, line in enumerate(lines):
        setting[i, : len(line.setting)] = line.setting
        ends = (len(at), len(at) + len(line.low), len(at) + len(line.low) + len(line.high))
        points[i] = (ends[0], ends[1], ends[1], ends[2])
        at += [*line.low, *line.high]
    for limit in [*(line.limit for line in lines), *groups]:
        if isinstance(limit, Dwell | Exclusive | Interlock):
            own = [value[name] for name in _names(limit)[0]]
            idle[own], run[own] = limit.idle, limit.run
            switches[own] |= limit.severity == "hard"
    member = np.zeros((len(groups), len(value)), np.bool_)
    for e, group in enumerate(groups):
        member[e, [value[name] for name in group.values]] = True
    return Tables(
        kind=np.array([line.kind for line in lines], np.int32),
        value=np.array([value[line.value] for line in lines], np.int64),
        signal=np.array([signal.get(line.signal, -1) for line in lines], np.int64),
        setting=setting,
        points=points,
        severity=np.array([SEVERITIES[line.limit.severity] for line in lines], np.int32),
        at=np.array([point[0] for point in at]),
        level=np.array([point[1] for point in at]),
        window=Window(
            np.array([value[line.value] for line in looking], np.int64),
            np.array([line.window_s for line in looking]),
            np.array([line.least for line in looking]),
        ),
        which=np.array([_place(line, looking) for line in lines], np.int64),
        weight=np.array([row[0] for row in rows]).reshape(len(rows), len(value)),
        by=np.array([row[1] for row in rows]).reshape(len(rows), known.width),
        bound=np.array([row[2] for row in rows]),
        price=np.array([_price(limit) for limit in sums]),
        cost=np.array([_price(line.limit) for line in lines]),
        idle=idle,
        run=run,
        switches=switches,
        member=member,
        most=np.array([group.most for group in groups], np.int64),
        kept=np.array([group.severity == "hard" for group in groups], np.bool_),
        decision_s=float(decision_s),
    )


def _row(limit: Linear | Barrier, known: Known) -> tuple[Doubles, Doubles, float]:
    """Return weights of values (D,), of signals and predicted states (M + X,), and the bound."""
    by = np.zeros(known.width)
    if isinstance(limit, Linear):
        value = {name: d for d, name in enumerate(known.values)}
        for name, weight in limit.signals.items():
            by[known.signals.index(name)] = weight
        return _weights([limit.values], value)[0], by, limit.bound
    if known.plant is None:
        msg = f"barrier '{limit.name}' without a model got this far"
        raise InvariantError(msg)
    row = row_of(limit, known.plant.affine, known.plant.names)
    by[len(known.signals) :] = row[1]
    return row[0], by, row[2]


def _price(limit: Constraint) -> float:
    """Return what a unit of breach costs: inf for a hard limit, NaN for one that is only noted."""
    return {"hard": np.inf, "soft": limit.price, "monitor": np.nan}[limit.severity]


def _place(line: Line, looking: Sequence[Line]) -> int:
    """Return where a line's window stands; -1 for none."""
    return next((w for w, other in enumerate(looking) if other is line), -1)


def _weights(sums: Sequence[Mapping[str, float]], place: Mapping[str, int]) -> Doubles:
    found = np.zeros((len(sums), len(place)))
    for r, weights in enumerate(sums):
        for name, weight in weights.items():
            found[r, place[name]] = weight
    return found


def _conflict(found: Compiled, values: Sequence[TanhGaussian]) -> Problem | None:
    """Return which hard limits leave no action whatever is measured, or None."""
    fixed: list[Constraint] = [
        limit for limit in found.intervals if isinstance(limit, Box) and limit.severity == "hard"
    ]
    fixed += [limit for limit in found.sums if not limit.signals and limit.severity == "hard"]
    fixed += [limit for limit in found.groups if limit.severity == "hard"]
    if _possible(fixed, values):
        return None
    together = _fewest(fixed, values)
    return _problem(
        " and ".join(f"limit '{limit.name}'" for limit in together),
        "no action keeps them: " + "; ".join(limit.explain() for limit in together),
        "limits that leave an action within the ranges of the values",
        "correct one of them",
    )


def _fewest(fixed: Sequence[Constraint], values: Sequence[TanhGaussian]) -> Sequence[Constraint]:
    """Return one limit, or a pair, that cannot be kept; else a set with none to spare."""
    for n in (1, 2):
        for together in combinations(fixed, n):
            if not _possible(together, values):
                return together
    left = list(fixed)
    for limit in fixed:
        others = [each for each in left if each is not limit]
        left = left if _possible(others, values) else others
    return left


def _possible(limits: Sequence[Constraint], values: Sequence[TanhGaussian]) -> bool:
    """Return whether some action within the values' ranges keeps boxes and sums."""
    place = {each.name: d for d, each in enumerate(values)}
    low, high = (np.array([getattr(each, side) for each in values]) for side in ("low", "high"))
    sums = [limit for limit in limits if isinstance(limit, Linear)]
    for limit in limits:
        if isinstance(limit, Box):
            d = place[limit.value]
            low[d], high[d] = max(low[d], limit.low), min(high[d], limit.high)
    for limit in limits:
        if isinstance(limit, Exclusive):
            run = sum(low[place[name]] > limit.idle for name in limit.values)
            if run > limit.most:
                return False
    own = Limits(
        low,
        high,
        np.array([max(each.high - each.low, 1e-300) for each in values]),
        _weights([limit.values for limit in sums], place),
        np.array([limit.bound for limit in sums]),
        np.full(len(sums), np.inf),
    )
    start, out = 0.5 * (low + high), np.empty(len(values))
    code = project(allocate(len(sums), len(values)), own, start, start, out)
    return bool(code != INFEASIBLE)
