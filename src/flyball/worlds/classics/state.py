# SPDX-License-Identifier: MIT
"""The arrays that kernels read and change, the same for every problem.

B parallel copies · N agents · F features · S state features · A discrete actions over all heads ·
H discrete heads · D continuous heads · K objectives · X real and Y whole numbers of a problem's own
state. What the X and Y numbers mean stands at the top of each family's file.
"""

from collections.abc import Iterator
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from flyball.core.batch import Bools, Doubles, Floats, Ints, Longs
from flyball.core.spec import Spec, TanhGaussian


class State(NamedTuple):
    """Everything that changes and that a snapshot must hold, one row per parallel env."""

    real: Doubles  # (B, X)
    whole: Longs  # (B, Y)
    seed: Longs  # (B,) as given at the reset, at least 0
    episode: Longs  # (B,) counts up at each autoreset
    t: Longs  # (B,) steps taken in this episode
    total: Doubles  # (B,) return of this episode so far, objective 0


class Seen(NamedTuple):
    """The parts of an Observation that differ from step to step."""

    obs: Floats  # (B, N, F)
    state: Floats  # (B, S)
    mask: Bools  # (B, N, A)
    start: Bools  # (B,)


class Out(NamedTuple):
    """What a step gives back; `choice` and `value` hold the wish first, then what was applied."""

    reward: Doubles  # (B, N, K) native units
    terminated: Bools  # (B,)
    truncated: Bools  # (B,)
    illegal: Ints  # (B, N)
    outcome: Doubles  # (B, 2) return and steps of the rows that just ended
    choice: Ints  # (B, N, H)
    value: Doubles  # (B, N, D) native units


class Rules(NamedTuple):
    """What the batch loop must know of a problem; read only."""

    head: Longs  # (H + 1,) head h owns mask columns head[h]..head[h + 1]
    low: Doubles  # (N, D) native units
    high: Doubles  # (N, D)
    time_limit: int  # steps after which an episode is truncated
    share: float  # what a reward of one agent adds to the episode's return: 1 / N, or 1


class Sizes(NamedTuple):
    """Lengths of all axes; the letters are those of the module's docstring."""

    envs: int  # B
    agents: int  # N
    features: int  # F
    state: int  # S
    actions: int  # A
    heads: int  # H
    values: int  # D
    objectives: int  # K
    real: int  # X
    whole: int  # Y


class Memory(NamedTuple):
    """Everything of an Env, end to end in one array for each type of number.

    A call hands these five arrays to the compiled code, which cuts them into State, Seen, Out and
    Rules; handing over the thirty pieces took ten times as long as a step of eight rows.
    """

    doubles: Doubles  # state.real, total · reward, outcome, value · low, high, share
    longs: Longs  # state.whole, seed, episode, t · head, time_limit
    floats: Floats  # three times obs, state
    ints: Ints  # choice, illegal
    flags: Bools  # terminated, truncated · three times mask, start


FINAL = 2
"""Number of the set of observation arrays for last observations; 0 and 1 take turns."""


def state_of(memory: Memory, n: Sizes) -> State:
    """Return the State as views."""
    b, reals, wholes = n.envs, n.envs * n.real, n.envs * n.whole
    return State(
        real=memory.doubles[:reals].reshape(b, n.real),
        whole=memory.longs[:wholes].reshape(b, n.whole),
        seed=memory.longs[wholes : wholes + b],
        episode=memory.longs[wholes + b : wholes + 2 * b],
        t=memory.longs[wholes + 2 * b : wholes + 3 * b],
        total=memory.doubles[reals : reals + b],
    )


def seen_of(memory: Memory, n: Sizes, which: int) -> Seen:
    """Return one of the three sets of observation arrays as views."""
    rows = n.envs * n.agents
    float_0 = which * (rows * n.features + n.envs * n.state)
    flag_0 = 2 * n.envs + which * (rows * n.actions + n.envs)
    float_1, flag_1 = float_0 + rows * n.features, flag_0 + rows * n.actions
    return Seen(
        obs=memory.floats[float_0:float_1].reshape(n.envs, n.agents, n.features),
        state=memory.floats[float_1 : float_1 + n.envs * n.state].reshape(n.envs, n.state),
        mask=memory.flags[flag_0:flag_1].reshape(n.envs, n.agents, n.actions),
        start=memory.flags[flag_1 : flag_1 + n.envs],
    )


