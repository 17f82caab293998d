# SPDX-License-Identifier: MIT
"""The arrays that kernels read and change, the same for every guarded plant.

B parallel copies · N agents · F features · S state features · A choices · H discrete heads ·
D continuous heads · M signals · C costs · Q KPIs · W disturbances · P pieces of a step in which a
disturbance stands still · X real and Y whole numbers of a plant's own state, whose meaning stands
at the top of each plant's file · E sums that a plant adds for KPIs of its own.
"""

from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from flyball.core.batch import Bools, Doubles, Floats, Ints, Longs
from flyball.worlds.classics.guarded.scenario import KPIS, Scenario
from flyball.worlds.classics.state import Sizes, sizes

BREACH_S, DEEPEST, TRAVEL = range(3)
"""Columns of `State.sums`; those of the plant come behind."""

OWN_SUMS = 3
"""First column of `State.sums` that is the plant's own."""

COMMON = len(KPIS)
"""KPIs that every plant has; `OWN_SUMS` and what follows are written behind them."""


class State(NamedTuple):
    """Everything that changes and that a snapshot must hold, one row per parallel env."""

    real: Doubles  # (B, X)
    whole: Longs  # (B, Y)
    last: Doubles  # (B, N, D) values applied in the step before; at the start the middle
    sums: Doubles  # (B, 3 + E) of this episode so far
    seed: Longs  # (B,) as given at the reset, at least 0
    episode: Longs  # (B,) counts up at each autoreset
    t: Longs  # (B,) steps taken in this episode
    total: Doubles  # (B,) return of this episode so far


class Seen(NamedTuple):
    """The parts of an Observation that differ from step to step."""

    obs: Floats  # (B, N, F)
    state: Floats  # (B, S)
    mask: Bools  # (B, N, A)
    signals: Doubles  # (B, M)
    start: Bools  # (B,)


class Out(NamedTuple):
    """What a step gives back; `choice` and `value` hold the wish first, then what was applied."""

    reward: Doubles  # (B, N, 1)
    cost: Doubles  # (B, C) s
    outcome: Doubles  # (B, Q) of the rows that just ended
    terminated: Bools  # (B,)
    truncated: Bools  # (B,)
    illegal: Ints  # (B, N)
    choice: Ints  # (B, N, H)
    value: Doubles  # (B, N, D) native units
    wind: Doubles  # (B, P, W) disturbance of each piece of this step, in [-1, 1]
    set_wind: Bools  # (B,) whether `disturb` set it; else it is drawn
    path: Doubles  # (P + 1, 2N) where bodies of one row were on their way; a swarm's only
    swept: Doubles  # (N,) how far that led each of them at most


class Memory(NamedTuple):
    """All arrays of an Env."""

    state: State
    even: Seen
    odd: Seen
    final: Seen
    out: Out


def allocate(problem: Scenario, n_envs: int) -> Memory:
    """Return the memory of a problem: zeros."""
    spec, b = problem.spec, n_envs
    n = sizes(spec, n_envs, problem.n_real, problem.n_whole)
    n_own = len(spec.kpis) - COMMON
    state = State(
        real=np.zeros((b, n.real)),
        whole=np.zeros((b, n.whole), np.int64),
        last=np.zeros((b, n.agents, n.values)),
        sums=np.zeros((b, OWN_SUMS + n_own)),
        seed=np.zeros(b, np.int64),
        episode=np.zeros(b, np.int64),
        t=np.zeros(b, np.int64),
        total=np.zeros(b),
    )
    out = Out(
        reward=np.zeros((b, n.agents, 1)),
        cost=np.zeros((b, len(spec.costs))),
        outcome=np.zeros((b, len(spec.kpis))),
        terminated=np.zeros(b, np.bool_),
        truncated=np.zeros(b, np.bool_),
        illegal=np.zeros((b, n.agents), np.int32),
        choice=np.zeros((b, n.agents, n.heads), np.int32),
        value=np.zeros((b, n.agents, n.values)),
        wind=np.zeros((b, problem.n_changes, problem.n_winds)),
        set_wind=np.zeros(b, np.bool_),
        path=np.zeros((problem.n_changes + 1, 2 * n.agents)),
        swept=np.zeros(n.agents),
    )
    even, odd, final = (_seen(n, len(spec.signals)) for _ in range(3))
    return Memory(state=state, even=even, odd=odd, final=final, out=out)


def _seen(n: Sizes, n_signals: int) -> Seen:
    return Seen(
        obs=np.zeros((n.envs, n.agents, n.features), np.float32),
        state=np.zeros((n.envs, n.state), np.float32),
        mask=np.zeros((n.envs, n.agents, n.actions), np.bool_),
        signals=np.zeros((n.envs, n_signals)),
        start=np.zeros(n.envs, np.bool_),
    )


def named(state: State) -> dict[str, NDArray[Any]]:
    """Return a copy of every array under its name."""
    return {name: array.copy() for name, array in state._asdict().items()}
