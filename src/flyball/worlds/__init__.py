# SPDX-License-Identifier: MIT
"""Simulators, one problem domain a folder; no world knows another."""

from importlib import import_module
from typing import Any

from flyball.core.errors import ConfigError, Problem, nearest

__all__ = ["TITLES", "load"]

TITLES: dict[str, str] = {
    "jobshop": "production scheduling: a flexible job shop with calendars, set-ups and due dates",
}
"""Every world by its name, with what it is about. Nothing is imported before `load`."""


def load(name: str) -> Any:
    """Return the face of a world, imported now.

    Raises
    ------
    ConfigError
        When no world has that name.
    """
    if name not in TITLES:
        raise ConfigError(
            Problem(
                where="world",
                found=f"'{name}'",
                allowed=", ".join(sorted(TITLES)),
                fix=nearest(name, sorted(TITLES)),
            )
        )
    return import_module(f"flyball.worlds.{name}")
