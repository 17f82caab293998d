# SPDX-License-Identifier: MIT
"""The arrays that cross the contract between an Env and whatever acts in it.

B parallel copies · N agents · F features · S state features · A discrete actions over all heads ·
H heads · D continuous dims · K objectives · C costs · Q KPIs · M signals · L candidates ·
G features of a candidate. An axis that a world does not use has length zero. Arrays belong to the
Env and are valid until its next call.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float32]
Doubles = NDArray[np.float64]
Bools = NDArray[np.bool_]
Ints = NDArray[np.int32]
Longs = NDArray[np.int64]


@dataclass(slots=True)
class Options:
    """Ragged candidates, one row each; row r = b * N + n owns offset[r]..offset[r + 1]."""

    features: Floats  # (L, G)
    offset: Longs  # (B*N + 1,)
    id: Ints  # (L,)  the world's own number of a candidate; -1 for one that is no thing


@dataclass(slots=True)
class Observation:
    """What the agents may know before they act."""

    obs: Floats  # (B, N, F)
    state: Floats  # (B, S)  privileged: critics only
    mask: Bools  # (B, N, A)  True where legal
    options: Options
    alive: Bools  # (B, N)  who acts next; who does not has ended until the episode has
    start: Bools  # (B,)  first observation of an episode
    signals: Doubles  # (B, M)  native units
    age_s: Doubles  # (B, M)  age of each signal, s
    quality: Bools  # (B, M)  True where a signal can be trusted


@dataclass(slots=True)
class Action:
    """What the agents want."""

    choice: Ints  # (B, N, H)  for an options head: index into the own rows
    value: Doubles  # (B, N, D)  native units


@dataclass(slots=True)
class Step:
    """What came of an action. A row that ended was reset in the same step."""

    observation: Observation
    final: Observation  # of the rows that just ended, before their reset; others: zeros
    reward: Doubles  # (B, N, K)  native units
    cost: Doubles  # (B, C)
    outcome: Doubles  # (B, Q)  KPIs of the rows that just ended; others: 0
    terminated: Bools  # (B,)
    truncated: Bools  # (B,)
    elapsed_s: Doubles  # (B,)  simulated time that passed, s
    applied: Action  # what the plant got
    illegal: Ints  # (B, N)  illegal actions in this step
