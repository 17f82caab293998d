# SPDX-License-Identifier: MIT
"""How often somebody may ask: a bucket of tokens for each name, filled at a steady rate."""

from flyball.core.clock import Clock


class Rate:
    """Admits so many requests a second on the mean, and twice as many at once.

    Parameters
    ----------
    per_s
        Requests a second of one name.
    clock
        The time.
    """

    def __init__(self, per_s: float, clock: Clock) -> None:
        self._per_s, self._clock = per_s, clock
        self._left: dict[str, tuple[float, float]] = {}

    def admits(self, name: str, n: float = 1.0) -> bool:
        """Return whether `n` more requests of a name may be answered, and count them if so."""
        now_s = self._clock.elapsed_s()
        left, then_s = self._left.get(name, (2.0 * self._per_s, now_s))
        left = min(2.0 * self._per_s, left + (now_s - then_s) * self._per_s)
        admitted = left >= n
        self._left[name] = (left - n if admitted else left, now_s)
        return admitted
