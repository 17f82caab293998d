# SPDX-License-Identifier: MIT
"""The best rule a good planner could have found: every rule at many settings, tried on one pool.

A policy is compared with the winner, so the winner must be honestly strong: the pool is drawn from
the same distribution, with the same seeds, as the one the policy trains on, never from the
evaluation's.
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace

import numpy as np

from flyball.core.batch import Doubles
from flyball.core.protocols import Policy
from flyball.worlds.jobshop.baselines import RULES, Rule
from flyball.worlds.jobshop.env import SPEC, JobShop
from flyball.worlds.jobshop.plan import score
from flyball.worlds.jobshop.scenario import Scenario

LEADS = (1.0, 1.5, 2.0, 3.0, 5.0)
LOOK_AHEADS = (0.5, 1.0, 2.0, 4.0, 8.0, 16.0)
SETUP_LOOK_AHEADS = (0.1, 0.2, 0.5, 1.0, 2.0)


@dataclass(frozen=True, kw_only=True)
class Trial:
    """One rule at one setting, with its mean score on the pool."""

    rule: Rule
    score: float


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


def settings() -> Iterator[Rule]:
    """Yield every rule at every setting that matters to it, the textbook's first."""
    for rule in RULES.values():
        for patience in (False, True):
            base = replace(rule, patience=patience)
            if rule.name not in ("slack", "ATC", "ATCS"):
                yield base
                continue
            for lead in LEADS:
                for look_ahead in LOOK_AHEADS if rule.name != "slack" else (2.0,):
                    for setup in SETUP_LOOK_AHEADS if rule.name == "ATCS" else (0.5,):
                        yield replace(
                            base, lead=lead, look_ahead=look_ahead, setup_look_ahead=setup
                        )


def tune(
    scenarios: Sequence[Scenario],
    progress: Callable[[float, Trial], None] | None = None,
) -> list[Trial]:
    """Return every rule's best setting on the pool, the best rule first.

    Successive halving: all settings meet a quarter of the pool, the better half of them the next
    quarter too, and so on; the last eighth meets all of it.

    Parameters
    ----------
    scenarios
        The pool, at least 4.
    progress
        Called with the share of the work behind us, in [0, 1], and the best trial so far.
    """
    rules = list(settings())
    rounds = 4
    share = max(1, len(scenarios) // rounds)
    total = dict.fromkeys(range(len(rules)), 0.0)
    alive = list(total)
    work = sum(len(rules) >> k for k in range(rounds))
    spent = 0
    best_of_rule: dict[str, Trial] = {}
    for k in range(rounds):
        part = scenarios[k * share : (k + 1) * share if k < rounds - 1 else len(scenarios)]
        if not part:
            break
        met = min((k + 1) * share, len(scenarios)) if k < rounds - 1 else len(scenarios)
        for number in alive:
            total[number] += float(score(outcomes(part, rules[number])).sum())
            spent += 1
            if progress:
                best = min(alive, key=lambda other: total[other])
                progress(min(1.0, spent / work), Trial(rule=rules[best], score=total[best] / met))
        alive.sort(key=lambda other: total[other])
        best_of_rule = {}
        for number in alive:
            name = rules[number].name
            if name not in best_of_rule:
                best_of_rule[name] = Trial(rule=rules[number], score=total[number] / met)
        # Each rule keeps its best setting, so that the report can show them all.
        kept = {trial.rule for trial in best_of_rule.values()}
        half = set(alive[: max(1, len(alive) // 2)])
        alive = [number for number in alive if number in half or rules[number] in kept]
    return sorted(best_of_rule.values(), key=lambda trial: trial.score)
