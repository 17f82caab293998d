# SPDX-License-Identifier: MIT
"""What a shield reads of an observation: what is believed, and what filter and gate are asked.

A signal is believed if it is finite, of good quality and fresh. The model of a gate says nothing of
what is old: to it only what was measured now counts.

B copies · N agents · R = B * N rows · D values · M signals, of which U are used by limits · X
states.
"""

from typing import NamedTuple

import numpy as np

from flyball.core.batch import Bools, Doubles, Ints, Longs, Observation
from flyball.safety.filtering import Asked
from flyball.safety.kernels import kernel, viewing
from flyball.safety.pool import Pool, flag_1, flag_2, leaves, pooled, real_1, real_2, whole_1


class Senses(NamedTuple):
    """What does not change: what is looked at, and how sure it is."""

    used: Longs  # (U,) signals that limits name
    state: Longs  # (X,) signals that are the state
    error: Doubles  # (M,) largest error of each signal
    most_age_s: float


class Read(NamedTuple):
    """One decision of B copies; valid until the next one."""

    signals: Doubles  # (B, M) native units
    age_s: Doubles  # (B, M)
    quality: Bools  # (B, M)
    proposed: Doubles  # (R, D)
    vetoed: Bools  # (R,)
    now_s: Doubles  # (B,)
    trusted: Bools  # (B, M) what is believed
    state: Doubles  # (B, X) what is believed of the state; NaN: nothing
    low: Doubles  # (B, X) where it was measured to be now; NaN: nobody saw
    high: Doubles  # (B, X)
    asked: Asked  # of the filter
    wish: Doubles  # (R, D) what the gate is asked for; NaN: for the backup
    late: Bools  # (R,) the last decision was not one step ago


READ = leaves(Senses)
ASKED = READ + list(Read._fields).index("asked")
AFTER = ASKED + leaves(Asked)


@viewing
def _senses(pool: Pool) -> Senses:
    return Senses(whole_1(pool, 0), whole_1(pool, 1), real_1(pool, 2), real_1(pool, 3)[0])


@viewing
def _read(pool: Pool) -> Read:
    return Read(
        real_2(pool, READ),
        real_2(pool, READ + 1),
        flag_2(pool, READ + 2),
        real_2(pool, READ + 3),
        flag_1(pool, READ + 4),
        real_1(pool, READ + 5),
        flag_2(pool, READ + 6),
        real_2(pool, READ + 7),
        real_2(pool, READ + 8),
        real_2(pool, READ + 9),
        Asked(
            real_2(pool, ASKED),
            real_2(pool, ASKED + 1),
            real_2(pool, ASKED + 2),
            flag_2(pool, ASKED + 3),
            real_1(pool, ASKED + 4),
        ),
        real_2(pool, AFTER),
        flag_1(pool, AFTER + 1),
    )


@kernel
def believe(pool: Pool) -> None:
    """Find what can be believed, and where the plants were measured to be."""
    senses, read = _senses(pool), _read(pool)
    for b in range(len(read.now_s)):
        for m in range(read.signals.shape[1]):
            age_s = read.age_s[b, m]
            fresh = read.quality[b, m] and 0.0 <= age_s <= senses.most_age_s
            read.trusted[b, m] = fresh and np.isfinite(read.signals[b, m])
        for x in range(len(senses.state)):
            m = senses.state[x]
            sure, own, error = read.trusted[b, m], read.signals[b, m], senses.error[m]
            now = sure and read.age_s[b, m] == 0.0
            read.state[b, x] = own if sure else np.nan
            read.low[b, x] = own - error if now else np.nan
            read.high[b, x] = own + error if now else np.nan


@kernel
def ask(pool: Pool) -> None:
    """Write what the filter is asked, a row for each agent."""
    believe(pool)
    senses, read = _senses(pool), _read(pool)
    asked, n_agents = read.asked, len(read.proposed) // len(read.now_s)
    for r in range(len(read.proposed)):
        b = r // n_agents
        asked.now_s[r] = read.now_s[b]
        for d in range(read.proposed.shape[1]):
            asked.proposed[r, d] = np.nan if read.vetoed[r] else read.proposed[r, d]
        for u in range(len(senses.used)):
            m = senses.used[u]
            asked.signal[r, u], asked.trusted[r, u] = read.signals[b, m], read.trusted[b, m]
            asked.error[r, u] = senses.error[m]


