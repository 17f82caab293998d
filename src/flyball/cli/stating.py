# SPDX-License-Identifier: MIT
"""How limits are told: read from a file, checked against a plant, put in words."""

from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any, NamedTuple

from flyball.core.errors import ConfigError, Problem, nearest
from flyball.core.limits import KINDS, Constraint
from flyball.core.limits_file import limits_of, text_of
from flyball.core.spec import Signal, TanhGaussian
from flyball.safety import Plant, compiled
from flyball.worlds import classics

ROOM = "classics/"

MEANING = {
    "hard": "never broken",
    "soft": "broken at a price, and counted",
    "monitor": "counted only",
}
"""Every severity, in the order in which they are told."""

ANY_S = 1.0
"""Whether limits leave an action does not hang on the time between decisions."""


class Known(NamedTuple):
    """What a plant gives to a check."""

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
    return Known(own.limits, values, spec.signals, plant)


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


def in_words(limits: Sequence[Constraint], where: str) -> Iterator[str]:
    """Yield lines: every limit under its severity, with who stands behind the number."""
    yield f"{where}: good, {len(limits)} limit{'s' if len(limits) != 1 else ''}"
    for severity, meaning in MEANING.items():
        found = [limit for limit in limits if limit.severity == severity]
        if found:
            yield f"\n{severity}: {meaning}"
        for limit in found:
            yield f"  {limit.name}"
            yield f"      {limit.explain()}"
            yield from (f"      {line}" for line in behind(limit))
    bare = [limit.name for limit in limits if not (limit.source and limit.owner)]
    if bare:
        yield f"\nnote: without source or owner: {', '.join(bare)}"


def behind(limit: Constraint) -> Iterator[str]:
    """Yield the price of a limit and where its number comes from, as far as they are stated."""
    if limit.severity == "soft":
        yield f"price {limit.price:g} for each {limit.unit}"
    told = (("", limit.source), ("owner ", limit.owner), ("revision ", limit.revision))
    words = "; ".join(word + text for word, text in told if text)
    if words:
        yield words


def as_data(limits: Sequence[Constraint]) -> list[dict[str, Any]]:
    """Return limits as plain data."""
    kinds = {kind: name for name, kind in KINDS.items()}
    return [
        {
            "name": limit.name,
            "kind": kinds[type(limit)],
            "says": limit.explain(),
            "unit": limit.unit,
            "severity": limit.severity,
            "price": limit.price,
            "source": limit.source,
            "owner": limit.owner,
            "revision": limit.revision,
        }
        for limit in limits
    ]


def as_toml(limits: Sequence[Constraint]) -> str:
    """Return limits as a file."""
    return text_of(limits)
