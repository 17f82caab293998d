# SPDX-License-Identifier: MIT
"""Teams against independent learners of the same kind, on problems of several agents.

Without options the figures are printed that the runs in `evidence/teams` give. ``--run`` first
makes the runs that are missing, in the order of `benchmarks/teams/cells.toml`: each side's search,
then its runs with the best that the search found. Stopped at any moment, it goes on where it was.
``--cells`` names some cells only. To keep the figures, `make evidence-teams`.
"""

import argparse
import sys
import time
from collections.abc import Sequence
from datetime import UTC, datetime

from parity import ledger
from teams import cells, training
from teams.cells import Cell, Setup
from teams.choosing import FOLDER, chosen
from teams.figures import Compared, Learned, figures


def make_missing(setup: Setup) -> None:
    """Make the runs of a setup that are missing, with a line of progress for each."""
    made_by = training.made_by(setup)
    for seed in ledger.missing(setup, setup.side, made_by, FOLDER):
        began = time.perf_counter()
        row = {
            "seed": seed,
            "settings": setup.content(),
            "chosen": dict(setup.chosen),
            "made_by": made_by,
            "date": datetime.now(UTC).date().isoformat(),
            **training.run(setup, seed),
        }
        ledger.add(setup, setup.side, row, FOLDER)
        print(
            f"{datetime.now(UTC):%H:%M} {setup.name}, {setup.side} {dict(setup.chosen)}, seed "
            f"{seed}: {row['score']:.3f} in {time.perf_counter() - began:.0f} s",
            file=sys.stderr,
            flush=True,
        )


def make_all(chosen_cells: Sequence[Cell]) -> None:
    """Make every missing run: of each cell the scale, each side's search, what is judged."""
    for cell in chosen_cells:
        make_missing(cells.scale(cell.problem))
        for side in cell.sides:
            for option in cell.options(side):
                make_missing(option)
        for side in cell.sides:
            setup = chosen(cell, side, training.made_by(cell.setup(side, {})))
            if setup is not None:
                make_missing(setup)


def compared(cell: Cell) -> Compared:
    """Return a cell with the runs that count."""
    scale = cells.scale(cell.problem)
    made_by = training.made_by(cell.setup("team", {}))
    sides = {}
    for side in cell.sides:
        setup = chosen(cell, side, made_by)
        rows = [] if setup is None else ledger.current(setup, side, made_by, FOLDER)
        sides[side] = Learned(setup=setup, rows=rows)
    found = ledger.current(scale, scale.side, training.made_by(scale), FOLDER)
    return Compared(cell=cell, scale=found[0] if found else None, sides=sides)


def main() -> int:
    """Make runs if asked, then print the figures."""
    table = cells.load()
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--run", action="store_true", help="make the runs that are missing")
    parser.add_argument("--cells", nargs="+", choices=list(table), default=list(table))
    asked = parser.parse_args()
    wanted = [table[name] for name in asked.cells]
    if asked.run:
        with ledger.alone("teams", FOLDER) as only:
            if only:
                make_all(wanted)
            else:
                print("another process makes these runs", file=sys.stderr)
    for figure in figures([compared(cell) for cell in wanted]):
        figure.print()
    return 0


if __name__ == "__main__":
    sys.exit(main())
