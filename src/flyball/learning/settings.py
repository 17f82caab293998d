# SPDX-License-Identifier: MIT
"""The one sentence that refuses a setting, and the ranges that settings may have."""

import dataclasses
from collections.abc import Callable, Mapping, Sequence
from math import inf
from typing import Any

from flyball.core.errors import ConfigError, Problem

EPISODE_STRIDE = 1_000_003
"""Draws of step t in iteration i are named i * EPISODE_STRIDE + t: no episode is that long."""


def require(where: str, found: object, allowed: str, *, ok: bool, usual: str) -> None:
    """Raise ConfigError unless `ok`.

    Parameters
    ----------
    where
        The setting's full name, ``ppo.clip``.
    found
        Its value.
    allowed
        In words, ``in (0, 1)``.
    ok
        Whether the value is allowed.
    usual
        What people take.
    """
    if not ok:
        raise ConfigError(
            Problem(
                where=where, found=str(found), allowed=allowed, fix=f"take {usual}, as is usual"
            )
        )


RANGES: Mapping[str, Callable[[float], bool]] = {
    "finite": lambda x: -inf < x < inf,
    "above 0": lambda x: 0 < x < inf,
    "above 0, or inf": lambda x: x > 0,
    "at least 0": lambda x: 0 <= x < inf,
    "at least 0, or inf": lambda x: x >= 0,
    "at least 1": lambda x: 1 <= x < inf,
    "at least 1, or -1": lambda x: 1 <= x < inf or x == -1,
    "in [0, 1]": lambda x: 0 <= x <= 1,
    "in (0, 1)": lambda x: 0 < x < 1,
    "in (0, 1]": lambda x: 0 < x <= 1,
}
"""What is not a number is in none of them, and infinity only where it is named."""


def check(
    room: str,
    settings: Any,
    ranges: Mapping[str, Sequence[str]],
    words: Mapping[str, Sequence[str]] | None = None,
) -> None:
    """Raise ConfigError with every setting that lies outside its range.

    Parameters
    ----------
    room
        What the settings' names begin with, ``ppo``.
    settings
        A dataclass; its defaults are what is usual.
    ranges
        Names of its fields by a key of `RANGES`; None is always allowed.
    words
        What a field may say, by its name.
    """
    usual = {field.name: field.default for field in dataclasses.fields(settings)}
    wrong = [
        (name, str(value), allowed)
        for allowed, names in ranges.items()
        for name in names
        if (value := getattr(settings, name)) is not None and not RANGES[allowed](value)
    ]
    wrong += [
        (name, f"'{value}'", ", ".join(allowed))
        for name, allowed in (words or {}).items()
        if (value := getattr(settings, name)) not in allowed
    ]
    if wrong:
        raise ConfigError(
            Problem(
                where=f"{room}.{name}",
                found=found,
                allowed=allowed,
                fix=f"take {str(usual[name]).lower()}, as is usual",
            )
            for name, found, allowed in wrong
        )
