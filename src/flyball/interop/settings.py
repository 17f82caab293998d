# SPDX-License-Identifier: MIT
"""Settings of the adapters that show a world to other libraries, and how they are refused."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Literal

from flyball.core.errors import ConfigError, Problem, nearest

Layout = Literal["flat", "dict"]


@dataclass(frozen=True, kw_only=True)
class AdapterConfig:
    """Settings of every adapter."""

    cap: int | None = None
    """Slots for candidates, at least 2; only a world with an options head needs them."""

    weights: Mapping[str, float] | None = None
    """Weight of each objective in the reward, by name; those not named weigh 0. None: all weigh
    the same, 1."""

    keep_by: str | None = None
    """Feature whose largest values stay where there are more candidates than slots."""

    layout: Layout = "flat"
    """``flat``: one vector. ``dict``: ``observations`` and, beside it, ``action_mask``."""

    compress: bool = True
    """Take the signed log1p of every feature of a candidate, because slack and queues span four
    decades."""

    def __post_init__(self) -> None:
        if self.cap is not None and self.cap < 2:
            raise ConfigError(problem("cap", f"{self.cap}", "at least 2", "take 2 or more slots"))
        if self.layout not in ("flat", "dict"):
            raise ConfigError(
                problem(
                    "layout",
                    f"'{self.layout}'",
                    "'flat' or 'dict'",
                    nearest(str(self.layout), ("flat", "dict")),
                )
            )


def require_known(where: str, names: Iterable[str], known: list[str]) -> None:
    """Refuse names that are not among the known ones, all at once."""
    unknown = [name for name in names if name not in known]
    if unknown:
        raise ConfigError(
            [
                problem(where, f"'{name}'", ", ".join(known), nearest(name, known))
                for name in unknown
            ]
        )


def problem(where: str, found: str, allowed: str, fix: str) -> Problem:
    """Return what is wrong with one setting."""
    return Problem(where=f"adapter setting {where}", found=found, allowed=allowed, fix=fix)
