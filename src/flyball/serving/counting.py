# SPDX-License-Identifier: MIT
"""What a server counts about its decisions; cheap enough to be done in each of them."""

from bisect import bisect_left
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np

from flyball.core.batch import Doubles
from flyball.core.decision import Arm

BUCKETS_S = (0.0001, 0.0002, 0.0005, 0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.5)
"""Upper ends of the buckets of how long decisions take, s."""


@dataclass
class Counts:
    """Counters of one server, from zero."""

    decisions: Counter[tuple[str, str, str]] = field(default_factory=Counter)
    """By policy, arm and what became of the proposal: as proposed, changed, stopped."""

    fallbacks: Counter[str] = field(default_factory=Counter)
    """Decisions that somebody lost to the fallback: fault, log, failed."""

    bent: Counter[str] = field(default_factory=Counter)
    """By the limit that bent the action."""

    latency: list[int] = field(default_factory=lambda: [0] * (len(BUCKETS_S) + 1))
    """By bucket; the last one is for what took longer."""

    latency_s: float = 0.0
    """Of all decisions together."""

    disagreed: Counter[Arm] = field(default_factory=Counter)
    """Decisions in which an arm in shadow would have done something else than who decided."""

    shadowed: Counter[Arm] = field(default_factory=Counter)
    """Decisions in which an arm was asked and somebody else decided."""

    def took(self, elapsed_s: float) -> None:
        """Count how long a decision took."""
        self.latency[bisect_left(BUCKETS_S, elapsed_s)] += 1
        self.latency_s += elapsed_s

    def compare(self, arm: Arm, wishes: Mapping[Arm, tuple[str, Doubles]], near: Doubles) -> None:
        """Count who would have done something else; `near` (D,) is what counts as the same."""
        own = wishes[arm][1]
        for other, (_, value) in wishes.items():
            if other not in (arm, Arm.FALLBACK):
                self.shadowed[other] += 1
                self.disagreed[other] += bool(np.any(~(np.abs(value - own) <= near)))
