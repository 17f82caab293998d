# SPDX-License-Identifier: MIT
"""Folders that are either there and complete, or not there."""

import os
import shutil
from collections.abc import Mapping
from pathlib import Path


def write_folder(target: Path, files: Mapping[str, bytes]) -> None:
    """Write a folder of files so that no crash leaves a half of it under its name.

    The files are written beside the target, flushed to the disk, and renamed as a whole. A folder
    that stood there before is moved away first and removed last.

    Parameters
    ----------
    target
        Its parent is made when missing.
    files
        Content by file name.
    """
    target.parent.mkdir(parents=True, exist_ok=True)
    half = target.with_name(f".{target.name}.half-{os.getpid()}")
    old = target.with_name(f".{target.name}.old-{os.getpid()}")
    for left in (half, old):
        shutil.rmtree(left, ignore_errors=True)
    half.mkdir()
    for name, content in files.items():
        (half / name).write_bytes(content)
        flush(half / name)
    flush(half)
    if target.exists():
        target.rename(old)
    half.rename(target)
    flush(target.parent)
    shutil.rmtree(old, ignore_errors=True)


def flush(path: Path) -> None:
    """Make sure that a file, or a folder's list of names, is on the disk."""
    handle = os.open(path, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
