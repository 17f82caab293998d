# SPDX-License-Identifier: MIT
"""Our algorithms against Stable-Baselines3 2.9 and sb3-contrib at their published settings.

Without options the figures are printed that the runs in `evidence/parity` give. ``--run peer`` and
``--run ours`` first make the runs of a side that are missing, in the order of
`benchmarks/parity/cells.toml`; stopped at any moment, they go on where they were. ``--cells`` names
some cells only. To keep the figures, `make evidence-learning`.
"""

import argparse
import os
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path
from types import ModuleType
from typing import Any, Literal

from parity import cells, ledger, ours
from parity.cells import Cell
from parity.figures import Compared, figures
from parity.scoring import chance, scores
from peers.learning import stable_baselines

Side = Literal["ours", "peer", "random"]
Wanted = tuple[Cell, Side, int]

SIDES: Mapping[str, ModuleType] = {
    "ours": ours,
    "peer": stable_baselines,
    "random": stable_baselines,
}
"""Who says what the runs of a side depend on."""


def run(cell: Cell, side: Side, seed: int) -> dict[str, Any]:
    """Make one run and return its line."""
    made_by = SIDES[side].made_by(cell)
    if side == "random":
        found = {"score": float(scores(cell, chance(cell)).mean())}
    else:
        found = SIDES[side].train(cell, seed)
    return {
        "seed": seed,
        "settings": cell.content(),
        "made_by": made_by,
        "date": datetime.now(UTC).date().isoformat(),
        **found,
    }


def missing(side: Side, chosen: Sequence[Cell]) -> list[Wanted]:
    """Return the runs of a side that are not there, each cell's measure of chance before them."""
    return [
        (cell, which, seed)
        for cell in chosen
        for which in ("random", side)
        for seed in ledger.missing(cell, which, SIDES[which].made_by(cell))
    ]


def expected_s(left: Sequence[Wanted]) -> float | None:
    """Return how long runs will take, from those of their cell or algorithm; None: not known."""
    total = 0.0
    for cell, side, _ in left:
        if side == "random":
            continue
        same = [row["wall_s"] / row["steps"] for row in ledger.rows(ledger.path(cell, side))]
        akin = [
            row["wall_s"] / row["steps"]
            for other in cells.load().values()
            if other.algorithm == cell.algorithm
            for row in ledger.rows(ledger.path(other, side))
        ]
        known = same or akin
        if not known:
            return None
        total += cell.steps * known[-1]
    return total


def make_missing(side: Side, chosen: Sequence[Cell]) -> None:
    """Make a side's missing runs, with a line of progress for each."""
    left = missing(side, chosen)
    for number, (cell, which, seed) in enumerate(left, 1):
        began = time.perf_counter()
        row = run(cell, which, seed)
        ledger.add(cell, which, row)
        rest = expected_s(left[number:])
        print(
            f"{datetime.now(UTC):%H:%M} run {number} of {len(left)}: {cell.name}, {which}, seed "
            f"{seed}: {row['score']:.2f} in {time.perf_counter() - began:.0f} s; left "
            + ("unknown" if rest is None else f"{rest / 60:.0f} min"),
            file=sys.stderr,
            flush=True,
        )


def compared(chosen: Sequence[Cell]) -> Iterator[tuple[str, Compared]]:
    """Yield each cell with the runs that count."""
    for cell in chosen:
        random, own, theirs = (
            ledger.current(cell, side, SIDES[side].made_by(cell))
            for side in ("random", "ours", "peer")
        )
        yield (
            cell.name,
            Compared(cell=cell, chance=random[0] if random else None, ours=own, theirs=theirs),
        )


def main() -> int:
    """Make runs if asked, then print the figures."""
    table = cells.load()
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--run", nargs="+", choices=["peer", "ours"], default=[])
    parser.add_argument("--cells", nargs="+", choices=list(table), default=list(table))
    asked = parser.parse_args()
    chosen = [table[name] for name in asked.cells]
    here = Path.cwd()
    # MuJoCo writes a log where it stands.
    with tempfile.TemporaryDirectory() as folder:
        os.chdir(folder)
        for side in asked.run:
            with ledger.alone(side) as only:
                if only:
                    make_missing(side, chosen)
                else:
                    print(f"{side}: another process makes these runs", file=sys.stderr)
        os.chdir(here)
    for figure in figures(dict(compared(chosen))):
        figure.print()
    return 0


if __name__ == "__main__":
    sys.exit(main())
