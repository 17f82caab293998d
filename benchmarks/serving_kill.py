# SPDX-License-Identifier: MIT
"""Kill a policy server under load, over and over, and count what it lost: nothing, or it says so.

A server of the two tanks answers decisions over HTTP; a client keeps a ledger of what was
acknowledged with a record. At a random moment the process is killed (SIGKILL) and another one
opens the same folder. Then every decision that was under way is asked for again, and a sample of
the acknowledged ones: the answers must be the same. In the end every acknowledged decision must
stand in the log as it was answered, and the chain must be whole.

Servers are forked from a process that has loaded everything, so that a thousand fit in minutes;
each opens log, registry and field anew, as a server that starts does.
"""

import argparse
import random
import tempfile
from collections import Counter
from pathlib import Path

from killing.orchestra import Orchestra
from killing.plant import site
from measuring import Figure, one_core

from flyball import serving

MODES = {
    "decisions": (0.7, "under load"),
    "checkpoints": (0.1, "while the log is carried over all the time"),
    "rollbacks": (0.1, "while control is changed all the time"),
    "full": (0.1, "on a disk that becomes full"),
}
"""Share of the kills, and what happens meanwhile."""


def main() -> None:
    """Print a figure for each mode, and those of all together."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--kills", type=int, default=1000, help="in all")
    parser.add_argument("--seed", type=int, default=1)
    args = parser.parse_args()
    one_core()
    draws, plant = random.Random(args.seed), site()  # noqa: S311 - no secret
    warm(plant)
    totals: Counter[str] = Counter()
    for mode, (share, words) in MODES.items():
        with tempfile.TemporaryDirectory(prefix="flyball-kill-") as folder:
            found = Orchestra(plant, Path(folder), mode, draws).play(round(args.kills * share))
        totals.update(found)
        note = (
            f"{found['kills']} kills {words}; {found['again']} decisions asked for again; "
            f"{found['unkept']} answered by the fallback and said not to be kept"
        )
        figure(f"{mode}_lost_or_changed", found["lost"] + found["differing"], found, note)
    figure("acknowledged_decisions_lost", totals["lost"], totals, "the log does not hold them")
    figure("decisions_with_two_actions", totals["differing"], totals, "told or kept")
    figure("broken_chains", totals["broken"], totals, "read from the first record")
    figure("unsafe_actions", totals["unsafe"], totals, "outside of the plant's hard boxes")
    Figure(
        metric="kills",
        ours=totals["kills"],
        n=totals["acknowledged"],
        target=1000.0,
        met=totals["kills"] >= 1000,
        note=f"SIGKILL at random moments; {totals['acknowledged']} decisions acknowledged, "
        f"{totals['refused']} refused",
    ).print()


def figure(name: str, count: int, found: Counter[str], note: str) -> None:
    """Print a count that should be 0."""
    n = found["acknowledged"]
    words = f"{note}; of {n} acknowledged decisions" + (f": at most {3 / n:.1e}" if n else "")
    Figure(metric=name, ours=count, n=n, target=0.0, met=count == 0, note=words).print()


def warm(plant: serving.Site) -> None:
    """Compile once what every forked server needs."""
    with tempfile.TemporaryDirectory() as folder:
        serving.Station(plant, serving.settings(folder=Path(folder))).close()


if __name__ == "__main__":
    main()
