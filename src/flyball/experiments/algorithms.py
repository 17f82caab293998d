# SPDX-License-Identifier: MIT
"""The algorithms that there are, in words, and what each of them can be told."""

from dataclasses import dataclass

from flyball import learning
from flyball.experiments.describe import Setting, settings_of
from flyball.experiments.experiment import INHERITED


@dataclass(frozen=True, kw_only=True)
class Entry:
    """One algorithm, as a table shows it."""

    name: str
    title: str
    heads: tuple[str, ...]
    memory: bool
    many: bool
    """Whether it is made for several agents."""

    paper: str


def entries() -> list[Entry]:
    """Return every algorithm in the catalogue's order."""
    return [
        Entry(
            name=each.name,
            title=each.title,
            heads=tuple(sorted(each.heads)),
            memory=each.memory,
            many=each.many,
            paper=each.paper,
        )
        for each in learning.ALGORITHMS.values()
    ]


def settings(name: str) -> list[Setting]:
    """Return every setting of an algorithm and of its networks, with type, default and sentence.

    Raises
    ------
    ConfigError
        When there is no such algorithm; names the nearest.
    """
    recipe = learning.recipe(name)
    own = settings_of(recipe.config(), name)
    inherited = [f"{name}.{key}" for key in INHERITED]
    own = [each for each in own if each.key not in inherited]
    return own + settings_of(recipe.net, "net")
