# SPDX-License-Identifier: MIT
"""From runs to figures: one for each cell, one for all that are judged, one for what is missing."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

import numpy as np
from measuring import Figure
from numpy.typing import NDArray

from parity.cells import Cell
from parity.comparison import difference, iqm, normalised
from parity.ledger import Row

MARGIN = -0.1
"""Parity: so far the normalised difference may lie below zero, its whole interval included."""

PEER = "Stable-Baselines3 2.9, sb3-contrib 2.9"


@dataclass(frozen=True, kw_only=True)
class Compared:
    """The runs of a cell that count."""

    cell: Cell
    chance: Row | None
    ours: list[Row]
    theirs: list[Row]

    @property
    def complete(self) -> bool:
        """Whether every run is there."""
        wanted = self.cell.seeds
        return self.chance is not None and len(self.ours) == len(self.theirs) == wanted

    def scores(self, rows: list[Row]) -> NDArray[np.float64]:
        """Return the native score (R,) of each run."""
        return np.array([row["score"] for row in rows], dtype=np.float64)

    def scaled(self) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """Return normalised scores (R,) of ours and of theirs."""
        chance = float((self.chance or {})["score"])
        ours, theirs = self.scores(self.ours), self.scores(self.theirs)
        return normalised(ours, chance, theirs), normalised(theirs, chance, theirs)


def figures(cells: Mapping[str, Compared]) -> Iterator[Figure]:
    """Yield all figures; a cell that lacks runs appears in the last one only."""
    complete = [compared for compared in cells.values() if compared.complete]
    for compared in complete:
        yield of_cell(compared)
    judged = [compared for compared in complete if compared.cell.judged]
    if judged:
        yield together(judged)
    lacking = [name for name, compared in cells.items() if not compared.complete]
    yield Figure(
        metric="cells that still lack runs",
        ours=float(len(lacking)),
        n=len(cells),
        target=0.0,
        met=not lacking,
        note=", ".join(lacking) or "none",
    )


def of_cell(compared: Compared) -> Figure:
    """Return native interquartile means, and the interval of their normalised difference."""
    cell, (ours, theirs) = compared.cell, compared.scaled()
    found = difference([ours], [theirs])
    chance = float((compared.chance or {})["score"])
    spent = [np.mean([row["cpu_s"] for row in rows]) for rows in (compared.ours, compared.theirs)]
    return Figure(
        metric=f"{cell.name}: return after {cell.steps:,} steps, interval of the normalised gain",
        ours=float(iqm(compared.scores(compared.ours))),
        peer=float(iqm(compared.scores(compared.theirs))),
        peer_name=PEER,
        ratio=float(iqm(ours)),
        low=found.low,
        high=found.high,
        n=cell.seeds,
        target=MARGIN if cell.judged else None,
        met=found.low >= MARGIN if cell.judged else None,
        note=f"{cell.problem}, chance {chance:.4g}; {cell.source}; core time of a run "
        f"{spent[0]:.0f} s, theirs {spent[1]:.0f} s",
    )


def together(judged: list[Compared]) -> Figure:
    """Return the interquartile mean over all runs of all judged cells, each cell a stratum."""
    sides = [compared.scaled() for compared in judged]
    ours, theirs = [pair[0] for pair in sides], [pair[1] for pair in sides]
    found = difference(ours, theirs)
    return Figure(
        metric="all judged cells: normalised return",
        ours=float(iqm(np.concatenate(ours))),
        peer=float(iqm(np.concatenate(theirs))),
        peer_name=PEER,
        low=found.low,
        high=found.high,
        n=sum(len(scores) for scores in ours),
        target=MARGIN,
        met=found.low >= MARGIN,
        note=f"{len(judged)} cells, every run weighs the same; chance 0, theirs 1; stratified "
        "bootstrap of the difference of interquartile means",
    )
