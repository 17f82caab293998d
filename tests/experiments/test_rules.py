# SPDX-License-Identifier: MIT
from dataclasses import replace

import pytest

from flyball.experiments.rules import load_rules, save_rules, setting
from flyball.worlds.jobshop import RULES


def test_tuned_rules_survive_a_file_in_their_order(tmp_path):
    tuned = [replace(RULES["ATCS"], lead=2.0, look_ahead=4.0, patience=True), RULES["EDD"]]

    save_rules(tmp_path / "rules.json", tuned)

    assert load_rules(tmp_path / "rules.json") == tuned


@pytest.mark.parametrize(
    ("rule", "words"),
    [
        (RULES["ATC"], ""),
        (replace(RULES["ATC"], look_ahead=8.0), "k 8"),
        (replace(RULES["EDD"], patience=True), "passes over what cannot start now"),
        (replace(RULES["ATCS"], lead=1.5, setup_look_ahead=0.2), "lead 1.5, set-up k 0.2"),
        (replace(RULES["EDD"], look_ahead=8.0), ""),
    ],
)
def test_a_setting_names_what_differs_from_the_textbook_and_matters(rule, words):
    assert setting(rule) == words
