# SPDX-License-Identifier: MIT
"""Put a policy beside everything that a planner could use instead, on days nobody trained on.

Greedy methods meet every day; methods that are given time (the policy with search, the best rule
with random restarts, CP-SAT) meet the first `timed_days` of them, one after the other, each with
the same wall clock and threads, model building and warm start included. *Do nothing* and *constant
action* have no meaning here: every operation must be placed, and candidates change with every
decision. *Random* and *first-fit* stand for them.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np

from flyball.core.clock import Clock, SystemClock
from flyball.core.errors import ConfigError, Problem, SolverError
from flyball.core.evaluation import Evaluation, Kind, Scores, paired
from flyball.core.protocols import Policy
from flyball.experiments import runs
from flyball.experiments.jobshop.play import Dice, Judged, greedy, judged
from flyball.experiments.jobshop.pool import held_out, plant_of, read_plant
from flyball.experiments.jobshop.rules import load_rules, setting
from flyball.experiments.jobshop.tables import second_sentence
from flyball.experiments.jobshop.verdict import counted, verdict
from flyball.experiments.runs import Watch
from flyball.policies import load
from flyball.worlds import jobshop
from flyball.worlds.jobshop import RULES, WORLD, Rule, Scenario, Schedule

POLICY, SEARCH, RESTARTS, SOLVER = "policy", "policy + search", "best rule + restarts", "CP-SAT"
NO_SETTING = ""

MOST_DAYS = 10_000
"""More tell nobody anything and do not fit into memory."""


@dataclass(frozen=True, kw_only=True)
class EvaluateConfig:
    """How a comparison is made."""

    days: int = 40
    """Held-out days that every greedy method meets, 2 to `MOST_DAYS`."""

    timed_days: int = 6
    """How many of them the methods with time meet, at least 0."""

    time_s: float = 5.0
    """Wall time for a schedule of those methods, above 0 s."""

    threads: int = 1
    """Threads of each method, at least 1; search in the simulator uses one."""

    seed: int = 1
    """Names the held-out days."""

    batch: int = 16
    """Days that rules play side by side; no figure depends on it."""

    objective: Mapping[str, float] = field(
        default_factory=lambda: {"weighted_tardiness_h": 1.0, "makespan_h": 1e-3}
    )
    """What CP-SAT minimises; the search minimises the same."""

    def __post_init__(self) -> None:
        good = (
            2 <= self.days <= MOST_DAYS
            and self.timed_days >= 0
            and self.time_s > 0
            and self.threads >= 1
        )
        if not good:
            raise ConfigError(
                Problem(
                    where="--days, --timed-days, --time, --threads",
                    found=f"{self.days}, {self.timed_days}, {self.time_s} s, {self.threads}",
                    allowed=f"2 to {MOST_DAYS:,} days, at least 0 timed days, more than 0 s, "
                    "1 thread",
                    fix="leave them out for 40, 6, 5 s and 1",
                )
            )


@dataclass(frozen=True)
class Compared:
    """An Evaluation with the schedules of the first day, for drawing."""

    evaluation: Evaluation
    second: str
    """How the policy with search does beside CP-SAT at equal time."""

    shown: Mapping[str, Schedule]


def evaluate_run(
    folder: Path, config: EvaluateConfig, watch: Watch, clock: Clock | None = None
) -> Compared:
    """Compare the policy of a run with every rival and write ``evaluation.json`` into the run.

    Raises
    ------
    RunError
        When there is no run, none with a policy, or the plant's file was changed since.
    """
    clock = clock or SystemClock()
    plant = read_plant(plant_of(runs.read_manifest(folder, "plant", "plant_hash")))
    policy = load(folder / runs.BUNDLE, WORLD.spec)
    rules = load_rules(folder / runs.RULES)
    compared = compare(plant, policy, rules, config, watch, clock)
    runs.write_json(folder / runs.EVALUATION, compared.evaluation.as_json())
    return compared


def compare(
    plant: Scenario | None,
    policy: Policy,
    rules: Sequence[Rule],
    config: EvaluateConfig,
    watch: Watch,
    clock: Clock,
) -> Compared:
    """Compare a policy with tuned rules, textbook rules, random, first-fit, search and CP-SAT.

    Parameters
    ----------
    plant
        The plant whose days are drawn; None: generated shops.
    policy
        Any policy; it is played day by day, so that no figure depends on a batch.
    rules
        Tuned, the best on the training pool first: which one is *the best tuned rule* is settled
        before a held-out day is seen.
    config
        Days, time and threads.
    watch
        Called with ("evaluate", share, {"method": name}).
    clock
        Source of the time.
    """
    table = Table(held_out(plant, config.seed, config.days), clock, watch, config)
    best = rules[0]
    table.passes = 2 + len(rules) + sum(setting(rule) != "" for rule in rules)
    table.play(POLICY, "policy", policy, batch=1)
    for rule in rules:
        table.play(rule.name, "rule", rule, words=setting(rule))
    for rule in rules:
        plain = RULES[rule.name]
        if setting(rule):
            table.play(f"{rule.name}, textbook", "rule", plain)
    table.chance()
    hints = table.schedules[best.name]
    shares = [(SEARCH, policy), (RESTARTS, best)]
    for name, method in shares:
        table.search(name, method, NO_SETTING if name == SEARCH else best.name)
    table.solver(hints)
    evaluation = _evaluation(plant, table, best, config)
    return Compared(evaluation, second_sentence(evaluation), _shown(table, best))


class Table:
    """The scores of every method so far, on the same days."""

    def __init__(
        self, days: Sequence[Scenario], clock: Clock, watch: Watch, config: EvaluateConfig
    ) -> None:
        self.days, self.clock, self.watch, self.config = days, clock, watch, config
        self.timed = min(config.timed_days, len(days))
        self.scores: list[Scores] = []
        self.schedules: dict[str, list[Judged]] = {}
        self.missing: dict[str, str] = {}
        self.passes = 0
        self._searching = 0
        self._pass_s = 0.0
        self._began_s = clock.elapsed_s()

    def play(
        self, name: str, kind: Kind, policy: Policy, *, words: str = "", batch: int | None = None
    ) -> None:
        """Add the greedy schedules of a method on every day."""
        self._tell(name)
        found = greedy(self.days, policy, name, self.clock, batch=batch or self.config.batch)
        self._add(name, kind, found, words, 0.0)

    def chance(self) -> None:
        """Add random choice, drawn by (seed, day, decision)."""
        self._tell("random")
        found = [
            greedy([day], Dice(self.config.seed * 1_000_003 + k), "random", self.clock)[0]
            for k, day in enumerate(self.days)
        ]
        self._add("random", "reference", found, "", 0.0)

    def search(self, name: str, policy: Policy, words: str) -> None:
        """Add the best schedule that a method draws within the time."""
        found = []
        for k in range(self.timed):
            self._tell(name)
            self._searching += 1
            began_s = self.clock.elapsed_s()
            result = jobshop.plan(
                self.days[k], policy, self.config.time_s, seed=self.config.seed, clock=self.clock
            )
            spent_s = self.clock.elapsed_s() - began_s
            found.append(judged(replace(result.schedule, method=name), spent_s))
        self._add(name, "search", found, words, self.config.time_s)

    def solver(self, hints: Sequence[Judged]) -> None:
        """Add CP-SAT, warm-started with the best rule's schedule, whose time counts too."""
        found = []
        for k in range(self.timed):
            self._tell(SOLVER)
            self._searching += 1
            began_s = self.clock.elapsed_s()
            left_s = max(0.1, self.config.time_s - hints[k].spent_s)
            try:
                solution = WORLD.solve(
                    self.days[k],
                    self.config.objective,
                    left_s,
                    threads=self.config.threads,
                    hint=hints[k].schedule,
                )
            except SolverError as error:
                self.missing[SOLVER] = str(error.problems[0])
                return
            spent_s = self.clock.elapsed_s() - began_s + hints[k].spent_s
            found.append(judged(replace(solution.schedule, method=SOLVER), spent_s))
        self._add(SOLVER, "solver", found, "warm-started with the best rule", self.config.time_s)

    def _add(
        self, name: str, kind: Kind, found: Sequence[Judged], words: str, time_s: float
    ) -> None:
        if not found:
            return
        self.schedules[name] = list(found)
        blank = [float("nan")] * (len(self.days) - len(found))
        kpi = {
            each.name: tuple([one.kpi[each.name] for one in found] + blank)
            for each in WORLD.spec.kpis
        }
        spent_s = float(np.mean([one.spent_s for one in found]))
        self.scores.append(
            Scores(name=name, kind=kind, setting=words, time_s=time_s, kpi=kpi, spent_s=spent_s)
        )

    def _tell(self, name: str) -> None:
        """Tell who is next, and how much of the whole comparison is behind us."""
        elapsed_s = self.clock.elapsed_s() - self._began_s
        passes = sum(scores.time_s == 0 for scores in self.scores)
        each_s = elapsed_s / max(1, passes) if not self._searching else self._pass_s
        if not self._searching:
            self._pass_s = each_s
        searches = 3 * self.timed - self._searching
        left_s = max(0, self.passes - passes) * each_s + searches * self.config.time_s
        whole_s = max(elapsed_s + left_s, 1e-3)
        self.watch("evaluate", elapsed_s / whole_s, {"method": name})


