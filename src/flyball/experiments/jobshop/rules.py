# SPDX-License-Identifier: MIT
"""Rules tuned on a pool of shops, as plain data in a run folder, and back."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np

from flyball.core.batch import Doubles
from flyball.core.errors import Problem, RunError
from flyball.experiments import runs
from flyball.experiments.jobshop.pool import Pool
from flyball.experiments.runs import Watch, append_line, read_json, write_json
from flyball.worlds.jobshop import RULES, WORLD, Rule, Trial, outcomes, tune

TUNED = ("patience", "lead", "look_ahead", "setup_look_ahead")
"""Fields that tuning chooses."""

USES = {
    "slack": ("patience", "lead"),
    "ATC": ("patience", "lead", "look_ahead"),
    "ATCS": TUNED,
}
"""Which of them matter to a rule; all others have patience only."""


N_RANKING = 40
"""Own days on which, with the validation days, the leading rules are ranked."""

N_LEADING = 4
"""Rules that are measured on every day of the pool: one of them is the best rule of each shop."""


@dataclass(frozen=True, kw_only=True)
class Tuning:
    """How the search for the best settings ended."""

    converged: bool
    """Whether no single setting helps any more; else the time was over before."""

    trials: int
    """Settings that were tried, of all rules together."""

    shops: int
    """Training shops that each of them was tried on."""

    def words(self) -> str:
        """Return it as a sentence."""
        end = "until no single setting helped" if self.converged else "until the time was over"
        return (
            f"The rules were tuned on {self.shops} training shops {end}: {self.trials} settings "
            f"were tried."
        )


def tuned_rules(
    folder: Path, pool: Pool, objective: Mapping[str, float], seconds: float, watch: Watch
) -> list[Rule]:
    """Return every rule at its best setting on the pool, the best rule first; once a run.

    Finished trials are kept, so a run that is killed meanwhile loses one round of them at most.
    """
    path = folder / runs.RULES
    if not path.is_file():

        def progress(share: float, trial: Trial) -> None:
            watch("tune", share, {"best_rule": trial.rule.name, "hours": trial.score})

        trials = folder / runs.TRIALS
        found = tune(
            pool.tuning,
            seconds,
            progress=progress,
            known=read_trials(trials),
            keep=lambda fresh: append_trials(trials, fresh),
        )
        tuned = [trial.rule for trial in found.best]
        # Which of them is best is settled on many more days than a setting can be tried on.
        days = (*pool.own[:N_RANKING], *pool.validation)
        leading, others = tuned[:N_LEADING], tuned[N_LEADING:]
        mean = [float((outcomes(days, rule) @ cost_weights(objective)).mean()) for rule in leading]
        order = np.argsort(mean, kind="stable")
        tuning = Tuning(converged=found.converged, trials=found.tried, shops=len(pool.tuning))
        save_rules(path, [*(leading[k] for k in order), *others], tuning)
    return load_rules(path)


def cost_weights(objective: Mapping[str, float]) -> Doubles:
    """Return what each KPI of an outcome costs, shape (Q,)."""
    return np.array([objective.get(kpi.name, 0.0) for kpi in WORLD.spec.kpis])


def save_rules(path: Path, rules: Sequence[Rule], tuning: Tuning) -> None:
    """Write rules in order, the best first, and how they were found."""
    write_json(path, {"tuning": asdict(tuning), "rules": [_plain(rule) for rule in rules]})


def load_rules(path: Path) -> list[Rule]:
    """Return the rules that `save_rules` wrote."""
    return [_rule(each) for each in _saved(path)["rules"]]


def load_tuning(path: Path) -> Tuning:
    """Return how the rules that `save_rules` wrote were found."""
    return Tuning(**_saved(path)["tuning"])


def _saved(path: Path) -> dict[str, Any]:
    saved = read_json(path)
    if not isinstance(saved, dict) or not {"rules", "tuning"} <= saved.keys():
        raise RunError(
            Problem(
                where=str(path),
                found="rules without how they were tuned",
                allowed="a file as this version of flyball writes it",
                fix="train anew",
            )
        )
    return saved


def append_trials(path: Path, trials: Sequence[Trial]) -> None:
    """Keep trials at the end of a file, one a line, so that a kill loses none of them."""
    for trial in trials:
        append_line(path, _plain(trial.rule) | {"score": trial.score})


def read_trials(path: Path) -> dict[Rule, float]:
    """Return the scores that `append_trials` kept; a line that a kill cut in two is skipped."""
    found: dict[Rule, float] = {}
    for line in path.read_text(encoding="utf-8").splitlines() if path.is_file() else ():
        try:
            record = json.loads(line)
        except ValueError:
            continue
        found[_rule(record)] = float(record["score"])
    return found


def _plain(rule: Rule) -> dict[str, Any]:
    return {"name": rule.name} | {key: getattr(rule, key) for key in TUNED}


def _rule(record: Mapping[str, Any]) -> Rule:
    return replace(RULES[record["name"]], **{key: record[key] for key in TUNED if key in record})


def setting(rule: Rule) -> str:
    """Return how a rule is set, in words; empty at the textbook's setting."""
    words = {
        "patience": "passes over what cannot start now",
        "lead": f"lead {rule.lead:g}",
        "look_ahead": f"k {rule.look_ahead:g}",
        "setup_look_ahead": f"set-up k {rule.setup_look_ahead:g}",
    }
    plain = RULES[rule.name]
    used = USES.get(rule.name, ("patience",))
    return ", ".join(words[key] for key in used if getattr(rule, key) != getattr(plain, key))
