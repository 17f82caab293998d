# SPDX-License-Identifier: MIT
"""Limits as TOML that people keep: a table a limit, unit and source beside the numbers.

Pure: text in, records out, and back; who asks reads and writes the file. What a number may be is
for the records to judge, here stands what they never see: keys, kinds and types. Every problem of a
text is told at once, with the table it is in.
"""

import dataclasses
import json
import re
import reprlib
import tomllib
import typing
from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any, Literal, NamedTuple

from flyball.core.errors import ConfigError, InvariantError, Problem, nearest
from flyball.core.limits import KINDS, Constraint, Points

LIMITS = "limits"
"""The only key of a file: an array of tables."""

COMMON = tuple(field.name for field in dataclasses.fields(Constraint))
BARE = re.compile(r"[A-Za-z0-9_-]+")
LINE = re.compile(r" \(at (?:line (\d+), column (\d+)|end of document)\)$")


def limits_of(text: str, file: str) -> tuple[Constraint, ...]:
    """Return the limits that a TOML text states, in its order.

    Parameters
    ----------
    text
        ``[[limits]]`` tables: ``kind`` is one of `KINDS`, the other keys are the fields of its
        record.
    file
        What messages call it.

    Raises
    ------
    ConfigError
        With everything that is wrong: no TOML, unknown keys and kinds, what is missing, of another
        type, not finite where it must be, out of range, or of a name that was used before.
    """
    found, problems, first = list[Constraint](), list[Problem](), dict[str, int]()
    for number, table in enumerate(_tables(text, file, problems), start=1):
        name = table.get("name")
        own = name if isinstance(name, str) else ""
        place = f"{file}: [[{LIMITS}]] {number}" + (f" '{own}'" if own else "")
        if own and first.setdefault(own, number) != number:
            taken = f"the name of [[{LIMITS}]] {first[own]}"
            problems.append(_problem(f"{place} name", taken, "unique names", "rename one"))
        limit = _limit(table, place, problems)
        found += [limit] if limit is not None else []
    if problems:
        raise ConfigError(problems)
    return tuple(found)


def text_of(limits: Iterable[Constraint]) -> str:
    """Return limits as TOML that `limits_of` reads back; the same limits give the same text.

    Severity and unit are always written, other settings where they are not what is usual.
    """
    return "\n".join(_written(limit) for limit in limits) or f"{LIMITS} = []\n"


def _problem(where: str, found: str, allowed: str, fix: str) -> Problem:
    return Problem(where=where, found=found, allowed=allowed, fix=fix)


def _tables(text: str, file: str, problems: list[Problem]) -> list[dict[str, Any]]:
    """Return the tables of a text; what is wrong above them is added to the problems."""
    try:
        tables = tomllib.loads(text)
    except (ValueError, RecursionError) as error:  # tomllib's own error is a ValueError
        at = LINE.search(str(error))
        line = f" line {at[1]}, column {at[2]}" if at and at[1] else ""
        reason = LINE.sub("", str(error)) + (" at the end" if at and not at[1] else "")
        problems.append(_problem(f"{file}{line}", reason, "TOML", "correct that line"))
        return []
    for key in tables.keys() - {LIMITS}:
        problems.append(
            _problem(file, f"unknown key '{key}'", f"[[{LIMITS}]] tables", nearest(key, [LIMITS]))
        )
    found = tables.get(LIMITS)
    if not isinstance(found, list) or not all(isinstance(each, dict) for each in found):
        what = "nothing" if found is None else f"'{LIMITS}' of another form"
        allowed = f"[[{LIMITS}]] tables, or {LIMITS} = [] for none"
        problems.append(_problem(file, what, allowed, f"begin every limit with [[{LIMITS}]]"))
        return []
    return found


def _limit(table: Mapping[str, Any], place: str, problems: list[Problem]) -> Constraint | None:
    """Return what a table states, or None with what is wrong added to the problems."""
    kind = KINDS.get(str(table.get("kind")))
    if kind is None:
        written = table.get("kind")
        found = "nothing" if written is None else reprlib.repr(written)
        fix = nearest(str(written), list(KINDS))
        problems.append(_problem(f"{place} kind", found, ", ".join(KINDS), fix))
        return None
    fields = {field.name: field for field in dataclasses.fields(kind)}
    wrong = [_unknown(place, key, list(fields)) for key in table.keys() - fields.keys() - {"kind"}]
    problems += sorted(wrong, key=lambda each: each.found)
    # Without a name or a unit the record itself says what is missing, and all else that it sees.
    settings: dict[str, Any] = {"name": "", "unit": ""}
    before = len(problems)
    for key, hint in typing.get_type_hints(kind).items():
        if key in table and key in fields:
            try:
                settings[key] = FORMS[hint].read(table[key])
            except (TypeError, ValueError, OverflowError):
                problems.append(_unfit(f"{place} {key}", reprlib.repr(table[key]), hint))
        elif key in fields and key not in settings and _needed(fields[key]):
            problems.append(_unfit(f"{place} {key}", "nothing", hint))
    if len(problems) > before:
        return None
    try:
        return kind(**settings)
    except ConfigError as error:
        own = f"limit '{settings['name']}' "
        problems += [
            dataclasses.replace(each, where=f"{place} {each.where.removeprefix(own)}")
            for each in error.problems
        ]
        return None


