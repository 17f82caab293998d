# SPDX-License-Identifier: MIT
"""Blocks as arrays: what counts as evidence, in the order in which it came, and what was lost."""

import math
from collections import Counter
from collections.abc import Sequence
from dataclasses import replace
from typing import NamedTuple

import numpy as np

from flyball.core.batch import Bools, Doubles, Longs
from flyball.core.errors import InvariantError
from flyball.releases.verdicts.assigning import CHAMPION
from flyball.releases.verdicts.blocks import Block, joined
from flyball.releases.verdicts.plan import Metric, Plan

GREATEST = 1e100
"""No plant has a figure beyond; squares of such still fit."""


LEAST_SHARE = 1e-6
"""Below it nobody is drawn, and the sums of what was would lose their digits."""


class Figures(NamedTuple):
    """One metric over all evidence, freed of offset, scale and sense: more is worse."""

    worse: Doubles  # (T,)
    twin: Doubles  # (T,)  zeros where there is none
    unit: float
    """How much of the metric's unit is 1."""


class Evidence(NamedTuple):
    """Blocks that count, oldest first, as many as were planned; and how many do not."""

    figures: tuple[Figures, ...]
    arm: Doubles  # (T,)  1 the challenger; of a pair: 1 the challenger first
    share: Doubles  # (T,)
    exposed: Doubles  # (T,)  whether the challenger decided at all
    ended_s: Doubles  # (T,)
    rung: Longs  # (T,)  the highest of the ramp whose share the challenger had; -1: none
    usual: Doubles  # (T,)  the champion's primary figure, less the twin's; NaN for the challenger
    lost_share: Doubles  # (T,)  of the challenger's blocks so far
    lost: int
    without_lot: int
    breaches: int
    why_lost: str
    """The commonest reason."""

    @property
    def n_blocks(self) -> int:
        """How many count."""
        return self.arm.size


def evidence(blocks: Sequence[Block], plan: Plan, challenger: str) -> Evidence:
    """Return what the blocks of champion and challenger give.

    Raises
    ------
    InvariantError
        When two blocks have one key: what is assigned once is one piece of evidence.
    """
    twice = [key for key, count in Counter(each.key for each in blocks).items() if count > 1]
    if twice:
        msg = f"{len(twice)} keys have more than one block, first {twice[0]}"
        raise InvariantError(msg)
    mine = [each for each in blocks if each.arm in (CHAMPION, challenger)]
    whole = joined(replace(each, lost=_fault(each, plan)) for each in mine)
    counted = [each for each in whole if not each.lost and _odds(each, challenger)]
    counted = sorted(counted, key=lambda each: (each.ended_s, each.key))[: plan.most]
    lost = [each for each in whole if each.lost]
    ended_s = np.array([each.ended_s for each in counted])
    arm = np.array([float(each.arm == challenger) for each in counted])
    paired = {each.pair for each in blocks if each.pair}
    exposed = np.array([float(each.arm == challenger or each.key in paired) for each in counted])
    reasons = Counter(each.lost for each in lost).most_common(1)
    return Evidence(
        figures=tuple(_figures(counted, metric) for metric in plan.metrics),
        arm=arm,
        share=np.array([_odds(each, challenger) for each in counted]),
        exposed=exposed,
        ended_s=ended_s,
        rung=_rungs(counted, plan, challenger),
        usual=_usual(counted, plan, exposed > 0),
        lost_share=_lost_share(ended_s, exposed, lost, challenger, paired),
        lost=len(lost),
        without_lot=len(whole) - len(lost) - len(counted),
        breaches=sum(each.breaches for each in mine if each.arm == challenger),
        why_lost=reasons[0][0] if reasons else "",
    )


def _odds(block: Block, challenger: str) -> float:
    """Return the challenger's probability among the two; 0 where there was no lot between them."""
    mine, other = block.shares.get(challenger, 0.0), block.shares.get(CHAMPION, 0.0)
    return mine / (mine + other) if min(mine, other) >= LEAST_SHARE else 0.0


def _rungs(blocks: Sequence[Block], plan: Plan, challenger: str) -> Longs:
    """Return (T,) the rung of each block, by its share: names of stages are for people."""
    ramp = np.array([rung.share for rung in plan.ramp])
    given = np.array([each.shares[challenger] for each in blocks])
    return np.searchsorted(ramp, given * (1.0 + 1e-9), side="right") - 1


def _fault(block: Block, plan: Plan) -> str:
    """Return why a block is no evidence, or nothing."""
    shares = list(block.shares.values())
    if block.lost:
        return block.lost
    if not all(0.0 <= share <= 1.0 for share in shares) or not abs(sum(shares) - 1.0) < 1e-9:
        return "its shares are no probabilities"
    if block.shares.get(block.arm, 0.0) <= 0.0:
        return f"the {block.arm} decided, which had no chance to be drawn"
    if not math.isfinite(block.ended_s):
        return "nobody knows when it ended"
    return next(filter(None, (_fault_of_figure(block, metric) for metric in plan.metrics)), "")


def _fault_of_figure(block: Block, metric: Metric) -> str:
    if metric.name not in block.outcome:
        return f"{metric.name} was not measured"
    figure = block.outcome[metric.name]
    low, high = metric.span or (-GREATEST, GREATEST)
    # Written so that no number fails.
    return "" if low <= figure <= high else f"{metric.name} is no number, or beyond what can be"


def _figures(blocks: Sequence[Block], metric: Metric) -> Figures:
    sign = 1.0 if metric.sense == "min" else -1.0
    figures = sign * np.array([each.outcome[metric.name] for each in blocks])
    told = sign * np.array([each.twin.get(metric.name, math.nan) for each in blocks])
    away = figures - figures[0] if blocks else figures
    twin = _filled(told)
    # Whatever the unit, the verdict is the same; this one keeps all that follows within bounds.
    sizes = (np.abs(away).max(initial=0.0), metric.margin, 1e-50 * np.abs(twin).max(initial=0.0))
    unit = float(max(sizes)) or 1.0
    return Figures(away / unit, twin / unit, unit)


def _filled(told: Doubles) -> Doubles:
    """Return the twin's figures from the first; one that is missing repeats the one before."""
    known = np.abs(told) <= GREATEST
    if not known.any():
        return np.zeros_like(told)
    last = np.maximum.accumulate(np.where(known, np.arange(told.size), -1))
    first = float(told[known.argmax()])
    return np.where(last >= 0, told[last], first) - first


def _usual(blocks: Sequence[Block], plan: Plan, exposed: Bools) -> Doubles:
    name = plan.primary.name
    figures = np.array([each.outcome[name] for each in blocks])
    if plan.beside_twin:
        figures = figures - np.array([each.twin.get(name, math.nan) for each in blocks])
    return np.where(exposed, np.nan, figures)


def _lost_share(
    ended_s: Doubles, exposed: Doubles, lost: Sequence[Block], challenger: str, paired: set[str]
) -> Doubles:
    """Return the lost share (T,) of the challenger's blocks up to each block's end."""
    ends = [each.ended_s for each in lost if each.arm == challenger or each.key in paired]
    # A block of which nobody knows when it ended counts from the beginning.
    ends = sorted(end if math.isfinite(end) else -math.inf for end in ends)
    gone = np.searchsorted(np.array(ends), ended_s, side="right")
    return gone / np.maximum(gone + np.cumsum(exposed), 1.0)
