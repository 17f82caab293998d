# SPDX-License-Identifier: MIT
"""Every problem by its name."""

from flyball.core.errors import ConfigError, Problem, nearest
from flyball.worlds.classics import mazes, plants, tables, teams
from flyball.worlds.classics.scenario import Recipe, Scenario, settings_of

PROBLEMS: dict[str, Recipe] = {
    **plants.PROBLEMS,
    **mazes.PROBLEMS,
    **tables.PROBLEMS,
    **teams.PROBLEMS,
}

NAMES: tuple[str, ...] = tuple(PROBLEMS)


def scenario(name: str, **settings: object) -> Scenario:
    """Return a problem of this world.

    Parameters
    ----------
    name
        One of NAMES.
    settings
        Of that problem; `docs/worlds/classics.md` lists them. None: the published problem.

    Raises
    ------
    ConfigError
        For a name or a setting that does not exist, or a value out of range.
    """
    if name not in PROBLEMS:
        raise ConfigError(
            Problem(
                where="classics problem",
                found=f"'{name}'",
                allowed=", ".join(NAMES),
                fix=nearest(name, NAMES),
            )
        )
    recipe = PROBLEMS[name]
    return recipe.build(name, settings_of(name, recipe, settings))
