# SPDX-License-Identifier: MIT
"""The verdict of a comparison by episodes, in words: limits first, then the rival and the optimum.

Pure functions. A figure may be better when it is larger (a return) or smaller (a cost). A policy
that breaks a limit is none that anybody may run, so what it earns decides nothing.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum

import numpy as np

from flyball.core.batch import Doubles
from flyball.core.evaluation import Difference, paired
from flyball.core.spec import Cost, Kpi

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
    BREAKS = "breaks a limit"


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


@dataclass(frozen=True, kw_only=True)
class Bound:
    """What one cost of a policy came to, beside its limit; native units."""

    name: str
    unit: str
    limit: float
    """Largest mean of an episode that is allowed."""

    mean: float
    low: float
    """Lower end of the 95 % interval of the mean."""

    high: float
    cases: int
    share: float
    """Share of the episodes that were above the limit, in [0, 1]."""

    @property
    def kept(self) -> bool:
        """Whether the mean is within the limit; NaN is not."""
        return self.mean <= self.limit

    @property
    def proven(self) -> bool:
        """Whether the whole interval is."""
        return self.high <= self.limit


def bounded(cost: Cost, spent: Doubles) -> Bound:
    """Return what a cost came to in episodes (D,), D at least 1; one NaN makes all of it NaN."""
    found = paired(spent, np.zeros_like(spent)) if np.isfinite(spent).all() else None
    return Bound(
        name=cost.name,
        unit=cost.unit,
        limit=cost.limit,
        mean=found.mean if found else math.nan,
        low=found.low if found else math.nan,
        high=found.high if found else math.nan,
        cases=len(spent),
        share=float(np.mean(~(spent <= cost.limit))),
    )


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


def verdict(
    difference: Difference, kpi: Kpi, against: Against, limits: Sequence[Bound] = ()
) -> tuple[Verdict, str]:
    """Decide, and say why in a few sentences.

    Parameters
    ----------
    difference
        The policy minus the best rival.
    kpi
        What is compared.
    against
        The rival and the optimum.
    limits
        What the costs of the policy came to on the same episodes.
    """
    d, rival = difference, against.rival
    broken = sorted((each for each in limits if not each.kept), key=lambda each: -each.share)
    means = (
        f"the learned policy had a mean {kpi.name} of {number(d.ours)} {kpi.unit}, {rival}, the "
        f"best rival, {number(d.theirs)}"
    )
    if broken:
        first, *more = (told(each) for each in broken)
        parts = [f"Breaks a limit: {_on(d.cases)} {first}.", *(f"{each}." for each in more)]
        return Verdict.BREAKS, " ".join(
            (*parts, f"It decides nothing that {means}.", f"Keep {rival}.")
        )
    found = judge(difference, kpi, against.span)
    open_ = [each for each in limits if not each.proven]
    if open_ and found is not Verdict.WORSE:
        first, *more = (told(each) for each in open_)
        parts = [f"Not proven: {_on(d.cases)} {first}.", *(f"{each}." for each in more)]
        return Verdict.NOT_PROVEN, " ".join((*parts, f"More episodes must tell; {means}."))
    text = _compared(found, difference, f"{_on(d.cases)} {means}", rival)
    kept = [f"{told(each)}." for each in limits]
    return found, " ".join((text, *kept, *beside_optimum(d.ours, kpi, against)))


def _on(cases: int) -> str:
    return f"on {cases} new episode{'s' if cases != 1 else ''}"


def _compared(found: Verdict, difference: Difference, means: str, rival: str) -> str:
    """Return the sentences of a comparison in which every limit is kept."""
    d = difference
    between = f"between {signed(d.low)} and {signed(d.high)}"
    if found is Verdict.AS_GOOD:
        return f"As good: {means}; what differs is less than 1 % of what {rival} gains over random."
    if found is Verdict.BETTER:
        return f"Better: {means}. With 95 % confidence the difference is {between}."
    if found is Verdict.WORSE:
        return f"Worse: {means}. With 95 % confidence the difference is {between}. Keep {rival}."
    if d.cases < FEWEST_CASES:
        return f"Not proven: {means}, but that is too few. Evaluate at least {FEWEST_CASES}."
    return (
        f"Not proven: {means}. With 95 % confidence the difference is {between}: more episodes or "
        f"more training must tell."
    )


def leaning(changed: float, mean: float, kpi: Kpi, limits: Sequence[Bound]) -> str:
    """Return how much a policy leans on its Shield, and what it is worth without.

    Parameters
    ----------
    changed
        Share of its decisions in which the Shield applied something else.
    mean
        Of the figure without the Shield.
    kpi
        The figure.
    limits
        What its costs come to without the Shield.
    """
    head = f"The Shield changed {100 * changed:.3g} % of its decisions"
    alone = f"without it the policy has a mean {kpi.name} of {number(mean)} {kpi.unit}"
    broken = "; ".join(told(each) for each in limits if not each.kept)
    kept = " and breaks no limit" if limits else ""
    return f"{head}; {alone}{f', and breaks limits: {broken}' if broken else kept}."


def told(bound: Bound) -> str:
    """Return in words whether a limit was kept, without the full stop."""
    b, limit = bound, f"limit of {small(bound.limit)} {bound.unit}"
    mean = f"a mean of {small(b.mean)} {b.unit}"
    interval = f"(95 % interval {small(b.low)} to {small(b.high)})"
    if not b.kept:
        above = f"{small(b.mean - b.limit)} {b.unit} above its {limit}"
        share = f"{100 * b.share:.3g} % of the episodes were above it"
        return f"'{b.name}' came to {mean} {interval}, {above}; {share}"
    if not b.proven:
        return f"'{b.name}' came to {mean} {interval}, which reaches above its {limit}"
    if b.high == b.low == b.limit:
        most = (
            f"with 95 % confidence at most {min(100.0, 300 / b.cases):.3g} % of episodes have any"
        )
        return f"'{b.name}' was {b.limit:g} {b.unit} in all {b.cases} episodes: {most}"
    return f"'{b.name}' stayed below its {limit}: {mean} {interval}"


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


def small(value: float) -> str:
    """Return a number as `number` does, with two digits however small it is."""
    return f"{value:.2g}" if 0.0 < abs(value) < 0.01 else number(value)
