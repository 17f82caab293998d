# SPDX-License-Identifier: MIT
"""Who may do what: keys and tokens to a person with a role.

A key is 32 random bytes; its SHA-256 alone is kept, so that the file of keys opens no door. A
JSON Web Token of the site's own identity provider may stand in its place. Without either nobody is
anybody: there is no anonymous role.
"""

import contextlib
import hmac
import json
import secrets
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from hashlib import sha256
from pathlib import Path
from typing import Any

import jwt

from flyball.core.clock import Clock
from flyball.core.errors import ConfigError, Problem
from flyball.releases import Person, Role

PREFIX = "fb_"
ASYMMETRIC = ("EdDSA", "ES256", "ES384", "RS256", "RS512", "PS256")
"""Algorithms of tokens: those in which whoever checks cannot sign."""


@dataclass(frozen=True, kw_only=True)
class Key:
    """One key, without itself."""

    name: str
    """Whose it is: a person or a plant's link."""

    role: str
    digest: str
    """SHA-256 of the key."""

    created: str
    """ISO 8601, UTC."""

    expires: str = ""
    """ISO 8601, UTC; empty: never."""


@dataclass(frozen=True, kw_only=True)
class Tokens:
    """What a JSON Web Token must be to be believed."""

    issuer: str
    audience: str
    public_key: str
    """PEM of the identity provider."""

    algorithms: tuple[str, ...] = ("EdDSA", "ES256", "RS256")
    role_claim: str = "flyball_role"


class Keys:
    """A file of keys: `flyball keys` writes it, a server reads it again when it changes."""

    def __init__(self, path: Path) -> None:
        self._path, self._stamp = path, (-1, -1)
        self._known: dict[str, Key] = {}

    def named(self, digest: str) -> Key | None:
        """Return the key of a digest, as the file says now; as it last did where it is damaged."""
        with contextlib.suppress(ConfigError):
            self._read()
        return self._known.get(digest)

    def all(self) -> list[Key]:
        """Return every key, oldest first."""
        self._read()
        return list(self._known.values())

    def add(self, name: str, role: Role, clock: Clock, expires: str = "") -> str:
        """Make a key, keep its digest and return it: nobody can ever be shown it again."""
        key = PREFIX + secrets.token_urlsafe(32)
        now = clock.now().isoformat(timespec="seconds")
        own = Key(
            name=name, role=role.name.lower(), digest=digest_of(key), created=now, expires=expires
        )
        self._write([*self.all(), own])
        return key

    def revoke(self, name: str) -> int:
        """Take every key of a name away and return how many there were."""
        known = self.all()
        left = [key for key in known if key.name != name]
        if len(left) < len(known):
            self._write(left)
        return len(known) - len(left)

    def _read(self) -> None:
        try:
            facts = self._path.stat()
            stamp = (facts.st_mtime_ns, facts.st_ino)
            if stamp == self._stamp:
                return
            entries = [Key(**entry) for entry in json.loads(self._path.read_text())]
            for entry in entries:
                role_of(entry.role)
        except FileNotFoundError:
            self._known, self._stamp = {}, (-1, -1)
            return
        except (OSError, ValueError, TypeError, KeyError) as error:
            raise ConfigError(
                Problem(
                    where=str(self._path),
                    found=f"no readable file of keys ({error})",
                    allowed="the file as flyball keys wrote it",
                    fix="put a copy of it back, or delete it and make new keys",
                )
            ) from error
        self._known, self._stamp = {key.digest: key for key in entries}, stamp

    def _write(self, keys: list[Key]) -> None:
        half = self._path.with_name(f".{self._path.name}.half")
        half.touch(0o600)
        half.write_text(json.dumps([asdict(key) for key in keys], indent=1))
        half.replace(self._path)
        self._stamp = (-1, -1)


def digest_of(key: str) -> str:
    """Return what is kept of a key; it is random enough not to need salt or slowness."""
    return sha256(key.encode()).hexdigest()


def role_of(name: str) -> Role:
    """Return a role by its name; raise KeyError for another one."""
    return Role[name.upper()]


@dataclass(kw_only=True)
class Access:
    """Says who asks."""

    keys: Keys
    clock: Clock
    tokens: Tokens | None = None

    def person(self, headers: Mapping[bytes, bytes]) -> Person | None:
        """Return who sent a request, from ``authorization: bearer`` or ``x-api-key``; else None."""
        said = headers.get(b"x-api-key", b"")
        given = headers.get(b"authorization", b"")
        if not said and given[:7].lower() == b"bearer ":
            said = given[7:].strip()
        if not said or len(said) > 8192:
            return None
        text = said.decode("latin-1")
        return self._of_key(text) if text.startswith(PREFIX) else self._of_token(text)

    def _of_key(self, text: str) -> Person | None:
        own = digest_of(text)
        key = self.keys.named(own)
        # The dictionary found it by its digest; compared once more in constant time.
        if key is None or not hmac.compare_digest(key.digest, own):
            return None
        if key.expires and key.expires <= self.clock.now().isoformat(timespec="seconds"):
            return None
        return Person(key.name, role_of(key.role))

    def _of_token(self, text: str) -> Person | None:
        if self.tokens is None:
            return None
        try:
            claims: dict[str, Any] = jwt.decode(
                text,
                self.tokens.public_key,
                algorithms=[name for name in self.tokens.algorithms if name in ASYMMETRIC],
                audience=self.tokens.audience,
                issuer=self.tokens.issuer,
                options={"require": ["exp", "iss", "aud", "sub"]},
            )
            return Person(str(claims["sub"]), role_of(str(claims[self.tokens.role_claim])))
        except (jwt.PyJWTError, KeyError, ValueError):
            return None
