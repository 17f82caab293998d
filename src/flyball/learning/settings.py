# SPDX-License-Identifier: MIT
"""The one sentence that refuses a setting."""

from flyball.core.errors import ConfigError, Problem

EPISODE_STRIDE = 1_000_003
"""Draws of step t in iteration i are named i * EPISODE_STRIDE + t: no episode is that long."""


def require(where: str, found: object, allowed: str, *, ok: bool, usual: str) -> None:
    """Raise ConfigError unless `ok`.

    Parameters
    ----------
    where
        The setting's full name, ``ppo.clip``.
    found
        Its value.
    allowed
        In words, ``in (0, 1)``.
    ok
        Whether the value is allowed.
    usual
        What people take.
    """
    if not ok:
        raise ConfigError(
            Problem(
                where=where, found=str(found), allowed=allowed, fix=f"take {usual}, as is usual"
            )
        )
