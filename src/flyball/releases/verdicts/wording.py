# SPDX-License-Identifier: MIT
"""The reason of a verdict, for who runs the plant: figures with units, and what to do."""

import math
from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from flyball.releases.verdicts.evidence import Evidence
from flyball.releases.verdicts.plan import PLAIN, Metric, Plan
from flyball.releases.verdicts.verdict import Decision, Finding


class Story(NamedTuple):
    """What there is to tell."""

    plan: Plan
    found: Evidence
    findings: tuple[Finding, ...]
    n: int
    """Blocks up to the decision."""

    harmful: Sequence[bool]
    """Of each metric, whether it ended the trial."""


def told(decision: Decision, story: Story, alarms: Sequence[str]) -> str:
    """Return the reason of a decision that the blocks led to."""
    if decision is Decision.ROLL_BACK:
        return _rolled_back(story)
    if decision is Decision.PROMOTE:
        return _promoted(story)
    return _held(story, alarms)


def breached(breaches: int, allowed: int) -> str:
    """Return the reason of a rollback that needs no statistics."""
    times = "once" if breaches == 1 else f"{breaches} times"
    return (
        f"Roll back: a hard guard tripped {times} in the challenger's blocks; {allowed} allowed. "
        f"This waits for no statistics."
    )


def nothing(found: Evidence) -> str:
    """Return why nothing can be said."""
    if found.lost:
        blocks = _blocks(found.lost)
        return f"Hold: no evidence yet; {blocks} lost, mostly because {found.why_lost}."
    if found.without_lot:
        return (
            f"Hold: no evidence yet; in {_blocks(found.without_lot)} the arm was not drawn by lot."
        )
    return "Hold: no evidence yet; no block has ended."


def plant_changed(metric: Metric) -> str:
    """Return the alarm that the champion's own blocks raise."""
    return f"the plant changed: {metric.name} of the champion's own blocks is no longer what it was"


def _rolled_back(story: Story) -> str:
    parts = []
    for metric, finding, harmful in zip(
        story.plan.metrics, story.findings, story.harmful, strict=True
    ):
        if harmful:
            allowed = f"; {figure(metric.harm)} {metric.unit} allowed" if metric.harm else ""
            parts.append(
                f"in {metric.name} the challenger is {_worse(finding)}{_at_least(finding)}{allowed}"
            )
    sure = figure(100.0 * (1.0 - story.plan.alpha))
    return f"Roll back: {' and '.join(parts)}; {_seen(story)}, {sure} % confidence at any time."


def _promoted(story: Story) -> str:
    parts = [
        f"in {metric.name} the challenger is {_worse(finding)} and surely less than "
        f"{figure(metric.margin)} {metric.unit} worse, the margin"
        for metric, finding in zip(story.plan.metrics, story.findings, strict=True)
    ]
    sure = figure(100.0 * (1.0 - story.plan.alpha))
    return f"Promote: {'; '.join(parts)}; {_seen(story)}, {sure} % confidence at any time."


def _held(story: Story, alarms: Sequence[str]) -> str:
    plan, found, n = story.plan, story.found, story.n
    if alarms:
        return (
            f"Hold: {alarms[0]}. The challenger is not to blame, nor can it be proven now; find "
            f"the cause, then begin the comparison anew."
        )
    if found.lost_share[n - 1] > plan.lost:
        return (
            f"Hold: {100.0 * found.lost_share[n - 1]:.0f} % of the challenger's blocks are lost, "
            f"{100.0 * plan.lost:.0f} % allowed, mostly because {found.why_lost}. What is missing "
            f"may be what is bad."
        )
    if n >= plan.most:
        return f"Hold: not decided after {n} blocks, the most that was planned. {_open(story)}"
    missing = _missing(story)
    if missing:
        return f"Hold: {missing}. {_open(story)}"
    exposed = int(np.sum(found.exposed[:n]))
    if exposed < plan.exposed:
        return f"Hold: {exposed} of {plan.exposed} blocks with the challenger. {_open(story)}"
    return f"Hold: not proven after {_seen(story)}. {_open(story)}"


def _missing(story: Story) -> str:
    """Return how many blocks the ramp lacks, or nothing."""
    ramp, rungs = story.plan.ramp, story.found.rung[: story.n]
    last = int(rungs[-1])
    seen = int((rungs == last).sum())
    if last < 0:
        return f"the challenger has less than the {100.0 * ramp[0].share:g} % of the first stage"
    if seen < ramp[last].blocks:
        return f"{seen} of {ramp[last].blocks} blocks of stage {ramp[last].stage}"
    if last + 1 < len(ramp):
        return f"stage {ramp[last].stage} has its {ramp[last].blocks} blocks, the next may begin"
    whole, needed = int((rungs >= 0).sum()), sum(rung.blocks for rung in ramp)
    return f"{whole} of the {needed} blocks of all stages" if whole < needed else ""


def _open(story: Story) -> str:
    """Return what the blocks say so far of the first metric that is not proven."""
    pairs = list(zip(story.plan.metrics, story.findings, strict=True))
    for metric, finding in pairs:
        if not math.isfinite(finding.most):
            return f"Nothing bounds {metric.name} yet."
        if finding.most >= metric.margin:
            return (
                f"In {metric.name} the challenger is between {_side(finding.least, metric.unit)} "
                f"and {_side(finding.most, metric.unit)}; less than {figure(metric.margin)} "
                f"{metric.unit} worse must be proven."
            )
    for metric, finding in pairs:
        if finding.plain < PLAIN:
            return (
                f"Most blocks prove {metric.name}, but a few that are far off spoil its plain "
                f"mean: look at them, and mark them lost where a measurement failed."
            )
    return "All that is asked for is proven so far."


def _worse(finding: Finding) -> str:
    return f"about {_side(finding.worse, finding.unit)}"


def _at_least(finding: Finding) -> str:
    return f", at least {figure(finding.least)} {finding.unit}" if finding.least > 0.0 else ""


def _side(worse: float, unit: str) -> str:
    if not math.isfinite(worse):
        return "an unknown amount better" if worse < 0.0 else "an unknown amount worse"
    return f"{figure(abs(worse))} {unit} {'better' if worse < 0.0 else 'worse'}"


def _seen(story: Story) -> str:
    exposed = int(np.sum(story.found.exposed[: story.n]))
    return f"{_blocks(story.n)}, {exposed} with the challenger"


def _blocks(count: int) -> str:
    return f"{count} block{'' if count == 1 else 's'}"


def figure(value: float) -> str:
    """Return a number to three digits as people write it: ``0.123``, ``12.3``, ``1,230``."""
    if value == 0.0 or not math.isfinite(value):
        return "0" if value == 0.0 else "unknown"
    if not 1e-4 <= abs(value) < 1e9:
        return f"{value:.3g}"
    digits = max(0, 2 - math.floor(math.log10(abs(value))))
    text = f"{value:,.{digits}f}"
    return text.rstrip("0").rstrip(".") if "." in text else text
