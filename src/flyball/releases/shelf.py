# SPDX-License-Identifier: MIT
"""The releases that the registry knows: adding, finding and listing them."""

from typing import NamedTuple

from sqlalchemy import ColumnElement, Connection, and_, desc, insert, or_, select

from flyball.releases.manifest import Manifest, digest_of
from flyball.releases.refusals import MissingError, RefusedError, problem
from flyball.releases.tables import MANIFESTS, RELEASES

ADMITTED, RETIRED = "admitted", "retired"

SHORTEST = 4
"""Digits of a digest that name it."""

MOST = 500
"""Releases on a page."""


class Entry(NamedTuple):
    """A release in a list."""

    digest: str
    world: str
    version: int
    spec_hash: str
    purpose: str
    algorithm: str
    verdict: str
    parent: str
    signer: str
    created: str  # ISO 8601, UTC
    state: str  # admitted, retired


class Page(NamedTuple):
    """Some releases, newest first."""

    entries: tuple[Entry, ...]
    next: str  # for the page behind it; empty on the last one


LENGTHS = {
    "world": 100,
    "purpose": 200,
    "algorithm": 100,
    "verdict": 40,
    "parent": 64,
    "signer": 16,
}
"""Letters that a list shows of what a manifest says; the manifest itself is kept whole."""

COLUMNS = [RELEASES.c[name] for name in Entry._fields]


def added(connection: Connection, manifest: Manifest, signer: str, created: str) -> Entry | None:
    """Add a release within a change and return it; None where it is there already."""
    content = manifest.to_bytes()
    entry = Entry(
        digest=digest_of(content),
        world=manifest.world,
        version=manifest.version,
        spec_hash=manifest.spec_hash,
        purpose=manifest.purpose,
        algorithm=str(manifest.policy.get("algorithm", "")),
        verdict=str(manifest.evaluation.get("verdict", "")),
        parent=str(manifest.lineage.get("parent", "")),
        signer=signer,
        created=created,
        state=ADMITTED,
    )
    if found(connection, entry.digest) is not None:
        return None
    plain = entry._asdict() | {key: _clean(getattr(entry, key))[:n] for key, n in LENGTHS.items()}
    said = (plain[key] for key in ("world", "algorithm", "verdict", "purpose"))
    words = " ".join(said).lower()[:400]
    connection.execute(insert(RELEASES).values(**plain, words=words))
    connection.execute(insert(MANIFESTS).values(digest=entry.digest, content=content.decode()))
    return Entry(**plain)


def _clean(text: str) -> str:
    """Return a text without what some database could not keep."""
    return "".join(letter if letter.isprintable() else " " for letter in text)


def found(connection: Connection, digest: str) -> Entry | None:
    """Return a release, or None."""
    row = connection.execute(select(*COLUMNS).where(RELEASES.c.digest == digest)).one_or_none()
    return None if row is None else Entry(*row)


def required(connection: Connection, digest: str) -> Entry:
    """Return a release that may be used.

    Raises
    ------
    MissingError
        When there is none.
    RefusedError
        When it is retired.
    """
    entry = found(connection, digest)
    if entry is None:
        fix = "admit it, and add it to the registry first"
        raise MissingError(problem("release", f"'{digest[:80]}'", "a release that is known", fix))
    if entry.state != ADMITTED:
        where, fix = f"release {digest[:12]}", "take another one, or pack it again"
        raise RefusedError(problem(where, entry.state, ADMITTED, fix))
    return entry


def manifest_of(connection: Connection, digest: str) -> bytes:
    """Return the manifest of a release that is known, byte for byte."""
    text = connection.scalar(select(MANIFESTS.c.content).where(MANIFESTS.c.digest == digest))
    return str(text).encode()


def beginning(connection: Connection, prefix: str) -> tuple[Entry, ...]:
    """Return at most twenty releases whose digests begin so, sorted.

    Raises
    ------
    RefusedError
        When the prefix is too short, or no part of a digest.
    """
    if not SHORTEST <= len(prefix) <= 64 or not set(prefix) <= set("0123456789abcdef"):
        allowed = f"{SHORTEST} to 64 of 0-9 and a-f"
        fix = "give the first digits of a digest"
        raise RefusedError(problem("release", f"'{prefix[:80]}'", allowed, fix))
    wanted = select(*COLUMNS).where(RELEASES.c.digest.between(prefix, prefix.ljust(64, "f")))
    rows = connection.execute(wanted.order_by(RELEASES.c.digest).limit(20))
    return tuple(Entry(*row) for row in rows)


class Wanted(NamedTuple):
    """Which releases to list."""

    world: str = ""  # empty: of every world
    state: str = ""  # empty: in every state
    text: str = ""  # words, each somewhere in world, algorithm, verdict or purpose
    after: str = ""  # `next` of the page before; empty: the first page
    limit: int = 50


def listed(connection: Connection, wanted: Wanted) -> Page:
    """Return a page of releases, newest first.

    Raises
    ------
    RefusedError
        When `after` is not what a page gave, or the limit is none.
    """
    if not 0 < wanted.limit <= MOST:
        fix = "ask for one page after another"
        raise RefusedError(problem("limit", str(wanted.limit), f"1 to {MOST}", fix))
    rules: list[ColumnElement[bool]] = []
    if wanted.world:
        rules.append(RELEASES.c.world == wanted.world)
    if wanted.state:
        rules.append(RELEASES.c.state == wanted.state)
    rules += [
        RELEASES.c.words.contains(word, autoescape=True) for word in wanted.text.lower().split()
    ]
    if wanted.after:
        rules.append(_behind(wanted.after))
    order = (desc(RELEASES.c.created), desc(RELEASES.c.digest))
    digests = select(RELEASES.c.digest).where(and_(True, *rules)).order_by(*order)
    names = connection.scalars(digests.limit(wanted.limit + 1)).all()
    rows = connection.execute(select(*COLUMNS).where(RELEASES.c.digest.in_(names)).order_by(*order))
    entries = tuple(Entry(*row) for row in rows)[: wanted.limit]
    more = len(names) > wanted.limit
    return Page(entries, f"{entries[-1].created}/{entries[-1].digest}" if more else "")


def _behind(place: str) -> ColumnElement[bool]:
    """Return the condition for what comes after a place; the first part is what an index needs."""
    created, slash, digest = place.partition("/")
    if not slash or len(created) != 27 or len(digest) != 64:
        fix = "take `next` of the page before"
        raise RefusedError(problem("page", f"'{place[:120]}'", "a place that a page gave", fix))
    same = and_(RELEASES.c.created == created, RELEASES.c.digest < digest)
    return and_(RELEASES.c.created <= created, or_(RELEASES.c.created < created, same))
