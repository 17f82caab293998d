# SPDX-License-Identifier: MIT
"""Every guarded plant by its name."""

from typing import Any

from flyball.core.errors import ConfigError, Problem, nearest
from flyball.worlds.classics.guarded import boards, crossings, plants
from flyball.worlds.classics.guarded.scenario import Recipe, Scenario
from flyball.worlds.classics.scenario import settings_of

PROBLEMS: dict[str, Recipe] = {
    **plants.PROBLEMS,
    **boards.PROBLEMS,
    **crossings.PROBLEMS,
}

NAMES: tuple[str, ...] = tuple(PROBLEMS)


def scenario(name: str, **settings: object) -> Scenario:
    """Return a guarded plant (see `flyball.worlds.classics.catalogue.scenario`)."""
    if name not in PROBLEMS:
        raise ConfigError(
            Problem(
                where="guarded plant",
                found=f"'{name}'",
                allowed=", ".join(NAMES),
                fix=nearest(name, NAMES),
            )
        )
    recipe = PROBLEMS[name]
    read: Any = recipe  # only its settings are looked at, and those are of the same kind
    return recipe.build(name, settings_of(name, read, settings))
