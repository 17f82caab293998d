# SPDX-License-Identifier: MIT
"""Settings from several places: a file, ``--set ppo.clip=0.1`` over it, and options over both."""

import tomllib
from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any, TypeVar

from flyball.core.errors import ConfigError, Problem
from flyball.experiments.settings import read_toml

T = TypeVar("T")

Tables = dict[str, Any]

Sources = list[tuple[str, Tables]]
"""(what messages call it, its tables); a later one holds over those before it."""

WHERE = "--set"
"""What messages call the place of these settings."""


def tables_of(changes: Iterable[str]) -> Tables:
    """Return the tables that ``table.key=value`` texts stand for; a later one wins.

    Parameters
    ----------
    changes
        A value is written as in TOML; what TOML cannot read is text: ``signal=best``.

    Raises
    ------
    ConfigError
        With every text that has another form, or that makes a table of a value.
    """
    found: Tables = {}
    problems = [problem for change in changes if (problem := _take(found, change))]
    if problems:
        raise ConfigError(problems)
    return found


def sources_of(file: Path | None, changes: Sequence[str], options: Mapping[str, Any]) -> Sources:
    """Return where settings come from; an option that is None was not given.

    Raises
    ------
    ConfigError
        When the file cannot be read, a change has another form, or a change and an option give one
        key two values.
    """
    above = tables_of(changes)
    given = {key: value for key, value in options.items() if value is not None}
    twice = [
        Problem(
            where=f"{WHERE} {key}",
            found=f"{above[key]!r}, and {value!r} as an option",
            allowed="one of the two",
            fix="leave one out",
        )
        for key, value in given.items()
        if key in above
    ]
    if twice:
        raise ConfigError(twice)
    found: Sources = [(str(file), read_toml(file))] if file is not None else []
    found += [(WHERE, above)] if above else []
    return found + ([("options", given)] if given else [])


def read(sources: Sources, reader: Callable[[Tables, str], T]) -> T:
    """Return what a reader makes of all tables together.

    Each source is read by itself first, so that a problem is told with its own place.

    Raises
    ------
    ConfigError
        With the problems of every source, or of what they say together.
    """
    problems: list[Problem] = []
    for where, tables in sources:
        try:
            reader(tables, where)
        except ConfigError as error:
            problems += [each for each in error.problems if each not in problems]
    if problems:
        raise ConfigError(problems)
    return reader(whole(sources), " with ".join(where for where, _ in sources) or "settings")


def whole(sources: Sources) -> Tables:
    """Return the tables of all sources together."""
    merged: Tables = {}
    for _, tables in sources:
        merged = laid_over(merged, tables)
    return merged


def _take(tables: Tables, change: str) -> Problem | None:
    """Put one change into the tables; return what is wrong with it, if anything."""
    name, equals, text = change.partition("=")
    path = [part.strip() for part in name.split(".")]
    if not equals or not all(path):
        return _malformed(change, "no key and value")
    place = tables
    for part in path[:-1]:
        place = place.setdefault(part, {})
        if not isinstance(place, dict):
            return _malformed(change, f"'{part}' was given a value before")
    if isinstance(place.get(path[-1]), dict):
        return _malformed(change, f"'{path[-1]}' was used as a table before")
    place[path[-1]] = value_of(text.strip())
    return None


def _malformed(change: str, found: str) -> Problem:
    return Problem(
        where=f"{WHERE} {change}",
        found=found,
        allowed="table.key=value, each key with one value",
        fix="write for example --set ppo.clip=0.1 --set net.hidden=[64,64] --set seed=3",
    )


def value_of(text: str) -> Any:
    """Return what a value's text says in TOML, or the text itself where that is no TOML."""
    try:
        return tomllib.loads(f"value = {text}")["value"]
    except tomllib.TOMLDecodeError:
        return text


def laid_over(below: Mapping[str, Any], above: Mapping[str, Any]) -> Tables:
    """Return the tables of both, key by key; where both say something, `above` holds."""
    merged = dict(below)
    for key, value in above.items():
        under = merged.get(key)
        both = isinstance(value, Mapping) and isinstance(under, Mapping)
        merged[key] = laid_over(under, value) if both else value  # type: ignore[arg-type]
    return merged
