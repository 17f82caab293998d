# SPDX-License-Identifier: MIT
"""How fast a registry of 200,000 releases answers, and what a change of it costs.

A file of SQLite is filled with releases of two worlds, one a second, each with a manifest of
1.5 kB. Then pages of 50 are asked for as the console does: the newest, those of one world, those
with two words in them, with a word that none has (the whole table is searched), in the middle, and
one release by its first digits. Every page is a read of its own, as from a request. Changes are
aliases that are pointed: one transaction each, with its event in the chain, flushed to the disk.
``--quick`` has 20,000 releases. To keep the figures: ``python tools/evidence.py record registry
--rooms releases/registry --seeds 0 -- benchmarks/registry.py``.
"""

import argparse
import os
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from hashlib import sha256
from pathlib import Path

import numpy as np
from measuring import Figure, absolute, one_core, yardstick
from sqlalchemy import insert

from flyball.core.clock import SystemClock
from flyball.releases import Person, Registry, Role
from flyball.releases.database import Database
from flyball.releases.moments import moment
from flyball.releases.tables import MANIFESTS, RELEASES

PAGE_MS = 100.0
"""Largest 95th percentile of any page."""

WORLDS = ("jobshop", "refinery")
BATCH = 10_000
BEGAN = datetime(2026, 1, 1, tzinfo=UTC)


@dataclass(frozen=True)
class Effort:
    """How much is measured."""

    releases: int
    rounds: int
    pages: int  # of each kind in a round
    changes: int  # in a round
    note: str


def fill(database: Database, n: int) -> None:
    """Write releases as `Registry.add` would, many in a transaction."""
    content = '{"world":"' + "x" * 1500 + '"}'
    for first in range(0, n, BATCH):
        rows = [_row(k) for k in range(first, min(first + BATCH, n))]
        manifests = [{"digest": row["digest"], "content": content} for row in rows]
        with database.writing() as connection:
            connection.execute(insert(RELEASES), rows)
            connection.execute(insert(MANIFESTS), manifests)


def _row(k: int) -> dict[str, object]:
    digest, world = sha256(str(k).encode()).hexdigest(), WORLDS[k % 2]
    purpose = f"shorter queues on line {k % 97}, attempt {k}"
    return {
        "digest": digest,
        "world": world,
        "version": 1,
        "spec_hash": "0" * 64,
        "purpose": purpose,
        "algorithm": "ppo",
        "verdict": "better",
        "parent": "",
        "signer": "0" * 16,
        "created": moment(BEGAN + timedelta(seconds=k)),
        "state": "admitted",
        "words": f"{world} ppo better {purpose}",
    }


def questions(registry: Registry, n: int) -> Mapping[str, Callable[[int], object]]:
    """Return what is asked, by name; each takes a number, so that no two need be the same."""

    def middle(k: int) -> object:
        at = moment(BEGAN + timedelta(seconds=n * (k % 7 + 1) // 9))
        return registry.releases(after=f"{at}/{'8' * 64}")

    return {
        "the newest": lambda _: registry.releases(),
        "of one world": lambda k: registry.releases(world=WORLDS[k % 2]),
        "with two words": lambda k: registry.releases(text=f"refinery {k % 97},"),
        "with a word that none has": lambda k: registry.releases(text=f"nowhere {k}"),
        "in the middle": middle,
        "by first digits": lambda k: registry.find(sha256(str(k).encode()).hexdigest()[:8]),
    }


def pages(registry: Registry, effort: Effort) -> Iterator[Figure]:
    """Measure every kind of page: the 95th percentile, ms."""
    for name, ask in questions(registry, effort.releases).items():
        late = []
        for _ in range(effort.rounds):
            took = []
            for k in range(effort.pages):
                began = time.perf_counter()
                ask(k)
                took.append((time.perf_counter() - began) * 1e3)
            late.append(float(np.percentile(took, 95)))
        yield absolute(
            f"registry page {name}, p95 ms",
            late,
            better="less",
            target=PAGE_MS,
            note=f"{effort.releases} releases, {effort.pages} pages a round; {effort.note}",
        )


def changes(registry: Registry, effort: Effort) -> Figure:
    """Measure pointing an alias, ms each."""
    ann, bob = Person("Ann", Role.ENGINEER), Person("Bob", Role.APPROVER)
    for name in ("baseline", "champion"):
        registry.point("mill", name, "rule:0", by=ann, why="set up")
    took, now = [], 0
    for _ in range(effort.rounds):
        began = time.perf_counter()
        for _ in range(effort.changes):
            old, new = f"rule:{now}", f"rule:{now + 1}"
            both = {"by": bob, "second": ann}
            registry.point("mill", "champion", new, expected=old, why="measured", **both)
            now += 1
        took.append((time.perf_counter() - began) * 1e3 / effort.changes)
    note = f"one transaction with its event, flushed to the disk; {effort.note}"
    return absolute("registry change, ms", took, better="less", target=None, note=note)


def polls(registry: Registry, effort: Effort) -> Figure:
    """Measure what a server does all the time: reading the generation, us."""
    took = []
    for _ in range(effort.rounds):
        began = time.perf_counter()
        for _ in range(effort.pages):
            registry.generation()
        took.append((time.perf_counter() - began) * 1e6 / effort.pages)
    note = f"one read of its own each; {effort.note}"
    return absolute("registry generation, us", took, better="less", target=None, note=note)


def main() -> None:
    """Print one line for each figure."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--quick", action="store_true", help="20,000 releases, a moment each")
    options = parser.parse_args()
    note = f"{one_core()}SQLite in a file, load average {os.getloadavg()[0]:.1f} before"
    effort = Effort(200_000, 8, 40, 50, note)
    if options.quick:
        effort = Effort(20_000, 2, 5, 5, note)
    speeds = [yardstick()]
    with tempfile.TemporaryDirectory() as folder:
        database = Database(Path(folder) / "registry.db")
        fill(database, effort.releases)
        registry = Registry(database, SystemClock())
        for figure in pages(registry, effort):
            figure.print()
        polls(registry, effort).print()
        changes(registry, effort).print()
        registry.close()
    speeds.append(yardstick())
    note = "million steps/s of a fixed loop, before and after; absolute figures lean on it"
    absolute("yardstick", speeds, better="more", target=None, note=note).print()


if __name__ == "__main__":
    main()
