# SPDX-License-Identifier: MIT
"""Transitions as records of contiguous bytes, and the kernels that write and gather them.

R rows of a ring · B parallel rows · N agents · F features · S state features · A actions of all
choice heads · H choice heads · D continuous dims · K objectives. A record holds the whole following
observation, that of `Step.final` where the row ended: twice the memory of the observations, but no
transition depends on its neighbour and nothing that a reset did can enter. Sampling one costs one
place in memory and not one for each field.
"""

from collections.abc import Callable
from typing import Any, NamedTuple, TypeVar, cast

import numpy as np
from numba import njit
from numpy.typing import NDArray

from flyball.core.batch import Bools, Doubles, Floats, Ints, Longs, Observation
from flyball.learning.experience.finite import LARGEST
from flyball.policies import Sizes

Kernel = TypeVar("Kernel", bound=Callable[..., Any])


def compiled(function: Kernel) -> Kernel:
    """Compile what Python calls; it may not allocate.

    Without reference counting, which would take most of the time of a call with this many arrays.
    """
    return cast("Kernel", cast("Any", njit)(cache=True, nogil=True, _nrt=False)(function))


def inlined(function: Kernel) -> Kernel:
    """Compile into the caller, which then hands its arrays on for nothing."""
    compiler = cast("Any", njit)(nogil=True, _nrt=False, forceinline=True)
    return cast("Kernel", compiler(function))


class Before(NamedTuple):
    """What a record holds of the observation that was acted on; R rows."""

    obs: Floats  # (R, N, F)
    state: Floats  # (R, S)
    mask: Bools  # (R, N, A)
    alive: Bools  # (R, N)


class After(NamedTuple):
    """What a record holds of the step that followed; R rows."""

    choice: Longs  # (R, N, H)
    value: Floats  # (R, N, D)
    reward: Floats  # (R, N, K)
    terminated: Bools  # (R,)
    truncated: Bools  # (R,)


class Told(NamedTuple):
    """What a Step says of B rows."""

    choice: Ints  # (B, N, H)
    value: Doubles  # (B, N, D)
    reward: Doubles  # (B, N, K)
    terminated: Bools  # (B,)
    truncated: Bools  # (B,)


class Turn(NamedTuple):
    """Where the ring stands, in rows."""

    n_rows: int  # of the ring, slack included
    n_envs: int
    newest: int  # first row of the slot written last
    shift: int  # from a place to its row
    wrap: int  # places from here on are one turn older
    n_places: int  # T * B


