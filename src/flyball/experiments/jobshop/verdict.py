# SPDX-License-Identifier: MIT
"""The verdict of a comparison, in words a plant manager understands. Pure functions."""

import math
from enum import StrEnum
from typing import NamedTuple

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


class Counted(NamedTuple):
    """How sentences speak of the figure that is compared."""

    verb: str
    thing: str


LATENESS = Counted("left", "weighted hours late a day")
MAKESPAN = Counted("needed", "hours a day until the last job was finished")


def counted(kpi: str) -> Counted:
    """Return the words for a KPI."""
    return LATENESS if kpi == "weighted_tardiness_h" else MAKESPAN


def verdict(difference: Difference, rival: str, what: Counted) -> tuple[Verdict, str]:
    """Decide, and say why in one to three sentences.

    Parameters
    ----------
    difference
        The policy minus the rival, in hours; less is better.
    rival
        Name of the rival, as tables print it.
    what
        What is counted, in words.
    """
    found = judge(difference)
    d = difference
    days = f"{d.cases} new days" if d.cases != 1 else "1 new day"
    means = f"on {days} the learned policy {what.verb} {number(d.ours)} {what.thing}, {rival}, "
    means += f"the best tuned rule, {number(d.theirs)}"
    if found is Verdict.BETTER:
        return found, (
            f"Better: {means}: {hours(-d.mean)} less{percent(d)}. With 95 % confidence the gain is "
            f"between {hours(-d.high)} and {hours(-d.low)} a day."
        )
    if found is Verdict.WORSE:
        return found, (
            f"Worse: {means}: {hours(d.mean)} more{percent(d)}. With 95 % confidence it is at "
            f"least {hours(d.low)} a day more. Keep {rival}."
        )
    if d.cases < FEWEST_CASES:
        return found, (
            f"Not proven: {means}, but {days} are too few to tell. Evaluate at least "
            f"{FEWEST_CASES} days; until then keep {rival}."
        )
    if d.mean == d.low == d.high == 0:
        return found, (
            f"Not proven: on {days} the learned policy and {rival}, the best tuned rule, "
            f"{what.verb} exactly the same, {number(d.ours)} {what.thing}. Keep {rival}."
        )
    return found, (
        f"Not proven: {means}. With 95 % confidence the truth is between {change(d.low)} and "
        f"{change(d.high)} a day. Keep {rival} until more days or more training tell."
    )


def beside(difference: Difference, rival: str, what: Counted, time_s: float) -> str:
    """Return the sentence that puts the policy with search beside a rival at equal time."""
    d = difference
    tail = {
        Verdict.BETTER: "the policy is better",
        Verdict.WORSE: f"{rival} is better",
        Verdict.NOT_PROVEN: "that may be chance",
    }[judge(d)]
    days = f"{d.cases} of these days" if d.cases != 1 else "1 of these days"
    return (
        f"Given {time_s:g} s for each schedule, on {days} the policy with search {what.verb} "
        f"{number(d.ours)} {what.thing}, {rival} {number(d.theirs)}; {tail} (the policy was better "
        f"on {share(d.better_share)} of them, worse on {share(d.worse_share)})."
    )


def number(value: float) -> str:
    """Return a number as people read it: ``0.4``, ``37.1``, ``1,204``."""
    digits = 0 if abs(value) >= 100 else 1
    return f"{round(value, digits) + 0.0:,.{digits}f}" if math.isfinite(value) else "unknown"


def hours(value: float) -> str:
    """Return hours as people read them: ``0.4 h``, ``1,204 h``."""
    return f"{number(value)} h" if math.isfinite(value) else "an unknown number of hours"


def change(value: float) -> str:
    """Return a difference in words: ``3.0 h less`` or ``0.6 h more``."""
    if not math.isfinite(value):
        return "anything"
    return f"{hours(abs(value))} {'less' if value < 0 else 'more'}"


def percent(difference: Difference) -> str:
    """Return the change in percent of the rival's figure, where that has a meaning."""
    if difference.theirs <= 0:
        return ""
    return f" ({share(abs(difference.mean) / difference.theirs)})"


def share(value: float) -> str:
    """Return a share as people read it: ``60 %``."""
    return f"{100 * value:.0f} %"
