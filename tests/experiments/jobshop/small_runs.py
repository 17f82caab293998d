# SPDX-License-Identifier: MIT
"""A small plant, a small policy and a small run for the tests of experiments and cli."""

from pathlib import Path

import numpy as np

from flyball.worlds.jobshop.scenario import Scenario
from tests.worlds.jobshop.small_shops import H, longs, shop

JSP = "4 3\n0 3 1 2 2 2\n0 2 2 1 1 4\n1 4 2 3 0 1\n2 3 0 2 1 2\n"
"""A job shop of four jobs on three machines, as the public files write them."""

SETTINGS = """
seed = 3
trainer = "improve"
envs = 4
threads = 1

[pool]
days = 4
generated = 0
validation = 2
tuning = 4

[phase]
imitate_iterations = 2
validate_every = 1

[net]
hidden = [8, 8]

[improve]
group = 2
"""
"""A run that takes seconds."""


def small_plant() -> Scenario:
    """Return a shop with due times that some rules keep and others do not."""
    routes = [
        [{0: 3}, {1: 2}, {2: 2}],
        [{0: 2}, {2: 1}, {1: 4}],
        [{1: 4}, {2: 3}],
        [{2: 3}, {0: 2}],
    ]
    return shop(
        routes,
        due_s=longs([9 * H, 7 * H, 12 * H, 5 * H]),
        weight=np.array([1.0, 2.0, 1.0, 3.0]),
        important=np.array([False, True, False, False]),
    )


def write_plant(folder: Path) -> Path:
    """Write the small job shop as a public file."""
    path = folder / "small.txt"
    path.write_text(JSP, encoding="utf-8")
    return path


def write_settings(folder: Path, extra: str = "") -> Path:
    """Write the small settings."""
    path = folder / "small.toml"
    path.write_text(SETTINGS + extra, encoding="utf-8")
    return path


def unwatched(stage: str, share: float, figures: object) -> None:
    """Watch nothing."""
    del stage, share, figures
