# SPDX-License-Identifier: MIT
"""What it costs to keep a decision before it is answered, beside a file and beside SQLAlchemy.

Records as a server keeps them (1.7 kB of JSON each) go into the decision log: one by one (`append`,
as a server in a process does), and by 1, 8 and 64 callers of one asyncio loop at a time (`kept`, as
a server on the network does), each answered only once its record is durable: `process`, it survives
kill -9; `power`, it was waited for by the disk. Rivals do the same, in turn (ours, theirs, theirs,
ours): `FileJournal`, the same chain as lines of a file, and SQLAlchemy, one INSERT and COMMIT into
SQLite in the same mode, with Python's json and without a chain. ``--quick`` measures for a moment.
To keep the figures: ``python tools/evidence.py record decision_log --rooms serving/log --seeds 0 --
benchmarks/decision_log.py``.
"""

import argparse
import asyncio
import gc
import json
import os
import random
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from hashlib import sha256
from itertools import count, islice
from pathlib import Path
from typing import Any, Literal

import numpy as np
import sqlalchemy as sa
from measuring import Figure, abba, absolute, against, yardstick

from flyball.core.journal_file import FileJournal
from flyball.serving.log import DecisionLog, LogSettings, open_log

Durability = Literal["process", "power"]

N_VALUES, N_SIGNALS = 4, 12
CALLERS = (1, 8, 64)
MEDIAN_US = 30.0
"""Budget of one record that survives the process, us."""

SYNCHRONOUS = {"process": "NORMAL", "power": "FULL"}


@dataclass(frozen=True)
class Effort:
    """How much is measured."""

    rounds: int
    records: int  # in a round
    folder: Path
    note: str


def decisions() -> Iterator[dict[str, Any]]:
    """Yield records of decisions without end, no two alike."""
    draw = random.Random(0)  # noqa: S311 - no secret

    def numbers(n: int) -> list[float]:
        return [draw.gauss(0.0, 50.0) for _ in range(n)]

    def digest(what: str) -> str:
        return sha256(what.encode()).hexdigest()

    for number in count():
        at_s = 1_763_756_238.25 + 0.1 * number
        yield {
            "kind": "decision",
            "version": 1,
            "decision_id": f"{draw.getrandbits(128):032x}",
            "request": digest(f"request {number}")[:32],
            "unit": f"unit-{number % 8}",
            "block": f"shift-{number // 500}",
            "at_s": at_s,
            "first": False,
            "stopped": False,
            "proposed": numbers(N_VALUES),
            "applied": numbers(N_VALUES),
            "signal": numbers(N_SIGNALS),
            "trusted": [True] * N_SIGNALS,
            "error": numbers(N_SIGNALS),
            "last": numbers(N_VALUES),
            "last_s": at_s - 0.1,
            "codes": {"filter": "bent", "gate": "none", "stop": "running"},
            "binding": ["flow_max"],
            "multipliers": {"flow_max": 0.25},
            "observation": digest(f"observation {number}"),
            "policy": digest("policy"),
            "arm": "champion",
            "stage": "canary",
            "propensity": 0.9,
            "generation": 12,
            "challenger": numbers(N_VALUES),
            "fallback": numbers(N_VALUES),
            "shield": digest("shield"),
            "certificate": digest("certificate"),
            "operator": "anna",
            "reason": "flow_max binds",
        }


RECORDS = decisions()


def some(n: int) -> list[dict[str, Any]]:
    """Return records that no log has seen yet."""
    return list(islice(RECORDS, n))


def one_by_one(keep: Callable[[dict[str, Any]], object], n: int) -> np.ndarray[Any, Any]:
    """Return how long each record took, us."""
    took, records = np.empty(n), some(n)
    gc.collect()
    for k, record in enumerate(records):
        began = time.perf_counter()
        keep(record)
        took[k] = time.perf_counter() - began
    return took * 1e6


def together(log: DecisionLog, n: int, callers: int) -> tuple[float, np.ndarray[Any, Any]]:
    """Return records a second of many callers, and how long each was waited for, us."""
    took: list[float] = []
    records = iter(some(n))

    async def caller() -> None:
        for record in records:
            began = time.perf_counter()
            await log.kept(record, wait_s=60.0)
            took.append(time.perf_counter() - began)

    async def all_callers() -> float:
        began = time.perf_counter()
        await asyncio.gather(*(caller() for _ in range(callers)))
        return n / (time.perf_counter() - began)

    gc.collect()
    return asyncio.run(all_callers()), np.array(took) * 1e6


