# SPDX-License-Identifier: MIT
"""The verdict of a comparison, in words a plant manager understands. Pure functions."""

import math
from enum import StrEnum

from flyball.core.evaluation import Difference

FEWEST_CASES = 5
"""Below this many cases nothing is proven, whatever they show."""


class Verdict(StrEnum):
    """What a paired comparison says about the policy."""

    BETTER = "better"
    NOT_PROVEN = "not proven"
    WORSE = "worse"


def judge(difference: Difference) -> Verdict:
    """Decide from the 95 % interval of ours minus theirs, where less is better."""
    if difference.cases < FEWEST_CASES or not math.isfinite(difference.mean):
        return Verdict.NOT_PROVEN
    if difference.low > 0:
        return Verdict.WORSE
    if difference.high < 0:
        return Verdict.BETTER
    return Verdict.NOT_PROVEN


def verdict(difference: Difference, rival: str, what: str) -> tuple[Verdict, str]:
    """Decide, and say why in one or two sentences.

    Parameters
    ----------
    difference
        The policy minus the rival, in hours; less is better.
    rival
        Name of the rival, as tables print it.
    what
        What is counted, in words: ``weighted hours late``.
    """
    found = judge(difference)
    d = difference
    means = f"{hours(d.ours)} instead of {hours(d.theirs)} {what} a day"
    days = f"{d.cases} new days" if d.cases != 1 else "1 new day"
    if found is Verdict.BETTER:
        return found, (
            f"Better: on {days} the learned policy left {means} with {rival}, the best tuned rule: "
            f"{hours(-d.mean)} less{percent(d)}. With 95 % confidence the gain lies between "
            f"{hours(-d.high)} and {hours(-d.low)}."
        )
    if found is Verdict.WORSE:
        return found, (
            f"Worse: on {days} the learned policy left {means} with {rival}, the best tuned rule: "
            f"{hours(d.mean)} more{percent(d)}. Keep {rival}."
        )
    if d.cases < FEWEST_CASES:
        return found, (
            f"Not proven: {days} are too few to tell the learned policy from {rival}, the best "
            f"tuned rule ({means}). Evaluate at least {FEWEST_CASES} days; until then keep {rival}."
        )
    if d.mean == d.low == d.high == 0:
        return found, (
            f"Not proven: on {days} the learned policy and {rival}, the best tuned rule, left "
            f"exactly the same, {hours(d.ours)} {what} a day. Keep {rival}."
        )
    return found, (
        f"Not proven: on {days} the learned policy left {means} with {rival}, the best tuned rule. "
        f"With 95 % confidence the truth lies between {change(d.low)} and {change(d.high)}. "
        f"Keep {rival} until more days or more training tell."
    )


def beside(difference: Difference, rival: str, what: str, time_s: float) -> str:
    """Return the sentence that puts the policy with search beside a rival at equal time."""
    d = difference
    at = f"Given {time_s:g} s for each schedule, the policy with search left {hours(d.ours)}"
    found = judge(d)
    days = f"{d.cases} day{'s' if d.cases != 1 else ''}"
    tail = {
        Verdict.BETTER: "the policy is better",
        Verdict.WORSE: f"{rival} is better",
        Verdict.NOT_PROVEN: "the difference is within chance",
    }[found]
    return f"{at} and {rival} {hours(d.theirs)} {what} a day on {days}: {tail}{share(d)}."


def hours(value: float) -> str:
    """Return hours as people read them: ``0.4 h``, ``37 h``, ``1,204 h``."""
    if not math.isfinite(value):
        return "an unknown number of hours"
    digits = 0 if abs(value) >= 100 else 1
    rounded = round(value, digits) + 0.0
    return f"{rounded:,.{digits}f} h"


def change(value: float) -> str:
    """Return a difference in words: ``3.0 h less`` or ``0.6 h more``."""
    if not math.isfinite(value):
        return "anything"
    return f"{hours(abs(value))} {'less' if value < 0 else 'more'}"


def percent(difference: Difference) -> str:
    """Return the change in percent of the rival's figure, where that has a meaning."""
    if difference.theirs <= 0:
        return ""
    return f" ({abs(difference.mean) / difference.theirs:.0%})"


def share(difference: Difference) -> str:
    """Return on how many of the days ours was better and worse."""
    d = difference
    return f" (better on {d.better_share:.0%} of the days, worse on {d.worse_share:.0%})"