@kernel
def wish_of(
    pool: Pool, answer: tuple[Doubles, Ints, Doubles], step_s: float, worst_code: int
) -> bool:
    """Write what the gate is asked for; return whether any row decides at another time.

    Parameters
    ----------
    answer
        What the filter found (R, D), its codes (R,), and when each row decided last (R,).
    step_s
        From one decision to the next.
    worst_code
        The last code of the filter that is an answer: else it is only the value applied last, which
        may be no way out.
    """
    read = _read(pool)
    applied, code, last_s = answer
    any_late = False
    for r in range(len(code)):
        sure = code[r] <= worst_code
        for d in range(applied.shape[1]):
            sure = sure and np.isfinite(read.asked.proposed[r, d])
        for d in range(applied.shape[1]):
            read.wish[r, d] = applied[r, d] if sure else np.nan
        now_s = read.asked.now_s[r]
        off = abs(now_s - last_s[r] - step_s)
        read.late[r] = not (off <= 1e-6 * step_s + 1e-15 * abs(now_s))
        any_late = any_late or read.late[r]
    return any_late


class Reader:
    """Reads the observations of B copies with N agents each."""

    def __init__(self, senses: Senses, *, n_envs: int, n_agents: int, n_values: int) -> None:
        """Make room."""
        n, m, x = n_envs * n_agents, len(senses.error), len(senses.state)
        signals, rows, used = (n_envs, m), (n, n_values), (n, len(senses.used))
        asked = Asked(
            np.zeros(rows), np.zeros(used), np.zeros(used), np.zeros(used, np.bool_), np.zeros(n)
        )
        read = Read(
            np.zeros(signals),
            np.zeros(signals),
            np.zeros(signals, np.bool_),
            np.zeros(rows),
            np.zeros(n, np.bool_),
            np.zeros(n_envs),
            np.zeros(signals, np.bool_),
            np.zeros((n_envs, x)),
            np.zeros((n_envs, x)),
            np.zeros((n_envs, x)),
            asked,
            np.zeros(rows),
            np.zeros(n, np.bool_),
        )
        self.pool, (_, own) = pooled(senses, read)
        self.read: Read = own
        self._shape, self._vetoed = signals, False
        self._proposed = self.read.proposed.reshape(n_envs, n_agents, n_values)

    def sized(self, observation: Observation) -> bool:
        """Return whether the signals of an observation are those of these copies."""
        shape = self._shape
        signals = observation.signals.shape == shape == observation.age_s.shape
        return signals and observation.quality.shape == shape

    def believed(self, observation: Observation) -> Bools:
        """Return (B, M) which signals are believed, valid until the next reading."""
        self._take(observation)
        believe(self.pool)
        return self.read.trusted

    def _take(self, observation: Observation) -> None:
        read = self.read
        if self.sized(observation):
            read.signals[...] = observation.signals
            read.age_s[...] = observation.age_s
            read.quality[...] = observation.quality
        else:  # what is none of these copies' says nothing
            read.signals[...] = read.age_s[...] = np.nan
            read.quality[...] = False

    def __call__(
        self, observation: Observation, proposed: Doubles, now_s: Doubles, vetoed: Bools | None
    ) -> Read:
        """Return what is read, and what filter and gate are asked.

        Parameters
        ----------
        proposed
            As many numbers as (B, N, D); of another size it says nothing.
        now_s
            (B,); likewise.
        vetoed
            (B, N) what counts as no number.
        """
        self._take(observation)
        read = self.read
        _fill(self._proposed, proposed)
        _fill(read.now_s, now_s)
        if vetoed is not None or self._vetoed:
            self._vetoed = vetoed is not None
            read.vetoed[...] = False if vetoed is None else vetoed.reshape(-1)
        ask(self.pool)
        return read


def _fill(target: Doubles, array: Doubles) -> None:
    """Write an array into another; one that does not fit says nothing."""
    own = np.asarray(array)
    if own.shape == target.shape:
        target[...] = own
        return
    target[...] = own.reshape(target.shape) if own.size == target.size else np.nan