def _evaluation(
    plant: Scenario | None, table: Table, best: Rule, config: EvaluateConfig
) -> Evaluation:
    """Return the record, with the verdict computed."""
    of = {scores.name: scores for scores in table.scores}
    dated = any(WORLD.has_dues(day) for day in table.days)
    kpi = "weighted_tardiness_h" if dated else "makespan_h"
    difference = paired(of[POLICY].of(kpi), of[best.name].of(kpi))
    found, sentence = verdict(difference, best.name, counted(kpi))
    facts: dict[str, Any] = {
        "days": len(table.days),
        "timed_days": table.timed,
        "time_s": config.time_s,
        "threads": config.threads,
        "seed": config.seed,
        "missing": table.missing,
        "objective": dict(config.objective),
    }
    return Evaluation(
        world=WORLD.name,
        scenario=plant.name if plant else "generated shops",
        cases=tuple(f"day {k + 1}" for k in range(len(table.days))),
        kpi=kpi,
        methods=tuple(table.scores),
        policy=POLICY,
        best_rule=best.name,
        verdict=found.value,
        sentence=sentence,
        facts=facts,
    )


def _shown(table: Table, best: Rule) -> dict[str, Schedule]:
    """Return the schedules of the first day that the report draws."""
    return {name: table.schedules[name][0].schedule for name in (POLICY, best.name)}
