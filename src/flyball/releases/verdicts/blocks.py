# SPDX-License-Identifier: MIT
"""Blocks: the pieces of evidence, each with one figure a metric, its arm and the odds of the arm.

Decisions of one block are not independent, so they never count by themselves.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike

from flyball.core.errors import InvariantError
from flyball.releases.verdicts.assigning import CHAMPION, Assigned


@dataclass(frozen=True, kw_only=True)
class Block:
    """What one arm did with one episode, shift or span of time."""

    key: str
    """What was assigned; no two blocks have the same."""

    arm: str
    shares: Mapping[str, float]
    """Probability of every arm when this one was drawn."""

    stage: str
    """For people; where on the ramp a block stands is told by its shares."""

    ended_s: float
    """When its outcome was known, s; blocks are judged in this order."""

    outcome: Mapping[str, float]
    """One figure a metric, in its unit."""

    twin: Mapping[str, float] = field(default_factory=dict)
    """What a twin said of the same figures, from what does not depend on the arm."""

    lost: str = ""
    """Why the block is no evidence: cut short, a measurement missing, a job unfinished."""

    breaches: int = 0
    """How often a hard guard tripped."""

    pair: str = ""
    """See `Assigned.pair`."""


class Window(NamedTuple):
    """The time of a block, s."""

    starts_s: float
    ends_s: float
    washout_s: float
    """How long the arm before may still be felt; what comes then is left out."""

    least: int
    """How many samples there must be after it."""


def block(
    assigned: Assigned,
    window: Window,
    at_s: ArrayLike,
    values: Mapping[str, ArrayLike],
    *,
    stage: str,
    lost: str = "",
) -> Block:
    """Return the block that samples make: the mean of each metric after the wash-out.

    Parameters
    ----------
    assigned
        The arm and its odds.
    window
        Samples outside are left out. Too few, or one that is no number, and the block is lost.
    at_s
        (N,) when each sample was taken, s.
    values
        (N,) samples of each metric.
    stage
        Of the ramp.
    lost
        Why the caller knows that the block is no evidence, such as a job that it left unfinished.
    """
    times = np.asarray(at_s, dtype=np.float64)
    inside = (times >= window.starts_s + window.washout_s) & (times < window.ends_s)
    outcome: dict[str, float] = {}
    for name, given in values.items():
        samples = np.asarray(given, dtype=np.float64)[inside]
        if samples.size < max(1, window.least):
            lost = lost or f"{samples.size} samples of {name} after wash-out, {window.least} needed"
        elif not np.isfinite(samples).all():
            lost = lost or f"a sample of {name} is no number"
        else:
            outcome[name] = float(samples.mean())
    return Block(
        key=assigned.key,
        arm=assigned.arm,
        shares=assigned.shares,
        pair=assigned.pair,
        stage=stage,
        ended_s=window.ends_s,
        outcome=outcome,
        lost=lost,
    )


def joined(blocks: Iterable[Block]) -> list[Block]:
    """Return blocks with each balanced pair made one: half the first less half the second.

    Its arm is that of the first block, so that challenger minus champion keeps its size. A pair of
    which a half is lost or has not ended is lost.
    """
    single: list[Block] = []
    pairs: dict[str, list[Block]] = {}
    for each in blocks:
        if each.pair:
            pairs.setdefault(each.pair, []).append(each)
        else:
            single.append(each)
    return single + [_pair(name, halves) for name, halves in pairs.items()]


def _pair(name: str, halves: Sequence[Block]) -> Block:
    first, *rest = sorted(halves, key=lambda each: each.ended_s)
    whole = replace(first, key=name, pair="")
    if len(rest) != 1:
        if rest:
            msg = f"{name}: {len(halves)} blocks; a pair has two"
            raise InvariantError(msg)
        return replace(whole, lost="the other half of its pair has not ended")
    second = rest[0]
    lost = first.lost or second.lost
    if {first.arm, second.arm} != set(first.shares) or CHAMPION not in first.shares:
        lost = lost or f"its halves had the arms {first.arm} and {second.arm}"
    return replace(
        whole,
        ended_s=second.ended_s,
        outcome=_halved(first.outcome, second.outcome),
        twin=_halved(first.twin, second.twin),
        lost=lost,
    )


def _halved(first: Mapping[str, float], second: Mapping[str, float]) -> dict[str, float]:
    return {name: 0.5 * (first[name] - second[name]) for name in first if name in second}
