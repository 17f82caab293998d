# SPDX-License-Identifier: MIT
"""How settings are searched for, and what was found, as records."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from flyball.core.errors import ConfigError, Problem


@dataclass(frozen=True, kw_only=True)
class TuneConfig:
    """How settings are searched for."""

    trials: int = 50
    """Trials of the whole study, those of earlier sittings included, at least 1."""

    timeout_s: float | None = None
    """Wall time of this sitting, s; None: none."""

    seeds: int = 1
    """Learners of a trial, at least 1; their mean counts."""

    pruner: Literal["median", "hyperband", "none"] = "median"
    """What gives up trials that fall behind."""

    fixed: tuple[str, ...] = ()
    """Settings that are not searched, by full key: ``net.hidden``."""

    def __post_init__(self) -> None:
        good = (
            self.trials >= 1 and self.seeds >= 1 and (self.timeout_s is None or self.timeout_s > 0)
        )
        if not good:
            raise ConfigError(
                Problem(
                    where="--trials, --seeds, --timeout",
                    found=f"{self.trials}, {self.seeds}, {self.timeout_s}",
                    allowed="at least 1 of each",
                    fix="leave them out for 50 trials of 1 seed without a time limit",
                )
            )


@dataclass(frozen=True, kw_only=True)
class Trial:
    """One proposal and what came of it."""

    number: int
    state: str
    """*complete*, *given up* or *failed*."""

    value: float | None
    over: float
    """By how much mean costs were above their limits, all added up; 0: none was."""

    settings: Mapping[str, Any]


@dataclass(frozen=True, kw_only=True)
class Tuned:
    """How a sitting ended."""

    trials: tuple[Trial, ...]
    """All of the study, in order."""

    best: Trial | None
    usual: Trial | None
    """The first one, with the settings as they are without tuning."""

    kpi: str
    sense: str
    study: Path
    file: Path | None
    """TOML of the best settings."""

    interrupted: bool
