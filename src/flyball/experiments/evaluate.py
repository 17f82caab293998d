# SPDX-License-Identifier: MIT
"""Put a policy beside its rivals and the known optimum, on episodes nobody trained on.

Every method plays the same held-out episodes. Which rival is the best is settled on validation
episodes, before one of those is drawn.
"""

from collections.abc import Mapping
from pathlib import Path

import numpy as np

from flyball.core.batch import Doubles
from flyball.core.clock import Clock, SystemClock
from flyball.core.errors import ConfigError, Problem, RunError
from flyball.core.evaluation import Evaluation, Kind, Scores, paired
from flyball.core.protocols import Policy
from flyball.experiments import runs
from flyball.experiments.measure import outcomes
from flyball.experiments.runs import Watch
from flyball.experiments.streams import Stream
from flyball.experiments.subject import Subject
from flyball.experiments.verdict import Against, verdict
from flyball.policies import load

POLICY = "policy"
REFERENCES = ("random", "constant")
"""Rivals that stand in every table as the floor."""

MOST_EPISODES = 100_000

VALIDATED = 50
"""Validation episodes on which the best rival is settled."""


def evaluate_run(
    folder: Path, watch: Watch, *, episodes: int = 100, clock: Clock | None = None
) -> Evaluation:
    """Compare the policy of a run with every rival; write ``evaluation.json`` into the run.

    Raises
    ------
    RunError
        When there is no run, or none with a policy.
    ConfigError
        When the number of episodes makes no comparison.
    """
    if not 2 <= episodes <= MOST_EPISODES:
        raise ConfigError(
            Problem(
                where="--episodes",
                found=str(episodes),
                allowed=f"2 to {MOST_EPISODES:,}",
                fix="leave it out for 100",
            )
        )
    manifest = runs.read_manifest(folder, "scenario")
    subject = Subject(str(manifest["world"]), manifest["scenario"])
    policy = policy_in(folder, subject)
    evaluation = compare(subject, policy, episodes, watch, clock or SystemClock())
    runs.write_json(folder / runs.EVALUATION, evaluation.as_json())
    return evaluation


def policy_in(folder: Path, subject: Subject) -> Policy:
    """Return the policy of a run; raise RunError where it has none yet."""
    if not (folder / runs.BUNDLE).is_dir():
        raise RunError(
            Problem(
                where=str(folder),
                found="no policy: its training was killed before its end",
                allowed="a run that has ended, or that Ctrl-C stopped",
                fix=f"flyball train --resume {folder}",
            )
        )
    return load(folder / runs.BUNDLE, subject.spec)


def compare(
    subject: Subject, policy: Policy, episodes: int, watch: Watch, clock: Clock
) -> Evaluation:
    """Compare a policy with the rivals of its problem on as many held-out episodes."""
    rivals = subject.rivals()
    against = settled(subject, rivals)
    methods = []
    for k, (name, method) in enumerate([(POLICY, policy), *rivals.items()]):
        watch("evaluate", k / (len(rivals) + 1), {"method": name})
        began_s = clock.elapsed_s()
        found = played(subject, name, method, Stream.EVALUATE, episodes)
        spent_s = (clock.elapsed_s() - began_s) / episodes
        methods.append(_scores(subject, name, found, spent_s))
    of = {scores.name: scores for scores in methods}
    kpi = subject.spec.kpis[0]
    difference = paired(of[POLICY].of(kpi.name), of[against.rival].of(kpi.name))
    found_verdict, sentence = verdict(difference, kpi, against)
    return Evaluation(
        world=subject.name,
        scenario=", ".join(f"{key} {value}" for key, value in subject.settings.items()),
        cases=tuple(f"episode {k + 1}" for k in range(episodes)),
        kpi=kpi.name,
        methods=tuple(methods),
        policy=POLICY,
        best_rule=against.rival,
        verdict=found_verdict.value,
        sentence=sentence,
        facts={
            "episodes": episodes,
            "sense": kpi.sense,
            "unit": kpi.unit,
            "optimum": against.optimum,
            "exact": against.exact,
        },
    )


def settled(subject: Subject, rivals: Mapping[str, Policy]) -> Against:
    """Return the best rival by validation episodes, and what is known of the optimum."""
    sign = 1.0 if subject.spec.kpis[0].sense == "max" else -1.0
    mean = {
        name: float(played(subject, name, method, Stream.VALIDATE, VALIDATED)[:, 0].mean())
        for name, method in rivals.items()
    }
    serious = [name for name in mean if name not in REFERENCES] or list(mean)
    best = max(serious, key=lambda name: sign * mean[name])
    known = subject.known()
    return Against(
        rival=best,
        span=abs(mean[best] - mean.get("random", mean[best])),
        optimum=None if known is None else known.value,
        exact=known is None or known.exact,
    )


def played(subject: Subject, name: str, method: Policy, stream: Stream, n_episodes: int) -> Doubles:
    """Return the KPIs of a method; random choice draws, everybody else is greedy."""
    return outcomes(subject, method, stream, n_episodes, draw=0 if name == "random" else None)


def _scores(subject: Subject, name: str, found: Doubles, spent_s: float) -> Scores:
    kind: Kind = "policy" if name == POLICY else "reference" if name in REFERENCES else "rule"
    kpi = {
        each.name: tuple(float(value) for value in found[:, q])
        for q, each in enumerate(subject.spec.kpis)
    }
    return Scores(name=name, kind=kind, setting="", time_s=0.0, kpi=kpi, spent_s=spent_s)


def ranked(evaluation: Evaluation) -> list[Scores]:
    """Return the methods, the best mean of the figure first."""
    sign = -1.0 if evaluation.facts["sense"] == "max" else 1.0
    return sorted(evaluation.methods, key=lambda each: sign * each.mean(evaluation.kpi))


def half_width(values: Doubles) -> float:
    """Return half of the 95 % interval of a mean over held-out episodes."""
    return paired(values, np.zeros_like(values)).high - float(values.mean())
