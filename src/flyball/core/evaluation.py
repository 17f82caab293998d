# SPDX-License-Identifier: MIT
"""Frozen records of a paired comparison: every method meets the same cases.

D cases (held-out days, seeds) · Q KPIs. A case that a method did not meet is NaN, never zero.
"""

import math
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from typing import Any, Literal

import numpy as np

from flyball.core.batch import Doubles
from flyball.core.errors import InvariantError

Kind = Literal["policy", "rule", "search", "solver", "reference"]

Z_95 = 1.959963984540054
"""97.5 % point of the normal distribution."""


@dataclass(frozen=True, kw_only=True)
class Scores:
    """What one method reached on every case."""

    name: str
    kind: Kind
    setting: str
    """How the method was set, in words; empty where there is nothing to set."""

    time_s: float
    """Wall time that a schedule or an episode was given; 0 for one greedy pass."""

    kpi: Mapping[str, tuple[float, ...]]
    """Figures by KPI, one for each case in the order of `Evaluation.cases`; NaN where not met."""

    spent_s: float
    """Mean wall time that one case took, s."""

    cost: Mapping[str, tuple[float, ...]] = field(default_factory=dict)
    """Undiscounted sums of costs by name, one for each case; empty where there are none."""

    changed: tuple[float, ...] = ()
    """Share of a case's decisions in which a Shield applied something else; empty without one."""

    def of(self, kpi: str) -> Doubles:
        """Return the figures (D,) of one KPI."""
        return np.array(self.kpi[kpi], dtype=np.float64)

    def mean(self, kpi: str, cases: Sequence[bool] | None = None) -> float:
        """Return the mean over the cases that were met, or over those of them that are marked."""
        figures = self.of(kpi)
        met = np.isfinite(figures)
        if cases is not None:
            met &= np.array(cases, dtype=np.bool_)
        return float(figures[met].mean()) if met.any() else math.nan


@dataclass(frozen=True, kw_only=True)
class Difference:
    """Paired difference of two methods in the unit of one KPI: ours minus theirs."""

    ours: float
    """Mean of ours over the common cases."""

    theirs: float
    mean: float
    low: float
    """Lower end of the 95 % interval of the mean difference."""

    high: float
    better_share: float
    """Share of the cases in which ours is strictly better, in [0, 1]."""

    worse_share: float
    cases: int


@dataclass(frozen=True, kw_only=True)
class Evaluation:
    """Paired comparison of a Policy with Baselines on common cases."""

    world: str
    scenario: str
    cases: tuple[str, ...]
    """Names of the held-out cases; their seeds are disjoint from training's by construction."""

    kpi: str
    """The figure that the verdict is about; smaller is better."""

    methods: tuple[Scores, ...]
    policy: str
    best_rule: str
    verdict: str
    """*better*, *as good*, *not proven*, *worse* or *breaks a limit*."""

    sentence: str
    facts: Mapping[str, Any]
    """Seeds, times and threads that the figures depend on."""

    def method(self, name: str) -> Scores:
        """Return the scores of one method."""
        for scores in self.methods:
            if scores.name == name:
                return scores
        msg = f"no method '{name}' in the evaluation"
        raise InvariantError(msg)

    def as_json(self) -> dict[str, Any]:
        """Return plain data; NaN becomes None, which is what JSON can hold."""
        plain: dict[str, Any] = _plain(asdict(self))
        return plain


def paired(ours: Doubles, theirs: Doubles) -> Difference:
    """Return the mean difference (ours - theirs) with its 95 % interval (Student's t).

    Parameters
    ----------
    ours, theirs
        (D,) figures of the same cases; cases that one of them did not meet are left out.

    Raises
    ------
    InvariantError
        When there is no common case.
    """
    common = np.isfinite(ours) & np.isfinite(theirs)
    n = int(common.sum())
    if n == 0:
        msg = "two methods without a common case cannot be compared"
        raise InvariantError(msg)
    one, other = ours[common], theirs[common]
    gap = one - other
    mean = float(gap.mean())
    half = math.inf
    if n > 1:
        half = t_95(n - 1) * float(gap.std(ddof=1)) / math.sqrt(n)
    return Difference(
        ours=float(one.mean()),
        theirs=float(other.mean()),
        mean=mean,
        low=mean - half,
        high=mean + half,
        better_share=float(np.mean(gap < 0)),
        worse_share=float(np.mean(gap > 0)),
        cases=n,
    )


def t_95(degrees: int) -> float:
    """Return the 97.5 % point of Student's t for at least 1 degree of freedom.

    From 4 degrees on by the expansion of Abramowitz and Stegun (26.7.5), exact to 0.3 %.
    """
    exact = {1: 12.7062, 2: 4.3027, 3: 3.1824}
    if degrees in exact:
        return exact[degrees]
    z = Z_95
    terms = (
        (z**3 + z) / 4,
        (5 * z**5 + 16 * z**3 + 3 * z) / 96,
        (3 * z**7 + 19 * z**5 + 17 * z**3 - 15 * z) / 384,
    )
    return z + sum(term / float(degrees) ** (k + 1) for k, term in enumerate(terms))


def _plain(value: Any) -> Any:
    if isinstance(value, dict):
        return {str(key): _plain(each) for key, each in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(each) for each in value]
    if isinstance(value, float) and not math.isfinite(value):
        return None
    return value
