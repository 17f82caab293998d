# SPDX-License-Identifier: MIT
"""Settings as TOML: every key is a field of a frozen dataclass, an unknown one is an error."""

import dataclasses
import re
import tomllib
import types
import typing
from collections.abc import Mapping
from pathlib import Path
from typing import Any, TypeVar

from flyball.core.errors import ConfigError, Problem, nearest

T = TypeVar("T")

BARE = re.compile(r"[A-Za-z0-9_-]+")


def read_toml(path: Path) -> dict[str, Any]:
    """Return the tables of a TOML file.

    Raises
    ------
    ConfigError
        When it cannot be read.
    """
    try:
        return tomllib.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise ConfigError(
            Problem(
                where=str(path),
                found=f"cannot be read ({error.strerror})",
                allowed="a TOML file",
                fix="check the path; configs/jobshop/ holds examples",
            )
        ) from error
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise ConfigError(
            Problem(where=str(path), found=str(error), allowed="TOML", fix="correct that line")
        ) from error


def build(kind: type[T], values: Mapping[str, Any], where: str) -> T:
    """Return a frozen settings record from plain tables; what is left out keeps its default.

    Parameters
    ----------
    kind
        A dataclass; fields that are dataclasses are tables.
    values
        As TOML gives them.
    where
        File and table, for messages: ``demo.toml [ppo]``.

    Raises
    ------
    ConfigError
        With every unknown key and wrong type of the tables at once.
    """
    problems: list[Problem] = []
    found = _build(kind, values, where, problems)
    if problems:
        raise ConfigError(problems)
    return typing.cast("T", found)


def _build(kind: Any, values: Mapping[str, Any], where: str, problems: list[Problem]) -> Any:
    hints = typing.get_type_hints(kind)
    names = [field.name for field in dataclasses.fields(kind)]
    arguments: dict[str, Any] = {}
    before = len(problems)
    for key, value in values.items():
        if key not in names:
            problems.append(
                Problem(
                    where=where,
                    found=f"unknown key '{key}'",
                    allowed=", ".join(names),
                    fix=nearest(key, names),
                )
            )
            continue
        hint = hints[key]
        if value == NONE and type(None) in typing.get_args(hint) and not fits(value, hint):
            arguments[key] = None
            continue
        place = f"{where.rstrip(']')}.{key}]" if where.endswith("]") else f"{where} [{key}]"
        if dataclasses.is_dataclass(hint) and isinstance(value, Mapping):
            arguments[key] = _build(hint, value, place, problems)
        elif not fits(value, hint):
            problems.append(
                Problem(
                    where=f"{where} {key}",
                    found=f"{value!r}",
                    allowed=words(hint),
                    fix="write a value of that kind, or leave the key out for the default",
                )
            )
        else:
            arguments[key] = tuple(value) if isinstance(value, list) else value
    if len(problems) > before:
        return None
    try:
        return kind(**arguments)
    except ConfigError as error:  # out of range: told with everything else that is wrong
        problems += error.problems
        return None


def fits(value: Any, hint: Any) -> bool:
    """Return whether a TOML value may stand for a field of this type."""
    origin, parts = typing.get_origin(hint), typing.get_args(hint)
    if origin in (typing.Union, types.UnionType):
        return any(fits(value, each) for each in parts)
    if origin is typing.Literal:
        return value in parts
    if origin is tuple:
        return isinstance(value, list | tuple) and all(fits(each, parts[0]) for each in value)
    if origin is not None:  # a mapping of names to numbers
        return isinstance(value, Mapping) and all(fits(each, parts[1]) for each in value.values())
    kinds = {float: int | float, int: int}.get(hint, hint)
    return isinstance(value, kinds) and (hint is bool or not isinstance(value, bool))


def words(hint: Any) -> str:
    """Return the words for what a field may hold."""
    if typing.get_origin(hint) is typing.Literal:
        return ", ".join(repr(each) for each in typing.get_args(hint))
    plain = {int: "a whole number", float: "a number", str: "text", bool: "true or false"}
    parts = typing.get_args(hint)
    if typing.get_origin(hint) in (typing.Union, types.UnionType):
        return " or ".join("none" if part is type(None) else words(part) for part in parts)
    if typing.get_origin(hint) is tuple:
        return f"[{words(parts[0])}, ...]"
    if typing.get_origin(hint) is Mapping:
        return f"a table of names, each with {words(parts[1])}"
    return plain.get(hint, str(hint))


def frozen(value: Any) -> Any:
    """Return a value with its lists as tuples, as settings hold them."""
    return tuple(frozen(each) for each in value) if isinstance(value, list | tuple) else value


def to_toml(record: Any) -> str:
    """Return a settings record as TOML that `build` reads back."""
    return toml(tables(record))


def tables(record: Any) -> dict[str, Any]:
    """Return a settings record as tables that `build` reads back.

    TOML has no word for None: where that is the default the key is left out, else it is "none".
    """
    found: dict[str, Any] = {}
    usual = type(record)()
    for field in dataclasses.fields(record):
        value = getattr(record, field.name)
        if dataclasses.is_dataclass(value):
            found[field.name] = tables(value)
        elif value is not None:
            found[field.name] = value
        elif getattr(usual, field.name) is not None:
            found[field.name] = NONE
    return found


NONE = "none"
"""How a file says that a setting with a default has no value."""


def toml(tables: Mapping[str, Any]) -> str:
    """Return tables as TOML; None is left out."""
    return "\n".join(_lines(tables, "")).strip() + "\n"


def _lines(table: Mapping[str, Any], name: str) -> list[str]:
    plain = {k: v for k, v in table.items() if not isinstance(v, Mapping) and v is not None}
    lines = [f"\n[{name}]"] if name and (plain or not table) else []
    lines += [f"{_key(key)} = {shown(value)}" for key, value in plain.items()]
    for key, value in table.items():
        if isinstance(value, Mapping):
            lines += _lines(value, f"{name}.{_key(key)}" if name else _key(key))
    return lines


def _key(key: str) -> str:
    return key if BARE.fullmatch(key) else f'"{key}"'


def shown(value: Any) -> str:
    """Return a value as TOML writes it; a table in one line."""
    if isinstance(value, Mapping):
        inside = ", ".join(f"{_key(key)} = {shown(each)}" for key, each in value.items())
        return f"{{ {inside} }}" if inside else "{}"
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, str):
        escaped = value.replace("\\", "\\\\").replace('"', '\\"')
        return f'"{escaped}"'
    if isinstance(value, list | tuple):
        return "[" + ", ".join(shown(each) for each in value) + "]"
    return repr(value)
