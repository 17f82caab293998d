# SPDX-License-Identifier: MIT
"""Which policy decides for what: a lot that anybody can draw again, from a key and a salt.

The key names what carries the consequences of its own decisions: an episode, a shift, a block of
time. It never changes arm, and it gives one block of evidence. The salt is made at random for each
release and kept until it is judged; then nobody can choose keys by their arm.
"""

import hashlib
import math
from collections.abc import Mapping
from typing import NamedTuple

from flyball.core.errors import ConfigError, Problem

CHAMPION = "champion"
"""The arm of the policy in control; every other arm is a challenger."""


class Assigned(NamedTuple):
    """An arm, and how likely every arm was."""

    key: str
    arm: str
    shares: Mapping[str, float]
    pair: str = ""
    """Name of the pair of blocks that was drawn as one; empty: drawn by itself."""


def uniform(key: str, salt: str) -> float:
    """Return a number in [0, 1) that depends on key and salt only, evenly spread over keys."""
    text = f"{len(salt)}:{salt}{key}".encode()
    return (int.from_bytes(hashlib.sha256(text).digest()[:8]) >> 11) * 2.0**-53


def assign(key: str, salt: str, shares: Mapping[str, float]) -> Assigned:
    """Return the arm of a key.

    The first challenger is drawn from the low end, a second one from the high end: whoever has been
    drawn by a challenger stays with it when its share grows.

    Parameters
    ----------
    key
        What stays with its arm: ``"line 3, 2026-11-21 early shift"``.
    salt
        Of the release.
    shares
        Probability of one or two challengers; the champion has the rest.

    Raises
    ------
    ConfigError
        Where shares are no probabilities that leave something to the champion.
    """
    odds = _checked(shares)
    drawn, arm = uniform(key, salt), CHAMPION
    first, *second = odds
    if drawn < odds[first]:
        arm = first
    elif second and drawn >= 1.0 - odds[second[0]]:
        arm = second[0]
    left = 1.0 - math.fsum(odds.values())
    return Assigned(key, arm, {CHAMPION: left, **odds})


def switchback(
    block: int, salt: str, shares: Mapping[str, float], *, balanced: bool = False
) -> Assigned:
    """Return the arm of a whole plant, which cannot be split, for a numbered block of time.

    Parameters
    ----------
    block
        Counted from 0.
    salt, shares
        See `assign`.
    balanced
        Blocks 2 k and 2 k + 1 are a pair, one for either arm, in an order drawn by lot; so a slow
        trend meets both alike. `judge` makes one piece of evidence of them. The one challenger has
        a share of 0.5.

    Raises
    ------
    ConfigError
        Where shares are no probabilities, or not half and half where they must be.
    """
    if not balanced:
        return assign(f"block {block}", salt, shares)
    challenger, *others = _checked(shares)
    if others or shares[challenger] != 0.5:
        raise ConfigError(
            Problem(
                where="shares",
                found=", ".join(f"{arm} {share:g}" for arm, share in shares.items()),
                allowed="one challenger with 0.5, as blocks are balanced",
                fix="set its share to 0.5, or do not balance",
            )
        )
    pair = f"pair {block // 2}"
    challenger_first = uniform(pair, salt) < 0.5
    arm = challenger if challenger_first == (block % 2 == 0) else CHAMPION
    return Assigned(f"block {block}", arm, {CHAMPION: 0.5, challenger: 0.5}, pair)


def _checked(shares: Mapping[str, float]) -> dict[str, float]:
    sound = all(0.0 <= share <= 1.0 for share in shares.values())
    if sound and 1 <= len(shares) <= 2 and CHAMPION not in shares and sum(shares.values()) <= 1.0:
        return dict(shares)
    raise ConfigError(
        Problem(
            where="shares",
            found=", ".join(f"{arm} {share:g}" for arm, share in shares.items()) or "none",
            allowed="one or two challengers, each in [0, 1], together at most 1",
            fix="lower a share; the champion has what is left and is not named",
        )
    )
