# SPDX-License-Identifier: MIT
"""Tuned rules as plain data in a run folder, and back."""

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from flyball.experiments.runs import read_json, write_json
from flyball.worlds.jobshop import RULES, Rule

TUNED = ("patience", "lead", "look_ahead", "setup_look_ahead")
"""Fields that tuning chooses."""

USES = {
    "slack": ("patience", "lead"),
    "ATC": ("patience", "lead", "look_ahead"),
    "ATCS": TUNED,
}
"""Which of them matter to a rule; all others have patience only."""


def save_rules(path: Path, rules: Sequence[Rule]) -> None:
    """Write rules in order, the best first."""
    write_json(path, [{"name": r.name} | {key: getattr(r, key) for key in TUNED} for r in rules])


def load_rules(path: Path) -> list[Rule]:
    """Return the rules that `save_rules` wrote."""
    records: list[dict[str, Any]] = read_json(path)
    return [
        replace(RULES[each["name"]], **{key: each[key] for key in TUNED if key in each})
        for each in records
    ]


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
