# SPDX-License-Identifier: MIT
"""The verdict on a challenger. Pure functions: no clock, no store, no network.

Blocks are taken in the order in which they ended, and the first moment counts at which the plan
called for a decision: asking often changes nothing. Worst comes first: hard guards, harm, a plant
that changed, blocks lost, too few blocks, proof, time over.
"""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from flyball.core.batch import Bools, Doubles, Longs
from flyball.releases.verdicts import wording
from flyball.releases.verdicts.betting import bets, bound, log_wealth
from flyball.releases.verdicts.blocks import Block
from flyball.releases.verdicts.drift import changed
from flyball.releases.verdicts.evidence import Evidence, evidence
from flyball.releases.verdicts.forecasting import Centred, centred
from flyball.releases.verdicts.looks import passed, standardised
from flyball.releases.verdicts.plan import PLAIN, Metric, Plan
from flyball.releases.verdicts.verdict import Decision, Finding, Moment, Verdict

CODES = (Decision.HOLD, Decision.PROMOTE, Decision.ROLL_BACK)


class Paths(NamedTuple):
    """What one metric says after every block, (..., T)."""

    blocks: Centred
    log_e_harm: Doubles
    log_e_safe: Doubles
    plain: Doubles
    harmful: Bools
    safe: Bools


def paths(blocks: Centred, metric: Metric, plan: Plan, unit: float = 1.0) -> Paths:
    """Return the evidence of harm and of safety after every block.

    Parameters
    ----------
    blocks
        From `centred`, of outcomes of which more is worse.
    metric, plan
        What was agreed.
    unit
        How much of the metric's unit is 1 in `blocks`.
    """
    harm, margin = metric.harm / unit, metric.margin / unit
    limit = _limit(metric, unit)
    worse = log_wealth(blocks, harm, 1, bets(blocks, limit=limit))
    safer = log_wealth(blocks, margin, -1, bets(blocks, margin, limit))
    plain = standardised(blocks, margin, -1)
    if plan.looks:
        harmful = passed(standardised(blocks, harm, 1), plan.looks, plan.alpha_harm)
        safe = passed(plain, plan.looks, plan.alpha_promote)
    else:
        harmful = worse >= -np.log(plan.alpha_harm)
        safe = (safer >= -np.log(plan.alpha_promote)) & (plain >= PLAIN)
    return Paths(blocks, worse, safer, plain, harmful, safe)


def first_call(found: Sequence[Paths], ready: Bools) -> tuple[Longs, Longs]:
    """Return the index in `CODES` and the number of blocks of the first decision, else of hold.

    Parameters
    ----------
    found
        Of every metric.
    ready
        (..., T) whether promotion is allowed after the block.
    """
    harmful = np.logical_or.reduce([each.harmful for each in found])
    safe = np.logical_and.reduce([each.safe for each in found])
    code = np.where(harmful, 2, np.where(safe & ready, 1, 0))
    called = code > 0
    at = np.where(called.any(axis=-1), called.argmax(axis=-1), ready.shape[-1] - 1)
    return np.take_along_axis(code, at[..., None], axis=-1)[..., 0], at + 1


def judge(blocks: Sequence[Block], plan: Plan, challenger: str = "challenger") -> Verdict:
    """Decide, and say why.

    Parameters
    ----------
    blocks
        All that have ended since the comparison began, in any order.
    plan
        Agreed before it began.
    challenger
        Which arm is judged against the champion; blocks of a third arm are left out.

    Raises
    ------
    InvariantError
        When two blocks have one key.
    """
    found = evidence(blocks, plan, challenger)
    if found.breaches > plan.breaches:
        return Verdict(
            decision=Decision.ROLL_BACK,
            reason=wording.breached(found.breaches, plan.breaches),
            blocks=found.n_blocks,
            exposed=int(found.exposed.sum()),
            lost=found.lost,
        )
    if not found.n_blocks:
        reason = wording.nothing(found)
        return Verdict(decision=Decision.HOLD, reason=reason, lost=found.lost)
    looked = [
        paths(centred(each.worse, found.arm, found.share, each.twin), metric, plan, each.unit)
        for metric, each in zip(plan.metrics, found.figures, strict=True)
    ]
    moved = _moved(found, plan)
    code, after = first_call(looked, _ready(found, plan) & ~moved)
    decision, n = CODES[int(code)], int(after)
    alarms = (wording.plant_changed(plan.primary),) if moved[:n].any() else ()
    findings = tuple(
        _finding(metric, each, plan, figures.unit, n)
        for metric, each, figures in zip(plan.metrics, looked, found.figures, strict=True)
    )
    harmful = [bool(each.harmful[n - 1]) for each in looked]
    story = wording.Story(plan, found, findings, n, harmful)
    hold = decision is Decision.HOLD
    return Verdict(
        decision=decision,
        reason=wording.told(decision, story, alarms),
        alarms=alarms,
        blocks=n,
        exposed=int(found.exposed[:n].sum()),
        lost=found.lost,
        advance=hold and not alarms and n < plan.most and _rung_full(found, plan),
        findings=findings,
        path=_path(looked[0], found, n),
    )


def _limit(metric: Metric, unit: float) -> float | None:
    """Return how far a surprise can be, where the metric's span is known, in `unit`."""
    if metric.span is None:
        return None
    return (metric.span[1] - metric.span[0] + metric.margin) / unit


def _moved(found: Evidence, plan: Plan) -> Bools:
    """Return (T,) whether the champion's own blocks have ceased to be what they were."""
    if plan.usual is None:
        return np.zeros(found.n_blocks, dtype=np.bool_)
    return np.logical_or.accumulate(changed(found.usual, plan.usual) != 0.0)


def _ready(found: Evidence, plan: Plan) -> Bools:
    """Return (T,) whether every stage has its blocks and not too many were lost.

    Blocks of a later stage stand in for those that an earlier one lost.
    """
    needed = np.cumsum([each.blocks for each in plan.ramp[::-1]])[::-1]
    full = [np.cumsum(found.rung >= k) >= blocks for k, blocks in enumerate(needed)]
    full.append(np.cumsum(found.exposed) >= plan.exposed)
    full.append(found.lost_share <= plan.lost)
    return np.asarray(np.logical_and.reduce(full))


def _rung_full(found: Evidence, plan: Plan) -> bool:
    last = int(found.rung[-1])
    return last >= 0 and bool((found.rung == last).sum() >= plan.ramp[last].blocks)


def _finding(metric: Metric, each: Paths, plan: Plan, unit: float, n: int) -> Finding:
    """Return what a metric's blocks up to the n-th say."""
    shown = each.blocks.first(n)
    limit = _limit(metric, unit)
    low = bound(shown, 1, bets(shown, limit=limit), plan.alpha_harm)
    high = bound(shown, -1, bets(shown, metric.margin / unit, limit), plan.alpha_promote)
    return Finding(
        metric=metric.name,
        unit=metric.unit,
        worse=unit * float(shown.difference[-1]),
        least=unit * low,
        most=unit * high,
        log_e_harm=float(each.log_e_harm[n - 1]),
        log_e_safe=float(each.log_e_safe[n - 1]),
        plain=float(each.plain[n - 1]),
        twin_share=float(shown.twin_used.mean()),
    )


def _path(primary: Paths, found: Evidence, n: int) -> tuple[Moment, ...]:
    worse = primary.blocks.difference * found.figures[0].unit
    rows = zip(found.ended_s, worse, primary.log_e_harm, primary.log_e_safe, strict=True)
    return tuple(Moment(*(float(value) for value in row)) for row in list(rows)[:n])