def record_of(sizes: Sizes, n_objectives: int) -> np.dtype[Any]:
    """Return the layout of one transition: first what was before, then what came after."""
    n, a, f, s = sizes.n_agents, sum(sizes.actions), sizes.n_obs, sizes.n_state
    before: list[tuple[str, str, tuple[int, ...]]] = [
        ("choice", "i8", (n, sizes.n_heads)),
        ("obs", "f4", (n, f)),
        ("state", "f4", (s,)),
        ("value", "f4", (n, sizes.n_values)),
        ("reward", "f4", (n, n_objectives)),
        ("mask", "?", (n, a)),
        ("alive", "?", (n,)),
    ]
    after: list[tuple[str, str, tuple[int, ...]]] = [
        ("next_obs", "f4", (n, f)),
        ("next_state", "f4", (s,)),
        ("next_mask", "?", (n, a)),
        ("next_alive", "?", (n,)),
        ("terminated", "?", ()),
        ("truncated", "?", ()),
    ]
    offsets, end = [], 0
    for part in (before, after):
        for _, kind, shape in part:
            offsets.append(end)
            end += int(np.prod(shape)) * np.dtype(kind).itemsize
        end = -(-end // 8) * 8  # whole 64-bit words, so that both parts are copied as such
    fields = before + after
    return np.dtype(
        {
            "names": [name for name, _, _ in fields],
            "formats": [(kind, shape) for _, kind, shape in fields],
            "offsets": offsets,
            "itemsize": end,
        }
    )


@compiled
def write_before(into: Before, seen: Before, first: int) -> bool:
    """Copy an observation (B, ...) into the rows from `first` on; return whether it is finite."""
    fine = True
    for b in range(seen.alive.shape[0]):
        row = first + b
        for k in range(seen.state.shape[1]):
            into.state[row, k] = seen.state[b, k]
            fine &= abs(seen.state[b, k]) <= LARGEST
        for n in range(seen.alive.shape[1]):
            into.alive[row, n] = seen.alive[b, n]
            for k in range(seen.obs.shape[2]):
                into.obs[row, n, k] = seen.obs[b, n, k]
                fine &= abs(seen.obs[b, n, k]) <= LARGEST
            for k in range(seen.mask.shape[2]):
                into.mask[row, n, k] = seen.mask[b, n, k]
    return fine


@compiled
def write_after(into: After, step: Told, first: int) -> bool:
    """Copy action, reward and ends of a step (B, ...) into the rows from `first` on.

    Returns whether all rewards are finite.
    """
    fine = True
    for b in range(step.terminated.shape[0]):
        row = first + b
        into.terminated[row] = step.terminated[b]
        into.truncated[row] = step.truncated[b]
        for n in range(step.reward.shape[1]):
            for k in range(step.choice.shape[2]):
                into.choice[row, n, k] = step.choice[b, n, k]
            for k in range(step.value.shape[2]):
                into.value[row, n, k] = step.value[b, n, k]
            for k in range(step.reward.shape[2]):
                into.reward[row, n, k] = step.reward[b, n, k]
                fine &= abs(step.reward[b, n, k]) <= LARGEST
    return fine


@compiled
def write_following(
    into: Before, seen: Before, final: Before, step: Told, alive: Bools, first: int
) -> bool:
    """Copy what followed a step: `final` of the rows that ended, else `seen`.

    Returns whether all of it is finite.

    A time limit ends no agent: where a truncated row's `final` says that nobody is alive, those
    who acted (`alive`, all rows of the ring) still are, so that they bootstrap.
    """
    fine = True
    for b in range(seen.alive.shape[0]):
        row = first + b
        source = final if step.terminated[b] or step.truncated[b] else seen
        somebody = False
        for k in range(source.state.shape[1]):
            into.state[row, k] = source.state[b, k]
            fine &= abs(source.state[b, k]) <= LARGEST
        for n in range(source.alive.shape[1]):
            into.alive[row, n] = source.alive[b, n]
            somebody |= source.alive[b, n]
            for k in range(source.obs.shape[2]):
                into.obs[row, n, k] = source.obs[b, n, k]
                fine &= abs(source.obs[b, n, k]) <= LARGEST
            for k in range(source.mask.shape[2]):
                into.mask[row, n, k] = source.mask[b, n, k]
        if step.truncated[b] and not step.terminated[b] and not somebody:
            for n in range(source.alive.shape[1]):
                into.alive[row, n] = alive[row, n]
    return fine


@inlined
def row_of(place: int, turn: Turn) -> int:
    """Return the row of the ring in which a place lies."""
    row = place + turn.shift
    if place >= turn.wrap:
        row -= turn.n_places
    return row + turn.n_rows if row < 0 else row


class Words(NamedTuple):
    """Records as 64-bit words; the first `half` of each are from before."""

    rows: NDArray[np.uint64]  # (R, W)
    out: NDArray[np.uint64]  # (n, W)
    half: int


class Ends(NamedTuple):
    """The parts of the records that decide how far a return goes; R rows."""

    reward: Floats  # (R, N, K)
    alive: Bools  # (R, N)
    next_alive: Bools  # (R, N)
    terminated: Bools  # (R,)
    truncated: Bools  # (R,)


class Returns(NamedTuple):
    """How rewards become a return, and where it goes."""

    weight: Doubles  # (K,) utility per native unit
    gamma: float
    n_step: int
    reward: Floats  # (n, N)
    discount: Floats  # (n, N)


@inlined
def add_reward(ends: Ends, returns: Returns, i: int, row: int, factor: float) -> None:
    """Add the utility of one more step to a return; agents that end with it get no bootstrap."""
    for n in range(ends.alive.shape[1]):
        if returns.discount[i, n] > 0.0:
            utility = 0.0
            for m in range(len(returns.weight)):
                utility += returns.weight[m] * ends.reward[row, n, m]
            returns.reward[i, n] += factor * utility
            if ends.terminated[row] or not ends.next_alive[row, n]:
                returns.discount[i, n] = 0.0


@inlined
def follow(ends: Ends, returns: Returns, i: int, row: int, turn: Turn) -> int:
    """Write return and discount number `i`, from `row` on; return the last row that it covers."""
    for n in range(ends.alive.shape[1]):
        returns.reward[i, n] = 0.0
        returns.discount[i, n] = 1.0 if ends.alive[row, n] else 0.0
    factor, steps = 1.0, 0
    while True:
        add_reward(ends, returns, i, row, factor)
        factor *= returns.gamma
        steps += 1
        newest = turn.newest <= row < turn.newest + turn.n_envs
        if steps == returns.n_step or newest or ends.terminated[row] or ends.truncated[row]:
            break
        row += turn.n_envs
        if row >= turn.n_rows:
            row -= turn.n_rows
    for n in range(ends.alive.shape[1]):
        returns.discount[i, n] *= factor
    return row


@compiled
def gather(words: Words, ends: Ends, returns: Returns, places: Longs, turn: Turn) -> None:
    """Copy the transitions at `places`, each as far as its steps go.

    A return ends with its `n_step`-th step, with the end of the episode, or with the newest slot,
    whichever comes first: no reward of another episode or of an overwritten slot can enter. An
    agent that is no longer alive gets nothing more and has no bootstrap.
    """
    for i in range(len(places)):
        row = row_of(places[i], turn)
        for w in range(words.half):
            words.out[i, w] = words.rows[row, w]
        last = follow(ends, returns, i, row, turn)
        for w in range(words.half, words.rows.shape[1]):
            words.out[i, w] = words.rows[last, w]


@compiled
def gather_single(words: Words, ends: Ends, returns: Returns, places: Longs, turn: Turn) -> None:
    """Copy transitions of one step each; `ends` are those of the copies, not of the ring.

    What `gather` does for one step, but with nothing between the copies, so that the processor
    fetches many records at once: in a large replay that is most of the time.
    """
    for i in range(len(places)):
        row = row_of(places[i], turn)
        for w in range(words.rows.shape[1]):
            words.out[i, w] = words.rows[row, w]
    for i in range(len(places)):
        for n in range(ends.alive.shape[1]):
            returns.reward[i, n] = 0.0
            returns.discount[i, n] = 1.0 if ends.alive[i, n] else 0.0
        add_reward(ends, returns, i, i, 1.0)
        for n in range(ends.alive.shape[1]):
            returns.discount[i, n] *= returns.gamma


def seen_of(observation: Observation) -> Before:
    """Return the arrays of an observation that a record holds."""
    return Before(observation.obs, observation.state, observation.mask, observation.alive)
