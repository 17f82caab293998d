# SPDX-License-Identifier: MIT
"""One line a run in `evidence/<benchmark>/<cell>.<side>.jsonl`, only ever added to.

A run counts while its cell's settings and the versions it was made with are today's, so that the
work goes on over many sittings and nothing is made twice.
"""

import fcntl
import hashlib
import json
import os
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Protocol

EVIDENCE = Path(__file__).resolve().parents[2] / "evidence"
FOLDER = EVIDENCE / "parity"

Row = dict[str, Any]


class Kept(Protocol):
    """What runs are kept of: one cell of a benchmark."""

    @property
    def name(self) -> str:
        """Name of its files."""
        ...

    @property
    def seeds(self) -> int:
        """Number of runs on each side; their seeds are 1, 2, ..."""
        ...

    def content(self) -> str:
        """Return the hash of what a run's result depends on, other than code."""
        ...


def path(cell: Kept, side: str, folder: Path = FOLDER) -> Path:
    """Return the file of a cell's runs on one side."""
    return folder / f"{cell.name}.{side}.jsonl"


def rows(file: Path) -> list[Row]:
    """Return every line; one that a crash left unfinished is no run."""
    if not file.exists():
        return []
    found = []
    for line in file.read_text(encoding="utf-8").splitlines():
        try:
            found.append(json.loads(line))
        except json.JSONDecodeError:
            continue
    return found


def current(cell: Kept, side: str, made_by: Mapping[str, str], folder: Path = FOLDER) -> list[Row]:
    """Return the runs that count, one for each seed up to the cell's number, by seed.

    Parameters
    ----------
    made_by
        Versions or content hashes that a run's result depends on.
    """
    found = {
        row["seed"]: row
        for row in rows(path(cell, side, folder))
        if row["settings"] == cell.content() and row["made_by"] == dict(made_by)
    }
    return [found[seed] for seed in sorted(found) if seed <= cell.seeds]


def missing(cell: Kept, side: str, made_by: Mapping[str, str], folder: Path = FOLDER) -> list[int]:
    """Return the seeds of the runs that are still to be made."""
    made = {row["seed"] for row in current(cell, side, made_by, folder)}
    last = 1 if side == "random" else cell.seeds
    return [seed for seed in range(1, last + 1) if seed not in made]


def add(cell: Kept, side: str, row: Mapping[str, Any], folder: Path = FOLDER) -> None:
    """Write one run durably; a line left unfinished before it is closed off first."""
    folder.mkdir(parents=True, exist_ok=True)
    file = path(cell, side, folder)
    torn = file.exists() and not file.read_bytes().endswith(b"\n") and file.stat().st_size > 0
    with file.open("a", encoding="utf-8") as lines:
        lines.write(("\n" if torn else "") + json.dumps(dict(row)) + "\n")
        lines.flush()
        os.fsync(lines.fileno())


@contextmanager
def alone(side: str, folder: Path = FOLDER) -> Iterator[bool]:
    """Give whether this process is the only one that makes runs of a side."""
    name = hashlib.sha256(str(folder.resolve()).encode()).hexdigest()[:16]
    with (Path(tempfile.gettempdir()) / f"flyball-parity-{name}.{side}.lock").open("w") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            yield False
            return
        yield True
