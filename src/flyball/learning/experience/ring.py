# SPDX-License-Identifier: MIT
"""A ring of records in memory, or in a file that a kill cannot harm.

A *slot* holds one record of each of B rows and is written at one time t = 0, 1, 2, ...; the newest
T slots can be read. In memory the ring has T slots and a checkpoint holds them all. In a file it
has a slack more, and a checkpoint holds counters only: what is written after it goes to slots that
it does not need. When the slack runs out before the next checkpoint, the ring moves into a new file
and leaves the old one as it is. The last two checkpoints can always be gone back to. Written pages
of a mapped file belong to the system, so that SIGKILL loses none of them.
"""

import os
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from flyball.core.errors import Problem, RunError
from flyball.learning.checkpoint import Arrays

SLACK = 4
"""A file is longer than what is read by one in this many slots."""


class Ring:
    """Slots of records; `count` of them were completed since the beginning."""

    def __init__(
        self, record: np.dtype[Any], n_envs: int, n_slots: int, folder: Path | None = None
    ) -> None:
        """Touch neither memory nor disk yet.

        Parameters
        ----------
        record
            What one row of a slot holds.
        n_envs, n_slots
            B and T, at least 1.
        folder
            Where the files lie, named ``replay-<number>.bin``; None keeps the ring in memory.
        """
        self.record, self.n_envs, self.n_slots, self.folder = record, n_envs, n_slots, folder
        self.length = n_slots if folder is None else n_slots + max(2, n_slots // SLACK)
        self.count = 0
        self._rows: NDArray[Any] | None = None
        self._number = 0
        self._kept = [(-1, 0), (-1, 0)]  # file and count of the last two checkpoints

    @property
    def nbytes(self) -> int:
        """Bytes of memory, or of one file."""
        return self.length * self.n_envs * self.record.itemsize

    @property
    def rows(self) -> NDArray[Any]:
        """All records (length * B,), slot by slot; another array after a move or a restore."""
        if self._rows is None:
            self._rows = self._new(self._number)
        return self._rows

    @property
    def first(self) -> int:
        """First row of the slot that is written next."""
        return self.count % self.length * self.n_envs

    def claim(self) -> int:
        """Make sure that no checkpoint needs the next slot, and return its first row."""
        slack = self.length - self.n_slots
        if self.folder is not None and any(
            number == self._number and self.count - count >= slack for number, count in self._kept
        ):
            self._move()
        return self.first

    def state(self, prefix: str) -> Arrays:
        """Return what a checkpoint must hold; for a file, remember that it may be needed."""
        arrays: Arrays = {f"{prefix}count": np.array(self.count)}
        if self.folder is None:
            filled = min(self.count, self.length) * self.n_envs
            return arrays | {f"{prefix}rows": self.rows[:filled].view(np.uint8).copy()}
        if isinstance(self.rows.base, np.memmap):
            self.rows.base.flush()
        if self._kept[1] != (self._number, self.count):  # a second save replaces the first
            self._kept = [self._kept[1], (self._number, self.count)]
        self._tidy()
        return arrays | {f"{prefix}kept": np.array(self._kept)}

    def restore(self, arrays: Arrays, prefix: str) -> None:
        """Go back to a `state`.

        Raises
        ------
        RunError
            When it is one of other settings, or its file is gone.
        """
        self.count = int(arrays[f"{prefix}count"])
        if self.folder is None:
            saved = arrays.get(f"{prefix}rows", np.zeros(0, np.uint8))
            filled = min(self.count, self.length) * self.n_envs
            self._fits("the checkpoint", saved.nbytes, filled * self.record.itemsize)
            self.rows[:filled] = saved.view(self.record)
            return
        kept = arrays.get(f"{prefix}kept", np.zeros((0, 2), np.int64))
        self._fits("the checkpoint", kept.nbytes, np.array(self._kept).nbytes)
        self._kept = [(int(number), int(count)) for number, count in kept]
        self._number = self._kept[-1][0]
        self._rows = self._open(self._number)
        self._tidy()

    def _fits(self, where: str, found: int, allowed: int) -> None:
        if found != allowed:
            raise RunError(
                Problem(
                    where=where,
                    found=f"{found} bytes of replay" if found else "no replay",
                    allowed=f"the replay of this run, {allowed} bytes",
                    fix="resume with the settings of the run, or train into a new folder",
                )
            )

    def _path(self, number: int) -> Path:
        return (self.folder or Path()) / f"replay-{number}.bin"

    def _new(self, number: int) -> NDArray[Any]:
        """Return a ring of zeros; a file's disk space is claimed here, not when it is too late."""
        if self.folder is None:
            return np.zeros(self.length * self.n_envs, self.record)
        path = self._path(number)
        try:
            self.folder.mkdir(parents=True, exist_ok=True)
            path.unlink(missing_ok=True)
            with path.open("wb") as file:
                os.posix_fallocate(file.fileno(), 0, self.nbytes)
        except OSError as error:
            raise RunError(
                Problem(
                    where=str(path),
                    found=f"no room for {self.nbytes / 1e6:.0f} MB ({error.strerror})",
                    allowed="a folder that can be written, with that much free space",
                    fix="take a smaller replay capacity, or a run folder on another disk",
                )
            ) from error
        return self._open(number)

    def _open(self, number: int) -> NDArray[Any]:
        path = self._path(number)
        self._fits(str(path), path.stat().st_size if path.is_file() else 0, self.nbytes)
        shape = (self.length * self.n_envs,)
        return np.memmap(path, self.record, "r+", shape=shape).view(np.ndarray)

    def _move(self) -> None:
        """Go on in a new file; the one that a checkpoint needs stays as it is."""
        old = self.rows
        self._number += 1
        self._rows = self._new(self._number)
        self._rows[:] = old

    def _tidy(self) -> None:
        """Remove the files that neither the ring nor a checkpoint needs."""
        wanted = {self._path(number) for number, _ in self._kept} | {self._path(self._number)}
        for path in (self.folder or Path()).glob("replay-*.bin"):
            if path not in wanted:
                path.unlink()
