# SPDX-License-Identifier: MIT
"""What is compared: a cell is one algorithm on one problem with published settings.

The table itself is `cells.toml`, which also says where every setting was published.
"""

import hashlib
import json
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

TABLE = Path(__file__).resolve().with_name("cells.toml")

EPISODES = 100
"""Episodes that a trained policy is judged by."""

FIRST_SEED = 10_000
"""Seed of the first of them; training seeds are 1, 2, ..., so that none is met twice."""


@dataclass(frozen=True, kw_only=True)
class Cell:
    """One algorithm on one problem."""

    name: str
    algorithm: str
    problem: str
    """Name for `problems.make`."""

    steps: int
    """Environment steps of training, all copies together."""

    seeds: int
    """Number of runs on each side; their seeds are 1, 2, ..."""

    settings: Mapping[str, Any]
    """Every setting, in the words of Stable-Baselines3."""

    source: str
    """Where the settings were published, and what was left out."""

    arguments: Mapping[str, Any] = field(default_factory=dict)
    """Arguments of the problem."""

    judged: bool = True
    """False: reported, not judged."""

    def content(self) -> str:
        """Return the hash of what a run's result depends on, other than code."""
        told = [
            self.algorithm,
            self.problem,
            self.steps,
            dict(self.settings),
            dict(self.arguments),
            EPISODES,
            FIRST_SEED,
        ]
        text = json.dumps(told, sort_keys=True, separators=(",", ":"))
        return hashlib.sha256(text.encode()).hexdigest()[:16]


def load(path: Path = TABLE) -> dict[str, Cell]:
    """Return the cells by name, in the order in which their runs are made.

    Raises
    ------
    ValueError
        When a cell sets what its algorithm does not have.
    """
    table = tomllib.loads(path.read_text(encoding="utf-8"))
    return {name: _cell(name, dict(row), table["defaults"]) for name, row in table["cells"].items()}


def _cell(name: str, row: dict[str, Any], defaults: Mapping[str, Any]) -> Cell:
    usual = defaults[row["algorithm"]]
    asked = row.pop("settings")
    unknown = asked.keys() - usual.keys()
    if unknown:
        msg = f"{name}: no setting {', '.join(sorted(unknown))} in [defaults.{row['algorithm']}]"
        raise ValueError(msg)
    return Cell(name=name, settings=usual | asked, **row)


def schedule(value: float | str) -> tuple[float, bool]:
    """Return the first value of a setting, and whether it falls linearly to 0 over the run."""
    if isinstance(value, str):
        return float(value.removeprefix("lin_")), True
    return float(value), False
