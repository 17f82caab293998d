# SPDX-License-Identifier: MIT
"""The verdict of a comparison by episodes, in words: beside the best rival and the known optimum.

Pure functions. A figure may be better when it is larger (a return) or smaller (a cost).
"""

import math
from dataclasses import dataclass
from enum import StrEnum

from flyball.core.evaluation import Difference
from flyball.core.spec import Kpi

FEWEST_CASES = 5
"""Below this many cases nothing is proven, whatever they show."""

ALIKE = 0.01
"""Differences below this share of the rival's lead over random choice count as none."""


class Verdict(StrEnum):
    """What a paired comparison says about the policy."""

    BETTER = "better"
    AS_GOOD = "as good"
    NOT_PROVEN = "not proven"
    WORSE = "worse"


@dataclass(frozen=True, kw_only=True)
class Against:
    """What a policy is compared with, settled before the episodes that judge were drawn."""

    rival: str
    """Name of the best rival."""

    span: float
    """How far the rival is ahead of random choice on validation episodes, in the KPI's unit."""

    optimum: float | None
    """The known optimum or bound of the KPI; None where nobody knows."""

    exact: bool = True
    """Whether the best policy reaches it; else nobody can pass it."""


def judge(difference: Difference, kpi: Kpi, span: float) -> Verdict:
    """Decide from the 95 % interval of ours minus theirs.

    Parameters
    ----------
    difference
        Paired, in the KPI's unit.
    kpi
        Its sense says which way is better.
    span
        See `Against`; differences that surely lie within 1 % of it count as none.
    """
    if difference.cases < FEWEST_CASES or not math.isfinite(difference.low + difference.high):
        return Verdict.NOT_PROVEN
    low, high = difference.low, difference.high
    if max(abs(low), abs(high)) <= ALIKE * abs(span):
        return Verdict.AS_GOOD
    if low > 0:
        return Verdict.BETTER if kpi.sense == "max" else Verdict.WORSE
    if high < 0:
        return Verdict.WORSE if kpi.sense == "max" else Verdict.BETTER
    return Verdict.NOT_PROVEN


def verdict(difference: Difference, kpi: Kpi, against: Against) -> tuple[Verdict, str]:
    """Decide, and say why in two or three sentences.

    Parameters
    ----------
    difference
        The policy minus the best rival.
    kpi
        What is compared.
    against
        The rival and the optimum.
    """
    found = judge(difference, kpi, against.span)
    d, rival = difference, against.rival
    means = (
        f"on {d.cases} new episode{'s' if d.cases != 1 else ''} the learned policy had a mean "
        f"{kpi.name} of {number(d.ours)} {kpi.unit}, {rival}, the best rival, {number(d.theirs)}"
    )
    between = f"between {signed(d.low)} and {signed(d.high)}"
    if found is Verdict.AS_GOOD:
        text = f"As good: {means}; what differs is less than 1 % of what {rival} gains over random."
    elif found is Verdict.BETTER:
        text = f"Better: {means}. With 95 % confidence the difference is {between}."
    elif found is Verdict.WORSE:
        text = f"Worse: {means}. With 95 % confidence the difference is {between}. Keep {rival}."
    elif d.cases < FEWEST_CASES:
        text = f"Not proven: {means}, but that is too few. Evaluate at least {FEWEST_CASES}."
    else:
        text = (
            f"Not proven: {means}. With 95 % confidence the difference is {between}: more "
            f"episodes or more training must tell."
        )
    return found, " ".join((text, *beside_optimum(d.ours, kpi, against)))


def beside_optimum(ours: float, kpi: Kpi, against: Against) -> list[str]:
    """Return how far a mean is from the known optimum, as a list of one sentence or none."""
    best = against.optimum
    if best is None:
        return []
    short = best - ours if kpi.sense == "max" else ours - best
    name = "The known optimum is" if against.exact else "A bound that nobody can pass is"
    what = f"{name} {number(best)}"
    if abs(short) <= 1e-9 * max(1.0, abs(best)):
        return [f"{what}: the policy reaches it."]
    side = "short of it" if short > 0 else "beyond it, by the luck of these episodes"
    share = f" ({100 * abs(short / best):.1f} %)" if best else ""
    return [f"{what}: the policy is {number(abs(short))}{share} {side}."]


def number(value: float) -> str:
    """Return a number as people read it: ``0.42``, ``37.1``, ``1,204``."""
    if not math.isfinite(value):
        return "unknown"
    digits = 0 if abs(value) >= 1000 else 1 if abs(value) >= 10 else 2
    return f"{round(value, digits) + 0.0:,.{digits}f}"


def signed(value: float) -> str:
    """Return a difference with its sign: ``+3.0``."""
    text = number(abs(value))
    return f"{'-' if value < 0 else '+'}{text}" if math.isfinite(value) else text