def _needed(field: dataclasses.Field[Any]) -> bool:
    missing = dataclasses.MISSING
    return field.default is missing and field.default_factory is missing


def _unknown(place: str, key: str, names: list[str]) -> Problem:
    return _problem(
        place, f"unknown key '{key}'", ", ".join(["kind", *names]), nearest(key, ["kind", *names])
    )


def _unfit(where: str, found: str, hint: Any) -> Problem:
    form = FORMS[hint]
    return _problem(where, found, form.words, f"write for example {form.example}")


def _text(value: object) -> str:
    if not isinstance(value, str):
        raise TypeError
    return value


def _number(value: object) -> float:
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise TypeError
    return float(value)


def _whole(value: object) -> int:
    if isinstance(value, bool) or not isinstance(value, int):
        raise TypeError
    return value


def _listed(value: object) -> list[Any]:
    if not isinstance(value, list):
        raise TypeError
    return value


def _names(value: object) -> tuple[str, ...]:
    return tuple(_text(each) for each in _listed(value))


def _weights(value: object) -> dict[str, float]:
    if not isinstance(value, dict):
        raise TypeError
    return {name: _number(weight) for name, weight in value.items()}


def _points(value: object) -> Points:
    found = list[tuple[float, float]]()
    for point in _listed(value):
        x, y = map(_number, _listed(point))  # another number of numbers is a ValueError
        found.append((x, y))
    return tuple(found)


class Form(NamedTuple):
    """How a type of field is written."""

    words: str
    example: str
    read: Callable[[object], Any]


def _one_of(hint: Any) -> Form:
    """Return the form of a field that holds one of a few words."""
    words = typing.get_args(hint)

    def read(value: object) -> str:
        if value not in words:
            raise ValueError
        return str(value)

    return Form(" or ".join(f'"{word}"' for word in words), f'"{words[0]}"', read)


FORMS: Mapping[Any, Form] = {
    str: Form("text in quotes", '"..."', _text),
    float: Form("a number", "1.0", _number),
    int: Form("a whole number", "1", _whole),
    tuple[str, ...]: Form("a list of names", '["a", "b"]', _names),
    Mapping[str, float]: Form("a table of names, each with a number", "{ a = 1.0 }", _weights),
    Points: Form("a list of points, two numbers each", "[[0.0, 10.0], [5.0, 20.0]]", _points),
} | {
    hint: _one_of(hint)
    for kind in KINDS.values()
    for hint in typing.get_type_hints(kind).values()
    if typing.get_origin(hint) is Literal
}
"""By the type of a field."""


def _written(limit: Constraint) -> str:
    """Return the table of a limit."""
    kind = next((name for name, each in KINDS.items() if each is type(limit)), None)
    if kind is None:
        msg = f"{type(limit).__name__} is no kind of limit that a file knows"
        raise InvariantError(msg)
    lines = [f"[[{LIMITS}]]", f"name = {_shown(limit.name)}", f'kind = "{kind}"']
    lines += [f"{key} = {_shown(value)}" for key, value in _settings(limit)]
    return "\n".join(lines) + "\n"


def _settings(limit: Constraint) -> Iterator[tuple[str, Any]]:
    """Yield what is written besides name and kind: its own settings, unit, then the rest."""
    fields = {field.name: field for field in dataclasses.fields(limit)}
    own = [key for key in fields if key not in COMMON]
    for key in (*own, "unit", "source", "owner", "revision", "severity", "price"):
        field, value = fields[key], getattr(limit, key)
        made = field.default_factory
        usual = field.default if made is dataclasses.MISSING else made()
        if key in ("unit", "severity") or value != usual:
            yield key, value


def _shown(value: Any) -> str:
    """Return a value as TOML writes it in one line."""
    if isinstance(value, str):
        # JSON's text is TOML's but for one character.
        return json.dumps(value, ensure_ascii=False).replace("\x7f", "\\u007f")
    if isinstance(value, Mapping):
        inside = [f"{_key(key)} = {_shown(each)}" for key, each in value.items()]
        return f"{{ {', '.join(inside)} }}" if inside else "{}"
    if isinstance(value, list | tuple):
        return f"[{', '.join(map(_shown, value))}]"
    number = float(value)
    plain = number.is_integer() and abs(number) < 1e15 and str(number) != "-0.0"
    return str(int(number)) if plain else repr(number)


def _key(key: str) -> str:
    return key if BARE.fullmatch(key) else _shown(key)
