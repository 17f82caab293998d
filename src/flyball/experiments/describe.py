# SPDX-License-Identifier: MIT
"""What can be set: every field of a settings record with its type, default and sentence."""

import ast
import dataclasses
import inspect
import textwrap
import typing
from dataclasses import fields
from itertools import pairwise
from typing import Any, NamedTuple

from flyball.experiments.settings import shown, words


class Setting(NamedTuple):
    """One key that a file or ``--set`` may give."""

    key: str  # as it is written: ppo.clip
    kind: str
    default: str
    sentence: str


def settings_of(record: Any, table: str = "") -> list[Setting]:
    """Return the settings of a record in order, those of its tables with their names.

    Parameters
    ----------
    record
        A frozen dataclass that holds the defaults; the sentence of a field is the text below it in
        the source.
    table
        Name of the table in front of every key; empty: none.
    """
    sentences, hints = sentences_of(type(record)), typing.get_type_hints(type(record))
    found = []
    for field in fields(record):
        key = f"{table}.{field.name}" if table else field.name
        value = getattr(record, field.name)
        if dataclasses.is_dataclass(value):
            found += settings_of(value, key)
        else:
            default = "none" if value is None else shown(value)
            sentence = sentences.get(field.name, "")
            found.append(Setting(key, words(hints[field.name]), default, sentence))
    return found


def values_of(record: Any, table: str) -> dict[str, Any]:
    """Return the values of a record by their full keys; tables in it are left out."""
    return {f"{table}.{field.name}": getattr(record, field.name) for field in fields(record)}


def sentences_of(kind: type) -> dict[str, str]:
    """Return the first paragraph of the text below each field of a class, by field."""
    found: dict[str, str] = {}
    for each in reversed(kind.__mro__[:-1]):
        (body,) = ast.parse(textwrap.dedent(inspect.getsource(each))).body
        statements = body.body if isinstance(body, ast.ClassDef) else []
        for field, text in pairwise(statements):
            if not (isinstance(field, ast.AnnAssign) and isinstance(field.target, ast.Name)):
                continue
            if isinstance(text, ast.Expr) and isinstance(text.value, ast.Constant):
                first = inspect.cleandoc(str(text.value.value)).split("\n\n")[0]
                found[field.target.id] = " ".join(first.split())
    return found
