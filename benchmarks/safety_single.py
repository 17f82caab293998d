# SPDX-License-Identifier: MIT
"""What one decision for one plant costs: through the filter, through the gate, through the Keeper.

Wall clock from Python, what calling takes included, one decision after the other as a server makes
them, median and 99th percentile. Proposals are drawn anew from the whole range of each value every
few decisions, so that many are bent or refused; the note says how many were changed. `judge` is
filter and gate; `correct` also counts the decision and remembers it; the Keeper adds emergency
stop, audit record and fingerprints, and its journal keeps nothing. ``--quick`` is for a moment.
To keep the figures: ``python tools/evidence.py record safety_single --rooms safety
worlds/classics/guarded core/journal --seeds 0 -- benchmarks/safety_single.py``.
"""

import argparse
import os
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
from deciding import plants
from deciding.plants import Site
from measuring import Figure, absolute, one_core, yardstick

FILTER_US, GATE_US, KEEPER_US, RECORD_US = 15.0, 40.0, 60.0, 10.0


@dataclass(frozen=True)
class Effort:
    """How much is measured."""

    rounds: int
    decisions: int
    note: str


Decide = Callable[[Site, int], Any]


def timed(site: Site, decide: Decide, amount: int) -> np.ndarray[Any, Any]:
    """Return what each of many decisions took, us; the plant goes on between them."""
    took = np.empty(amount)
    for k in range(amount):
        site.propose()
        began = time.perf_counter_ns()
        found = decide(site, k)
        took[k] = time.perf_counter_ns() - began
        site.go_on(found)
    return took / 1000.0


def figures(
    name: str, site: Site, decide: Decide, target: float | None, effort: Effort
) -> Iterator[Figure]:
    """Measure decisions one by one: the median and the 99th percentile, us."""
    timed(site, decide, 50)
    site.changed = site.decided = 0
    took = [
        np.percentile(timed(site, decide, effort.decisions), (50, 99)) for _ in range(effort.rounds)
    ]
    changed = f"{site.changed / site.decided:.0%} changed"
    for k, (which, bound) in enumerate((("median", target), ("p99", None))):
        yield absolute(
            f"{name} {which}, us",
            [float(each[k]) for each in took],
            better="less",
            target=bound,
            note=f"{changed}; {effort.decisions} decisions a round; {effort.note}",
        )


def judged(site: Site, _: int) -> Any:
    """Filter and gate only."""
    return site.shield.judge(site.seen, site.action, site.now_s)


def corrected(site: Site, _: int) -> Any:
    """All that the Shield does."""
    return site.shield.correct(site.seen, site.action, site.now_s)


def kept(site: Site, _: int) -> Any:
    """All that stands before the plant."""
    return site.keeper.decide(
        site.seen, site.wish, float(site.now_s[0]), policy="p1", operator="ann"
    )


def measure(effort: Effort) -> Iterator[Figure]:
    """Yield every figure."""
    for name, make, target in (
        ("8 values with box and rate, one sum", plants.eight, FILTER_US),
        *((each, lambda own=each: plants.certified(own), GATE_US) for each in plants.CERTIFIED),
    ):
        layer = "filter" if target == FILTER_US else "filter and gate"
        yield from figures(f"{layer}, {name}, judge", make(), judged, target, effort)
        yield from figures(f"{layer}, {name}, correct", make(), corrected, None, effort)
        yield from figures(f"keeper, {name}", make().released(), kept, KEEPER_US, effort)
    yield from audited(effort)


def audited(effort: Effort) -> Iterator[Figure]:
    """Measure the record of a decision alone."""
    site = plants.certified(plants.CERTIFIED[0]).released()
    make = site.recorded()
    took = []
    for _ in range(effort.rounds):
        own = np.empty(effort.decisions)
        for k in range(effort.decisions):
            began = time.perf_counter_ns()
            make()
            own[k] = time.perf_counter_ns() - began
        took.append(float(np.median(own)) / 1000.0)
    note = f"as plain data, not chained; {effort.note}"
    yield absolute(
        "record of a decision median, us", took, better="less", target=RECORD_US, note=note
    )


def main() -> None:
    """Print one line for each figure."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--quick", action="store_true", help="a moment for each figure")
    options = parser.parse_args()
    note = f"{one_core()}1 thread"
    effort = Effort(2, 300, note) if options.quick else Effort(8, 3_000, note)
    load, speeds = f"load average {os.getloadavg()[0]:.1f} before", [yardstick()]
    for figure in measure(effort):
        figure.print()
    speeds.append(yardstick())
    note = f"million steps/s of a fixed loop, before and after; {load}; absolute figures lean on it"
    absolute("yardstick", speeds, better="more", target=None, note=note).print()


if __name__ == "__main__":
    main()
