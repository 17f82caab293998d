# SPDX-License-Identifier: MIT
"""Ed25519 signatures: who made a release, and whose releases are trusted here.

A key's id is the first 16 hex digits of the SHA-256 of its raw public key. Trust is a folder of
public keys; taking a file away takes the trust away. Verifying fails closed: an unknown key, a
signature of another length and a changed byte are all refused.
"""

import hashlib
import os
import stat
from collections.abc import Iterable
from pathlib import Path

from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    PublicFormat,
    load_pem_private_key,
    load_pem_public_key,
)

from flyball.core.errors import Problem
from flyball.releases.refusals import ReleaseError, problem

PUBLIC = ".pub.pem"
"""How the names of public keys end."""

LARGEST = 4096
"""Bytes of a key file at most."""


def key_id(key: Ed25519PublicKey) -> str:
    """Return the id of a public key (16 hex digits)."""
    return hashlib.sha256(key.public_bytes(Encoding.Raw, PublicFormat.Raw)).hexdigest()[:16]


class Signer:
    """A private key.

    Parameters
    ----------
    path
        PEM file without a password that only its owner can read, as `make_key` wrote it.

    Raises
    ------
    ReleaseError
        When there is none, when others can read it, or when it is no Ed25519 key.
    """

    def __init__(self, path: Path) -> None:
        try:
            content, mode = path.read_bytes(), stat.S_IMODE(path.stat().st_mode)
        except OSError as error:
            raise _unfit(path, f"no readable file ({error.strerror})", "private") from error
        if mode & 0o077:
            found = f"a private key that others can read (mode {mode:04o})"
            allowed = "mode 0600: its owner alone reads it"
            raise ReleaseError(problem(str(path), found, allowed, f"chmod 600 {path}"))
        try:
            key = load_pem_private_key(content, password=None)
        except (ValueError, TypeError, UnsupportedAlgorithm) as error:
            raise _unfit(path, "no private key in PEM without a password", "private") from error
        if not isinstance(key, Ed25519PrivateKey):
            raise _unfit(path, f"a key of another kind, {type(key).__name__}", "private")
        self._key = key
        self.key_id = key_id(key.public_key())

    def sign(self, content: bytes) -> bytes:
        """Return the signature (64 bytes) of some bytes; the same bytes give the same one."""
        return self._key.sign(content)

    def public_pem(self) -> bytes:
        """Return the public key as PEM, for the trust folder of whoever verifies."""
        return _public_pem(self._key)


class Trust:
    """Public keys whose signatures count.

    Parameters
    ----------
    keys
        None are allowed: then nothing is trusted.
    """

    def __init__(self, keys: Iterable[Ed25519PublicKey] = ()) -> None:
        self._keys = {key_id(key): key for key in keys}

    @classmethod
    def read(cls, folder: Path) -> "Trust":
        """Return the trust in every ``*.pub.pem`` of a folder; other files are left alone.

        Raises
        ------
        ReleaseError
            With every key that is none, and when the folder cannot be read.
        """
        keys, problems = list[Ed25519PublicKey](), list[Problem]()
        try:
            paths = sorted(path for path in folder.iterdir() if path.name.endswith(PUBLIC))
        except OSError as error:
            raise _unfit(folder, f"no readable folder ({error.strerror})", "public") from error
        for path in paths:
            try:
                keys.append(_public(path))
            except ReleaseError as error:
                problems += error.problems
        if problems:
            raise ReleaseError(problems)
        return cls(keys)

    @property
    def key_ids(self) -> tuple[str, ...]:
        """Ids of the trusted keys, sorted."""
        return tuple(sorted(self._keys))

    def verify(self, key: str, signature: bytes, content: bytes, where: str) -> None:
        """Return only if a trusted key signed exactly these bytes.

        Parameters
        ----------
        key
            Id of the key that is said to have signed.
        signature, content
            What was signed, and the signature.
        where
            Name of what is verified, for messages.

        Raises
        ------
        ReleaseError
            When the key is not trusted or the signature is not its own.
        """
        known = self._keys.get(key)
        if known is None:
            allowed = "one of " + ", ".join(self.key_ids) if self._keys else "none: no key is known"
            fix = "have it signed by a trusted key, or put the signer's public key into the folder"
            raise ReleaseError(problem(where, f"signed by the unknown key '{key}'", allowed, fix))
        try:
            known.verify(signature, content)
        except InvalidSignature:
            found = f"a signature that key {key} did not make of these bytes"
            fix = "copy the release again from its source; if it stays so, somebody changed it"
            raise ReleaseError(problem(where, found, "the signer's own", fix)) from None


def make_key(path: Path) -> str:
    """Make a key pair and return its id.

    Parameters
    ----------
    path
        Of the private key, mode 0600; the public one lies beside it as ``<stem>.pub.pem``. Neither
        may exist.

    Raises
    ------
    ReleaseError
        When one of them exists or cannot be written.
    """
    key = Ed25519PrivateKey.generate()
    private = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    public = path.with_name(path.stem + PUBLIC)
    if public.exists():
        raise _taken(public)
    _write_new(path, private, 0o600)
    _write_new(public, _public_pem(key), 0o644)
    return key_id(key.public_key())


def _public_pem(key: Ed25519PrivateKey) -> bytes:
    return key.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)


def _write_new(path: Path, content: bytes, mode: int) -> None:
    """Write a file that must not exist; nobody else could read it for a moment."""
    try:
        handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, mode)
    except FileExistsError as error:
        raise _taken(path) from error
    except OSError as error:
        raise _unfit(path, f"cannot be written ({error.strerror})", "new") from error
    with os.fdopen(handle, "wb") as file:
        file.write(content)
        file.flush()
        os.fsync(handle)


def _public(path: Path) -> Ed25519PublicKey:
    """Return the public key in a file."""
    try:
        with path.open("rb") as file:
            content = file.read(LARGEST + 1)
    except OSError as error:
        raise _unfit(path, f"no readable file ({error.strerror})", "public") from error
    try:
        key = load_pem_public_key(content)
    except (ValueError, UnsupportedAlgorithm) as error:
        raise _unfit(path, "no public key in PEM", "public") from error
    if not isinstance(key, Ed25519PublicKey):
        raise _unfit(path, f"a key of another kind, {type(key).__name__}", "public")
    return key


def _unfit(path: Path, found: str, kind: str) -> ReleaseError:
    fix = "make one with releases.make_key, or correct the path and its rights"
    return ReleaseError(problem(str(path), found, f"a {kind} Ed25519 key in PEM", fix))


def _taken(path: Path) -> ReleaseError:
    fix = "take another name; a lost private key cannot be made again"
    return ReleaseError(problem(str(path), "a file that exists", "a new file", fix))
