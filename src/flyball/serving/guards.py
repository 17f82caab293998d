# SPDX-License-Identifier: MIT
"""When a pilot leaves the field at once: no statistic is asked for that."""

from collections import deque
from collections.abc import Set
from dataclasses import dataclass

import numpy as np

from flyball.core.batch import Doubles

NOTICEABLE = 1e-3
"""Share of a value's range from which a change by the shield is counted against a pilot."""


@dataclass(frozen=True, kw_only=True)
class GuardConfig:
    """Settings of `Guards`."""

    strikes: int = 3
    """Decisions lost (failed, no number, late) within the window."""

    window_s: float = 60.0
    leaning: float = 0.5
    """Largest share of its last decisions that the shield may change: it keeps the plant safe, but
    such a policy is not in control of anything."""

    decisions: int = 200
    """How many of the last ones."""


class Guards:
    """Counts against pilots, by their names.

    Parameters
    ----------
    config
        Settings.
    span
        (D,) ranges of the values, native units.
    """

    def __init__(self, config: GuardConfig, span: Doubles) -> None:
        self._config, self._span = config, span
        self._strikes: dict[str, deque[float]] = {}
        self._leans: dict[str, deque[bool]] = {}

    def strike(self, name: str, why: str, now_s: float) -> str:
        """Count a lost decision; return why the pilot must leave, or nothing."""
        recent = self._strikes.setdefault(name, deque())
        recent.append(now_s)
        while recent[0] < now_s - self._config.window_s:
            recent.popleft()
        enough = len(recent) >= self._config.strikes
        return f"{why}, {len(recent)} times" if enough else ""

    def notices(self, change: Doubles) -> bool:
        """Return whether a change (D,) by the shield is more than rounding."""
        return bool(np.any(change > NOTICEABLE * self._span))

    def lean(self, name: str, *, noticed: bool) -> str:
        """Count a decision that the shield changed or not; return why the pilot must leave."""
        recent = self._leans.setdefault(name, deque(maxlen=self._config.decisions))
        recent.append(noticed)
        full, n = len(recent) == recent.maxlen, sum(recent)
        if not full or n <= self._config.leaning * len(recent):
            return ""
        return f"the shield changed {n} of its last {len(recent)} actions"

    def forget(self, names: Set[str]) -> None:
        """Keep the counts of some names alone."""
        for counts in (self._strikes, self._leans):
            for name in counts.keys() - names:
                del counts[name]