def through_sqlalchemy(path: Path, durability: Durability, stack: ExitStack) -> Callable[..., None]:
    """Return what keeps a record by one INSERT and COMMIT of SQLAlchemy."""
    engine = sa.create_engine(f"sqlite:///{path}")
    stack.callback(engine.dispose)
    table = sa.Table(
        "decision",
        sa.MetaData(),
        sa.Column("sequence", sa.Integer, primary_key=True),
        sa.Column("decision_id", sa.Text, unique=True),
        sa.Column("unit", sa.Text),
        sa.Column("at_s", sa.Float),
        sa.Column("record", sa.Text),
        sa.Index("of_unit", "unit", "at_s"),
    )
    connection = stack.enter_context(engine.connect())
    connection.exec_driver_sql("PRAGMA journal_mode = WAL")
    connection.exec_driver_sql(f"PRAGMA synchronous = {SYNCHRONOUS[durability]}")
    table.create(connection)
    connection.commit()
    insert = table.insert()

    def keep(record: dict[str, Any]) -> None:
        row = {name: record[name] for name in ("decision_id", "unit", "at_s")}
        connection.execute(insert, row | {"record": json.dumps(record)})
        connection.commit()

    return keep


def name_of(effort: Effort) -> Path:
    """Return a file that is not there yet."""
    return Path(tempfile.mkdtemp(dir=effort.folder)) / "log"


def beside(durability: Durability, effort: Effort) -> Iterator[Figure]:
    """Compare one record after the other with both rivals, all four open at the same time."""
    with ExitStack() as stack:
        log = stack.enter_context(open_log(name_of(effort), LogSettings(durability=durability)))
        file = stack.enter_context(FileJournal(name_of(effort), durability=durability))
        rivals = {
            "FileJournal": file.append,
            "SQLAlchemy": through_sqlalchemy(name_of(effort), durability, stack),
        }
        n, took = effort.records, []

        def rate(keep: Callable[[dict[str, Any]], object]) -> float:
            own = one_by_one(keep, n)
            if keep == log.append:
                took.append(np.percentile(own, (50, 99)))
            return float(n / own.sum() * 1e6)

        rate(log.append)
        took.clear()
        for name, keep in rivals.items():
            yield against(
                f"append, {durability}: records/s over {name}'s",
                abba(lambda: rate(log.append), lambda keep=keep: rate(keep), effort.rounds),
                peer_name=name,
                target=None,
                note=f"{n} records a round; {effort.note}",
            )
        for k, which in enumerate(("median", "p99")):
            yield absolute(
                f"append, {durability}: {which} of a record, us",
                [float(each[k]) for each in took],
                better="less",
                target=MEDIAN_US if (durability, which) == ("process", "median") else None,
                note=f"{n} records a round, wall clock; {effort.note}",
            )


def callers(durability: Durability, effort: Effort) -> Iterator[Figure]:
    """Measure callers that wait at the same time."""
    for n_callers in CALLERS:
        rates, waits = [], []
        with open_log(name_of(effort), LogSettings(durability=durability)) as log:
            for _ in range(effort.rounds):
                rate, took = together(log, effort.records, n_callers)
                rates.append(rate)
                waits.append(float(np.median(took)))
        name, note = f"kept, {durability}, {n_callers} callers", f"one loop; {effort.note}"
        yield absolute(f"{name}: records/s", rates, better="more", target=None, note=note)
        yield absolute(f"{name}: median wait, us", waits, better="less", target=None, note=note)


def on_disk(effort: Effort) -> Figure:
    """Return the bytes that a record takes in the closed file."""
    path, n = name_of(effort), 4 * effort.records
    lengths = []
    with open_log(path, LogSettings(durability="process")) as log:
        for record in some(n):
            lengths.append(len(json.dumps(record, separators=(",", ":"))))
            log.append(record)
    return Figure(
        metric="bytes on disk of a record",
        ours=path.stat().st_size / n,
        n=n,
        note=f"its JSON alone has {sum(lengths) / n:.0f} bytes; indexes and chain are in it",
    )


def measure(effort: Effort) -> Iterator[Figure]:
    """Yield every figure."""
    durabilities: tuple[Durability, ...] = ("process", "power")
    for durability in durabilities:
        yield from beside(durability, effort)
        yield from callers(durability, effort)
    yield on_disk(effort)


def main() -> None:
    """Print one line for each figure."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--quick", action="store_true", help="a moment for each figure")
    parser.add_argument("--folder", type=Path, help="on the disk to measure; default: temporary")
    options = parser.parse_args()
    load, speeds = f"load average {os.getloadavg()[0]:.1f} before", [yardstick()]
    with tempfile.TemporaryDirectory(dir=options.folder) as folder:
        size = (2, 100) if options.quick else (10, 2000)
        for figure in measure(Effort(*size, Path(folder), f"core not pinned, {load}")):
            figure.print()
    speeds.append(yardstick())
    note = f"million steps/s of a fixed loop, before and after; {load}; absolute figures lean on it"
    absolute("yardstick", speeds, better="more", target=None, note=note).print()


if __name__ == "__main__":
    main()
