# SPDX-License-Identifier: MIT
"""One process at a time writes a log: a lock beside it that ends with the process."""

import os
import sys
import weakref
from pathlib import Path
from typing import Self

from flyball.serving.log.refusals import refused


class Claim:
    """The right to write a log, until it is closed or the process ends in whatever way.

    The lock is on a file of its own beside the log, since SQLite's own locks would be lost when
    another handle on the log itself is closed.

    Attributes
    ----------
    held
        Whether this process has it: one that was forked from it has not.

    Raises
    ------
    RunError
        Where another process has it, or the folder cannot be written.
    """

    def __init__(self, path: Path) -> None:
        beside = path.with_name(path.name + ".lock")
        try:
            self._handle = os.open(beside, os.O_RDWR | os.O_CREAT, 0o640)
        except OSError as error:
            raise refused(
                str(beside),
                f"cannot be opened: {error.strerror}",
                "a folder that exists and that this user may write",
                "make the folder, or correct its rights",
            ) from error
        if not _taken(self._handle):
            self.close()
            raise refused(
                str(path),
                "in use by another process, or by another log in this one",
                "one process at a time, on a disk of this machine",
                "stop the other process, or name another file",
            )
        _claims.add(self)
        self.held = True

    def close(self) -> None:
        """Let go of it; may be called twice."""
        self.held = False
        handle, self._handle = self._handle, -1
        if handle >= 0:
            os.close(handle)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


_claims: weakref.WeakSet[Claim] = weakref.WeakSet()


def _forked() -> None:
    for claim in _claims:
        claim.held = False


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_forked)


def _taken(handle: int) -> bool:
    if sys.platform == "win32":
        return True
    import fcntl

    try:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        return False
    return True
