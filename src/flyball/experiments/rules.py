# SPDX-License-Identifier: MIT
"""Tuned rules as plain data in a run folder, and back."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

from flyball.core.errors import Problem, RunError
from flyball.experiments.runs import append_line, read_json, write_json
from flyball.worlds.jobshop import RULES, Rule, Trial

TUNED = ("patience", "lead", "look_ahead", "setup_look_ahead")
"""Fields that tuning chooses."""

USES = {
    "slack": ("patience", "lead"),
    "ATC": ("patience", "lead", "look_ahead"),
    "ATCS": TUNED,
}
"""Which of them matter to a rule; all others have patience only."""


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
