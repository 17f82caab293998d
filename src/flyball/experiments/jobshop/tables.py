# SPDX-License-Identifier: MIT
"""The tables of a report, as plain data: pure functions of an Evaluation."""

import math
from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from flyball.core.evaluation import Difference, Evaluation, Scores, paired
from flyball.experiments.jobshop.verdict import Verdict, beside, counted, judge, share
from flyball.worlds.jobshop import WORLD

NAMES = {
    "weighted_tardiness_h": "weighted hours late",
    "days_late": "days late",
    "late_jobs": "late jobs",
    "makespan_h": "last job ends after, h",
    "setup_h": "set-up, h",
    "overtime_h": "overtime, h",
    "utilisation_spread": "utilisation spread, points",
}
"""KPIs as people call them."""


class Row(NamedTuple):
    """One method in the decision table; figures are means over the days, in words."""

    name: str
    kind: str
    setting: str
    figures: tuple[str, ...]  # in the order of NAMES
    difference: str  # to the row that is compared with, with its 95 % interval
    better: str  # share of the days on which it is better than that
    verdict: str  # better, worse, not proven; empty for the row itself
    spent: str


KINDS = {
    "policy": "learned policy",
    "rule": "rule",
    "search": "search",
    "solver": "solver",
    "reference": "reference",
}


def greedy_rows(evaluation: Evaluation) -> list[Row]:
    """Return the methods that take one pass, least of the evaluation's figure first."""
    methods = [each for each in evaluation.methods if each.time_s == 0]
    return _rows(evaluation, methods, evaluation.best_rule)


def timed_rows(evaluation: Evaluation, names: Sequence[str]) -> list[Row]:
    """Return the methods that were given time, on the days that all of them met.

    Parameters
    ----------
    evaluation
        The comparison.
    names
        Methods of one pass to show beside them.
    """
    timed = [each for each in evaluation.methods if each.time_s > 0]
    if not timed:
        return []
    solver = [each.name for each in timed if each.kind == "solver"]
    against = solver[0] if solver else evaluation.best_rule
    beside_them = [each for each in evaluation.methods if each.name in names]
    met = np.all([np.isfinite(each.of(evaluation.kpi)) for each in timed], axis=0)
    return _rows(evaluation, timed + beside_them, against, met.tolist())


def _rows(
    evaluation: Evaluation,
    methods: Sequence[Scores],
    against: str,
    cases: Sequence[bool] | None = None,
) -> list[Row]:
    kpi = evaluation.kpi
    rival = evaluation.method(against).of(kpi)
    if cases is not None:
        rival = np.where(np.array(cases), rival, math.nan)
    rows = []
    for each in sorted(methods, key=lambda scores: scores.mean(kpi, cases)):
        difference = paired(each.of(kpi), rival)
        own = each.name == against
        rows.append(
            Row(
                name=each.name,
                kind=KINDS[each.kind],
                setting=each.setting,
                figures=tuple(number(each.mean(name, cases)) for name in NAMES),
                difference="compared with this" if own else interval(difference),
                better="" if own else share(difference.better_share),
                verdict="" if own else judge(difference).value,
                spent=seconds(each.spent_s),
            )
        )
    return rows


def second_sentence(evaluation: Evaluation) -> str:
    """Return how the policy with search does beside the solver at equal time; empty without."""
    names = {each.name: each for each in evaluation.methods}
    search = next((s for s in names.values() if s.kind == "search" and not s.setting), None)
    solver = next((s for s in names.values() if s.kind == "solver"), None)
    if search is None:
        return ""
    if solver is None:
        missing = evaluation.facts.get("missing", {})
        return "".join(f"{name} was not compared: {why}." for name, why in missing.items())
    difference = paired(search.of(evaluation.kpi), solver.of(evaluation.kpi))
    return beside(difference, solver.name, counted(evaluation.kpi), solver.time_s)


def hindsight(evaluation: Evaluation) -> str:
    """Return which rule turned out best on these very days, if it was another; else nothing."""
    rules = [each for each in evaluation.methods if each.kind == "rule"]
    best = min(rules, key=lambda scores: scores.mean(evaluation.kpi))
    if best.name == evaluation.best_rule:
        return ""
    found = number(best.mean(evaluation.kpi))
    return (
        f"In hindsight {best.name} was the best rule on these very days, {found}; nobody could "
        f"have known before."
    )


def interval(difference: Difference) -> str:
    """Return a mean difference with its 95 % interval: ``-14.9 (-20.7 to -9.1)``."""
    d = difference
    if not math.isfinite(d.low):
        return f"{d.mean:+.1f}"
    return f"{d.mean:+.1f} ({d.low:+.1f} to {d.high:+.1f})"


def number(value: float) -> str:
    """Return a figure as tables print it."""
    if not math.isfinite(value):
        return "not met"
    return f"{value:,.0f}" if abs(value) >= 1000 else f"{value:.1f}"


def seconds(value: float) -> str:
    """Return a wall time as tables print it."""
    return f"{value:.1f} s" if value >= 1 else f"{1000 * value:.0f} ms"


def limit_rows() -> list[tuple[str, str, str]]:
    """Return every hard limit: name, what it protects, where it comes from."""
    return [(limit.name, limit.explain(), limit.source) for limit in WORLD.limits]


MARKS = {Verdict.BETTER: "good", Verdict.NOT_PROVEN: "open", Verdict.WORSE: "bad"}
"""Style of each verdict; the word itself is always printed beside the colour."""
