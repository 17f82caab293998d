# SPDX-License-Identifier: MIT
"""Time as an argument: wall time in production, a hand-moved clock in tests."""

import time
from datetime import UTC, datetime
from typing import Protocol


class Clock(Protocol):
    """Where the time comes from."""

    def elapsed_s(self) -> float:
        """Return seconds from a fixed, unknown moment; never goes back."""
        ...

    def now(self) -> datetime:
        """Return the present moment, with time zone."""
        ...


class SystemClock:
    """The machine's own clock."""

    def elapsed_s(self) -> float:
        """Return the monotonic time in seconds."""
        return time.monotonic()

    def now(self) -> datetime:
        """Return the present moment in UTC."""
        return datetime.now(UTC)


class ManualClock:
    """A clock that stands still until it is moved."""

    def __init__(self, start: datetime = datetime(2026, 1, 1, tzinfo=UTC)) -> None:
        self._start = start
        self._elapsed_s = 0.0

    def advance(self, by_s: float) -> None:
        """Move the clock on by `by_s` seconds."""
        self._elapsed_s += by_s

    def elapsed_s(self) -> float:
        """Return the seconds moved since the clock was made."""
        return self._elapsed_s

    def now(self) -> datetime:
        """Return the start moved on by the elapsed seconds."""
        return datetime.fromtimestamp(self._start.timestamp() + self._elapsed_s, tz=UTC)
