# SPDX-License-Identifier: MIT
"""The best rule a good planner could have found: every rule, its settings searched on one pool.

A policy is compared with the winner, so the winner must be honestly strong: the pool is drawn from
the same distribution, with the same seeds, as the one the policy trains on, never from the
evaluation's, and the search goes on until no single setting helps or the time is over.
"""

import math
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np

from flyball.core.batch import Doubles
from flyball.core.clock import Clock, SystemClock
from flyball.core.protocols import Policy
from flyball.worlds.jobshop.baselines import RULES, Rule
from flyball.worlds.jobshop.env import SPEC, JobShop
from flyball.worlds.jobshop.plan import score
from flyball.worlds.jobshop.scenario import Scenario

GRIDS: dict[str, tuple[float, ...]] = {
    "lead": (1.0, 1.25, 1.5, 2.0, 2.5, 3.0, 4.0, 6.0),
    "look_ahead": (0.5, 1.0, 2.0, 4.0, 8.0, 16.0, 32.0),
    "setup_look_ahead": (0.05, 0.1, 0.2, 0.35, 0.5, 1.0, 2.0),
}
"""Values tried for each setting of `Rule`."""

STRONG = ("ATCS", "ATC", "slack", "EDD")
FIRST = (*STRONG, *(name for name in RULES if name not in STRONG))
"""Order of the first trials: the rules that are known to be strong, while there is time."""

SETTINGS = {
    "slack": ("lead",),
    "ATC": ("lead", "look_ahead"),
    "ATCS": ("lead", "look_ahead", "setup_look_ahead"),
}
"""Settings that matter to each rule, beside `patience`, which matters to all."""


@dataclass(frozen=True, kw_only=True)
class Trial:
    """One rule at one setting, with its mean score on the pool."""

    rule: Rule
    score: float


@dataclass(frozen=True, kw_only=True)
class Tuned:
    """Every rule at its best setting, and how the search for it ended."""

    best: list[Trial]
    """One trial a rule, the best first."""

    converged: bool
    """Whether no single setting helps any more; else the time was over before."""

    tried: int
    """Settings that were tried, of all rules together."""


@dataclass(kw_only=True)
class Search:
    """The trials of one pool so far; two threads share the work, results do not depend on it."""

    scenarios: Sequence[Scenario]
    budget_s: float
    clock: Clock
    progress: Callable[[float, Trial], None] | None
    keep: Callable[[Sequence[Trial]], None] | None
    trials: dict[Rule, Trial] = field(default_factory=dict)
    start_s: float = 0.0

    def over(self) -> bool:
        """Return whether the time is over."""
        return self.clock.elapsed_s() - self.start_s >= self.budget_s

    def try_all(self, rules: Sequence[Rule]) -> list[Trial]:
        """Return a trial of each rule, in their order."""
        fresh = [rule for rule in dict.fromkeys(rules) if rule not in self.trials]
        with ThreadPoolExecutor(max_workers=2) as pool:
            means = list(pool.map(lambda rule: _mean_score(self.scenarios, rule), fresh))
        found = [Trial(rule=r, score=mean) for r, mean in zip(fresh, means, strict=True)]
        self.trials |= {trial.rule: trial for trial in found}
        if self.keep and found:
            self.keep(found)
        if self.progress:
            best = min(self.trials.values(), key=lambda trial: trial.score)
            used_s = self.clock.elapsed_s() - self.start_s
            self.progress(used_s / self.budget_s if used_s < self.budget_s else 1.0, best)
        return [self.trials[rule] for rule in rules]


def outcomes(scenarios: Sequence[Scenario], policy: Policy) -> Doubles:
    """Return the KPIs (scenario, Q) of the policy's greedy schedule of each scenario."""
    rows = len(scenarios)
    env = JobShop(scenarios, rows)
    observation = env.reset(np.arange(rows, dtype=np.int64))
    memory = policy.initial(rows)
    found = np.zeros((rows, len(SPEC.kpis)))
    left = np.ones(rows, dtype=np.bool_)
    while left.any():
        action, _, memory = policy.act(observation, memory, None)
        step = env.step(action)
        observation = step.observation
        first = left & step.terminated
        found[first] = step.outcome[first]
        left &= ~step.terminated
    return found


def tune(
    scenarios: Sequence[Scenario],
    budget_s: float = math.inf,
    *,
    clock: Clock | None = None,
    progress: Callable[[float, Trial], None] | None = None,
    known: Mapping[Rule, float] | None = None,
    keep: Callable[[Sequence[Trial]], None] | None = None,
) -> Tuned:
    """Return every rule at its best setting on the pool, the best rule first.

    Every rule is tried as the textbook has it and with `patience` (those that the time does not
    reach score infinity); then the settings of the rules that have any are searched one at a time,
    round and round, until none helps. Each rule has finitely many settings, and its score falls
    with every round but the last, so the search ends; without a limit on time its result depends
    on nothing but the pool.

    Parameters
    ----------
    scenarios
        The pool, at least 1.
    budget_s
        Wall time after which no new round begins, s; infinite: until no setting helps.
    clock
        Where the time comes from.
    progress
        Called with the share of the time used, in [0, 1], and the best trial so far.
    known
        Mean scores on this very pool from an earlier search; they are not tried again.
    keep
        Called with the new trials of every round as soon as they are known.
    """
    clock = clock or SystemClock()
    search = Search(
        scenarios=scenarios,
        budget_s=budget_s,
        clock=clock,
        progress=progress,
        keep=keep,
        trials={rule: Trial(rule=rule, score=mean) for rule, mean in (known or {}).items()},
        start_s=clock.elapsed_s(),
    )
    best: dict[str, Trial] = {}
    for name in FIRST:
        rule = RULES[name]
        if best and search.over():
            best[name] = Trial(rule=rule, score=math.inf)
            continue
        pair = search.try_all([rule, replace(rule, patience=True)])
        best[rule.name] = min(pair, key=lambda trial: trial.score)
    moving = set(SETTINGS)
    while moving and not search.over():
        for name in sorted(moving):
            found = _sweep(search, best[name])
            if found.score >= best[name].score and not search.over():
                moving.discard(name)
            best[name] = min(best[name], found, key=lambda trial: trial.score)
    return Tuned(
        best=sorted(best.values(), key=lambda trial: trial.score),
        converged=not moving,
        tried=len(search.trials),
    )


def _sweep(search: Search, start: Trial) -> Trial:
    """Return the best of one round over the settings of a rule, each in turn."""
    best = start
    for setting in SETTINGS[start.rule.name]:
        if search.over():
            break
        rules = [_with(best.rule, setting, value) for value in GRIDS[setting]]
        flipped = replace(best.rule, patience=not best.rule.patience)
        best = min([best, *search.try_all([*rules, flipped])], key=lambda trial: trial.score)
    return best


def _with(rule: Rule, setting: str, value: Any) -> Rule:
    """Return the rule with one setting changed."""
    return replace(rule, **{setting: value})


def _mean_score(scenarios: Sequence[Scenario], rule: Rule) -> float:
    """Return the rule's mean score on the pool."""
    return float(score(outcomes(scenarios, rule)).mean())
