# SPDX-License-Identifier: MIT
"""Moments as the registry keeps them: UTC with microseconds, texts that sort as they passed."""

from datetime import UTC, datetime


def moment(at: datetime) -> str:
    """Return a moment with a time zone as ``2026-01-31T12:00:00.000000Z``."""
    return at.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ")


def read(text: str) -> datetime:
    """Return the moment that `moment` wrote."""
    return datetime.strptime(text, "%Y-%m-%dT%H:%M:%S.%fZ").replace(tzinfo=UTC)
