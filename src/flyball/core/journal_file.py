# SPDX-License-Identifier: MIT
"""A journal in a file: one line of JSON a record, whole after every way in which a process ends."""

import os
import stat
import sys
import threading
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Literal, Self

from flyball.core.errors import Problem, RunError
from flyball.core.journal import START, Record, broken, fits, link, verified

CHUNK = 1 << 20
"""Bytes that are read at a time."""


class FileJournal:
    """A journal in a file, one line of JSON a record; one process at a time.

    Parameters
    ----------
    path
        The file; it is made if there is none, its folder is not.
    durability
        What a record survives when `append` returns: `power`, that the machine loses power (the
        disk is waited for, 0.2 to 4 ms); `process`, that the process is killed.

    Attributes
    ----------
    note
        What was dropped on opening, or nothing: a last line without an end belongs to a record
        that was being written when the process was killed, and that nobody was told was kept.

    Raises
    ------
    RunError
        Where the file is in use, cannot be written, or was changed.
    """

    def __init__(self, path: Path, *, durability: Literal["power", "process"] = "power") -> None:
        self._path, self._power = path, durability == "power"
        self._lock, self._process = threading.Lock(), os.getpid()
        self._n, self._hash, self._size = 0, START, 0
        self._refuse = ""
        self.note = ""
        self._handle = _opened(path)
        try:
            self._read()
        except OSError as error:
            found = f"cannot be made ready: {error.strerror}"
            raise self._failed(found) from error
        finally:
            if self._refuse:
                self.close()

    def _read(self) -> None:
        """Check every line, and see to a last one without an end."""
        self._refuse = "it was not read to its end"
        size = os.fstat(self._handle).st_size
        self._take(_lines(self._handle, size))
        tail = os.pread(self._handle, size - self._size, self._size)
        if fits(tail):
            os.write(self._handle, b"\n")
            self._take([tail])
        elif fits(tail[:-1]):
            place = f"{self._path} line {self._n + 1}"
            raise broken(place, f"{tail[-1:]!r} at its end", "the end of a line")
        elif tail:
            self.note = (
                f"{self._path} line {self._n + 1}: dropped {len(tail)} bytes of a record that was "
                "being written when its process ended"
            )
            os.ftruncate(self._handle, self._size)
        if self._power:
            os.fsync(self._handle)
            _flush_folder(self._path.parent)
        self._refuse = ""

    def _take(self, lines: Iterable[bytes]) -> None:
        for own in verified(lines, str(self._path), self.head):
            self._n, self._hash = own.sequence + 1, own.hash
            self._size += len(own.line)

    @property
    def head(self) -> tuple[int, str]:
        """How many records there are, and the hash of the last one."""
        return self._n, self._hash

    def append(self, record: Record) -> str:
        """Keep a record and return its hash.

        Raises
        ------
        RunError
            Where it could not be kept: the disk is full or read-only, the file was changed by
            someone else or is closed. Nothing of the record stays.
        """
        with self._lock:
            self._check()
            own, kept = link(self._n, self._hash, record), False
            try:
                self._write(own.line)
                kept = True
            except OSError as error:
                found = f"record {self._n} was not kept: {error.strerror}"
                raise self._failed(found) from error
            finally:
                if not kept:
                    self._withdraw()
            self._n, self._hash, self._size = own.sequence + 1, own.hash, self._size + len(own.line)
        return own.hash

    def _check(self) -> None:
        """Refuse where a record would not end up behind the last one."""
        if not self._refuse and os.getpid() != self._process:
            self._refuse = "it belongs to the process that this one was forked from"
        if not self._refuse:
            facts = os.fstat(self._handle)
            if facts.st_size != self._size or facts.st_nlink == 0:
                self._refuse = "it was changed or deleted by someone else"
        if self._refuse:
            found = f"record {self._n} was not kept: {self._refuse}"
            raise self._failed(found)

    def _write(self, line: bytes) -> None:
        left = memoryview(line)
        while left:
            left = left[os.write(self._handle, left) :]
        if self._power:
            try:
                os.fsync(self._handle)
            except OSError:
                # What the disk holds after a failed flush is unknown, and a second one may lie.
                self._refuse = "the disk failed to keep a record"
                raise

    def _withdraw(self) -> None:
        """Take back what was written of a record."""
        try:
            os.ftruncate(self._handle, self._size)
        except OSError:
            self._refuse = "part of a record could not be taken back"

    def _failed(self, found: str) -> RunError:
        return RunError(
            Problem(
                where=str(self._path),
                found=found,
                allowed="an open file on a disk with room that this process alone writes",
                fix="mend the cause and open the journal again; what was kept before is whole",
            )
        )

    def records(self) -> Iterator[Record]:
        """Yield every record from the first one, checked anew.

        Raises
        ------
        RunError
            Where the chain is broken.
        """
        if self._handle < 0:
            raise self._failed(self._refuse)
        for own in verified(_lines(self._handle, self._size), str(self._path)):
            yield own.record

    def close(self) -> None:
        """Let go of the file; may be called twice."""
        handle, self._handle, self._refuse = self._handle, -1, "it is closed"
        if handle >= 0:
            os.close(handle)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


def _opened(path: Path) -> int:
    """Return a handle on a journal's file that no other process has."""
    try:
        handle = os.open(path, os.O_RDWR | os.O_APPEND | os.O_CREAT, 0o640)
    except OSError as error:
        raise RunError(
            Problem(
                where=str(path),
                found=f"cannot be opened: {error.strerror}",
                allowed="a file that this user may read and write, in a folder that exists",
                fix="make the folder, or correct its rights",
            )
        ) from error
    if stat.S_ISREG(os.fstat(handle).st_mode) and _taken(handle):
        return handle
    os.close(handle)
    raise RunError(
        Problem(
            where=str(path),
            found="in use by another process, or no file that can be locked",
            allowed="a file on a disk of this machine, and one process at a time",
            fix="stop the other process, or name another file",
        )
    )


def _taken(handle: int) -> bool:
    """Take the file's lock; the system lets go of it however the process ends."""
    if sys.platform == "win32":
        return True
    import fcntl

    try:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        return False
    return True


def _flush_folder(folder: Path) -> None:
    """Make sure that a new file's name is on the disk."""
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def _lines(handle: int, size: int) -> Iterator[bytes]:
    """Yield the whole lines of the first `size` bytes, without their ends."""
    at, rest = 0, b""
    while at < size:
        chunk = os.pread(handle, min(CHUNK, size - at), at)
        if not chunk:
            return
        at += len(chunk)
        *whole, rest = (rest + chunk).split(b"\n")
        yield from whole
