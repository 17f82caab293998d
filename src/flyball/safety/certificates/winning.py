# SPDX-License-Identifier: MIT
"""Proof that a finite plant can be kept off forbidden states: every state and outcome is looked at.

The winning region is the largest set of states in each of which some legal choice has all its
outcomes within the set. It is what is left when states without such a choice are struck off until
nothing changes. A choice is allowed where all its outcomes win.

S states · A choices · W outcomes.
"""

from typing import NamedTuple

import numpy as np

from flyball.core.batch import Bools, Doubles, Longs
from flyball.core.envelope import Finite

LOST = -1
"""Backup choice of a state from where nothing is safe."""


class Winning(NamedTuple):
    """States in which a plant can be kept, and how."""

    winning: Bools  # (S,)
    choice: Longs  # (S,) the backup's; LOST where the state does not win


def won(finite: Finite) -> Winning:
    """Return the winning region with, in each state, the choice that strays least.

    The backup prefers the choice with the fewest different outcomes, then the first.
    """
    winning = ~finite.forbidden
    while True:
        left = winning & allowed(finite, winning).any(axis=1)
        if (left == winning).all():
            break
        winning = left
    ordered = np.sort(finite.following, axis=2)
    outcomes = 1 + (ordered[:, :, 1:] != ordered[:, :, :-1]).sum(axis=2)
    n_outcomes = finite.following.shape[2]
    rank = np.where(allowed(finite, winning), outcomes, n_outcomes + 1)
    return Winning(winning, np.where(winning, rank.argmin(axis=1), LOST))


def allowed(finite: Finite, winning: Bools) -> Bools:
    """Return (S, A) the legal choices whose outcomes all lie in a set (S,)."""
    found: Bools = finite.legal & winning[finite.following].all(axis=2)
    return found


def refuted(own: Winning, finite: Finite) -> str:
    """Return why a region is not proved safe; nothing where it is."""
    n_states, n_choices = finite.legal.shape
    inside = np.flatnonzero(own.winning)
    if own.winning.shape != (n_states,) or own.choice.shape != (n_states,):
        return f"{len(own.winning)} states instead of {n_states}"
    if not len(inside):
        return "no state is won"
    broken = finite.forbidden & own.winning
    if broken.any():
        return f"state {int(broken.argmax())} is forbidden"
    choice = own.choice[inside]
    if not ((choice >= 0) & (choice < n_choices)).all():
        return "a state that is won has no choice"
    kept = allowed(finite, own.winning)[inside, choice]
    if not kept.all():
        state = int(inside[int((~kept).argmax())])
        return f"choice {int(own.choice[state])} can lead out of what is won from state {state}"
    missing = won(finite).winning & ~own.winning
    return f"state {int(missing.argmax())} is won too" if missing.any() else ""


class FiniteBackup:
    """What a gate needs of a finite plant, by its states."""

    def __init__(self, own: Winning, finite: Finite) -> None:
        """Keep the table of what is allowed."""
        self.finite, self.winning = finite, own.winning
        self.allowed = allowed(finite, own.winning) & own.winning[:, None]
        self.choice = own.choice

    def margin(self, low: Doubles, high: Doubles) -> Doubles:
        """Return (n,) 0 where both ends of a box (n, M) of signals are one winning state."""
        state, other = self.finite.state_of(low), self.finite.state_of(high)
        known = (state >= 0) & (state == other)
        return np.where(known & self.winning[np.where(known, state, 0)], 0.0, -1.0)

    def choices(self, signals: Doubles) -> tuple[Bools, Longs]:
        """Return what is allowed (n, A) and the backup's choice (n,) for signals (n, M).

        A state that is none allows nothing and has no choice.
        """
        state = self.finite.state_of(signals)
        known = state >= 0
        at = np.where(known, state, 0)
        return self.allowed[at] & known[:, None], np.where(known, self.choice[at], LOST)
