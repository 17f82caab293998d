# SPDX-License-Identifier: MIT
"""Put a policy beside its rivals and the known optimum, on episodes nobody trained on.

Every method plays the same held-out episodes. Which rival is the best is settled on validation
episodes, before one of those is drawn.
"""

from collections.abc import Mapping
from dataclasses import asdict, replace
from pathlib import Path
from typing import NamedTuple

import numpy as np

from flyball.core.batch import Doubles
from flyball.core.clock import Clock, SystemClock
from flyball.core.errors import ConfigError, Problem, RunError
from flyball.core.evaluation import Evaluation, Kind, Scores, paired
from flyball.core.protocols import Policy
from flyball.experiments import runs
from flyball.experiments.measure import Played, outcomes, over
from flyball.experiments.runs import Watch
from flyball.experiments.settings import build, read_toml
from flyball.experiments.shielding import ShieldSettings, placed
from flyball.experiments.streams import Stream
from flyball.experiments.subject import Subject
from flyball.experiments.verdict import Against, Bound, bounded, leaning, verdict
from flyball.policies import load

POLICY = "policy"
ALONE = "policy, Shield off"
BEHIND = ", behind the Shield"
"""Ending of the names of rivals that play behind the policy's Shield."""

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
    subject = subject_in(folder)
    policy = policy_in(folder, subject)
    evaluation = compare(subject, policy, episodes, watch, clock or SystemClock())
    runs.write_json(folder / runs.EVALUATION, evaluation.as_json())
    return evaluation


def subject_in(folder: Path) -> Subject:
    """Return what a run is about, its Shield included; raise RunError where there is none."""
    manifest = runs.read_manifest(folder, "scenario")
    table = placed(read_toml(folder / runs.SETTINGS), folder).get("shield")
    shield = None if table is None else build(ShieldSettings, table, f"{runs.SETTINGS} [shield]")
    return Subject(str(manifest["world"]), manifest["scenario"], shield)


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
    """Compare a policy with the rivals of its problem on as many held-out episodes.

    A policy with a Shield is judged behind it, and shown without it too.
    """
    rivals = contenders(subject)
    against = settled(subject, rivals)
    own = {POLICY: Contender(subject, policy)}
    if shielded(subject):
        own[ALONE] = Contender(bare(subject), policy)
    methods = []
    for k, (name, method) in enumerate((everybody := own | rivals).items()):
        watch("evaluate", k / len(everybody), {"method": name})
        began_s = clock.elapsed_s()
        found = played(name, method, Stream.EVALUATE, episodes)
        spent_s = (clock.elapsed_s() - began_s) / episodes
        methods.append(_scores(name, method.subject, found, spent_s))
    of = {scores.name: scores for scores in methods}
    kpi = subject.spec.kpis[0]
    difference = paired(of[POLICY].of(kpi.name), of[against.rival].of(kpi.name))
    limits = limits_of(subject, of[POLICY])
    found_verdict, sentence = verdict(difference, kpi, against, limits)
    if shielded(subject):
        alone, changed = of[ALONE], float(np.mean(of[POLICY].changed))
        worth = leaning(changed, alone.mean(kpi.name), kpi, limits_of(subject, alone))
        sentence = f"{sentence} {worth}"
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
            "limits": [asdict(each) for each in limits],
        },
    )


class Contender(NamedTuple):
    """A method, and where it plays."""

    subject: Subject  # with a Shield, or without
    policy: Policy


def shielded(subject: Subject) -> bool:
    """Return whether a Shield stands before the plant."""
    return subject.shield is not None and subject.shield.on


def bare(subject: Subject) -> Subject:
    """Return the same without a Shield."""
    return replace(subject, shield=None)


def contenders(subject: Subject) -> dict[str, Contender]:
    """Return the rivals as they run today, and behind the policy's Shield if it has one."""
    found = {name: Contender(bare(subject), each) for name, each in bare(subject).rivals().items()}
    if shielded(subject):
        found |= {
            f"{name}{BEHIND}": Contender(subject, each.policy)
            for name, each in found.items()
            if name not in REFERENCES
        }
    return found


def settled(subject: Subject, rivals: Mapping[str, Contender]) -> Against:
    """Return the best rival by validation episodes, and what is known of the optimum.

    One that breaks a limit is none that anybody may run: it is the best only where all do.
    """
    sign = 1.0 if subject.spec.kpis[0].sense == "max" else -1.0
    found = {
        name: played(name, method, Stream.VALIDATE, VALIDATED) for name, method in rivals.items()
    }
    mean = {name: float(each.kpi[:, 0].mean()) for name, each in found.items()}
    serious = [name for name in mean if name not in REFERENCES] or list(mean)
    least = min(over(subject.spec, found[name]) for name in serious)
    careful = [name for name in serious if over(subject.spec, found[name]) == least]
    best = max(careful, key=lambda name: sign * mean[name])
    known = subject.known()
    return Against(
        rival=best,
        span=abs(mean[best] - mean.get("random", mean[best])),
        optimum=None if known is None else known.value,
        exact=known is None or known.exact,
    )


def limits_of(subject: Subject, scores: Scores) -> list[Bound]:
    """Return what the costs of a method came to, beside their limits."""
    return [bounded(cost, np.array(scores.cost[cost.name])) for cost in subject.spec.costs]


def played(name: str, method: Contender, stream: Stream, n_episodes: int) -> Played:
    """Return the episodes of a method; random choice draws, everybody else is greedy."""
    draw = 0 if name == "random" else None
    return outcomes(method.subject, method.policy, stream, n_episodes, draw=draw)


def _scores(name: str, subject: Subject, found: Played, spent_s: float) -> Scores:
    own = name in (POLICY, ALONE)
    kind: Kind = "policy" if own else "reference" if name in REFERENCES else "rule"
    spec = subject.spec
    return Scores(
        name=name,
        kind=kind,
        setting="",
        time_s=0.0,
        kpi={each.name: tuple(found.kpi[:, q].tolist()) for q, each in enumerate(spec.kpis)},
        spent_s=spent_s,
        cost={each.name: tuple(found.cost[:, c].tolist()) for c, each in enumerate(spec.costs)},
        changed=tuple(found.changed.tolist()) if shielded(subject) else (),
    )


def ranked(evaluation: Evaluation) -> list[Scores]:
    """Return the methods, the best mean of the figure first."""
    sign = -1.0 if evaluation.facts["sense"] == "max" else 1.0
    return sorted(evaluation.methods, key=lambda each: sign * each.mean(evaluation.kpi))


def half_width(values: Doubles) -> float:
    """Return half of the 95 % interval of a mean over held-out episodes."""
    return paired(values, np.zeros_like(values)).high - float(values.mean())
