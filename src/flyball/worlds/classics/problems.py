# SPDX-License-Identifier: MIT
"""Every problem by its name, whether it can be broken or not: small problems and guarded plants."""

from flyball.core.envelope import Envelope
from flyball.core.errors import ConfigError, Problem, nearest
from flyball.core.protocols import Policy
from flyball.worlds.classics import catalogue, guarded
from flyball.worlds.classics.baselines import policies as small_policies
from flyball.worlds.classics.env import Classic
from flyball.worlds.classics.env import make as make_small
from flyball.worlds.classics.guarded import Guarded
from flyball.worlds.classics.optimum import Known
from flyball.worlds.classics.optimum import known as small_known
from flyball.worlds.classics.scenario import Scenario
from flyball.worlds.classics.view import Picture
from flyball.worlds.classics.view import picture as small_picture

NAMES: tuple[str, ...] = (*catalogue.NAMES, *guarded.NAMES)

PROBLEMS = {**catalogue.PROBLEMS, **guarded.PROBLEMS}


def _is_guarded(name: str) -> bool:
    """Return whether a problem can be broken; raise ConfigError where there is none."""
    if name not in NAMES:
        raise ConfigError(
            Problem(
                where="classics problem",
                found=f"'{name}'",
                allowed=", ".join(NAMES),
                fix=nearest(name, NAMES),
            )
        )
    return name in guarded.NAMES


def scenario(name: str, **settings: object) -> Scenario | guarded.Scenario:
    """Return a problem of this world.

    Parameters
    ----------
    name
        One of NAMES.
    settings
        Of that problem; `docs/worlds/classics.md` and `docs/worlds/guarded.md` list them. None:
        the problem as published.

    Raises
    ------
    ConfigError
        For a name or a setting that does not exist, or a value out of range.
    """
    if _is_guarded(name):
        return guarded.scenario(name, **settings)
    return catalogue.scenario(name, **settings)


def make(name: str, n_envs: int, **settings: object) -> Classic | Guarded:
    """Return `n_envs` copies of the problem called `name` (see `scenario`)."""
    if _is_guarded(name):
        return guarded.make(name, n_envs, **settings)
    return make_small(name, n_envs, **settings)


def policies(name: str, **settings: object) -> dict[str, Policy]:
    """Return the baselines of a problem by name: random, constant, then rules, the strongest last.

    Parameters
    ----------
    name, settings
        As for `scenario`; a rule may know the settings, as an engineer would.
    """
    if _is_guarded(name):
        return guarded.policies(name, **settings)
    return small_policies(name, **settings)


def known(name: str, **settings: object) -> tuple[Known, ...]:
    """Return what is known of a problem; empty where nothing is (see `scenario`)."""
    if _is_guarded(name):
        return guarded.known(name, **settings)
    return small_known(name, **settings)


def envelope(name: str, **settings: object) -> Envelope:
    """Return what is known about the safety of a problem: nothing where nothing can be broken."""
    if _is_guarded(name):
        return guarded.envelope(guarded.scenario(name, **settings))
    return Envelope()


def picture(env: Classic | Guarded, row: int) -> Picture:
    """Return what a drawing of one row shows.

    Parameters
    ----------
    env
        Is not changed.
    row
        0 to B - 1.
    """
    return guarded.picture(env, row) if isinstance(env, Guarded) else small_picture(env, row)
