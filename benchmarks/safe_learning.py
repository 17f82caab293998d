# SPDX-License-Identifier: MIT
"""Learning under limits: what PPO, PPO-Lagrangian, CPO and PPO behind the Shield come to.

On two plants that can be broken, beside what a good engineer would run. Every policy is judged
greedily, on its own and behind the Shield, so that one that leans on its Shield is seen to lean.
Runs that are missing in `evidence/caution` are made first, about half a minute each; stopped at any
moment, it goes on where it was. ``--picture`` draws the curves, too.

``python -W ignore benchmarks/safe_learning.py``
"""

import argparse
import sys
import time
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path

from caution import training
from caution.figures import figures
from caution.setups import SETUPS, Setup
from parity import ledger

FOLDER = ledger.EVIDENCE / "caution"


def make_missing(setups: Sequence[Setup], folder: Path = FOLDER) -> None:
    """Make the runs that are missing, with a line of progress for each."""
    for setup in setups:
        made_by = training.made_by(setup)
        for seed in ledger.missing(setup, setup.way, made_by, folder):
            began = time.perf_counter()
            row = {
                "seed": seed,
                "settings": setup.content(),
                "made_by": made_by,
                "date": datetime.now(UTC).date().isoformat(),
                **training.run(setup, seed),
            }
            ledger.add(setup, setup.way, row, folder)
            print(
                f"{datetime.now(UTC):%H:%M} {setup.plant}, {setup.way}, seed {seed}: "
                f"alone {row['off']['return']:.3g} with {row['off']['breach_s']:.3g} s in breach, "
                f"behind the Shield {row['on']['return']:.3g} with {row['on']['breach_s']:.3g} s, "
                f"after {time.perf_counter() - began:.0f} s",
                file=sys.stderr,
                flush=True,
            )


def main() -> int:
    """Make missing runs, then print the figures."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--picture", type=Path, default=None, help="file to draw the curves into")
    asked = parser.parse_args()
    with ledger.alone("caution", FOLDER) as only:
        if only:
            make_missing(SETUPS)
        else:
            print("another process makes these runs", file=sys.stderr)
    kept = [
        (setup, ledger.current(setup, setup.way, training.made_by(setup), FOLDER))
        for setup in SETUPS
    ]
    for figure in figures(kept):
        figure.print()
    if asked.picture is not None:
        from caution.drawing import draw

        draw(kept, asked.picture)
    return 0


if __name__ == "__main__":
    sys.exit(main())
