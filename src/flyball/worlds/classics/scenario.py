# SPDX-License-Identifier: MIT
"""One problem of this world as frozen data, and how its settings are read."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, fields
from typing import Any, Literal

from flyball.core.batch import Doubles
from flyball.core.errors import ConfigError, Problem, nearest
from flyball.core.spec import AgentKind, Feature, Kpi, Objective, Spec

Family = Literal["control", "grids", "games", "particles", "foraging"]
"""Problems of one family share their kernels; `params[0]` says which of them it is."""

KPIS = (
    Kpi("return", "reward", "max", "undiscounted sum of objective 0, mean over agents"),
    Kpi("length_steps", "steps", "max", "steps of the episode"),
)

REWARD = Objective("return", "reward", "max")


@dataclass(frozen=True, kw_only=True)
class Scenario:
    """The fixed data of one problem."""

    name: str
    family: Family
    params: Doubles  # (P,) what the kernels of the family read; params[0] is the problem's number
    spec: Spec
    n_real: int
    """X, length of the problem's own real state."""
    n_whole: int
    """Y, length of the problem's own whole state."""
    time_limit: int
    """Steps after which an episode is truncated, at least 1."""
    step_s: float = 1.0
    """Simulated seconds of a step; 1 where the problem has no clock."""
    summed: bool = False
    """Whether the KPI `return` sums over agents instead of taking their mean."""

    @property
    def share(self) -> float:
        """What a reward of one agent adds to the episode's return."""
        return 1.0 if self.summed else 1.0 / self.spec.n_agents


@dataclass(frozen=True)
class Recipe:
    """How a problem comes from its settings."""

    settings: type[Any]
    """A frozen dataclass whose defaults are the published problem."""
    build: Callable[[str, Any], Scenario]
    """From name and settings; raises ConfigError for settings out of range."""


def features(*columns: tuple[str, str, float, float]) -> tuple[Feature, ...]:
    """Return features from (name, unit, low, high)."""
    return tuple(Feature(*column) for column in columns)


def describe(
    name: str,
    kinds: tuple[AgentKind, ...],
    *,
    objectives: tuple[Objective, ...] = (REWARD,),
    state: tuple[Feature, ...] = (),
) -> Spec:
    """Return the Spec of a problem of this world."""
    return Spec(
        world=f"classics/{name}",
        version=1,
        kinds=kinds,
        objectives=objectives,
        kpis=KPIS,
        state=state,
    )


def require(
    met: bool,  # noqa: FBT001
    where: str,
    found: object,
    allowed: str,
    fix: str,
) -> None:
    """Raise ConfigError unless `met`.

    Parameters
    ----------
    met
        Whether the setting may stand.
    where
        ``<problem>.<setting>``.
    found, allowed, fix
        As in `core.errors.Problem`.
    """
    if not met:
        raise ConfigError(Problem(where=where, found=str(found), allowed=allowed, fix=fix))


def settings_of(name: str, recipe: Recipe, given: Mapping[str, object]) -> Any:
    """Return the settings of a problem; raise ConfigError for every key or type that is wrong."""
    known = {field.name: field.default for field in fields(recipe.settings)}
    problems = []
    for key, value in given.items():
        if key not in known:
            unknown = Problem(
                where=f"{name}.{key}",
                found=f"an unknown setting, value {value!r}",
                allowed=", ".join(known) or "no settings",
                fix=nearest(key, list(known)) if known else "leave it out",
            )
            problems.append(unknown)
        elif (allowed := _wanted(known[key])) and not _fits(value, known[key]):
            wrong = Problem(
                where=f"{name}.{key}",
                found=repr(value),
                allowed=allowed,
                fix=f"leave it out for {known[key]!r}",
            )
            problems.append(wrong)
    if problems:
        raise ConfigError(problems)
    return recipe.settings(**given)


def _wanted(default: object) -> str:
    """Return in words what may stand in the place of a default; empty where it does not tell."""
    names = {bool: "true or false", int: "a whole number", float: "a number", str: "a text"}
    return names.get(type(default), "a list" if isinstance(default, tuple) else "")


def _fits(value: object, default: object) -> bool:
    if isinstance(default, tuple):
        return isinstance(value, tuple | list)
    if isinstance(default, float):
        return type(value) in (int, float)
    return type(value) is type(default)
