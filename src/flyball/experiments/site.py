# SPDX-License-Identifier: MIT
"""The limits of a site: read from a file, put beside a plant's own, checked before anything runs.

Two questions are asked. Can the limits be kept together at all? And which of the hard ones would a
Shield with a gate refuse, because no proof says that the backup keeps them?
"""

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import NamedTuple

from flyball.core.errors import ConfigError, FlyballError, Problem, nearest
from flyball.core.limits import Clamp, Constraint
from flyball.core.limits_file import limits_of
from flyball.core.spec import Signal, TanhGaussian
from flyball.experiments import proofs
from flyball.safety import Plant, Shield, compiled
from flyball.worlds import classics

ROOM = "classics/"

ANY_S = 1.0
"""Whether limits leave an action does not hang on the time between decisions."""


class Known(NamedTuple):
    """What a plant gives to a check."""

    problem: str
    """Its own name: ``two-tanks``."""

    limits: tuple[Constraint, ...]
    values: list[TanhGaussian]
    signals: tuple[Signal, ...]
    plant: Plant | None


def read(path: Path) -> tuple[Constraint, ...]:
    """Return the limits of a file.

    Raises
    ------
    ConfigError
        When it cannot be read, and with everything that is wrong with it.
    """
    try:
        text = path.read_bytes().decode("utf-8-sig")
    except OSError as error:
        found = f"cannot be read ({error.strerror})"
    except UnicodeDecodeError as error:
        line = error.object.count(b"\n", 0, error.start) + 1
        found = f"no UTF-8 text (line {line})"
    else:
        return limits_of(text, str(path))
    raise ConfigError(
        Problem(
            where=str(path),
            found=found,
            allowed="a TOML file in UTF-8",
            fix="check the path; configs/limits/ holds examples",
        )
    )


def surroundings(world: str) -> Known:
    """Return what a problem knows of its own limits, values and signals.

    Raises
    ------
    ConfigError
        When there is no such problem.
    """
    names = [f"{ROOM}{name}" for name in classics.NAMES]
    if world not in names:
        raise ConfigError(
            Problem(
                where="--world",
                found=f"'{world}'",
                allowed=", ".join(names),
                fix=nearest(world, names),
            )
        )
    name = world.removeprefix(ROOM)
    own, spec = classics.envelope(name), classics.scenario(name).spec
    values = [head for kind in spec.kinds for head in kind.heads if isinstance(head, TanhGaussian)]
    plant = Plant(own.affine, own.signals) if own.affine is not None else None
    return Known(name, own.limits, values, spec.signals, plant)


def together(stated: Sequence[Constraint], own: Sequence[Constraint]) -> tuple[Constraint, ...]:
    """Return limits of a file and of a plant; one that both state the same stands once."""
    return (*stated, *(limit for limit in own if limit not in stated))


def check(limits: Sequence[Constraint], known: Known, where: str) -> None:
    """Refuse limits that name what is not there, or leave no action.

    Raises
    ------
    ConfigError
        With every problem, or the fewest limits that cannot be kept together.
    """
    try:
        compiled(limits, known.values, known.signals, ANY_S, known.plant)
    except ConfigError as error:
        raise ConfigError(
            [replace(each, where=f"{where}: {each.where}") for each in error.problems]
        ) from None


def unproved(limits: Sequence[Constraint], known: Known) -> tuple[Problem, ...]:
    """Return why a Shield with a gate would refuse limits that can be kept; nothing where it works.

    The proof itself is asked, or the Shield where there is none. Of a plant that states nothing of
    its safety there is nothing to prove, and a Shield has no gate there.
    """
    own = classics.envelope(known.problem)
    nothing = own.model is None and own.finite is None and own.bodies is None
    if nothing or not any(_asks(limit) for limit in limits if limit not in own.limits):
        return ()
    problem = classics.scenario(known.problem)
    try:
        if own.bodies is None:
            proofs.safe(known.problem, limits=limits)
        else:
            Shield(problem.spec, own, n_envs=1, step_s=problem.step_s, limits=limits)
    except FlyballError as error:
        return error.problems
    return ()


def _asks(limit: Constraint) -> bool:
    """Return whether a backup has to keep a limit."""
    return limit.severity == "hard" and not isinstance(limit, Clamp)
