# SPDX-License-Identifier: MIT
"""The gate of a plant with finitely many states: only choices all of whose outcomes win.

A state is winning if some choice keeps the plant among winning states whatever follows (see
`certificates.winning`). Where the plant is not seen, every state that it can have reached is held
possible, and a choice must be allowed in all of them.

R rows · S states · A choices · W outcomes.
"""

from typing import Any, NamedTuple

import numpy as np

from flyball.core.batch import Bools, Ints, Longs
from flyball.core.envelope import Finite
from flyball.core.errors import ConfigError, Problem
from flyball.safety.gate import LOST, PASSED, RESTORED, Region
from flyball.safety.kernels import kernel


class Chosen(NamedTuple):
    """What came of a decision."""

    choice: Ints  # (R,)
    code: Ints  # (R,) PASSED, RESTORED or LOST
    doubted: Bools  # (R,) the state that was seen cannot have been reached


@kernel
def move(following: Longs, choice: Ints, possible: Bools) -> None:
    """Replace the states that are possible in each row (R, S) by those that can follow."""
    ahead = np.empty(possible.shape[1], np.bool_)
    for r in range(len(choice)):
        ahead[:] = False
        for s in range(possible.shape[1]):
            if possible[r, s]:
                for w in range(following.shape[2]):
                    ahead[following[s, choice[r], w]] = True
        possible[r] = ahead


class ChoiceGate:
    """What is possible in each of R rows."""

    def __init__(self, finite: Finite, allowed: Bools, choice: Longs, *, n_rows: int) -> None:
        """Hold every state possible.

        Parameters
        ----------
        finite
            The plant.
        allowed
            (S, A) choices that keep a winning state winning.
        choice
            (S,) the backup's.
        n_rows
            R.

        Raises
        ------
        ConfigError
            For a table that leads out of its states.
        """
        n_states = len(choice)
        known = (finite.following >= 0) & (finite.following < n_states)
        if not (known.all() and allowed.shape == finite.legal.shape == finite.following.shape[:2]):
            raise ConfigError(
                Problem(
                    where="finite plant",
                    found=f"a table {finite.following.shape} that leads out of {n_states} states",
                    allowed=f"states 0 to {n_states - 1} for every choice and outcome",
                    fix="repeat an outcome where a choice has fewer",
                )
            )
        self.finite, self.choice = finite, choice
        self.banned = (~allowed).astype(np.float32)
        self.possible = np.ones((n_rows, len(choice)), np.bool_)

    def begin(self, rows: Longs) -> None:
        """Forget some rows (n,)."""
        self.possible[rows] = True

    def decide(self, measured: Region, proposed: Ints) -> Chosen:
        """Return what may be chosen now, and remember what can follow.

        Parameters
        ----------
        measured
            Of R rows; NaN where nothing is known.
        proposed
            (R,) any numbers.
        """
        doubted = self._look(measured)
        n_choices, rows = self.banned.shape[1], np.arange(len(proposed))
        allowed = self.possible.astype(np.float32) @ self.banned == 0.0
        known = (proposed >= 0) & (proposed < n_choices)
        wish = np.where(known, proposed, 0)
        passes = known & allowed[rows, wish]
        backup = self.choice[self.possible.argmax(1)]
        sure = (backup >= 0) & allowed[rows, backup]
        held = np.where(sure, backup, allowed.argmax(1))
        choice = np.where(passes, wish, held).astype(np.int32)
        code = np.where(passes, PASSED, np.where(allowed.any(1), RESTORED, LOST)).astype(np.int32)
        lost = np.flatnonzero(code == LOST)
        choice[lost] = self.finite.legal[self.possible[lost].argmax(1)].argmax(1)
        move(self.finite.following, choice, self.possible)
        return Chosen(choice, code, doubted)

    def _look(self, measured: Region) -> Bools:
        """Keep the states that are seen as the only possible ones; return (R,) the unlikely."""
        known: Bools = np.asarray(np.isfinite(np.concatenate(measured, 1)).all(1))[:, None]
        low, high = (self.finite.state_of(np.where(known, x, 0.0)) for x in measured)
        rows = np.flatnonzero(known[:, 0] & (low == high) & (low >= 0))
        doubted = np.zeros(len(low), np.bool_)
        doubted[rows] = ~self.possible[rows, low[rows]]
        sure = rows[~doubted[rows]]
        self.possible[sure] = False
        self.possible[rows, low[rows]] = True
        return doubted

    def snapshot(self) -> dict[str, Any]:
        """Return a copy of everything that is remembered."""
        return {"gate.possible": self.possible.copy()}

    def restore(self, snapshot: dict[str, Any]) -> None:
        """Go back to a snapshot."""
        self.possible[:] = snapshot["gate.possible"]
