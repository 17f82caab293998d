# SPDX-License-Identifier: MIT
"""What each actuator does while the plant is stopped: hold, go somewhere at once, or on a ramp.

D values. Nothing moves faster than hard rates allow, and nowhere but where hard limits allow now;
where those exclude each other, or nobody knows them, what is said here counts alone.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from flyball.core.batch import Doubles
from flyball.core.errors import ConfigError, Problem, nearest
from flyball.core.limits import Box, Clamp, Constraint, Rate
from flyball.core.spec import TanhGaussian


@dataclass(frozen=True)
class Hold:
    """Stays where it was applied last."""


@dataclass(frozen=True)
class GoTo:
    """Goes to a value at once, or as fast as hard rates allow."""

    value: float
    """Native units."""


@dataclass(frozen=True)
class Ramp:
    """Goes to a value at a steady rate."""

    value: float
    """Native units."""

    rate_per_s: float
    """Native units per second, above 0."""


SafeAction = Hold | GoTo | Ramp


class Actuators:
    """The safe actions of all values."""

    def __init__(
        self,
        actions: Mapping[str, SafeAction],
        values: Sequence[TanhGaussian],
        limits: Sequence[Constraint] = (),
    ) -> None:
        """Check the actions.

        Parameters
        ----------
        actions
            One for each value, by its name.
        values
            The continuous heads.
        limits
            Hard boxes and rates among them bind the actions too.

        Raises
        ------
        ConfigError
            With every action that is missing or cannot be.
        """
        problems = list(_faults(actions, values, limits))
        if problems:
            raise ConfigError(problems)
        own = [actions[each.name] for each in values]
        self._target = np.array(
            [np.nan if isinstance(action, Hold) else action.value for action in own]
        )
        self._rate = np.array(
            [action.rate_per_s if isinstance(action, Ramp) else np.inf for action in own]
        )
        paces = [_paces(each, limits) for each in values]
        self._step = np.array([pace[:2] for pace in paces]).reshape(-1, 2).T
        self._pace = np.array([pace[2:] for pace in paces]).reshape(-1, 2).T

    def safe(self, last: Doubles, passed_s: float, low: Doubles, high: Doubles) -> Doubles:
        """Return (D,) what to write now.

        Parameters
        ----------
        last
            (D,) applied last; NaN where nobody knows.
        passed_s
            Time since then, s; what is no number, or below 0, counts as none.
        low, high
            (D,) what hard limits allow now; infinite or NaN: nobody knows.

        Returns
        -------
        (D,)
            Finite wherever `last` is. NaN is for an actuator that holds or ramps from a place that
            nobody knows: write nothing to it.
        """
        elapsed_s = passed_s if 0.0 < passed_s < np.inf else 0.0
        pace = np.minimum(self._rate, self._pace)
        known, moves = np.isfinite(last), np.isfinite(self._target)
        start = np.where(known, last, 0.0)
        with np.errstate(over="ignore", invalid="ignore"):
            # Infinite paces stay so when no time has passed.
            ways = np.fmin(np.where(pace < np.inf, pace * elapsed_s, np.inf), self._step)
            moved = np.clip(np.where(moves, self._target, start), start - ways[0], start + ways[1])
        # From a place that nobody knows one can only go at once.
        moved = np.where(known, moved, np.where(self._rate == np.inf, self._target, np.nan))
        bound = np.where(low <= high, np.clip(moved, low, high), moved)
        found: Doubles = np.where(np.isfinite(bound), bound, moved)
        return found


def _faults(
    actions: Mapping[str, SafeAction], values: Sequence[TanhGaussian], limits: Sequence[Constraint]
) -> Iterator[Problem]:
    """Yield what is missing, unknown or impossible."""
    names = [each.name for each in values]
    for name in actions:
        if name not in names:
            allowed = ", ".join(names) or "none"
            yield _problem(name, "no value of this name", allowed, nearest(name, names))
    for each in values:
        if each.name not in actions:
            fix = "say hold, go to or ramp for it"
            yield _problem(each.name, "nothing", "a safe action for every value", fix)
            continue
        action = actions[each.name]
        if isinstance(action, Hold):
            continue
        low, high = _ends(each, limits)
        if not low <= action.value <= high:
            allowed = f"{low:g} to {high:g} {each.unit}, its range and its hard limits"
            found = f"{action.value:g} {each.unit}"
            yield _problem(each.name, found, allowed, "choose a value in between")
        rate = min(_paces(each, limits)[2:])
        if isinstance(action, Ramp) and not 0.0 < action.rate_per_s <= min(rate, 1e300):
            most = f" and at most {rate:g}, its hard limit" if rate < np.inf else " and finite"
            found, allowed = f"{action.rate_per_s:g} {each.unit} a second", f"above 0{most}"
            yield _problem(each.name, found, allowed, "choose a rate in between")


def _ends(value: TanhGaussian, limits: Sequence[Constraint]) -> tuple[float, float]:
    """Return lowest and highest value; operators' clamps come and go, so they do not count."""
    boxes = [
        limit
        for limit in limits
        if isinstance(limit, Box) and not isinstance(limit, Clamp)
        if limit.severity == "hard" and limit.value == value.name
    ]
    low = max([value.low, *(box.low for box in boxes)])
    return low, min([value.high, *(box.high for box in boxes)])


def _paces(value: TanhGaussian, limits: Sequence[Constraint]) -> tuple[float, ...]:
    """Return the longest ways down and up in a decision, and the fastest in a second.

    Half of what may be moved within a window is moved in its length: the window also holds the
    first value that is left in it, whenever that came to be.
    """
    found: tuple[float, ...] = (np.inf, np.inf, np.inf, np.inf)
    none = (np.inf, np.inf)
    for limit in limits:
        if not isinstance(limit, Rate) or limit.severity != "hard" or limit.value != value.name:
            continue
        own = (limit.fall, limit.rise)
        half = (limit.fall / 2.0, limit.rise / 2.0)
        ways = {
            "decision": (*own, *none),
            "second": (*none, *own),
            "window": (*half, *(x / max(limit.window_s, 1e-300) for x in half)),
        }[limit.each]
        found = tuple(min(x, y) for x, y in zip(found, ways, strict=True))
    return found


def _problem(name: str, found: str, allowed: str, fix: str) -> Problem:
    return Problem(where=f"safe action of {name}", found=found, allowed=allowed, fix=fix)
