# SPDX-License-Identifier: MIT
"""Releases by what they are: a folder whose name is the SHA-256 of its manifest.

::

    <root>/sha256/ab/abcd.../      the files of one release, read only
    <root>/half/                   what is being written; what a crash leaves is no release

A release is written beside its place, flushed to the disk and renamed as a whole, so that a process
killed at any point leaves all of it or nothing. What is there is never written again. Every reading
checks every byte; no name in it comes from outside, so that no path leads out of the vault.
"""

import os
import re
import shutil
import stat
from collections.abc import Iterator, Mapping
from pathlib import Path
from secrets import token_hex

from flyball.core.errors import Problem
from flyball.policies import flush
from flyball.releases.manifest import FILES, LARGEST, MANIFEST, Contents, digest_of
from flyball.releases.parsing import checked
from flyball.releases.refusals import MissingError, ReleaseError, problem

DIGEST = re.compile(r"[0-9a-f]{64}")


class Vault:
    """A store of releases.

    Parameters
    ----------
    root
        Made when something is put into it for the first time.
    """

    def __init__(self, root: Path) -> None:
        self.root = root

    def path(self, digest: str) -> Path:
        """Return the folder that a release has, or would have.

        Raises
        ------
        ReleaseError
            When the digest is none.
        """
        if not DIGEST.fullmatch(digest):
            found = f"'{digest[:80]}'"
            fix = "take the digest that pack returned"
            raise ReleaseError(problem("digest", found, "64 hex digits 0-9a-f", fix))
        return self.root / "sha256" / digest[:2] / digest

    def __contains__(self, digest: str) -> bool:
        return self.path(digest).is_dir()

    def digests(self) -> Iterator[str]:
        """Yield the digest of every release, sorted."""
        for path in sorted((self.root / "sha256").glob("??/*")):
            if DIGEST.fullmatch(path.name) and path.parent.name == path.name[:2]:
                yield path.name

    def put(self, files: Mapping[str, bytes]) -> str:
        """Keep a release and return its digest; it is on the disk then.

        Parameters
        ----------
        files
            Content by name: exactly those of a release. One that is there already is left as it
            is, its signature too.

        Raises
        ------
        ReleaseError
            When the files are no release, or cannot be kept.
        """
        contents = checked(files, "the release")
        target = self.path(contents.digest)
        if target.is_dir():
            return self.get(contents.digest).digest
        half = self.root / "half" / f"{contents.digest[:16]}-{os.getpid()}-{token_hex(8)}"
        try:
            _write(half, files)
            target.parent.mkdir(parents=True, exist_ok=True)
            _into_place(half, target)
        except OSError as error:
            shutil.rmtree(half, ignore_errors=True)
            found = f"cannot be kept ({error.strerror})"
            fix = "make room on the disk, or correct its rights"
            raise ReleaseError(problem(str(target), found, "a disk with room", fix)) from error
        return contents.digest

    def get(self, digest: str) -> Contents:
        """Return a release, every byte of it checked.

        Raises
        ------
        MissingError
            When there is none.
        ReleaseError
            When it is not what it was.
        """
        folder = self.path(digest)
        if not folder.is_dir():
            fix = "copy the release here, or take one that is here"
            raise MissingError(problem(str(folder), "no release", "a release in the vault", fix))
        contents = read(folder)
        if contents.digest != digest:
            found = f"a manifest of another digest, {contents.digest[:12]}"
            fix = "delete the folder and copy the release again from its source"
            raise ReleaseError(problem(str(folder), found, digest[:12], fix))
        return contents

    def sweep(self) -> int:
        """Delete what interrupted writes left; return how many. Only while nobody writes."""
        halves = list((self.root / "half").glob("*"))
        for half in halves:
            shutil.rmtree(half)
        return len(halves)


def read(folder: Path) -> Contents:
    """Return the release in a folder, wherever it came from, every byte of it checked.

    Raises
    ------
    ReleaseError
        With everything that is wrong: links, files too many, missing, too large or changed.
    """
    problems, files = list[Problem](), dict[str, bytes]()
    try:
        names = sorted(path.name for path in folder.iterdir())
    except OSError as error:
        fix = "give the folder of a release"
        raise ReleaseError(
            problem(str(folder), f"no readable folder ({error.strerror})", "a release", fix)
        ) from error
    for name in names:
        try:
            files[name] = _content(folder / name)
        except OSError as error:
            fix = "copy the release again from its source"
            allowed = f"a plain file of at most {LARGEST} bytes"
            problems.append(problem(f"{folder}/{name}"[-200:], str(error), allowed, fix))
    if problems:
        raise ReleaseError(problems)
    return checked(files, str(folder))


def _content(path: Path) -> bytes:
    """Return what a plain file holds.

    Raises
    ------
    OSError
        When it is a link, a pipe or anything else, is too large, or has a name of its own.
    """
    if path.name not in FILES:
        msg = "a file that no release has"
        raise OSError(msg)
    try:
        handle = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
    except OSError as error:
        msg = f"a link, or no readable file ({error.strerror})"
        raise OSError(msg) from error
    try:
        facts = os.fstat(handle)
        if not stat.S_ISREG(facts.st_mode) or facts.st_size > LARGEST:
            msg = f"no plain file, or {facts.st_size} bytes"
            raise OSError(msg)
        with os.fdopen(handle, "rb", closefd=False) as file:
            content = file.read(LARGEST + 1)
    finally:
        os.close(handle)
    if len(content) > LARGEST:
        msg = "a file that grows"
        raise OSError(msg)
    return content


def _write(half: Path, files: Mapping[str, bytes]) -> None:
    """Write every file into a new folder and make sure that all of it is on the disk."""
    half.mkdir(parents=True)
    for name, content in files.items():
        path = half / name
        path.write_bytes(content)
        path.chmod(0o444)
        flush(path)
    flush(half)


def _into_place(half: Path, target: Path) -> None:
    """Rename a folder as a whole; who comes second finds the same release there."""
    try:
        half.rename(target)
    except OSError:
        if not (target / MANIFEST).is_file():
            raise
        shutil.rmtree(half)
        if digest_of((target / MANIFEST).read_bytes()) != target.name:
            raise
    flush(target.parent)
    flush(target.parent.parent)
