# SPDX-License-Identifier: MIT
"""How limits are told: in words, as data, as a file."""

from collections.abc import Iterator, Sequence
from typing import Any

from flyball.core.errors import Problem
from flyball.core.limits import KINDS, Constraint
from flyball.core.limits_file import text_of

MEANING = {
    "hard": "never broken",
    "soft": "broken at a price, and counted",
    "monitor": "counted only",
}
"""Every severity, in the order in which they are told."""


def in_words(
    limits: Sequence[Constraint], where: str, unproved: Sequence[Problem] = ()
) -> Iterator[str]:
    """Yield lines: every limit under its severity, with who stands behind the number.

    Parameters
    ----------
    limits
        That can be kept together.
    where
        What they are called.
    unproved
        Why a Shield with a gate refuses them; empty: it does not, or nobody asked.
    """
    but = ", BUT REFUSED BY A GATE" if unproved else ""
    yield f"{where}: good{but}, {len(limits)} limit{'s' if len(limits) != 1 else ''}"
    for severity, meaning in MEANING.items():
        found = [limit for limit in limits if limit.severity == severity]
        if found:
            yield f"\n{severity}: {meaning}"
        for limit in found:
            yield f"  {limit.name}"
            yield f"      {limit.explain()}"
            yield from (f"      {line}" for line in behind(limit))
    if unproved:
        yield "\na Shield with a gate refuses them: no shipped proof knows that they are kept"
        yield "(one without a gate bends actions to them, and proves nothing)"
    for problem in unproved:
        yield f"  {problem.where}"
        yield f"      found: {problem.found}; allowed: {problem.allowed}"
        yield f"      fix: {problem.fix}"
    bare = [limit.name for limit in limits if not (limit.source and limit.owner)]
    if bare:
        yield f"\nnote: without source or owner: {', '.join(bare)}"


def behind(limit: Constraint) -> Iterator[str]:
    """Yield the price of a limit and where its number comes from, as far as they are stated."""
    if limit.severity == "soft":
        yield f"price {limit.price:g} for each {limit.unit}"
    told = (("", limit.source), ("owner ", limit.owner), ("revision ", limit.revision))
    words = "; ".join(word + text for word, text in told if text)
    if words:
        yield words


def as_data(limits: Sequence[Constraint]) -> list[dict[str, Any]]:
    """Return limits as plain data."""
    kinds = {kind: name for name, kind in KINDS.items()}
    return [
        {
            "name": limit.name,
            "kind": kinds[type(limit)],
            "says": limit.explain(),
            "unit": limit.unit,
            "severity": limit.severity,
            "price": limit.price,
            "source": limit.source,
            "owner": limit.owner,
            "revision": limit.revision,
        }
        for limit in limits
    ]


def as_toml(limits: Sequence[Constraint]) -> str:
    """Return limits as a file."""
    return text_of(limits)
