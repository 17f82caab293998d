# SPDX-License-Identifier: MIT
"""From runs to figures: one for each cell, and one for the cells that still lack runs."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from measuring import Figure, absolute
from numpy.typing import NDArray
from parity.comparison import Estimate, middle
from parity.ledger import Row

from teams.cells import Cell, Setup, Side


@dataclass(frozen=True, kw_only=True)
class Learned:
    """The runs of one side that count."""

    setup: Setup | None
    """None while the side's search lacks runs."""

    rows: Sequence[Row]

    @property
    def scores(self) -> NDArray[np.float64]:
        """Return the mean return (R,) of each run's policy."""
        return np.array([row["score"] for row in self.rows], dtype=np.float64)


@dataclass(frozen=True, kw_only=True)
class Compared:
    """The runs of a cell that count."""

    cell: Cell
    sides: Mapping[Side, Learned]
    scale: Row | None
    """What chance gets, and the strongest rule, which sees everything."""

    @property
    def complete(self) -> bool:
        """Whether every run is there."""
        there = all(len(side.rows) == self.cell.seeds for side in self.sides.values())
        return self.scale is not None and there


def figures(cells: Sequence[Compared]) -> Iterator[Figure]:
    """Yield all figures; a cell that lacks runs appears in the last one only."""
    for compared in cells:
        if compared.complete:
            yield of_cell(compared) if compared.cell.least is None else of_level(compared)
    lacking = [compared.cell.name for compared in cells if not compared.complete]
    yield Figure(
        metric="cells that still lack runs",
        ours=float(len(lacking)),
        n=len(cells),
        target=0.0,
        met=not lacking,
        note=", ".join(lacking) or "none",
    )


def of_cell(compared: Compared) -> Figure:
    """Return the team's interquartile mean; met when its interval lies above that of the others."""
    cell = compared.cell
    team, alone = (middle(compared.sides[side].scores) for side in ("team", "alone"))
    met = team.low > alone.high
    cause = f"{cell.cause}; " if cell.cause and not met else ""
    return Figure(
        metric=f"{cell.name}: return after {cell.steps:,} steps, team against each alone",
        ours=team.mean,
        peer=alone.mean,
        peer_name="independent learners",
        low=team.low,
        high=team.high,
        n=cell.seeds,
        target=alone.high,
        met=met,
        note=f"{cause}{_alone(alone)}; {_words(compared)}",
    )


def of_level(compared: Compared) -> Figure:
    """Return the team's mean return; met when the whole interval reaches what is asked."""
    cell = compared.cell
    return absolute(
        f"{cell.name}: return after {cell.steps:,} steps",
        compared.sides["team"].scores.tolist(),
        better="more",
        target=cell.least,
        note=_words(compared),
    )


def _alone(found: Estimate) -> str:
    return f"alone {found.low:.4g} to {found.high:.4g}, of which the upper end is the target"


def _words(compared: Compared) -> str:
    """Return what is said of every cell: the scale, each side's runs, choice and core time."""
    scale = compared.scale or {}
    parts = [f"chance {scale['score']:.4g}, rule '{scale['name']}' {scale['rule']:.4g}"]
    for name, side in compared.sides.items():
        chosen = dict(side.setup.chosen) if side.setup is not None else {}
        found = "".join(f" with {key} {value}" for key, value in chosen.items())
        runs = " ".join(f"{score:.4g}" for score in side.scores)
        spent = np.mean([row["cpu_s"] for row in side.rows])
        parts.append(f"{name}{found}: runs {runs}, core time of each {spent:.0f} s")
    return "; ".join(parts)