def out_of(memory: Memory, n: Sizes) -> Out:
    """Return what a step gives back as views."""
    rows, b = n.envs * n.agents, n.envs
    reward = b * n.real + b
    outcome = reward + rows * n.objectives
    value = outcome + 2 * b
    illegal = rows * n.heads
    return Out(
        reward=memory.doubles[reward:outcome].reshape(b, n.agents, n.objectives),
        terminated=memory.flags[:b],
        truncated=memory.flags[b : 2 * b],
        illegal=memory.ints[illegal : illegal + rows].reshape(b, n.agents),
        outcome=memory.doubles[outcome:value].reshape(b, 2),
        choice=memory.ints[:illegal].reshape(b, n.agents, n.heads),
        value=memory.doubles[value : value + rows * n.values].reshape(b, n.agents, n.values),
    )


def rules_of(memory: Memory, n: Sizes) -> Rules:
    """Return the rules as views."""
    b, ranges = n.envs, n.agents * n.values
    low = b * n.real + b + b * n.agents * (n.objectives + n.values) + 2 * b
    head = b * n.whole + 3 * b
    return Rules(
        head=memory.longs[head : head + n.heads + 1],
        low=memory.doubles[low : low + ranges].reshape(n.agents, n.values),
        high=memory.doubles[low + ranges : low + 2 * ranges].reshape(n.agents, n.values),
        time_limit=memory.longs[head + n.heads + 1],
        share=memory.doubles[low + 2 * ranges],
    )


def sizes(spec: Spec, n_envs: int, n_real: int, n_whole: int) -> Sizes:
    """Return the lengths of all axes of a problem with this spec."""
    return Sizes(
        envs=n_envs,
        agents=spec.n_agents,
        features=max(len(kind.features) for kind in spec.kinds),
        state=len(spec.state),
        actions=spec.choice_starts[-1],
        heads=len(spec.choice_starts) - 1,
        values=max(len(list(ranges(kind.heads))) for kind in spec.kinds),
        objectives=len(spec.objectives),
        real=n_real,
        whole=n_whole,
    )


def allocate(spec: Spec, n: Sizes, time_limit: int, share: float) -> Memory:
    """Return the memory of a problem with this spec: zeros, and its rules."""
    b, rows = n.envs, n.envs * n.agents
    bounds = [bounds_of(spec, n, name).ravel() for name in ("low", "high")]
    head = np.array(spec.choice_starts)
    doubles = np.zeros(b * (n.real + 3) + rows * (n.objectives + n.values))
    longs = np.zeros(b * (n.whole + 3), np.int64)
    return Memory(
        doubles=np.concatenate([doubles, *bounds, [share]]),
        longs=np.concatenate([longs, head, np.array([time_limit], np.int64)]),
        floats=np.zeros(3 * (rows * n.features + b * n.state), np.float32),
        ints=np.zeros(rows * (n.heads + 1), np.int32),
        flags=np.zeros(2 * b + 3 * (rows * n.actions + b), np.bool_),
    )


def bounds_of(spec: Spec, n: Sizes, name: str) -> Doubles:
    """Return `low` or `high` (N, D) of the continuous heads; 0 where an agent has fewer."""
    bounds = np.zeros((n.agents, n.values))
    agent = 0
    for kind in spec.kinds:
        for d, head in enumerate(ranges(kind.heads)):
            bounds[agent : agent + kind.count, d] = getattr(head, name)
        agent += kind.count
    return bounds


def ranges(heads: tuple[Any, ...]) -> Iterator[TanhGaussian]:
    """Yield the continuous heads in their order."""
    return (head for head in heads if isinstance(head, TanhGaussian))


def named(state: State) -> dict[str, NDArray[Any]]:
    """Return a copy of every array under its name."""
    return {name: array.copy() for name, array in state._asdict().items()}
