# SPDX-License-Identifier: MIT
"""What is compared: a cell is one algorithm on one problem, learning as a team and each alone.

The table itself is `cells.toml`. A setup is one side of a cell with all its settings.
"""

import hashlib
import itertools
import json
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

TABLE = Path(__file__).resolve().with_name("cells.toml")

Side = Literal["team", "alone"]

EPISODES = 1000
"""Episodes that a trained policy is judged by."""

FIRST_EPISODE = 10_000
"""Seed of the first of them; rows of training start at a million and above."""

FIRST_SEARCH = 100
"""Runs of the search have the seeds behind this one, those of the evidence 1, 2, ..."""


@dataclass(frozen=True, kw_only=True)
class Setup:
    """One side of a cell with all its settings."""

    name: str
    side: str
    """Of its files: team, alone, search-team, search-alone; or scale."""

    algorithm: str
    problem: str
    envs: int
    steps: int
    net: Mapping[str, Any]
    settings: Mapping[str, Any]
    seeds: int
    """Number of runs."""

    searching: bool
    """Whether runs are those of the search, whose seeds no evidence shares."""

    chosen: Mapping[str, Any]
    """What of the settings came from the search."""

    def content(self) -> str:
        """Return the hash of what a run's result depends on, other than code."""
        told = [
            self.algorithm,
            self.problem,
            self.envs,
            self.steps,
            dict(self.net),
            dict(self.settings),
            self.searching,
            EPISODES,
            FIRST_EPISODE,
        ]
        text = json.dumps(told, sort_keys=True, separators=(",", ":"))
        return hashlib.sha256(text.encode()).hexdigest()[:16]


@dataclass(frozen=True, kw_only=True)
class Cell:
    """One algorithm on one problem, as a team and alone."""

    name: str
    algorithm: str
    problem: str
    envs: int
    """Parallel copies in training."""

    steps: int
    """Environment steps of training, all copies together."""

    seeds: int
    """Number of runs on each side; their seeds are 1, 2, ..."""

    search_seeds: int
    """Number of runs of each option in the search of each side."""

    net: Mapping[str, Any]
    settings: Mapping[str, Any]
    """What both sides have in common."""

    team: Mapping[str, Any]
    alone: Mapping[str, Any] | None = None
    """What makes a side what it is; None: nobody learns alone."""

    search: Mapping[str, list[Any]] = field(default_factory=dict)
    """Values that are tried on both sides, every combination of them."""

    least: float | None = None
    """Mean return that the team has to reach; None: it has to be better than alone."""

    cause: str = ""
    """Why a target is missed, where it is known to be, and what was tried."""

    @property
    def sides(self) -> tuple[Side, ...]:
        """Who learns."""
        return ("team",) if self.alone is None else ("team", "alone")

    def options(self, side: Side) -> list[Setup]:
        """Return the setups of a side's search, one for each combination; none without a search."""
        if not self.search:
            return []
        values = itertools.product(*self.search.values())
        chosen = [dict(zip(self.search, each, strict=True)) for each in values]
        return [self.setup(side, each, searching=True) for each in chosen]

    def setup(self, side: Side, chosen: Mapping[str, Any], *, searching: bool = False) -> Setup:
        """Return a side with what was chosen for it."""
        own = self.team if side == "team" else self.alone
        return Setup(
            name=self.name,
            side=f"search-{side}" if searching else side,
            algorithm=self.algorithm,
            problem=self.problem,
            envs=self.envs,
            steps=self.steps,
            net=self.net,
            settings={**self.settings, **(own or {}), **chosen},
            seeds=self.search_seeds if searching else self.seeds,
            searching=searching,
            chosen=chosen,
        )


def scale(problem: str) -> Setup:
    """Return what chance and the rules are measured as: one run a problem, whatever the cell."""
    return Setup(
        name=problem,
        side="scale",
        algorithm="none",
        problem=problem,
        envs=EPISODES,
        steps=0,
        net={},
        settings={},
        seeds=1,
        searching=False,
        chosen={},
    )


def load(path: Path = TABLE) -> dict[str, Cell]:
    """Return the cells by name, in the order in which their runs are made."""
    table = tomllib.loads(path.read_text(encoding="utf-8"))
    return {name: Cell(name=name, **row) for name, row in table["cells"].items()}
